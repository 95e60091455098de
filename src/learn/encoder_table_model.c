/* The trained word table as a model: weights and matrix over the model's rows, or rows of its own. */
#include "base/err.h"
#include "base/mem.h"
#include "base/parallel_for.h"
#include "learn/encoder_table_private.h"
#include "learn/train.h"
#include "math/vec.h"
#include "model/owned.h"
#include "text/vocab.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct baking {
	const struct table *t;
	enum rows_type type;
	void *rows;
	float *scales;	/* I8 only */
	float *scratch; /* (threads, d + d_out) */
	atomic_bool unfit;
};

static float weight_of(const struct table *t, size_t id)
{
	uint32_t word = t->task.words->numbers[id];

	return word == VOCAB_UNKNOWN ? table_start_weight(t, (uint32_t)id) : t->weights[word];
}

/* The row of the model's word `id`, times its weight, through the matrix. */
static const float *baked_row(const struct table *t, size_t id, float *row, float *out)
{
	uint32_t word = t->task.words->numbers[id];

	if (t->plain)
		return t->rows.x + id * t->d;
	if (word == VOCAB_UNKNOWN)
		rows_get(row, &t->task.m->rows, (uint32_t)id);
	else
		memcpy(row, t->rows.x + word * t->d, t->d * sizeof(*row));
	vec_scale(row, weight_of(t, id), t->d);
	if (!t->matrix.x)
		return row;
	vec_times_matrix(out, row, t->matrix.x, t->d, t->d_out);
	return out;
}

static void bake_share(void *context, size_t worker, size_t workers)
{
	struct baking *b = context;
	const struct table *t = b->t;
	size_t row_bytes = t->d_out * rows_type_size(b->type);
	float *row = b->scratch + worker * (t->d + t->d_out);
	size_t start;
	size_t stop = parallel_share(t->task.m->rows.n, 64, worker, workers, &start);

	for (size_t i = start; i < stop; i++) {
		const float *x = baked_row(t, i, row, row + t->d);
		float scale;

		if (!rows_fit(b->type, x, t->d_out)) {
			atomic_store(&b->unfit, true);
			return;
		}
		rows_encode((char *)b->rows + i * row_bytes, &scale, b->type, x, t->d_out);
		if (b->scales)
			b->scales[i] = scale;
	}
}

/* Rows that hold weight and matrix. */
static int bake_into_rows(const struct table *t, struct model *parts, struct owned *owned, struct err *err)
{
	size_t n = t->task.m->rows.n;
	struct baking b = { .t = t, .type = t->plain ? t->task.options->type : t->task.m->rows.type };
	bool bytes = b.type == ROWS_I8;

	b.rows = owned_memory(owned, mem_try_aligned(n, t->d_out * rows_type_size(b.type), err));
	b.scales = bytes ? owned_memory(owned, mem_try_aligned(n, sizeof(float), err)) : NULL;
	b.scratch = mem_try_aligned(threads_count(t->task.threads), (t->d + t->d_out) * sizeof(float), err);
	if (b.rows && b.scratch && (b.scales || !bytes))
		parallel_for(t->task.threads, bake_share, &b);
	free(b.scratch);
	if (!b.rows || !b.scratch || (bytes && !b.scales))
		return -1;
	if (atomic_load(&b.unfit))
		return err_set(err, ERR_INPUT,
			       "a trained row does not fit the number format of the rows; use f32 "
			       "(sifd import --dtype f32, or --dtype f32 with --teacher)");
	parts->rows = (struct rows){ b.type, n, t->d_out, b.rows, b.scales };
	return 0;
}

static int take_weights(const struct table *t, struct model *parts, struct owned *owned, struct err *err)
{
	size_t n = t->task.m->rows.n;
	float *weights = owned_memory(owned, mem_try_aligned(n, sizeof(float), err));
	float *projection;

	if (!weights)
		return -1;
	for (size_t i = 0; i < n; i++)
		weights[i] = weight_of(t, i);
	parts->weights = weights;
	if (!t->matrix.x)
		return 0;
	projection = owned_memory(owned, mem_try_aligned(t->matrix.n, sizeof(float), err));
	if (!projection)
		return -1;
	memcpy(projection, t->matrix.x, t->matrix.n * sizeof(float));
	parts->projection = projection;
	return 0;
}

struct model *table_to_model(const struct encoder *e, const char *corpus_digest, struct err *err)
{
	const struct table *t = (const struct table *)e;
	struct model *from = t->task.m;
	struct model *ground = from->base ? from->base : from;
	struct owned owned = { 0 };
	struct model parts = { .rows = from->rows,
			       .vocab = from->vocab,
			       .rules = from->rules,
			       .d_out = t->d_out,
			       .facts = { .method = METHOD_LEARNED, .source = "distilled" } };
	bool bakes = t->plain || t->task.options->learn == TRAIN_VECTORS;

	if (!t->plain)
		memcpy(parts.facts.source, from->facts.source, sizeof(parts.facts.source));
	memcpy(parts.facts.corpus, corpus_digest, sizeof(parts.facts.corpus));
	if (bakes ? bake_into_rows(t, &parts, &owned, err) : take_weights(t, &parts, &owned, err)) {
		owned_free(&owned);
		return NULL;
	}
	if (bakes) {
		parts.counts = t->plain ? NULL : ground->counts;
		owned_model(&owned, ground);
	} else {
		parts.base = ground;
		if (from->lstm.h && model_lstm_reads_rows(from)) /* rows stay, and so does what reads them */
			model_lend_lstm(&parts, from);
		owned_model(&owned, from);
	}
	return model_of_parts(&parts, &owned, err);
}
