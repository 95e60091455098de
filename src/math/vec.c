#include "math/vec.h"

#include "math/kernels.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A set that was asked for but does not run here is passed over: the bits are the same anyway. */
void vec_init(void)
{
	static const struct kernels *const sets[] = { &kernels_avx512, &kernels_avx2, &kernels_plain };
	const char *asked = getenv("SIFD_KERNELS");
	const struct kernels *best = NULL;

	for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
		if (!kernels_runs(sets[i]))
			continue;
		if (!best || (asked && strcmp(asked, sets[i]->name) == 0))
			best = sets[i];
	}
	kernels = best;
}

const char *vec_kernels(void)
{
	return kernels->name;
}

float vec_dot(const float *x, const float *y, size_t n)
{
	return kernels->dot(x, y, n);
}

void vec_axpy(float *restrict y, float a, const float *restrict x, size_t n)
{
	kernels->axpy(y, a, x, n);
}

void vec_scale(float *x, float a, size_t n)
{
	kernels->scale(x, a, n);
}

/* In this range squares and products of lengths are far from the ends of float. */
static bool usual(float square)
{
	return square >= 0x1p-60F && square <= 0x1p60F;
}

/* For lengths whose square is not a float: double has the range.  One order, so the same bits. */
static double wide_dot(const float *x, const float *y, size_t n)
{
	double sum = 0.0;

	for (size_t i = 0; i < n; i++)
		sum += (double)x[i] * (double)y[i];
	return sum;
}

float vec_norm(const float *x, size_t n)
{
	float square = vec_dot(x, x, n);

	return usual(square) ? sqrtf(square) : (float)sqrt(wide_dot(x, x, n));
}

float vec_unit(float *x, size_t n)
{
	float square = vec_dot(x, x, n);
	double norm;

	if (usual(square)) {
		vec_scale(x, 1.0F / sqrtf(square), n);
		return sqrtf(square);
	}
	norm = sqrt(wide_dot(x, x, n));
	if (norm > 0.0)
		for (size_t i = 0; i < n; i++)
			x[i] = (float)((double)x[i] / norm);
	return (float)norm;
}

float vec_cosine(const float *x, const float *y, size_t n)
{
	float xx = vec_dot(x, x, n);
	float yy = vec_dot(y, y, n);
	double norms;
	float cosine;

	if (usual(xx) && usual(yy)) {
		cosine = vec_dot(x, y, n) / (sqrtf(xx) * sqrtf(yy));
	} else {
		norms = sqrt(wide_dot(x, x, n)) * sqrt(wide_dot(y, y, n));
		cosine = norms > 0.0 ? (float)(wide_dot(x, y, n) / norms) : 0.0F;
	}
	return cosine > 1.0F ? 1.0F : cosine < -1.0F ? -1.0F : cosine;
}

void vec_times_matrix(float *restrict out, const float *restrict x, const float *restrict matrix, size_t n,
		      size_t m)
{
	struct rows rows = { .type = ROWS_F32, .n = n, .d = m, .data = matrix };

	kernels->rows_sum[ROWS_F32](out, &rows, NULL, x, n);
}
