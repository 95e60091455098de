#include "base/mem.h"
#include "learn/distill_lstm_private.h"
#include "math/mat.h"
#include "model/model.h"

#include <stdlib.h>
#include <string.h>

/* What the distilled model owns. */
struct result {
	void *rows;
	float *scales;
	float *parts;		  /* PyTorch's tensors of both directions, then W and v */
	void *coded;		  /* the weights among them in the rows' type */
	struct model *vocabulary; /* lends its words */
};

static void drop(void *context)
{
	struct result *r = context;

	free(r->rows);
	free(r->scales);
	free(r->parts);
	free(r->coded);
	if (r->vocabulary)
		model_release(r->vocabulary);
	free(r);
}

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
	struct result *r = mem_new(1, sizeof(*r));
	struct model *ground = t->x.m->base ? t->x.m->base : t->x.m;
	enum rows_type type = t->o->type;
	struct model parts = { .vocab = t->x.m->vocab,
			       .rules = t->x.m->rules,
			       .d_out = t->d,
			       .lstm_h = t->h,
			       .pooling = POOLING_RESIDUAL,
			       .facts = { .method = METHOD_LEARNED, .source = "distilled" } };
	struct model *m = NULL;

	memcpy(parts.facts.corpus, t->x.texts_digest, sizeof(parts.facts.corpus));
	r->rows = mem_try_aligned(t->x.words, t->d * rows_type_size(type), err);
	r->scales = mem_try_aligned(t->x.words, sizeof(float), err);
	r->parts = mem_try(t->parameters_n + 8 * t->h, sizeof(float), err);
	if (r->rows && r->scales && r->parts && distill_encode(&t->x, r->rows, r->scales, err) == 0) {
		lay_out(t, &parts, r->parts);
		r->vocabulary = model_retain(ground);
		parts.rows =
			(struct rows){ type, t->x.words, t->d, r->rows, type == ROWS_I8 ? r->scales : NULL };
		if (model_lstm_encode(&parts, type, &r->coded, err) == 0)
			m = model_of_parts(&parts, drop, r, err);
	}
	if (!m)
		drop(r);
	return m;
}
