/* The trained LSTM as a model: over the model's own rows, or with the rows that were learnt beside it. */
#include "base/err.h"
#include "base/mem.h"
#include "learn/encoder_lstm_private.h"
#include "learn/train.h"
#include "math/mat.h"
#include "model/owned.h"
#include "text/vocab.h"

#include <stdlib.h>
#include <string.h>

/* PyTorch's tensors of the layers and the pooling's, into parts. */
static int put_lstm(const struct encoder_lstm *t, struct model *parts, struct owned *owned, struct err *err)
{
	const struct net_shape *shape = &t->shape;
	size_t width = net_outputs(shape);
	size_t floats = t->lstm.n + (size_t)NET_LAYERS_MAX * NET_DIRECTIONS_MAX * 4 * shape->h;
	float *at = owned_memory(owned, mem_try(floats, sizeof(float), err));
	const float *attention =
		shape->pooling == POOLING_RESIDUAL ? t->net.readout.gate : t->net.pool.attention;

	if (!at)
		return -1;
	for (size_t layer = 0; layer < shape->layers; layer++)
		for (size_t direction = 0; direction < shape->directions; direction++)
			at = model_lstm_put(&parts->lstm.layers[layer].directions[direction],
					    &t->net.layers[layer][direction], at);
	parts->lstm.h = shape->h;
	parts->lstm.layers_n = shape->layers;
	parts->lstm.directions_n = shape->directions;
	parts->lstm.pooling = shape->pooling;
	if (shape->pooling == POOLING_RESIDUAL) {
		parts->lstm.residual = (struct rows){ ROWS_F32, shape->d, width, at, NULL };
		at = mat_transpose(at, t->net.mix, width, shape->d);
	}
	parts->lstm.attention = attention ? at : NULL;
	if (attention)
		memcpy(at, attention, width * sizeof(float));
	return model_lstm_encode(parts, t->task.options->type, owned, err);
}

/* All rows of the model, those of the used words as they were learnt. */
static int put_rows(const struct encoder_lstm *t, struct model *parts, struct owned *owned, struct err *err)
{
	const struct model *m = t->task.m;
	enum rows_type type = t->task.options->type;
	size_t n = m->rows.n;
	size_t d = t->shape.d;
	char *rows = owned_memory(owned, mem_try_aligned(n, d * rows_type_size(type), err));
	float *scales = owned_memory(owned, mem_try_aligned(n, sizeof(float), err));
	float *row = owned_memory(owned, mem_try_aligned(d, sizeof(float), err));

	if (!rows || !scales || !row)
		return -1;
	for (size_t i = 0; i < n; i++) {
		uint32_t word = t->task.words->numbers[i];
		const float *x = word == VOCAB_UNKNOWN ? row : t->rows.x + word * d;

		if (word == VOCAB_UNKNOWN)
			rows_get(row, &m->rows, (uint32_t)i);
		if (!rows_fit(type, x, d))
			return err_set(err, ERR_INPUT, "a learnt row does not fit its number format");
		rows_encode(rows + i * d * rows_type_size(type), &scales[i], type, x, d);
	}
	parts->rows = (struct rows){ type, n, d, rows, type == ROWS_I8 ? scales : NULL };
	return 0;
}

static struct model parts_of(const struct encoder_lstm *t)
{
	struct model *m = t->task.m;
	struct model parts = *m;

	if (!t->task.teacher) {
		model_without_lstm(&parts);
		return parts;
	}
	return (struct model){ .rows = m->rows,
			       .vocab = m->vocab,
			       .rules = m->rules,
			       .d_out = t->shape.d,
			       .facts = { .method = METHOD_LEARNED, .source = "distilled" } };
}

struct model *lstm_to_model(const struct encoder *e, const char *corpus_digest, struct err *err)
{
	const struct encoder_lstm *t = (const struct encoder_lstm *)e;
	struct model *m = t->task.m;
	struct model parts = parts_of(t);
	struct owned owned = { 0 };
	bool whole = t->task.teacher || t->rows.m;

	if (t->task.teacher)
		memcpy(parts.facts.corpus, corpus_digest, sizeof(parts.facts.corpus));
	if (put_lstm(t, &parts, &owned, err) || (whole && put_rows(t, &parts, &owned, err))) {
		owned_free(&owned);
		return NULL;
	}
	owned_model(&owned, m);
	parts.base = whole ? NULL : m->base ? m->base : m;
	return model_of_parts(&parts, &owned, err);
}
