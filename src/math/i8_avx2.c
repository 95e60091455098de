/* i8_mul() for AVX2. */
#include "math/i8_loops.h"
#include "math/kernels.h"

#include <immintrin.h>

/* A vector holds LANES outputs, two sums each; ROWS * BLOCKS vectors stay in registers. */
enum { LANES = 4, BLOCKS = 4, COLUMNS = LANES * BLOCKS, ROWS = 2 };

static inline __m256i words(__m128i signed_bytes)
{
	return _mm256_cvtepi8_epi16(signed_bytes);
}

/* Adds the two sums of each output: 8 outputs in order. */
static inline __m256i joined(__m256i low, __m256i high, int32_t start)
{
	__m256i sums = _mm256_permute4x64_epi64(_mm256_hadd_epi32(low, high), 0xd8);

	return _mm256_add_epi32(sums, _mm256_set1_epi32(start));
}

static inline __attribute__((always_inline)) void tile(int32_t *restrict out, const int8_t *restrict a,
						       size_t rows, const uint8_t *restrict packed, size_t k)
{
	__m256i sums[ROWS][BLOCKS];

#pragma GCC unroll 2
	for (size_t r = 0; r < rows; r++)
#pragma GCC unroll 4
		for (size_t c = 0; c < BLOCKS; c++)
			sums[r][c] = _mm256_setzero_si256();
	for (size_t g = 0; g < i8_groups(k); g++, packed += I8_GROUP_BYTES) {
		__m256i weights[BLOCKS];

#pragma GCC unroll 4
		for (size_t c = 0; c < BLOCKS; c++)
			weights[c] = _mm256_cvtepu8_epi16(
				_mm_loadu_si128((const __m128i *)(const void *)packed + c));
#pragma GCC unroll 2
		for (size_t r = 0; r < rows; r++) {
			__m256i inputs = words(_mm_set1_epi32(i8_group(a + r * k, g, k)));

#pragma GCC unroll 4
			for (size_t c = 0; c < BLOCKS; c++)
				sums[r][c] =
					_mm256_add_epi32(sums[r][c], _mm256_madd_epi16(weights[c], inputs));
		}
	}
#pragma GCC unroll 2
	for (size_t r = 0; r < rows; r++) {
		int32_t start = i8_start(a + r * k, k);

#pragma GCC unroll 4
		for (size_t c = 0; c < BLOCKS; c += 2)
			_mm256_storeu_si256((__m256i *)(void *)(out + r * COLUMNS + c * LANES),
					    joined(sums[r][c], sums[r][c + 1], start));
	}
}

void i8_mul_avx2(int32_t *restrict out, const int8_t *restrict a, size_t n, const struct i8_matrix *b)
{
	size_t panel = i8_groups(b->k) * I8_GROUP_BYTES;
	int32_t sums[ROWS * COLUMNS];

	for (size_t j = 0; j < b->m; j += COLUMNS) {
		const uint8_t *packed = b->packed + j / I8_PANEL * panel + j % I8_PANEL * I8_GROUP;
		size_t columns = b->m - j < COLUMNS ? b->m - j : COLUMNS;

		for (size_t row = 0; row < n; row += ROWS) {
			size_t rows = n - row < ROWS ? n - row : ROWS;

			if (rows == ROWS)
				tile(sums, a + row * b->k, ROWS, packed, b->k);
			else
				tile(sums, a + row * b->k, 1, packed, b->k);
			for (size_t r = 0; r < rows; r++)
				memcpy(out + (row + r) * b->m + j, sums + r * COLUMNS,
				       columns * sizeof(*sums));
		}
	}
}
