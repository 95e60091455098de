#include "base/err.h"
#include "base/mem.h"
#include "base/parallel_for.h"
#include "learn/train_private.h"
#include "math/vec.h"
#include "model/model.h"

#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct folding {
	const struct train *t;
	char *rows;
	float *scales;
	float *scratch; /* (workers, d + d_out) */
	atomic_bool unfit;
};

static float weight_of(const struct train *t, size_t id)
{
	uint32_t word = t->table.words_of[id];

	return word == VOCAB_UNKNOWN ? train_start_weight(t, (uint32_t)id) : t->table.weights[word];
}

/* Weight times row of the model's word `id`, through the matrix. */
static const float *fold(const struct train *t, size_t id, float *row, float *out)
{
	const struct table *table = &t->table;
	uint32_t word = table->words_of[id];

	if (word == VOCAB_UNKNOWN)
		rows_get(row, &t->m->rows, (uint32_t)id);
	else
		memcpy(row, table->rows.x + word * table->d, table->d * sizeof(*row));
	vec_scale(row, weight_of(t, id), table->d);
	if (!table->matrix.x)
		return row;
	vec_times_matrix(out, row, table->matrix.x, table->d, table->d_out);
	return out;
}

static void fold_share(void *context, size_t worker, size_t workers)
{
	struct folding *f = context;
	const struct train *t = f->t;
	const struct rows *rows = &t->m->rows;
	size_t wide = t->table.d_out;
	float *row = f->scratch + worker * (rows->d + wide);
	size_t start;
	size_t stop = parallel_share(rows->n, 64, worker, workers, &start);

	for (size_t i = start; i < stop; i++) {
		const float *x = fold(t, i, row, row + rows->d);
		float scale;

		if (!rows_fit(rows->type, x, wide)) {
			atomic_store(&f->unfit, true);
			return;
		}
		rows_encode(f->rows + i * wide * rows_type_size(rows->type), &scale, rows->type, x, wide);
		if (f->scales)
			f->scales[i] = scale;
	}
}

static int fold_rows(const struct train *t, struct model *parts, struct owned *owned, struct err *err)
{
	size_t n = t->m->rows.n;
	size_t wide = t->table.d_out;
	bool scaled = t->m->rows.type == ROWS_I8;
	struct folding f = { .t = t };

	f.rows = owned_memory(owned, mem_try_aligned(n, wide * rows_type_size(t->m->rows.type), err));
	f.scales = scaled ? owned_memory(owned, mem_try_aligned(n, sizeof(float), err)) : NULL;
	if (!f.rows || (scaled && !f.scales))
		return -1;
	f.scratch = mem_try_aligned(threads_count(t->threads), (t->m->rows.d + wide) * sizeof(float), err);
	if (!f.scratch)
		return -1;
	parallel_for(t->threads, fold_share, &f);
	free(f.scratch);
	if (atomic_load(&f.unfit))
		return err_set(
			err, ERR_INPUT,
			"a trained row does not fit the model's number format; import the vectors as f32");
	parts->rows.data = f.rows;
	parts->rows.scales = f.scales;
	parts->rows.d = wide;
	return 0;
}

static int take_parts(const struct train *t, struct model *parts, struct owned *owned, struct err *err)
{
	const struct param *matrix = &t->table.matrix;
	float *weights = owned_memory(owned, mem_try_aligned(t->m->rows.n, sizeof(float), err));
	float *projection;

	if (!weights)
		return -1;
	for (size_t i = 0; i < t->m->rows.n; i++)
		weights[i] = weight_of(t, i);
	parts->weights = weights;
	if (!matrix->x)
		return 0;
	projection = owned_memory(owned, mem_try_aligned(matrix->n, sizeof(float), err));
	if (!projection)
		return -1;
	memcpy(projection, matrix->x, matrix->n * sizeof(float));
	parts->projection = projection;
	return 0;
}

struct model *train_result(const struct train *t, struct err *err)
{
	struct owned owned = { 0 };
	struct model *ground = t->m->base ? t->m->base : t->m;
	struct model parts = { .rows = t->m->rows,
			       .vocab = t->m->vocab,
			       .rules = t->m->rules,
			       .d_out = t->table.d_out,
			       .facts = { .method = METHOD_LEARNED } };
	bool folds = t->o->learn == TRAIN_VECTORS;

	memcpy(parts.facts.source, t->m->facts.source, sizeof(parts.facts.source));
	memcpy(parts.facts.corpus, t->pairs.digest, sizeof(parts.facts.corpus));
	if (folds ? fold_rows(t, &parts, &owned, err) : take_parts(t, &parts, &owned, err)) {
		owned_free(&owned);
		return NULL;
	}
	if (folds) {
		parts.counts = ground->counts;
		owned_model(&owned, ground);
	} else {
		parts.base = ground;
	}
	return model_of_parts(&parts, &owned, err);
}
