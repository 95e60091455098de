#include "math/kernels.h"

#include <immintrin.h>
#include <string.h>

/* A panel is read in strips of COLUMNS; ROWS * BLOCKS sums stay in registers. */
enum { LANES = 8, BLOCKS = 2, COLUMNS = LANES * BLOCKS, ROWS = 6 };

/* COLUMNS outputs of `rows` rows of a, to out (rows, COLUMNS). */
static inline __attribute__((always_inline)) void tile(float *restrict out, const float *restrict a,
						       size_t rows, const float *restrict strip, size_t k)
{
	__m256 sums[ROWS][BLOCKS];

#pragma GCC unroll 6
	for (size_t r = 0; r < rows; r++)
#pragma GCC unroll 2
		for (size_t c = 0; c < BLOCKS; c++)
			sums[r][c] = _mm256_setzero_ps();
	for (size_t l = 0; l < k; l++, strip += F32_PANEL) {
		__m256 weights[BLOCKS] = { _mm256_loadu_ps(strip), _mm256_loadu_ps(strip + LANES) };

#pragma GCC unroll 6
		for (size_t r = 0; r < rows; r++) {
			__m256 input = _mm256_set1_ps(a[r * k + l]);

#pragma GCC unroll 2
			for (size_t c = 0; c < BLOCKS; c++)
				sums[r][c] = _mm256_fmadd_ps(input, weights[c], sums[r][c]);
		}
	}
#pragma GCC unroll 6
	for (size_t r = 0; r < rows; r++)
#pragma GCC unroll 2
		for (size_t c = 0; c < BLOCKS; c++)
			_mm256_storeu_ps(out + r * COLUMNS + c * LANES, sums[r][c]);
}

/* The number of rows as a constant: what tile() keeps in registers depends on it. */
static void some_rows(float *restrict out, const float *restrict a, size_t rows, const float *restrict strip,
		      size_t k)
{
	switch (rows) {
	case 1:
		tile(out, a, 1, strip, k);
		break;
	case 2:
		tile(out, a, 2, strip, k);
		break;
	case 3:
		tile(out, a, 3, strip, k);
		break;
	case 4:
		tile(out, a, 4, strip, k);
		break;
	case 5:
		tile(out, a, 5, strip, k);
		break;
	default:
		tile(out, a, ROWS, strip, k);
	}
}

void f32_mul_avx2(float *restrict out, const float *restrict a, size_t n, const struct f32_matrix *b)
{
	float sums[ROWS * COLUMNS];

	for (size_t j = 0; j < b->m; j += COLUMNS) {
		const float *strip = b->packed + j / F32_PANEL * F32_PANEL * b->k + j % F32_PANEL;
		size_t columns = b->m - j < COLUMNS ? b->m - j : COLUMNS;

		for (size_t i = 0; i < n; i += ROWS) {
			size_t rows = n - i < ROWS ? n - i : ROWS;

			some_rows(sums, a + i * b->k, rows, strip, b->k);
			for (size_t r = 0; r < rows; r++)
				memcpy(out + (i + r) * b->m + j, sums + r * COLUMNS, columns * sizeof(*sums));
		}
	}
}
