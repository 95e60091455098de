/* Products of bytes: every set of kernels gives the naive sums, at odd sizes and at the ends of the range. */
#include "math/i8.h"
#include "math/vec.h"
#include "sets.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

struct sizes {
	size_t n, m, k;
};

static int8_t *bytes(size_t n, int all)
{
	int8_t *b = malloc(n ? n : 1); /* exact: a sanitizer sees a byte read too much */

	assert_non_null(b);
	for (size_t i = 0; i < n; i++)
		b[i] = (int8_t)(all ? all : (int)(random_next() % 256) - 128);
	return b;
}

static void naive(int32_t *out, const int8_t *a, const int8_t *b, const struct sizes *s)
{
	for (size_t i = 0; i < s->n; i++) {
		for (size_t j = 0; j < s->m; j++) {
			int32_t sum = 0;

			for (size_t l = 0; l < s->k; l++)
				sum += a[i * s->k + l] * b[j * s->k + l];
			out[i * s->m + j] = sum;
		}
	}
}

static void check(const struct sizes *s, int all_a, int all_b)
{
	const struct kernels *kept = kernels;
	int8_t *a = bytes(s->n * s->k, all_a);
	int8_t *b = bytes(s->m * s->k, all_b);
	size_t size = i8_packed_size(s->m, s->k);
	uint8_t *packed = malloc(size ? size : 1);
	size_t sums = s->n * s->m * sizeof(int32_t);
	int32_t *expected = malloc(sums);
	int32_t *out = malloc(sums);
	struct i8_matrix matrix = { s->m, s->k, packed };

	i8_pack(packed, b, s->m, s->k);
	naive(expected, a, b, s);
	for (size_t i = 0; i < SETS; i++) {
		if (!kernels_runs(all_sets[i]))
			continue;
		kernels = all_sets[i];
		memset(out, 0x55, sums);
		i8_mul(out, a, s->n, &matrix);
		assert_memory_equal(out, expected, sums);
	}
	kernels = kept;
	free(a);
	free(b);
	free(packed);
	free(expected);
	free(out);
}

static void every_kernel_is_exact(void **state)
{
	static const size_t ks[] = { 0, 1, 3, 4, 5, 37, 256 };
	static const size_t ms[] = { 1, 7, 16, 17, 63, 64, 65, 130 };
	static const size_t ns[] = { 1, 2, 3, 4, 5, 6, 7, 11, 49 };

	(void)state;
	for (size_t k = 0; k < sizeof(ks) / sizeof(*ks); k++)
		for (size_t m = 0; m < sizeof(ms) / sizeof(*ms); m++)
			for (size_t n = 0; n < sizeof(ns) / sizeof(*ns); n++)
				check(&(struct sizes){ ns[n], ms[m], ks[k] }, 0, 0);
}

/* As many inputs as allowed, all at an end of the range. */
static void the_largest_sums_fit(void **state)
{
	const struct sizes s = { 2, 3, I8_INPUTS_MAX };

	(void)state;
	check(&s, -128, 127);
	check(&s, 127, 127);
	check(&s, -127, -127);
}

static void sizes_out_of_range_have_no_packing(void **state)
{
	(void)state;
	assert_int_equal(i8_packed_size(1, (size_t)I8_INPUTS_MAX + 1), 0);
	assert_int_equal(i8_packed_size(SIZE_MAX, I8_INPUTS_MAX), 0);
	assert_int_equal(i8_packed_size(65, 5), 2 * 2 * 256);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kernel_is_exact),
		cmocka_unit_test(the_largest_sums_fit),
		cmocka_unit_test(sizes_out_of_range_have_no_packing),
	};

	vec_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
