#include "base/err.h"
#include "base/mem.h"
#include "base/parallel_for.h"
#include "base/random.h"
#include "learn/adam.h"
#include "learn/train_private.h"
#include "math/mat.h"
#include "math/vec.h"
#include "text/vocab.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
	GRAIN = 16, /* floats of a cache line: workers share none */
	WORDS_AHEAD = 3,
	WORDS_AT_ONCE = 64,
};

/* Sentences of a batch: its left ones, then its right ones. */
struct steps {
	struct objective *objective;
	float *sums, *d_sums;	    /* (2 batch, d): before the matrix */
	float *vectors, *d_vectors; /* (2 batch, d_out): the same memory when there is no matrix */
	float *d_matrix;	    /* (workers, d, d_out) */
	float *scratch;		    /* (workers, d) */
	uint32_t *u_keys, *v_keys;  /* (batch) */
	float *gold;

	uint32_t *touched;     /* (touched_n) words of the batch, in order of first use */
	uint32_t *place;       /* (words) where in touched, or VOCAB_UNKNOWN */
	uint32_t *found;       /* (touched_n + 1) where the word's sentences end, then begin */
	uint32_t *occurrences; /* (occurrences_cap) sentence numbers, word after word */
	size_t touched_n, occurrences_cap;

	const struct pair *pairs; /* of the batch at work */
	size_t n;
	struct adam_step vector_step, weight_step, matrix_step;
};

/* The two sides' texts, as one row of 2n. */
static size_t text_of(const struct steps *s, size_t i)
{
	return i < s->n ? s->pairs[i].a : s->pairs[i - s->n].b;
}

static struct rows rows_of(const float *data, size_t n, size_t d)
{
	return (struct rows){ .type = ROWS_F32, .n = n, .d = d, .data = data };
}

/* The weighted sum of a passage's rows. */
static void sum_passage(const struct train *t, const struct passages *p, size_t text, float *to)
{
	const struct table *table = &t->table;
	const uint32_t *words = p->words + p->starts[text];
	size_t n = p->starts[text + 1] - p->starts[text];
	size_t first = n < WORDS_AT_ONCE ? n : WORDS_AT_ONCE;
	struct rows rows = rows_of(table->rows.x, table->words, table->d);
	float weights[WORDS_AT_ONCE] = { 0 };

	for (size_t i = 0; i < first; i++)
		weights[i] = table->weights[words[i]];
	rows_sum(to, &rows, words, weights, first);
	for (size_t i = first; i < n; i++)
		vec_axpy(to, table->weights[words[i]], table->rows.x + words[i] * table->d, table->d);
}

void train_embed(const struct train *t, const struct passages *p, size_t text, float *to, float *scratch)
{
	const struct table *table = &t->table;

	if (!table->matrix.x) {
		sum_passage(t, p, text, to);
		return;
	}
	sum_passage(t, p, text, scratch);
	vec_times_matrix(to, scratch, table->matrix.x, table->d, table->d_out);
}

static void forward(void *context, size_t worker, size_t workers)
{
	const struct train *t = context;
	const struct table *table = &t->table;
	struct steps *s = t->steps;
	size_t d = table->d;
	size_t start;
	size_t stop = parallel_share(2 * s->n, 1, worker, workers, &start);

	for (size_t i = start; i < stop; i++)
		sum_passage(t, &t->texts, text_of(s, i), s->sums + i * d);
	if (table->matrix.x && start < stop)
		mat_mul(s->vectors + start * table->d_out, s->sums + start * d, table->matrix.x, stop - start,
			table->d_out, d, 0, 0, 1, 0);
}

/* Back through the matrix: to the sums, and this worker's part of the matrix's own gradient. */
static void backward(void *context, size_t worker, size_t workers)
{
	const struct train *t = context;
	const struct table *table = &t->table;
	struct steps *s = t->steps;
	size_t d = table->d;
	size_t wide = table->d_out;
	float *d_matrix = s->d_matrix + worker * d * wide;
	size_t start;
	size_t stop = parallel_share(2 * s->n, 1, worker, workers, &start);

	if (table->matrix.m)
		memset(d_matrix, 0, d * wide * sizeof(*d_matrix));
	if (start == stop)
		return;
	mat_mul(s->d_sums + start * d, s->d_vectors + start * wide, table->matrix.x, stop - start, d, wide, 0,
		1, 1, 0);
	if (table->matrix.m)
		mat_mul(d_matrix, s->sums + start * d, s->d_vectors + start * wide, d, wide, stop - start, 1,
			0, 1, 0);
}

static void update_matrix(const struct train *t, size_t worker, size_t workers)
{
	const struct param *matrix = &t->table.matrix;
	struct steps *s = t->steps;
	size_t start;
	size_t stop = parallel_share(matrix->n, GRAIN, worker, workers, &start);

	if (start >= stop)
		return;
	for (size_t k = 1; k < workers; k++)
		vec_axpy(s->d_matrix + start, 1, s->d_matrix + k * matrix->n + start, stop - start);
	adam_update(matrix->x + start, matrix->m + start, matrix->v + start, s->d_matrix + start,
		    stop - start, s->matrix_step);
}

static void update_row(const struct train *t, size_t word, float weight, float *gradient)
{
	const struct param *rows = &t->table.rows;
	size_t d = t->table.d;
	size_t at = word * d;
	float l2 = (float)t->o->l2;

	for (size_t i = 0; i < d; i++)
		gradient[i] *= weight;
	if (rows->start)
		for (size_t i = 0; i < d; i++)
			gradient[i] += l2 * (rows->x[at + i] - rows->start[at + i]);
	adam_update(rows->x + at, rows->m + at, rows->v + at, gradient, d, t->steps->vector_step);
}

/* A word's gradient is the sum of those of its sentences. */
static void update_word(const struct train *t, size_t place, float *gradient)
{
	const struct table *table = &t->table;
	const struct param *logs = &table->logs;
	struct steps *s = t->steps;
	size_t word = s->touched[place];
	size_t first = s->found[place];
	struct rows sums = rows_of(s->d_sums, 2 * s->n, table->d);
	float weight = table->weights[word];
	float slope;

	rows_sum(gradient, &sums, s->occurrences + first, NULL, s->found[place + 1] - first);
	slope = weight * vec_dot(gradient, table->rows.x + word * table->d, table->d);
	if (table->rows.m && t->o->rate > 0)
		update_row(t, word, weight, gradient);
	if (t->o->weight_rate <= 0)
		return;
	if (logs->start)
		slope += (float)t->o->l2 * (logs->x[word] - logs->start[word]);
	adam_update(logs->x + word, logs->m + word, logs->v + word, &slope, 1, s->weight_step);
	table->weights[word] = expf(logs->x[word]);
}

/* A word's row and moments lie where no other's do: ask for them while the words before are at work. */
static void fetch(const struct train *t, size_t word)
{
	const struct param *rows = &t->table.rows;
	size_t d = t->table.d;

	for (size_t i = word * d; rows->m && i < (word + 1) * d; i += GRAIN) {
		__builtin_prefetch(rows->x + i, 1);
		__builtin_prefetch(rows->m + i, 1);
		__builtin_prefetch(rows->v + i, 1);
	}
}

static void update(void *context, size_t worker, size_t workers)
{
	const struct train *t = context;
	struct steps *s = t->steps;
	size_t start;
	size_t stop = parallel_share(s->touched_n, 1, worker, workers, &start);

	for (size_t i = start; i < stop; i++) {
		if (i + WORDS_AHEAD < stop)
			fetch(t, s->touched[i + WORDS_AHEAD]);
		update_word(t, i, s->scratch + worker * t->table.d);
	}
	if (t->table.matrix.m && t->o->matrix_rate > 0)
		update_matrix(t, worker, workers);
}

/* The batch's words, and for each the sentences that hold it (as often as they do). */
static int find_words(struct train *t, struct err *err)
{
	struct steps *s = t->steps;
	const struct passages *p = &t->texts;
	size_t tokens = 0;

	s->touched_n = 0;
	for (size_t i = 0; i < 2 * s->n; i++)
		tokens += p->starts[text_of(s, i) + 1] - p->starts[text_of(s, i)];
	if (tokens > s->occurrences_cap) {
		if (mem_resize(&s->occurrences, 2 * tokens, sizeof(*s->occurrences), err))
			return -1;
		s->occurrences_cap = 2 * tokens;
	}
	for (size_t i = 0; i < 2 * s->n; i++)
		for (size_t j = p->starts[text_of(s, i)]; j < p->starts[text_of(s, i) + 1]; j++) {
			uint32_t word = p->words[j];

			if (s->place[word] == VOCAB_UNKNOWN) {
				s->place[word] = (uint32_t)s->touched_n;
				s->touched[s->touched_n] = word;
				s->found[++s->touched_n] = 0;
			}
			s->found[s->place[word] + 1]++;
		}
	s->found[0] = 0;
	for (size_t k = 0; k < s->touched_n; k++)
		s->found[k + 1] += s->found[k];
	for (size_t i = 2 * s->n; i-- > 0;)
		for (size_t j = p->starts[text_of(s, i)]; j < p->starts[text_of(s, i) + 1]; j++)
			s->occurrences[--s->found[s->place[p->words[j]] + 1]] = (uint32_t)i;
	/* Filled from behind, each word's end has become its begin. */
	memmove(s->found, s->found + 1, s->touched_n * sizeof(*s->found));
	s->found[s->touched_n] = (uint32_t)tokens;
	for (size_t k = 0; k < s->touched_n; k++)
		s->place[s->touched[k]] = VOCAB_UNKNOWN;
	return 0;
}

static void take_batch(struct steps *s, const struct train *t, const struct pair_batch *b)
{
	s->pairs = t->epoch.pairs + b->start;
	s->n = b->n;
	for (size_t i = 0; i < s->n; i++) {
		s->u_keys[i] = s->pairs[i].a_key;
		s->v_keys[i] = s->pairs[i].b_key;
		s->gold[i] = s->pairs[i].gold;
	}
}

int steps_begin(void *context, uint64_t epoch, struct err *err)
{
	struct train *t = context;

	for (size_t i = 0; i < t->table.words; i++)
		t->table.weights[i] = expf(t->table.logs.x[i]);
	return pair_epoch_draw(&t->epoch, &t->pairs, t->o->batch, t->o->seed, epoch, err);
}

int steps_take(void *context, size_t batch, uint64_t step, double rate, double *loss, size_t *pairs,
	       struct err *err)
{
	struct train *t = context;
	struct steps *s = t->steps;
	struct objective_batch b = { .d = t->table.d_out, .random = random_seed(t->o->seed, step, 1) };

	take_batch(s, t, &t->epoch.batches[batch]);
	b.n = s->n;
	b.u = s->vectors;
	b.v = s->vectors + s->n * b.d;
	b.u_keys = s->u_keys;
	b.v_keys = s->v_keys;
	b.gold = s->gold;
	if (find_words(t, err))
		return -1;
	parallel_for(t->threads, forward, t);
	*loss = objective_run(s->objective, &b, s->d_vectors, s->d_vectors + s->n * b.d);
	*pairs = s->n;
	if (t->table.matrix.x)
		parallel_for(t->threads, backward, t);
	s->vector_step = adam_step(rate * t->o->rate, step);
	s->weight_step = adam_step(rate * t->o->weight_rate, step);
	s->matrix_step = adam_step(rate * t->o->matrix_rate, step);
	parallel_for(t->threads, update, t);
	return 0;
}

static void embed_dev(void *context, size_t worker, size_t workers)
{
	const struct train *t = context;
	size_t wide = t->table.d_out;
	size_t start;
	size_t stop = parallel_share(t->dev_texts.n, 1, worker, workers, &start);

	for (size_t i = start; i < stop; i++)
		train_embed(t, &t->dev_texts, i, t->dev_vectors + i * wide,
			    t->steps->scratch + worker * t->table.d);
}

int steps_score(void *context, double *score, struct err *err)
{
	struct train *t = context;

	parallel_for(t->threads, embed_dev, t);
	return dev_score(score, NULL, &t->dev, t->dev_vectors, t->table.d_out, err);
}

static int allocate(struct steps *s, const struct train *t, struct err *err)
{
	const struct table *table = &t->table;
	size_t n = 2 * t->o->batch;
	size_t workers = threads_count(t->threads);
	size_t matrix = table->matrix.m ? workers * table->matrix.n : 1;

	s->sums = mem_try_aligned(n * table->d, sizeof(float), err);
	s->d_sums = mem_try_aligned(n * table->d, sizeof(float), err);
	s->vectors = table->matrix.x ? mem_try_aligned(n * table->d_out, sizeof(float), err) : s->sums;
	s->d_vectors = table->matrix.x ? mem_try_aligned(n * table->d_out, sizeof(float), err) : s->d_sums;
	s->d_matrix = mem_try_aligned(matrix, sizeof(float), err);
	s->scratch = mem_try_aligned(workers, table->d * sizeof(float), err);
	s->u_keys = mem_try(n, sizeof(*s->u_keys), err);
	s->v_keys = mem_try(n, sizeof(*s->v_keys), err);
	s->gold = mem_try(n, sizeof(*s->gold), err);
	s->touched = mem_try(table->words, sizeof(*s->touched), err);
	s->place = mem_try(table->words, sizeof(*s->place), err);
	s->found = mem_try(table->words + 1, sizeof(*s->found), err);
	return s->sums && s->d_sums && s->vectors && s->d_vectors && s->d_matrix && s->scratch && s->u_keys &&
			       s->v_keys && s->gold && s->touched && s->place && s->found
		       ? 0
		       : -1;
}

struct steps *steps_new(const struct train *t, struct err *err)
{
	struct steps *s = mem_try(1, sizeof(*s), err);

	if (!s)
		return NULL;
	s->objective = objective_new(&t->o->objective, t->o->batch, t->table.d_out, t->threads, err);
	if (!s->objective || allocate(s, t, err)) {
		steps_free(s);
		return NULL;
	}
	for (size_t i = 0; i < t->table.words; i++) {
		s->place[i] = VOCAB_UNKNOWN;
		t->table.weights[i] = expf(t->table.logs.x[i]);
	}
	return s;
}

void steps_free(struct steps *s)
{
	if (!s)
		return;
	objective_free(s->objective);
	if (s->vectors != s->sums)
		free(s->vectors);
	if (s->d_vectors != s->d_sums)
		free(s->d_vectors);
	free(s->sums);
	free(s->d_sums);
	free(s->d_matrix);
	free(s->scratch);
	free(s->u_keys);
	free(s->v_keys);
	free(s->gold);
	free(s->touched);
	free(s->place);
	free(s->found);
	free(s->occurrences);
	free(s);
}
