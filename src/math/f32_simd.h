/*
 * f32_simd.h - f32_mul() for AVX2 and AVX-512; private to their kernel sets.
 *
 * A panel of b is read in strips of F32_COLUMNS; F32_ROWS * F32_BLOCKS sums stay in registers.
 */
#ifndef SIFD_MATH_F32_SIMD_H
#define SIFD_MATH_F32_SIMD_H

#include "math/f32.h"
#include "math/simd.h"

#ifdef __AVX2__

enum {
	F32_ROWS = 6,
	F32_BLOCKS = LANES == 8 ? 2 : 4, /* of the 16 or 32 registers */
	F32_COLUMNS = LANES * F32_BLOCKS,
};

/* The outputs of `rows` rows of a for one strip, of which `columns` are written.  `rows` is a constant. */
INLINE void f32_tile(float *restrict out, const float *restrict a, size_t rows, const float *restrict strip,
		     const struct f32_matrix *b, size_t columns)
{
	vector sums[F32_ROWS][F32_BLOCKS];

#pragma GCC unroll 6
	for (size_t r = 0; r < rows; r++)
#pragma GCC unroll 4
		for (size_t c = 0; c < F32_BLOCKS; c++)
			sums[r][c] = vector_zero();
	for (size_t l = 0; l < b->k; l++, strip += F32_PANEL) {
		vector weights[F32_BLOCKS];

#pragma GCC unroll 4
		for (size_t c = 0; c < F32_BLOCKS; c++)
			weights[c] = vector_load(strip + c * LANES);
#pragma GCC unroll 6
		for (size_t r = 0; r < rows; r++) {
			vector input = vector_all(a[r * b->k + l]);

#pragma GCC unroll 4
			for (size_t c = 0; c < F32_BLOCKS; c++)
				sums[r][c] = vector_fma(input, weights[c], sums[r][c]);
		}
	}
#pragma GCC unroll 4
	for (size_t c = 0; c < F32_BLOCKS; c++) {
		size_t left = columns > c * LANES ? columns - c * LANES : 0;

#pragma GCC unroll 6
		for (size_t r = 0; r < rows; r++)
			vector_store(out + r * b->m + c * LANES, sums[r][c], left < LANES ? left : LANES);
	}
}

#define F32_TILE(ROWS)                                                                                       \
	case ROWS:                                                                                           \
		f32_tile(out, a, ROWS, strip, b, columns);                                                   \
		break;

static void f32_some_rows(float *restrict out, const float *restrict a, size_t rows,
			  const float *restrict strip, const struct f32_matrix *b, size_t columns)
{
	switch (rows) {
		F32_TILE(1)
		F32_TILE(2)
		F32_TILE(3)
		F32_TILE(4)
		F32_TILE(5)
	default:
		f32_tile(out, a, F32_ROWS, strip, b, columns);
	}
}

static void f32_mul_simd(float *restrict out, const float *restrict a, size_t n, const struct f32_matrix *b)
{
	for (size_t j = 0; j < b->m; j += F32_COLUMNS) {
		const float *strip = b->packed + j / F32_PANEL * F32_PANEL * b->k + j % F32_PANEL;
		size_t columns = b->m - j < F32_COLUMNS ? b->m - j : F32_COLUMNS;

		for (size_t i = 0; i < n; i += F32_ROWS)
			f32_some_rows(out + i * b->m + j, a + i * b->k, n - i < F32_ROWS ? n - i : F32_ROWS,
				      strip, b, columns);
	}
}

#endif

#endif
