/*
 * simd.h - the registers of AVX2 and AVX-512 under one name, for code that both kernel sets compile.
 *
 * Where the file is compiled for neither there is nothing.
 */
#ifndef SIFD_MATH_SIMD_H
#define SIFD_MATH_SIMD_H

#ifdef __AVX2__

#include <immintrin.h>
#include <stddef.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))

/* The sum of 16 lanes, in the order of vec.h. */
INLINE float sum_pairwise(__m256 low, __m256 high)
{
	__m256 eight = _mm256_add_ps(low, high);
	__m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));

	four = _mm_add_ps(four, _mm_movehl_ps(four, four));
	return _mm_cvtss_f32(_mm_add_ss(four, _mm_movehdup_ps(four)));
}

#ifdef __AVX512F__

typedef __m512 vector;
enum { LANES = 16 };
#define vector_zero _mm512_setzero_ps
#define vector_all _mm512_set1_ps
#define vector_load _mm512_loadu_ps
#define vector_fma _mm512_fmadd_ps

/* Writes the first n <= LANES elements only. */
INLINE void vector_store(float *to, vector x, size_t n)
{
	_mm512_mask_storeu_ps(to, (__mmask16)((1U << n) - 1), x);
}

#else

typedef __m256 vector;
enum { LANES = 8 };
#define vector_zero _mm256_setzero_ps
#define vector_all _mm256_set1_ps
#define vector_load _mm256_loadu_ps
#define vector_fma _mm256_fmadd_ps

/* Without a masked store: it is slow on AMD's processors. */
__attribute__((noinline)) static void store_part(float *to, vector x, size_t n)
{
	float all[LANES];

	_mm256_storeu_ps(all, x);
	memcpy(to, all, n * sizeof(*all));
}

INLINE void vector_store(float *to, vector x, size_t n)
{
	if (n == LANES)
		_mm256_storeu_ps(to, x);
	else
		store_part(to, x, n);
}

#endif

#endif

#endif
