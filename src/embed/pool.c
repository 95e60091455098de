#include "embed/pool.h"

#include "math/exp.h"
#include "math/vec.h"

#include <string.h>

static size_t width_of(const struct pool *p)
{
	return p->directions * p->h;
}

/* a (n) = softmax of v . y_t, less the largest so that nothing overflows. */
static void attend(const struct pool *p, const float *y, size_t n, float *a)
{
	size_t width = width_of(p);
	float largest = 0;
	float sum = 0;

	for (size_t t = 0; t < n; t++) {
		a[t] = vec_dot(p->attention, y + t * width, width);
		if (t == 0 || a[t] > largest)
			largest = a[t];
	}
	for (size_t t = 0; t < n; t++) {
		float below = a[t] - largest;

		a[t] = exp_nonpositive(below < 0 ? below : 0); /* 0 for NaN too, where v is beyond floats */
		sum += a[t];
	}
	for (size_t t = 0; t < n; t++)
		a[t] /= sum;
}

/* The word whose state gives column k its value: the first of the largest, or the last one read. */
static size_t word_of(const struct pool *p, const float *y, size_t n, size_t k)
{
	size_t width = width_of(p);
	size_t best = 0;

	if (p->pooling == POOLING_LAST)
		return k < p->h ? n - 1 : 0;
	for (size_t t = 1; t < n; t++)
		if (y[t * width + k] > y[best * width + k])
			best = t;
	return best;
}

void pool_states(const struct pool *p, const float *y, size_t n, float *vector, float *scratch)
{
	size_t width = width_of(p);

	if (p->pooling == POOLING_MAX || p->pooling == POOLING_LAST) {
		for (size_t k = 0; k < width; k++)
			vector[k] = y[word_of(p, y, n, k) * width + k];
		return;
	}
	if (p->pooling == POOLING_ATTENTION)
		attend(p, y, n, scratch);
	memset(vector, 0, width * sizeof(*vector));
	for (size_t t = 0; t < n; t++)
		vec_axpy(vector, p->pooling == POOLING_ATTENTION ? scratch[t] : 1.0f, y + t * width, width);
	if (p->pooling != POOLING_ATTENTION)
		vec_scale(vector, 1.0f / (float)n, width);
}

/* With g = d_vector and e_t = a_t (g . y_t - g . vector): d_y_t = a_t g + e_t v, d_v = sum of e_t y_t. */
static void attention_back(const struct pool *p, const float *y, size_t n, const float *d_vector, float *d_y,
			   float *d_attention, float *a)
{
	size_t width = width_of(p);
	float mean = 0;

	attend(p, y, n, a);
	for (size_t t = 0; t < n; t++)
		mean += a[t] * vec_dot(d_vector, y + t * width, width);
	memset(d_y, 0, n * width * sizeof(*d_y));
	for (size_t t = 0; t < n; t++) {
		float e = a[t] * (vec_dot(d_vector, y + t * width, width) - mean);

		vec_axpy(d_y + t * width, a[t], d_vector, width);
		vec_axpy(d_y + t * width, e, p->attention, width);
		vec_axpy(d_attention, e, y + t * width, width);
	}
}

void pool_back(const struct pool *p, const float *y, size_t n, const float *d_vector, float *d_y,
	       float *d_attention, float *scratch)
{
	size_t width = width_of(p);

	if (p->pooling == POOLING_ATTENTION) {
		attention_back(p, y, n, d_vector, d_y, d_attention, scratch);
		return;
	}
	memset(d_y, 0, n * width * sizeof(*d_y));
	if (p->pooling == POOLING_MAX || p->pooling == POOLING_LAST) {
		for (size_t k = 0; k < width; k++)
			d_y[word_of(p, y, n, k) * width + k] = d_vector[k];
		return;
	}
	for (size_t t = 0; t < n; t++)
		vec_axpy(d_y + t * width, 1.0f / (float)n, d_vector, width);
}
