#include "math/kernels.h"

#include <immintrin.h>

/* ROWS * BLOCKS sums stay in registers. */
enum { LANES = 16, BLOCKS = F32_PANEL / LANES, ROWS = 6 };

/* F32_PANEL outputs of `rows` rows of a, of which columns (at most F32_PANEL) are written. */
static inline __attribute__((always_inline)) void tile(float *restrict out, const float *restrict a,
						       size_t rows, const float *restrict panel,
						       const struct f32_matrix *b, size_t columns)
{
	__m512 sums[ROWS][BLOCKS];

#pragma GCC unroll 6
	for (size_t r = 0; r < rows; r++)
#pragma GCC unroll 4
		for (size_t c = 0; c < BLOCKS; c++)
			sums[r][c] = _mm512_setzero_ps();
	for (size_t l = 0; l < b->k; l++, panel += F32_PANEL) {
		__m512 weights[BLOCKS];

#pragma GCC unroll 4
		for (size_t c = 0; c < BLOCKS; c++)
			weights[c] = _mm512_loadu_ps(panel + c * LANES);
#pragma GCC unroll 6
		for (size_t r = 0; r < rows; r++) {
			__m512 input = _mm512_set1_ps(a[r * b->k + l]);

#pragma GCC unroll 4
			for (size_t c = 0; c < BLOCKS; c++)
				sums[r][c] = _mm512_fmadd_ps(input, weights[c], sums[r][c]);
		}
	}
#pragma GCC unroll 4
	for (size_t c = 0; c < BLOCKS; c++) {
		size_t left = columns > c * LANES ? columns - c * LANES : 0;
		__mmask16 mask = (__mmask16)(left < LANES ? (1U << left) - 1 : UINT16_MAX);

#pragma GCC unroll 6
		for (size_t r = 0; r < rows; r++)
			_mm512_mask_storeu_ps(out + r * b->m + c * LANES, mask, sums[r][c]);
	}
}

/* The number of rows as a constant: what tile() keeps in registers depends on it. */
static void some_rows(float *restrict out, const float *restrict a, size_t rows, const float *restrict panel,
		      const struct f32_matrix *b, size_t columns)
{
	switch (rows) {
	case 1:
		tile(out, a, 1, panel, b, columns);
		break;
	case 2:
		tile(out, a, 2, panel, b, columns);
		break;
	case 3:
		tile(out, a, 3, panel, b, columns);
		break;
	case 4:
		tile(out, a, 4, panel, b, columns);
		break;
	case 5:
		tile(out, a, 5, panel, b, columns);
		break;
	default:
		tile(out, a, ROWS, panel, b, columns);
	}
}

void f32_mul_avx512(float *restrict out, const float *restrict a, size_t n, const struct f32_matrix *b)
{
	for (size_t j = 0; j < b->m; j += F32_PANEL)
		for (size_t i = 0; i < n; i += ROWS)
			some_rows(out + i * b->m + j, a + i * b->k, n - i < ROWS ? n - i : ROWS,
				  b->packed + j * b->k, b, b->m - j < F32_PANEL ? b->m - j : F32_PANEL);
}
