/* The kernels for AVX2 (with FMA and F16C). */
#include "math/f32_simd.h"
#include "math/kernels.h"
#include "math/kernels_loops.h"
#include "math/rows_simd.h"

#include <math.h>

static float dot(const float *x, const float *y, size_t n)
{
	__m256 low = _mm256_setzero_ps();
	__m256 high = _mm256_setzero_ps();
	float lanes[DOT_LANES];
	size_t i = 0;

	for (; i + DOT_LANES <= n; i += DOT_LANES) {
		low = _mm256_fmadd_ps(_mm256_loadu_ps(x + i), _mm256_loadu_ps(y + i), low);
		high = _mm256_fmadd_ps(_mm256_loadu_ps(x + i + 8), _mm256_loadu_ps(y + i + 8), high);
	}
	if (i < n) {
		_mm256_storeu_ps(lanes, low);
		_mm256_storeu_ps(lanes + 8, high);
		for (size_t l = 0; i + l < n; l++)
			lanes[l] = fmaf(x[i + l], y[i + l], lanes[l]);
		low = _mm256_loadu_ps(lanes);
		high = _mm256_loadu_ps(lanes + 8);
	}
	return sum_pairwise(low, high);
}

static void axpy(float *restrict y, float a, const float *restrict x, size_t n)
{
	__m256 factor = _mm256_set1_ps(a);
	size_t i = 0;

	for (; i + 8 <= n; i += 8)
		_mm256_storeu_ps(y + i,
				 _mm256_fmadd_ps(factor, _mm256_loadu_ps(x + i), _mm256_loadu_ps(y + i)));
	for (; i < n; i++)
		y[i] = fmaf(a, x[i], y[i]);
}

static void scale(float *x, float a, size_t n)
{
	__m256 factor = _mm256_set1_ps(a);
	size_t i = 0;

	for (; i + 8 <= n; i += 8)
		_mm256_storeu_ps(x + i, _mm256_mul_ps(factor, _mm256_loadu_ps(x + i)));
	for (; i < n; i++)
		x[i] *= a;
}

const struct kernels kernels_avx2 = {
	.name = "avx2",
	.dot = dot,
	.axpy = axpy,
	.scale = scale,
	.rows_sum = ROWS_SUMS,
	.f32_mul = f32_mul_simd,
	.i8_mul = i8_mul_avx2,
	KERNELS_LOOPS,
};
