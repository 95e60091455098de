/* The objective InfoNCE: the other pairs of a batch are the negatives. */
#include "base/parallel_for.h"
#include "learn/objective_private.h"
#include "math/learning.h"
#include "math/mat.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const float never = -1e30f; /* the logit of what is no negative: its exponential is 0 */

static int by_key(const void *a, const void *b)
{
	const struct collision *x = a;
	const struct collision *y = b;

	if (x->key != y->key)
		return x->key < y->key ? -1 : 1;
	return (x->pair > y->pair) - (x->pair < y->pair);
}

/* Sorts the keys of all pairs: where equal ones stand side by side, their pairs collide. */
static void sort_keys(struct objective *o)
{
	const struct objective_batch *b = o->batch;

	for (size_t i = 0; i < b->n; i++) {
		o->collisions[2 * i] = (struct collision){ b->u_keys[i], (uint32_t)i };
		o->collisions[2 * i + 1] = (struct collision){ b->v_keys[i], (uint32_t)i };
	}
	qsort(o->collisions, 2 * b->n, sizeof(*o->collisions), by_key);
}

/* Takes colliding pairs out of the rows [start, stop). */
static void mask(struct objective *o, size_t start, size_t stop)
{
	size_t n = o->batch->n;

	for (size_t first = 0, last; first < 2 * n; first = last) {
		for (last = first + 1; last < 2 * n; last++)
			if (o->collisions[last].key != o->collisions[first].key)
				break;
		for (size_t a = first; a < last; a++) {
			size_t i = o->collisions[a].pair;

			if (i < start || i >= stop)
				continue;
			for (size_t c = first; c < last; c++)
				if (o->collisions[c].pair != i)
					o->similar[i * n + o->collisions[c].pair] = never;
		}
	}
}

static float largest(const float *x, size_t n)
{
	float most = x[0];

	for (size_t i = 1; i < n; i++)
		most = x[i] > most ? x[i] : most;
	return most;
}

/* Logits of the part's rows; the largest of each of its columns. */
static void compare(void *context, size_t part, size_t parts)
{
	struct objective *o = context;
	size_t n = o->batch->n;
	float *most = o->column_max + part * n;
	size_t start;
	size_t stop = parallel_share(n, 1, part, parts, &start);

	for (size_t j = 0; j < n; j++)
		most[j] = never;
	if (start == stop)
		return;
	mat_mul(o->similar + start * n, o->unit + start * o->d, o->unit + n * o->d, stop - start, n, o->d, 0,
		1, 1 / o->options.temperature, 0);
	if (o->batch->u_keys)
		mask(o, start, stop);
	for (size_t i = start; i < stop; i++) {
		const float *row = o->similar + i * n;

		for (size_t j = 0; j < n; j++)
			most[j] = row[j] > most[j] ? row[j] : most[j];
	}
}

static void exponentiate(void *context, size_t part, size_t parts)
{
	struct objective *o = context;
	size_t n = o->batch->n;
	float *sum = o->column_sum + part * n;
	size_t start;
	size_t stop = parallel_share(n, 1, part, parts, &start);

	memset(sum, 0, n * sizeof(*sum));
	for (size_t i = start; i < stop; i++) {
		float *row = o->similar + i * n;

		o->row_scale[i] = 1 / learning_softmax(row, o->by_column + i * n, o->column_max, sum,
						       largest(row, n), n);
	}
}

/* Both softmaxes of a row added; less 2 for the pair itself; times factor.  The pair's own log. */
static double slopes(struct objective *o, size_t i, float factor)
{
	size_t n = o->batch->n;
	float *row = o->similar + i * n;
	const float *column = o->by_column + i * n;
	float of_row = row[i] * o->row_scale[i];
	float of_column = column[i] * o->column_sum[i];

	for (size_t j = 0; j < n; j++)
		row[j] = factor * (row[j] * o->row_scale[i] + column[j] * o->column_sum[j]);
	row[i] -= 2 * factor;
	/* A pair so far from the best that its share is 0 in floats counts as the smallest share. */
	return -log((double)fmaxf(of_row, 1e-38f)) - log((double)fmaxf(of_column, 1e-38f));
}

static void differentiate_u(void *context, size_t part, size_t parts)
{
	struct objective *o = context;
	size_t n = o->batch->n;
	size_t d = o->d;
	float factor = 1 / (2 * (float)n * o->options.temperature);
	size_t start;
	size_t stop = parallel_share(n, 1, part, parts, &start);

	o->loss[part] = 0;
	for (size_t i = start; i < stop; i++)
		o->loss[part] += slopes(o, i, factor);
	mat_mul(o->d_unit + start * d, o->similar + start * n, o->unit + n * d, stop - start, d, n, 0, 0, 1,
		0);
}

static void differentiate_v(void *context, size_t part, size_t parts)
{
	struct objective *o = context;
	size_t n = o->batch->n;
	size_t start;
	size_t stop = parallel_share(n, 1, part, parts, &start);

	mat_mul_columns(o->d_unit + (n + start) * o->d, o->similar + start, n, o->unit, stop - start, o->d,
			n);
}

double objective_infonce(struct objective *o)
{
	size_t n = o->batch->n;
	double loss = 0;

	if (o->batch->u_keys)
		sort_keys(o);
	parallel_parts(o->threads, OBJECTIVE_PARTS, compare, o);
	for (size_t m = 1; m < OBJECTIVE_PARTS; m++)
		for (size_t j = 0; j < n; j++)
			o->column_max[j] = fmaxf(o->column_max[j], o->column_max[m * n + j]);
	parallel_parts(o->threads, OBJECTIVE_PARTS, exponentiate, o);
	for (size_t j = 0; j < n; j++) {
		for (size_t m = 1; m < OBJECTIVE_PARTS; m++)
			o->column_sum[j] += o->column_sum[m * n + j];
		o->column_sum[j] = 1 / o->column_sum[j];
	}
	parallel_parts(o->threads, OBJECTIVE_PARTS, differentiate_u, o);
	parallel_parts(o->threads, OBJECTIVE_PARTS, differentiate_v, o);
	for (size_t m = 0; m < OBJECTIVE_PARTS; m++)
		loss += o->loss[m];
	return loss / (2 * (double)n);
}
