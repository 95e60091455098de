#include "math/kernels.h"

#include "math/kernels_loops.h"

#include <cpuid.h>

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
	.name = "plain",
	.dot = dot,
	.axpy = axpy,
	.scale = scale,
	.rows_sum = { [ROWS_F32] = rows_sum_f32_plain,
		      [ROWS_F16] = rows_sum_f16_plain,
		      [ROWS_BF16] = rows_sum_bf16_plain,
		      [ROWS_I8] = rows_sum_i8_plain },
	.f32_mul = f32_mul_plain,
	.i8_mul = i8_mul_plain,
	KERNELS_LOOPS,
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
