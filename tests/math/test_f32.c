/* Products of floats: every set of kernels has the bits of vec_times_matrix(), at odd sizes. */
#include "math/f32.h"
#include "math/rows.h"
#include "math/vec.h"
#include "sets.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static float *floats(size_t n)
{
	float *x = malloc(n ? n * sizeof(*x) : 1); /* exact: a sanitizer sees a number read too much */

	assert_non_null(x);
	for (size_t i = 0; i < n; i++)
		x[i] = random_tame();
	return x;
}

static void check(size_t n, size_t m, size_t k)
{
	const struct kernels *kept = kernels;
	float *a = floats(n * k), *b = floats(m * k), *columns = floats(m * k), *row = floats(k);
	float *packed = floats(f32_packed_size(m, k)), *expected = floats(n * m), *out = floats(n * m);
	struct rows rows = { ROWS_F32, m, k, b, NULL };
	struct f32_matrix matrix = { m, k, packed };

	f32_pack(packed, &rows, row);
	for (size_t j = 0; j < m; j++)
		for (size_t l = 0; l < k; l++)
			columns[l * m + j] = b[j * k + l];
	for (size_t set = 0; set < SETS; set++) {
		if (!kernels_runs(all_sets[set]))
			continue;
		kernels = all_sets[set];
		for (size_t i = 0; i < n; i++)
			vec_times_matrix(expected + i * m, a + i * k, columns, k, m);
		memset(out, 0x55, n * m * sizeof(*out));
		f32_mul(out, a, n, &matrix);
		assert_memory_equal(out, expected, n * m * sizeof(*out));
	}
	kernels = kept;
	free(a);
	free(b);
	free(columns);
	free(row);
	free(packed);
	free(expected);
	free(out);
}

static void has_the_bits_of_one_row_at_a_time(void **state)
{
	static const size_t ks[] = { 1, 3, 37, 256 };
	static const size_t ms[] = { 1, 7, 16, 17, 63, 64, 65, 130 };
	static const size_t ns[] = { 1, 2, 3, 4, 5, 6, 7, 13 };

	(void)state;
	for (size_t k = 0; k < sizeof(ks) / sizeof(*ks); k++)
		for (size_t m = 0; m < sizeof(ms) / sizeof(*ms); m++)
			for (size_t n = 0; n < sizeof(ns) / sizeof(*ns); n++)
				check(ns[n], ms[m], ks[k]);
}

static void sizes_out_of_range_have_no_packing(void **state)
{
	(void)state;
	assert_int_equal(f32_packed_size(SIZE_MAX, SIZE_MAX), 0);
	assert_int_equal(f32_packed_size(SIZE_MAX / 8, 2), 0);
	assert_int_equal(f32_packed_size(65, 5), 2 * 64 * 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(has_the_bits_of_one_row_at_a_time),
		cmocka_unit_test(sizes_out_of_range_have_no_packing),
	};

	vec_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
