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

static const float most_f16 = 65504.0f;

/* What the model owns. */
struct result {
	void *rows;
	float *scales, *weights, *projection;
	struct model *vocabulary; /* lends its words and counts */
};

struct folding {
	const struct train *t;
	struct result *result;
	float *scratch; /* (workers, d + d_out) */
	atomic_bool unfit;
};

static void drop(void *context)
{
	struct result *r = context;

	free(r->rows);
	free(r->scales);
	free(r->weights);
	free(r->projection);
	if (r->vocabulary)
		model_release(r->vocabulary);
	free(r);
}

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

static bool fits(const float *x, size_t d, enum rows_type type)
{
	float most = type == ROWS_F16 ? most_f16 : HUGE_VALF;

	for (size_t j = 0; j < d; j++)
		if (!isfinite(x[j]) || fabsf(x[j]) > most)
			return false;
	return true;
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

		if (!fits(x, wide, rows->type)) {
			atomic_store(&f->unfit, true);
			return;
		}
		rows_encode((char *)f->result->rows + i * wide * rows_type_size(rows->type), &scale,
			    rows->type, x, wide);
		if (f->result->scales)
			f->result->scales[i] = scale;
	}
}

static int fold_rows(const struct train *t, struct result *r, struct err *err)
{
	size_t n = t->m->rows.n;
	size_t wide = t->table.d_out;
	struct folding f = { .t = t, .result = r };

	r->rows = mem_try_aligned(n, wide * rows_type_size(t->m->rows.type), err);
	f.scratch = mem_try_aligned(threads_count(t->threads), (t->m->rows.d + wide) * sizeof(float), err);
	if (t->m->rows.type == ROWS_I8)
		r->scales = mem_try_aligned(n, sizeof(float), err);
	if (r->rows && f.scratch && (r->scales || t->m->rows.type != ROWS_I8))
		parallel_for(t->threads, fold_share, &f);
	free(f.scratch);
	if (!r->rows || (t->m->rows.type == ROWS_I8 && !r->scales))
		return -1;
	if (atomic_load(&f.unfit))
		return err_set(
			err, ERR_INPUT,
			"a trained row does not fit the model's number format; import the vectors as f32");
	return 0;
}

static int take_parts(const struct train *t, struct result *r, struct err *err)
{
	const struct param *matrix = &t->table.matrix;

	r->weights = mem_try_aligned(t->m->rows.n, sizeof(float), err);
	if (!r->weights)
		return -1;
	for (size_t i = 0; i < t->m->rows.n; i++)
		r->weights[i] = weight_of(t, i);
	if (!matrix->x)
		return 0;
	r->projection = mem_try_aligned(matrix->n, sizeof(float), err);
	if (!r->projection)
		return -1;
	memcpy(r->projection, matrix->x, matrix->n * sizeof(float));
	return 0;
}

struct model *train_result(const struct train *t, struct err *err)
{
	struct result *r = mem_new(1, sizeof(*r));
	struct model *ground = t->m->base ? t->m->base : t->m;
	struct model parts = { .rows = t->m->rows,
			       .vocab = t->m->vocab,
			       .rules = t->m->rules,
			       .d_out = t->table.d_out,
			       .facts = { .method = METHOD_LEARNED } };
	bool folds = t->o->learn == TRAIN_VECTORS;
	struct model *m;

	memcpy(parts.facts.source, t->m->facts.source, sizeof(parts.facts.source));
	memcpy(parts.facts.corpus, t->pairs.digest, sizeof(parts.facts.corpus));
	if (folds ? fold_rows(t, r, err) : take_parts(t, r, err)) {
		drop(r);
		return NULL;
	}
	if (folds) {
		parts.rows.data = r->rows;
		parts.rows.scales = r->scales;
		parts.rows.d = t->table.d_out;
		parts.counts = ground->counts;
		r->vocabulary = model_retain(ground);
	} else {
		parts.weights = r->weights;
		parts.projection = r->projection;
		parts.base = ground;
	}
	m = model_of_parts(&parts, drop, r, err);
	if (!m)
		drop(r);
	return m;
}
