#include "math/vec.h"

#include "math/kernels.h"

#include <cpuid.h>
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
	adam_plain,
	softmax_plain,
	lstm_step_plain,
	lstm_back_plain,
	f32_mul_plain,
	i8_mul_plain,
	i8_gates_plain,
	i8_round_plain,
};

const struct kernels *kernels = &kernels_plain;

/* Not every compiler's __builtin_cpu_supports() knows it. */
static bool has_f16c(void)
{
	unsigned a;
	unsigned b;
	unsigned c;
	unsigned d;

	return __get_cpuid(1, &a, &b, &c, &d) && (c & bit_F16C);
}

bool kernels_runs(const struct kernels *set)
{
	if (set == &kernels_avx512)
		return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
		       __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
		       kernels_runs(&kernels_avx2);
	if (set == &kernels_avx2)
		return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && has_f16c();
	return true;
}

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
