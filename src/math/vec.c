#include "math/vec.h"

#include "math/kernels.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* The order of vec.h: 16 lanes, then pairwise. */
static float dot(const float *x, const float *y, size_t n)
{
	float lanes[DOT_LANES] = { 0 };

	for (size_t i = 0; i < n; i++)
		lanes[i % DOT_LANES] = fmaf(x[i], y[i], lanes[i % DOT_LANES]);
	for (size_t half = DOT_LANES / 2; half > 0; half /= 2)
		for (size_t l = 0; l < half; l++)
			lanes[l] += lanes[l + half];
	return lanes[0];
}

static void axpy(float *restrict y, float a, const float *restrict x, size_t n)
{
	for (size_t i = 0; i < n; i++)
		y[i] = fmaf(a, x[i], y[i]);
}

static void scale(float *x, float a, size_t n)
{
	for (size_t i = 0; i < n; i++)
		x[i] *= a;
}

const struct kernels kernels_plain = {
	"plain",
	dot,
	axpy,
	scale,
	{ rows_sum_f32_plain, rows_sum_f16_plain, rows_sum_bf16_plain, rows_sum_i8_plain },
};

const struct kernels *kernels = &kernels_plain;

bool kernels_runs(const struct kernels *set)
{
	return set == &kernels_plain;
}

void vec_init(void)
{
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

float vec_norm(const float *x, size_t n)
{
	return sqrtf(vec_dot(x, x, n));
}

float vec_unit(float *x, size_t n)
{
	float norm = vec_norm(x, n);

	if (norm > 0.0F)
		for (size_t i = 0; i < n; i++)
			x[i] /= norm;
	return norm;
}

float vec_cosine(const float *x, const float *y, size_t n)
{
	float norms = vec_norm(x, n) * vec_norm(y, n);
	float cosine;

	if (!(norms > 0.0F))
		return 0.0F;
	cosine = vec_dot(x, y, n) / norms;
	return cosine > 1.0F ? 1.0F : cosine < -1.0F ? -1.0F : cosine;
}

void vec_times_matrix(float *restrict out, const float *restrict x, const float *restrict matrix, size_t n,
		      size_t m)
{
	struct rows rows = { .type = ROWS_F32, .n = n, .d = m, .data = matrix };

	kernels->rows_sum[ROWS_F32](out, &rows, NULL, x, n);
}
