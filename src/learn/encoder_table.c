/* The word table as an encoder: weighted sums of rows, through a matrix; their gradient; Adam. */
#include "base/mem.h"
#include "base/parallel_for.h"
#include "learn/adam.h"
#include "learn/encoder_table_private.h"
#include "learn/sparse_adam.h"
#include "learn/texts.h"
#include "learn/train.h"
#include "math/mat.h"
#include "math/vec.h"
#include "text/vocab.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
	PARTS = 4,  /* of a batch: products per part, so that the number of threads changes no bit */
	GRAIN = 16, /* floats of a cache line: threads share none */
	WORDS_AHEAD = 3,
	WORDS_AT_ONCE = 64,
};

static struct rows rows_of(const float *data, size_t n, size_t d)
{
	return (struct rows){ .type = ROWS_F32, .n = n, .d = d, .data = data };
}

/* ---- forward ---- */

/* The weighted sum of a text's rows. */
static void sum_rows(const struct table *t, const uint32_t *words, size_t n, float *to)
{
	struct rows rows = rows_of(t->rows.x, t->task.words->n, t->d);
	size_t first = n < WORDS_AT_ONCE ? n : WORDS_AT_ONCE;
	float weights[WORDS_AT_ONCE] = { 0 };

	if (t->plain) {
		rows_sum(to, &rows, words, NULL, n);
		return;
	}
	for (size_t i = 0; i < first; i++)
		weights[i] = t->weights[words[i]];
	rows_sum(to, &rows, words, weights, first);
	for (size_t i = first; i < n; i++)
		vec_axpy(to, t->weights[words[i]], t->rows.x + words[i] * t->d, t->d);
}

struct forward {
	const struct table *t;
	float *vectors;
};

static void forward(void *context, size_t part, size_t parts)
{
	const struct forward *f = context;
	const struct table *t = f->t;
	size_t start;
	size_t stop = parallel_share(t->batch.n, 1, part, parts, &start);

	for (size_t i = start; i < stop; i++) {
		size_t n;
		const uint32_t *words = texts_words(t->batch.texts, t->batch.numbers[i], &n);

		sum_rows(t, words, n, t->sums + i * t->d);
	}
	if (t->matrix.x && start < stop)
		mat_mul(f->vectors + start * t->d_out, t->sums + start * t->d, t->matrix.x, stop - start,
			t->d_out, t->d, 0, 0, 1, 0);
}

static int embed(struct encoder *e, const struct encoder_batch *b, float *vectors, struct err *err)
{
	struct table *t = (struct table *)e;
	struct forward f = { t, vectors };

	t->batch = *b;
	t->sums = t->matrix.x ? t->own_sums : vectors;
	for (size_t i = 0; i < b->n; i++) {
		size_t n;
		const uint32_t *words = texts_words(b->texts, b->numbers[i], &n);

		if (word_places_add(&t->places, words, n, (uint32_t)i, 0, err))
			return -1;
	}
	parallel_parts(t->task.threads, PARTS, forward, &f);
	return 0;
}

/* ---- backward ---- */

struct backward {
	const struct table *t;
	const float *d_vectors;
};

/* Through the matrix: this part's texts, and this part's rows of the matrix's own gradient. */
static void backward_part(void *context, size_t part, size_t parts)
{
	const struct backward *b = context;
	const struct table *t = b->t;
	size_t start;
	size_t stop = parallel_share(t->batch.n, 1, part, parts, &start);

	mat_mul(t->own_d_sums + start * t->d, b->d_vectors + start * t->d_out, t->matrix.x, stop - start,
		t->d, t->d_out, 0, 1, 1, 0);
	if (!t->matrix.m)
		return;
	stop = parallel_share(t->d, 1, part, parts, &start);
	mat_mul_columns(t->d_matrix + start * t->d_out, t->sums + start, t->d, b->d_vectors, stop - start,
			t->d_out, t->batch.n);
}

static void backward(struct encoder *e, const float *d_vectors)
{
	struct table *t = (struct table *)e;
	struct backward b = { t, d_vectors };

	word_places_list(&t->places);
	t->d_sums = t->matrix.x ? t->own_d_sums : d_vectors;
	if (t->matrix.x)
		parallel_parts(t->task.threads, PARTS, backward_part, &b);
}

/* ---- update ---- */

struct update {
	struct table *t;
	struct adam_step rows, logs, matrix;
};

static void update_matrix(const struct update *u, size_t worker, size_t workers)
{
	const struct table *t = u->t;
	const struct param *matrix = &t->matrix;
	size_t start;
	size_t stop = parallel_share(matrix->n, GRAIN, worker, workers, &start);

	if (start >= stop)
		return;
	adam_update(matrix->x + start, matrix->m + start, matrix->v + start, t->d_matrix + start,
		    stop - start, u->matrix);
}

static void update_row(const struct update *u, size_t word, float weight, float *gradient)
{
	const struct param *rows = &u->t->rows;
	size_t d = u->t->d;
	size_t at = word * d;
	float l2 = (float)u->t->task.options->l2;

	for (size_t i = 0; i < d; i++)
		gradient[i] *= weight;
	if (rows->from)
		for (size_t i = 0; i < d; i++)
			gradient[i] += l2 * (rows->x[at + i] - rows->from[at + i]);
	adam_update(rows->x + at, rows->m + at, rows->v + at, gradient, d, u->rows);
}

/* A word's gradient is the sum of those of its texts. */
static void update_word(const struct update *u, size_t k, float *gradient)
{
	struct table *t = u->t;
	const struct train_options *o = t->task.options;
	const struct param *logs = &t->logs;
	struct rows sums = rows_of(t->d_sums, t->batch.n, t->d);
	size_t word = t->places.words[k];
	size_t first = t->places.starts[k];
	float weight = t->weights[word];
	float slope;

	rows_sum(gradient, &sums, t->places.places + first, NULL, t->places.starts[k + 1] - first);
	slope = weight * vec_dot(gradient, t->rows.x + word * t->d, t->d);
	if (t->rows.m && o->rate > 0)
		update_row(u, word, weight, gradient);
	if (o->weight_rate <= 0)
		return;
	if (logs->from)
		slope += (float)o->l2 * (logs->x[word] - logs->from[word]);
	adam_update(logs->x + word, logs->m + word, logs->v + word, &slope, 1, u->logs);
	t->weights[word] = expf(logs->x[word]);
}

/* A word's row and moments lie far from the others': prefetch them while the words before are updated. */
static void prefetch(const struct table *t, size_t word)
{
	const struct param *rows = &t->rows;

	for (size_t i = word * t->d; rows->m && i < (word + 1) * t->d; i += GRAIN) {
		__builtin_prefetch(rows->x + i, 1);
		__builtin_prefetch(rows->m + i, 1);
		__builtin_prefetch(rows->v + i, 1);
	}
}

static void update_share(void *context, size_t worker, size_t workers)
{
	const struct update *u = context;
	struct table *t = u->t;
	size_t start;
	size_t stop = parallel_share(t->places.words_n, 1, worker, workers, &start);

	for (size_t k = start; k < stop; k++) {
		if (k + WORDS_AHEAD < stop)
			prefetch(t, t->places.words[k + WORDS_AHEAD]);
		update_word(u, k, t->scratch + worker * t->d);
	}
	if (t->matrix.m && t->task.options->matrix_rate > 0)
		update_matrix(u, worker, workers);
}

static void update(struct encoder *e, double rate, uint64_t step)
{
	struct table *t = (struct table *)e;
	const struct train_options *o = t->task.options;
	struct sparse_adam plain = { t->d, t->rows.x, t->rows.m, t->rows.v };
	struct update u = { .t = t,
			    .rows = adam_step(rate * o->rate, step),
			    .logs = adam_step(rate * o->weight_rate, step),
			    .matrix = adam_step(rate * o->matrix_rate, step) };

	if (t->plain)
		sparse_adam_update(&plain, &t->places, t->d_sums, rate * o->rate, step, t->scratch,
				   t->task.threads);
	else
		parallel_for(t->task.threads, update_share, &u);
}

static void refresh(struct encoder *e)
{
	struct table *t = (struct table *)e;

	for (size_t i = 0; i < t->logs.n; i++)
		t->weights[i] = expf(t->logs.x[i]);
}

/* ---- dev ---- */

struct dev_pass {
	const struct table *t;
	const struct texts *texts;
	float *vectors;
};

static void embed_dev_share(void *context, size_t worker, size_t workers)
{
	const struct dev_pass *p = context;
	const struct table *t = p->t;
	float *scratch = t->scratch + worker * t->d;
	size_t start;
	size_t stop = parallel_share(texts_count(p->texts), 1, worker, workers, &start);

	for (size_t i = start; i < stop; i++) {
		float *to = p->vectors + i * t->d_out;
		size_t n;
		const uint32_t *words = texts_words(p->texts, (uint32_t)i, &n);

		sum_rows(t, words, n, t->matrix.x ? scratch : to);
		if (t->matrix.x)
			vec_times_matrix(to, scratch, t->matrix.x, t->d, t->d_out);
	}
}

static int embed_dev(struct encoder *e, const struct texts *texts, float *vectors, struct err *err)
{
	const struct table *t = (const struct table *)e;
	struct dev_pass p = { .t = t, .texts = texts };

	(void)err;
	p.vectors = vectors;
	parallel_for(t->task.threads, embed_dev_share, &p);
	return 0;
}

/* ---- memory ---- */

static void table_free(struct encoder *e)
{
	struct table *t = (struct table *)e;

	param_free(&t->logs);
	param_free(&t->rows);
	param_free(&t->matrix);
	word_places_free(&t->places);
	free(t->weights);
	free(t->own_sums);
	free(t->own_d_sums);
	free(t->d_matrix);
	free(t->scratch);
	free(t);
}

static int allocate(struct table *t, struct err *err)
{
	size_t n = t->matrix.x ? t->task.texts_most : 0;

	t->own_sums = mem_try_aligned(n + 1, t->d * sizeof(float), err);
	t->own_d_sums = mem_try_aligned(n + 1, t->d * sizeof(float), err);
	t->d_matrix = mem_try_aligned(t->matrix.m ? t->matrix.n : 1, sizeof(float), err);
	t->scratch = mem_try_aligned(threads_count(t->task.threads), t->d * sizeof(float), err);
	if (!t->own_sums || !t->own_d_sums || !t->d_matrix || !t->scratch)
		return -1;
	return word_places_init(&t->places, t->task.words->n, err);
}

struct encoder *encoder_table_new(const struct encoder_task *task, struct err *err)
{
	struct table *t = mem_try(1, sizeof(*t), err);

	if (!t)
		return NULL;
	t->task = *task;
	t->plain = task->teacher != NULL;
	t->encoder = (struct encoder){ .embed = embed,
				       .backward = backward,
				       .update = update,
				       .refresh = refresh,
				       .embed_dev = embed_dev,
				       .to_model = table_to_model,
				       .free = table_free,
				       .views = 1 };
	if (table_start(t, err) || allocate(t, err)) {
		table_free(&t->encoder);
		return NULL;
	}
	t->encoder.d = t->d_out;
	refresh(&t->encoder);
	for (size_t i = 0; i < 3; i++) {
		struct param *p = (struct param *[]){ &t->logs, &t->rows, &t->matrix }[i];

		if (p->m)
			t->encoder.params[t->encoder.params_n++] = p;
	}
	return &t->encoder;
}
