#include "base/mem.h"
#include "learn/distill_lstm_private.h"
#include "math/mat.h"
#include "model/model.h"

#include <string.h>

static void lay_out(const struct distill_lstm *t, struct model *parts, float *at)
{
	size_t width = 2 * t->h;

	for (int side = 0; side < 2; side++)
		at = model_lstm_put_run(parts, side, &t->sides[side], at);
	parts->lstm_residual = (struct rows){ ROWS_F32, t->d, width, at, NULL };
	parts->lstm_attention = at = mat_transpose(at, t->mix, width, t->d);
	memcpy(at, t->gate, width * sizeof(float));
}

struct model *distill_lstm_model(const struct distill_lstm *t, struct err *err)
{
	struct owned owned = { 0 };
	struct model parts = { .vocab = t->x.m->vocab,
			       .rules = t->x.m->rules,
			       .d_out = t->d,
			       .lstm_h = t->h,
			       .pooling = POOLING_RESIDUAL,
			       .facts = { .method = METHOD_LEARNED, .source = "distilled" } };
	float *tensors = owned_memory(&owned, mem_try(t->parameters_n + 8 * t->h, sizeof(*tensors), err));

	memcpy(parts.facts.corpus, t->x.texts_digest, sizeof(parts.facts.corpus));
	owned_model(&owned, t->x.m->base ? t->x.m->base : t->x.m); /* lends its words */
	if (!tensors || distill_encode(&t->x, &parts, &owned, err)) {
		owned_free(&owned);
		return NULL;
	}
	lay_out(t, &parts, tensors);
	if (model_lstm_encode(&parts, t->o->type, &owned, err)) {
		owned_free(&owned);
		return NULL;
	}
	return model_of_parts(&parts, &owned, err);
}
