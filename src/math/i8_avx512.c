#include "math/i8_loops.h"
#include "math/kernels.h"

#include <immintrin.h>

#define VNNI __attribute__((target("avx512vnni")))

/* ROWS * BLOCKS sums stay in registers; rows of a are taken CHUNK at a time so that a panel of b stays near.
 */
enum { LANES = 16, BLOCKS = I8_PANEL / LANES, ROWS = 6, CHUNK = 8 * ROWS };

/* I8_PANEL outputs of `rows` rows of a, of which columns (at most I8_PANEL) are written. */
VNNI static inline __attribute__((always_inline)) void tile(int32_t *restrict out, const int8_t *restrict a,
							    const int32_t *start, size_t rows,
							    const uint8_t *restrict packed,
							    const struct i8_matrix *b, size_t columns)
{
	__m512i sums[ROWS][BLOCKS];
	size_t whole = b->k / I8_GROUP;

#pragma GCC unroll 6
	for (size_t r = 0; r < rows; r++)
#pragma GCC unroll 4
		for (size_t c = 0; c < BLOCKS; c++)
			sums[r][c] = _mm512_set1_epi32(start[r]);
	for (size_t g = 0; g < i8_groups(b->k); g++, packed += I8_GROUP_BYTES) {
		__m512i weights[BLOCKS];

#pragma GCC unroll 4
		for (size_t c = 0; c < BLOCKS; c++)
			weights[c] = _mm512_loadu_si512(packed + c * sizeof(__m512i));
#pragma GCC unroll 6
		for (size_t r = 0; r < rows; r++) {
			int32_t four;
			__m512i inputs;

			if (g < whole)
				memcpy(&four, a + r * b->k + g * I8_GROUP, I8_GROUP);
			else
				four = i8_group(a + r * b->k, g, b->k);
			inputs = _mm512_set1_epi32(four);
#pragma GCC unroll 4
			for (size_t c = 0; c < BLOCKS; c++)
				sums[r][c] = _mm512_dpbusd_epi32(sums[r][c], weights[c], inputs);
		}
	}
#pragma GCC unroll 4
	for (size_t c = 0; c < BLOCKS; c++) {
		size_t left = columns > c * LANES ? columns - c * LANES : 0;
		__mmask16 mask = (__mmask16)(left < LANES ? (1U << left) - 1 : UINT16_MAX);

#pragma GCC unroll 6
		for (size_t r = 0; r < rows; r++)
			_mm512_mask_storeu_epi32(out + r * b->m + c * LANES, mask, sums[r][c]);
	}
}

/* The number of rows as a constant: what tile() keeps in registers depends on it. */
VNNI static void some_rows(int32_t *restrict out, const int8_t *restrict a, const int32_t *start, size_t rows,
			   const uint8_t *restrict packed, const struct i8_matrix *b, size_t columns)
{
	switch (rows) {
	case 1:
		tile(out, a, start, 1, packed, b, columns);
		break;
	case 2:
		tile(out, a, start, 2, packed, b, columns);
		break;
	case 3:
		tile(out, a, start, 3, packed, b, columns);
		break;
	case 4:
		tile(out, a, start, 4, packed, b, columns);
		break;
	case 5:
		tile(out, a, start, 5, packed, b, columns);
		break;
	default:
		tile(out, a, start, ROWS, packed, b, columns);
	}
}

static void with_vnni(int32_t *restrict out, const int8_t *restrict a, size_t n, const struct i8_matrix *b)
{
	size_t panel = i8_groups(b->k) * I8_GROUP_BYTES;
	int32_t start[CHUNK];

	for (size_t row = 0; row < n; row += CHUNK) {
		size_t rows = n - row < CHUNK ? n - row : CHUNK;

		for (size_t r = 0; r < rows; r++)
			start[r] = i8_start(a + (row + r) * b->k, b->k);
		for (size_t j = 0; j < b->m; j += I8_PANEL)
			for (size_t r = 0; r < rows; r += ROWS)
				some_rows(out + (row + r) * b->m + j, a + (row + r) * b->k, start + r,
					  rows - r < ROWS ? rows - r : ROWS, b->packed + j / I8_PANEL * panel,
					  b, b->m - j < I8_PANEL ? b->m - j : I8_PANEL);
	}
}

/* The first processors with AVX-512 have no vpdpbusd. */
void i8_mul_avx512(int32_t *restrict out, const int8_t *restrict a, size_t n, const struct i8_matrix *b)
{
	if (__builtin_cpu_supports("avx512vnni"))
		with_vnni(out, a, n, b);
	else
		i8_mul_avx2(out, a, n, b);
}
