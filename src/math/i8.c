#include "math/i8.h"

#include "math/i8_loops.h"
#include "math/kernels.h"

#include <assert.h>

static size_t panels(size_t m)
{
	return m / I8_PANEL + (m % I8_PANEL != 0);
}

size_t i8_packed_size(size_t m, size_t k)
{
	size_t size;

	if (k > I8_INPUTS_MAX || __builtin_mul_overflow(panels(m), i8_groups(k) * I8_GROUP_BYTES, &size))
		return 0;
	return size;
}

void i8_pack(uint8_t *packed, const int8_t *b, size_t m, size_t k)
{
	size_t groups = i8_groups(k);

	memset(packed, I8_BIAS, i8_packed_size(m, k));
	for (size_t j = 0; j < m; j++) {
		uint8_t *to = packed + j / I8_PANEL * groups * I8_GROUP_BYTES + j % I8_PANEL * I8_GROUP;

		for (size_t i = 0; i < k; i++)
			to[i / I8_GROUP * I8_GROUP_BYTES + i % I8_GROUP] = (uint8_t)(b[j * k + i] + I8_BIAS);
	}
}

void i8_mul_plain(int32_t *restrict out, const int8_t *restrict a, size_t n, const struct i8_matrix *b)
{
	size_t groups = i8_groups(b->k);

	for (size_t row = 0; row < n; row++) {
		int32_t start = i8_start(a + row * b->k, b->k);

		for (size_t j = 0; j < b->m; j++) {
			const uint8_t *from =
				b->packed + j / I8_PANEL * groups * I8_GROUP_BYTES + j % I8_PANEL * I8_GROUP;
			int32_t sum = start;

			for (size_t i = 0; i < b->k; i++)
				sum += from[i / I8_GROUP * I8_GROUP_BYTES + i % I8_GROUP] * a[row * b->k + i];
			out[row * b->m + j] = sum;
		}
	}
}

void i8_mul(int32_t *restrict out, const int8_t *restrict a, size_t n, const struct i8_matrix *b)
{
	assert(b->k <= I8_INPUTS_MAX);
	kernels->i8_mul(out, a, n, b);
}
