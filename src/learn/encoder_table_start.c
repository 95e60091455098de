/* The word table before its first step: what the model does by a method, or the teacher's words. */
#include "base/err.h"
#include "base/mem.h"
#include "learn/encoder_table_private.h"
#include "learn/teacher.h"
#include "learn/train.h"
#include "math/sif.h"
#include "math/vec.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const float least_weight = 1e-4f; /* below it a word could not come back */
static const double pieces_share = 0.5;	 /* of "##ing" and the like, under a teacher */

static bool weighted(const struct table *t)
{
	const struct model *m = t->task.m;

	return m->weights && !m->facts.folded && t->task.start != METHOD_SUM && t->task.start != METHOD_MEAN;
}

float table_start_weight(const struct table *t, uint32_t id)
{
	return weighted(t) ? fmaxf(t->task.m->weights[id], least_weight) : 1.0f;
}

/* The whitening or the removal of components as a matrix (d, d_out), cut to its first columns or widened. */
static void start_matrix(const struct table *t, float *to, float *row)
{
	const struct model *m = t->task.m;
	int start = t->task.start;
	bool projects =
		!m->facts.folded && m->projection && (start == METHOD_WHITEN || start == METHOD_LEARNED);
	bool removes = !m->facts.folded && (start == METHOD_SIF || start == METHOD_USIF);
	size_t found = projects ? m->d_out : t->d;

	for (size_t i = 0; i < t->d; i++) {
		const float *from = row;

		memset(row, 0, t->d * sizeof(*row));
		row[i] = 1;
		if (removes)
			sif_remove(row, m->components, m->component_scales, m->k, t->d);
		if (projects)
			from = m->projection + i * found;
		for (size_t j = 0; j < t->d_out; j++)
			to[i * t->d_out + j] = j < found ? from[j] : 0;
	}
}

static bool needs_matrix(const struct table *t)
{
	const struct train_options *o = t->task.options;
	int start = t->task.start;
	bool identity = t->task.m->facts.folded || start == METHOD_SUM || start == METHOD_MEAN ||
			start == METHOD_WEIGHTED || (start == METHOD_LEARNED && !t->task.m->projection);

	return o->matrix || !identity || (o->dimensions && o->dimensions != t->d);
}

static int fill_matrix(struct table *t, struct err *err)
{
	float *row;

	if (!needs_matrix(t))
		return 0;
	if (param_allocate(&t->matrix, "matrix", t->d * t->d_out, t->task.options->matrix, false, err))
		return -1;
	row = mem_try(t->d, sizeof(*row), err);
	if (!row)
		return -1;
	start_matrix(t, t->matrix.x, row);
	free(row);
	return 0;
}

static int start_from_model(struct table *t, struct err *err)
{
	const struct train_options *o = t->task.options;
	const struct used_words *words = t->task.words;
	bool vectors = o->learn == TRAIN_VECTORS;
	bool pulled = o->l2 > 0;

	t->d = t->task.m->rows.d;
	t->d_out = o->dimensions ? o->dimensions : model_dimension(t->task.m, (enum method)t->task.start);
	t->weights = mem_try_aligned(words->n, sizeof(float), err);
	if (!t->weights || param_allocate(&t->logs, "logs", words->n, true, pulled, err) ||
	    param_allocate(&t->rows, "rows", words->n * t->d, vectors, pulled && vectors, err))
		return -1;
	for (size_t i = 0; i < words->n; i++) {
		t->logs.x[i] = logf(table_start_weight(t, words->ids[i]));
		rows_get(t->rows.x + i * t->d, &t->task.m->rows, words->ids[i]);
	}
	if (t->logs.from)
		memcpy(t->logs.from, t->logs.x, t->logs.n * sizeof(float));
	if (t->rows.from)
		memcpy(t->rows.from, t->rows.x, t->rows.n * sizeof(float));
	return fill_matrix(t, err);
}

/* ---- under a teacher ---- */

static bool is_piece(const struct model *m, size_t id)
{
	size_t n;
	const char *word = vocab_word(&m->vocab, (uint32_t)id, &n);

	return n > 2 && word[0] == '#' && word[1] == '#';
}

/* x_w = a / (a + p(w)) P y_w, y_w the model's row: the teacher's vector of the word itself. */
static int start_from_teacher(struct table *t, struct err *err)
{
	const struct teacher *teacher = t->task.teacher;
	const struct model *m = t->task.m;
	size_t wide = m->rows.d;
	size_t n = m->rows.n;
	uint64_t *counts = mem_try(n, sizeof(*counts), err);
	float *row = mem_try_aligned(wide, sizeof(float), err);
	uint64_t total = counts ? teacher_count_words(teacher, counts) : 0;

	t->d = t->d_out = teacher->d;
	if (!counts || !row || param_allocate(&t->rows, "rows", n * t->d, true, false, err)) {
		free(counts);
		free(row);
		return -1;
	}
	t->rows.v_n = n;
	for (size_t i = 0; i < n; i++) {
		double p = total ? (double)counts[i] / (double)total : 0.0;
		double share = is_piece(m, i) ? pieces_share : 1.0;
		float *to = t->rows.x + i * t->d;

		rows_get(row, &m->rows, (uint32_t)i);
		for (size_t k = 0; k < t->d; k++)
			to[k] = vec_dot(row, teacher->projection + k * wide, wide);
		vec_scale(to, (float)(share * (double)sif_weight(p, t->task.options->a)), t->d);
	}
	free(counts);
	free(row);
	return 0;
}

int table_start(struct table *t, struct err *err)
{
	return t->plain ? start_from_teacher(t, err) : start_from_model(t, err);
}
