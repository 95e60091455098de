#include "base/err.h"
#include "base/mem.h"
#include "base/parallel_for.h"
#include "learn/train_private.h"
#include "math/sif.h"
#include "model/model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool weighted(const struct train *t)
{
	const struct model *m = t->m;

	return m->weights && !m->facts.folded && t->method != METHOD_SUM && t->method != METHOD_MEAN;
}

float train_start_weight(const struct train *t, uint32_t id)
{
	return weighted(t) ? fmaxf(t->m->weights[id], least_weight) : 1.0f;
}

static void mark(const struct texts *texts, uint32_t *words_of)
{
	for (size_t i = 0; i < texts_count(texts); i++) {
		size_t n;
		const uint32_t *words = texts_words(texts, (uint32_t)i, &n);

		for (size_t j = 0; j < n; j++)
			words_of[words[j]] = 0;
	}
}

/* New numbers for the words that pairs and dev sets hold. */
static int number_words(struct train *t, struct err *err)
{
	struct table *table = &t->table;
	size_t n = t->m->rows.n;

	table->words_of = mem_try(n, sizeof(*table->words_of), err);
	if (!table->words_of)
		return -1;
	for (size_t i = 0; i < n; i++)
		table->words_of[i] = VOCAB_UNKNOWN;
	mark(t->pairs.texts, table->words_of);
	if (t->o->dev_n)
		mark(t->dev.texts, table->words_of);
	for (size_t i = 0; i < n; i++)
		if (table->words_of[i] != VOCAB_UNKNOWN)
			table->words_of[i] = (uint32_t)table->words++;
	table->ids = mem_try(table->words, sizeof(*table->ids), err);
	if (!table->ids)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (table->words_of[i] != VOCAB_UNKNOWN)
			table->ids[table->words_of[i]] = (uint32_t)i;
	return 0;
}

static int renumber(struct passages *p, const struct texts *texts, const uint32_t *words_of, struct err *err)
{
	size_t at = 0;

	p->n = texts_count(texts);
	p->starts = mem_try(p->n + 1, sizeof(*p->starts), err);
	p->words = mem_try((size_t)texts_known(texts), sizeof(*p->words), err);
	if (!p->starts || !p->words)
		return -1;
	for (size_t i = 0; i < p->n; i++) {
		size_t n;
		const uint32_t *words = texts_words(texts, (uint32_t)i, &n);

		for (size_t j = 0; j < n; j++)
			p->words[at++] = words_of[words[j]];
		p->starts[i + 1] = at;
	}
	return 0;
}

static int allocate(struct param *l, size_t n, bool moves, bool pulled, struct err *err)
{
	l->n = n;
	l->x = mem_try_aligned(n, sizeof(float), err);
	if (!l->x)
		return -1;
	if (pulled && !(l->start = mem_try_aligned(n, sizeof(float), err)))
		return -1;
	if (!moves)
		return 0;
	l->m = mem_try_aligned(n, sizeof(float), err);
	l->v = mem_try_aligned(n, sizeof(float), err);
	return l->m && l->v ? 0 : -1;
}

/* The whitening or the removal of components as a matrix (d, d_out), cut to its first columns or widened. */
static void start_matrix(const struct train *t, float *to, float *row)
{
	const struct model *m = t->m;
	size_t d = t->table.d;
	size_t wide = t->table.d_out;
	bool projects = !m->facts.folded && m->projection &&
			(t->method == METHOD_WHITEN || t->method == METHOD_LEARNED);
	bool removes = !m->facts.folded && (t->method == METHOD_SIF || t->method == METHOD_USIF);
	size_t found = projects ? m->d_out : d;

	for (size_t i = 0; i < d; i++) {
		const float *from = row;

		memset(row, 0, d * sizeof(*row));
		row[i] = 1;
		if (removes)
			sif_remove(row, m->components, m->component_scales, m->k, d);
		if (projects)
			from = m->projection + i * found;
		for (size_t j = 0; j < wide; j++)
			to[i * wide + j] = j < found ? from[j] : 0;
	}
}

static bool needs_matrix(const struct train *t)
{
	bool identity = t->m->facts.folded || t->method == METHOD_SUM || t->method == METHOD_MEAN ||
			t->method == METHOD_WEIGHTED || (t->method == METHOD_LEARNED && !t->m->projection);

	return t->o->matrix || !identity || (t->o->dimensions && t->o->dimensions != t->m->rows.d);
}

static size_t start_dimensions(const struct train *t)
{
	return t->o->dimensions ? t->o->dimensions : model_dimension(t->m, t->method);
}

static int fill_matrix(struct train *t, struct err *err)
{
	struct table *table = &t->table;
	float *row;

	if (!needs_matrix(t))
		return 0;
	if (allocate(&table->matrix, table->d * table->d_out, t->o->matrix, false, err))
		return -1;
	row = mem_try(table->d, sizeof(*row), err);
	if (!row)
		return -1;
	start_matrix(t, table->matrix.x, row);
	free(row);
	return 0;
}

static int fill_table(struct train *t, struct err *err)
{
	struct table *table = &t->table;
	bool vectors = t->o->learn == TRAIN_VECTORS;
	bool pulled = t->o->l2 > 0;

	table->d = t->m->rows.d;
	table->d_out = start_dimensions(t);
	table->weights = mem_try_aligned(table->words, sizeof(float), err);
	if (!table->weights || allocate(&table->logs, table->words, true, pulled, err) ||
	    allocate(&table->rows, table->words * table->d, vectors, pulled && vectors, err))
		return -1;
	for (size_t i = 0; i < table->words; i++) {
		table->logs.x[i] = logf(train_start_weight(t, table->ids[i]));
		rows_get(table->rows.x + i * table->d, &t->m->rows, table->ids[i]);
	}
	if (table->logs.start)
		memcpy(table->logs.start, table->logs.x, table->logs.n * sizeof(float));
	if (table->rows.start)
		memcpy(table->rows.start, table->rows.x, table->rows.n * sizeof(float));
	return fill_matrix(t, err);
}

int train_begin(struct train *t, struct err *err)
{
	if (number_words(t, err) || fill_table(t, err) ||
	    renumber(&t->texts, t->pairs.texts, t->table.words_of, err))
		return -1;
	return t->o->dev_n ? renumber(&t->dev_texts, t->dev.texts, t->table.words_of, err) : 0;
}

static void drop(struct param *l)
{
	free(l->x);
	free(l->m);
	free(l->v);
	free(l->start);
}

void train_end(struct train *t)
{
	steps_free(t->steps);
	drop(&t->table.logs);
	drop(&t->table.rows);
	drop(&t->table.matrix);
	free(t->table.ids);
	free(t->table.words_of);
	free(t->table.weights);
	free(t->texts.words);
	free(t->texts.starts);
	free(t->dev_texts.words);
	free(t->dev_texts.starts);
	free(t->dev_vectors);
	pair_epoch_free(&t->epoch);
	pairs_free(&t->pairs);
	dev_free(&t->dev);
	threads_free(t->threads);
}
