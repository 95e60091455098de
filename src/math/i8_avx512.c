/* i8_mul() for AVX-512 with VNNI. */
#include "math/i8_loops.h"
#include "math/kernels.h"

#include <immintrin.h>

#define VNNI __attribute__((target("avx512vnni")))

/* ROWS * BLOCKS sums stay in registers; CHUNK rows of a share a panel of b while it is in the cache. */
enum { LANES = 16, BLOCKS = I8_PANEL / LANES, ROWS = 4, CHUNK = 12 * ROWS };

/*
 * sums + unsigned weights times signed inputs, by fours.  In assembly, since gcc 12 spends a third of the
 * time on moving sums between registers when it is the builtin.
 */
static inline __attribute__((always_inline)) __m512i add_fours(__m512i sums, __m512i weights, __m512i inputs)
{
	__asm__("vpdpbusd %2, %1, %0" : "+v"(sums) : "v"(weights), "v"(inputs));
	return sums;
}

/* One group of inputs, the rows of a `stride` bytes apart, times its part of the panel. */
VNNI static inline __attribute__((always_inline)) void add_group(__m512i sums[ROWS][BLOCKS], const int8_t *a,
								 size_t stride, size_t rows,
								 const uint8_t *packed)
{
	__m512i weights[BLOCKS];

#pragma GCC unroll 4
	for (size_t c = 0; c < BLOCKS; c++)
		weights[c] = _mm512_loadu_si512(packed + c * sizeof(__m512i));
#pragma GCC unroll 4
	for (size_t r = 0; r < rows; r++) {
		int32_t four;
		__m512i inputs;

		memcpy(&four, a + r * stride, I8_GROUP);
		inputs = _mm512_set1_epi32(four);
#pragma GCC unroll 4
		for (size_t c = 0; c < BLOCKS; c++)
			sums[r][c] = add_fours(sums[r][c], weights[c], inputs);
	}
}

/* I8_PANEL outputs of `rows` rows of a, of which columns (at most I8_PANEL) are written. */
VNNI static inline __attribute__((always_inline)) void tile(int32_t *restrict out, const int8_t *restrict a,
							    const int32_t *start, size_t rows,
							    const uint8_t *restrict packed,
							    const struct i8_matrix *b, size_t columns)
{
	__m512i sums[ROWS][BLOCKS];
	size_t whole = b->k / I8_GROUP;

#pragma GCC unroll 4
	for (size_t r = 0; r < rows; r++)
#pragma GCC unroll 4
		for (size_t c = 0; c < BLOCKS; c++)
			sums[r][c] = _mm512_set1_epi32(start[r]);
	for (size_t g = 0; g < whole; g++)
		add_group(sums, a + g * I8_GROUP, b->k, rows, packed + g * I8_GROUP_BYTES);
	if (b->k % I8_GROUP) {
		int8_t last[ROWS * I8_GROUP] = { 0 };

		for (size_t r = 0; r < rows; r++)
			memcpy(last + r * I8_GROUP, a + r * b->k + whole * I8_GROUP, b->k % I8_GROUP);
		add_group(sums, last, I8_GROUP, rows, packed + whole * I8_GROUP_BYTES);
	}
#pragma GCC unroll 4
	for (size_t c = 0; c < BLOCKS; c++) {
		size_t left = columns > c * LANES ? columns - c * LANES : 0;
		__mmask16 mask = (__mmask16)(left < LANES ? (1U << left) - 1 : UINT16_MAX);

#pragma GCC unroll 4
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
	default:
		tile(out, a, start, ROWS, packed, b, columns);
	}
}

/* i8_start(). */
VNNI static int32_t start_of(const int8_t *a, size_t k)
{
	__m512i sums = _mm512_setzero_si512();
	size_t i = 0;

	for (; i + sizeof(sums) <= k; i += sizeof(sums))
		sums = add_fours(sums, _mm512_set1_epi8(1), _mm512_loadu_si512(a + i));
	if (i < k)
		sums = add_fours(sums, _mm512_set1_epi8(1),
				 _mm512_maskz_loadu_epi8(((__mmask64)1 << (k - i)) - 1, a + i));
	return -I8_BIAS * _mm512_reduce_add_epi32(sums);
}

static void with_vnni(int32_t *restrict out, const int8_t *restrict a, size_t n, const struct i8_matrix *b)
{
	size_t panel = i8_groups(b->k) * I8_GROUP_BYTES;
	int32_t start[CHUNK];

	for (size_t row = 0; row < n; row += CHUNK) {
		size_t rows = n - row < CHUNK ? n - row : CHUNK;

		for (size_t r = 0; r < rows; r++)
			start[r] = start_of(a + (row + r) * b->k, b->k);
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
