/* The kernels for AVX-512 (F, BW, VL, DQ). */
#include "math/f32_simd.h"
#include "math/kernels.h"
#include "math/kernels_loops.h"
#include "math/rows_simd.h"

/* The lanes of a last, partial vector.  Those left out keep their value, -0 included. */
static __mmask16 tail(size_t n)
{
	return (__mmask16)((1U << n % DOT_LANES) - 1);
}

static float dot(const float *x, const float *y, size_t n)
{
	__m512 lanes = _mm512_setzero_ps();
	__mmask16 rest = tail(n);
	size_t i = 0;

	for (; i + DOT_LANES <= n; i += DOT_LANES)
		lanes = _mm512_fmadd_ps(_mm512_loadu_ps(x + i), _mm512_loadu_ps(y + i), lanes);
	if (rest)
		lanes = _mm512_mask3_fmadd_ps(_mm512_maskz_loadu_ps(rest, x + i),
					      _mm512_maskz_loadu_ps(rest, y + i), lanes, rest);
	return sum_pairwise(_mm512_castps512_ps256(lanes), _mm512_extractf32x8_ps(lanes, 1));
}

static void axpy(float *restrict y, float a, const float *restrict x, size_t n)
{
	__m512 factor = _mm512_set1_ps(a);
	__mmask16 rest = tail(n);
	size_t i = 0;

	for (; i + 16 <= n; i += 16)
		_mm512_storeu_ps(y + i,
				 _mm512_fmadd_ps(factor, _mm512_loadu_ps(x + i), _mm512_loadu_ps(y + i)));
	if (rest)
		_mm512_mask_storeu_ps(y + i, rest,
				      _mm512_fmadd_ps(factor, _mm512_maskz_loadu_ps(rest, x + i),
						      _mm512_maskz_loadu_ps(rest, y + i)));
}

static void scale(float *x, float a, size_t n)
{
	__m512 factor = _mm512_set1_ps(a);
	__mmask16 rest = tail(n);
	size_t i = 0;

	for (; i + 16 <= n; i += 16)
		_mm512_storeu_ps(x + i, _mm512_mul_ps(factor, _mm512_loadu_ps(x + i)));
	if (rest)
		_mm512_mask_storeu_ps(x + i, rest, _mm512_mul_ps(factor, _mm512_maskz_loadu_ps(rest, x + i)));
}

const struct kernels kernels_avx512 = {
	.name = "avx512",
	.dot = dot,
	.axpy = axpy,
	.scale = scale,
	.rows_sum = ROWS_SUMS,
	.f32_mul = f32_mul_simd,
	.i8_mul = i8_mul_avx512,
	KERNELS_LOOPS,
};
