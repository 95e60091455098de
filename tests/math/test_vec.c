#include "math/vec.h"

#include "sets.h"
#include "support/guard.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
/* cmocka.h needs those before it */
#include <cmocka.h>

enum { MOST = 131 };

static void fill(float *x, size_t n, int wild)
{
	for (size_t i = 0; i < n; i++)
		x[i] = wild ? random_wild() : random_tame();
}

/* x and y end at the end of memory and start at any alignment. */
static void compare_dot(const struct kernels *set, const float *x, const float *y, size_t n)
{
	float *gx = (float *)(void *)guard_copy(x, n * sizeof(float));
	float *gy = (float *)(void *)guard_copy(y, n * sizeof(float));
	float expected = kernels_plain.dot(x, y, n);
	float got = set->dot(gx, gy, n);

	assert_memory_equal(&got, &expected, sizeof(float));
	guard_free((char *)gx, n * sizeof(float));
	guard_free((char *)gy, n * sizeof(float));
}

static void compare_axpy(const struct kernels *set, const float *x, const float *y, size_t n)
{
	float expected[MOST + 1];
	float *gx = (float *)(void *)guard_copy(x, n * sizeof(float));
	float *gy = (float *)(void *)guard_copy(y, n * sizeof(float));

	memcpy(expected, y, sizeof(expected));
	kernels_plain.axpy(expected, x[n], x, n);
	set->axpy(gy, x[n], gx, n);
	assert_memory_equal(gy, expected, n * sizeof(float));
	memcpy(expected, x, sizeof(expected));
	kernels_plain.scale(expected, y[n], n);
	set->scale(gx, y[n], n);
	assert_memory_equal(gx, expected, n * sizeof(float));
	guard_free((char *)gx, n * sizeof(float));
	guard_free((char *)gy, n * sizeof(float));
}

static void kernels_agree_with_plain(void **state)
{
	(void)state;
	for (size_t s = 0; s < SETS; s++) {
		if (!kernels_runs(all_sets[s])) {
			print_message("%s: not on this processor\n", all_sets[s]->name);
			continue;
		}
		for (size_t n = 0; n <= MOST; n++)
			for (int round = 0; round < 20; round++) {
				float x[MOST + 1];
				float y[MOST + 1];

				fill(x, MOST + 1, round % 2);
				fill(y, MOST + 1, round % 4 > 1);
				compare_dot(all_sets[s], x, y, n);
				if (n < MOST)
					compare_axpy(all_sets[s], x, y, n);
			}
	}
}

/* The order that vec.h promises, written out once more. */
static void dot_adds_in_sixteen_lanes(void **state)
{
	float x[37];
	float y[37];
	float l[16] = { 0 };
	float expected;

	(void)state;
	fill(x, 37, 0);
	fill(y, 37, 0);
	for (int i = 0; i < 16; i++) {
		l[i] = fmaf(x[i], y[i], 0.0F);
		l[i] = fmaf(x[i + 16], y[i + 16], l[i]);
		if (i + 32 < 37)
			l[i] = fmaf(x[i + 32], y[i + 32], l[i]);
	}
	expected = (((l[0] + l[8]) + (l[4] + l[12])) + ((l[2] + l[10]) + (l[6] + l[14]))) +
		   (((l[1] + l[9]) + (l[5] + l[13])) + ((l[3] + l[11]) + (l[7] + l[15])));
	assert_true(vec_dot(x, y, 37) == expected);
}

static void a_zero_vector_has_no_direction(void **state)
{
	float zero[5] = { 0 };
	float x[5] = { 1, 2, 3, 4, 5 };

	(void)state;
	assert_true(vec_cosine(zero, x, 5) == 0.0F);
	assert_true(vec_cosine(zero, zero, 5) == 0.0F);
	assert_true(vec_unit(zero, 5) == 0.0F);
	for (int i = 0; i < 5; i++)
		assert_true(zero[i] == 0.0F);
	assert_true(vec_cosine(x, x, 0) == 0.0F);
}

static void unit_and_cosine(void **state)
{
	float x[4] = { 3, 0, 4, 0 };
	float minus[4] = { -6, 0, -8, 0 };
	float across[4] = { 0, 1, 0, 0 };

	(void)state;
	assert_true(vec_norm(x, 4) == 5.0F);
	assert_true(vec_cosine(x, minus, 4) == -1.0F);
	assert_true(vec_cosine(x, across, 4) == 0.0F);
	assert_true(vec_unit(x, 4) == 5.0F);
	assert_true(x[0] == 0.6F && x[2] == 0.8F);
	for (int round = 0; round < 1000; round++) {
		float y[50];

		fill(y, 50, 0);
		assert_true(vec_cosine(y, y, 50) <= 1.0F && vec_cosine(y, y, 50) > 0.9999F);
		vec_scale(y, -1.0F, 50);
	}
}

/* Squares of such lengths leave the range of float. */
static void lengths_at_the_ends_of_the_range(void **state)
{
	float tiny[3] = { 1e-30F, 2e-30F, 0 };
	float huge[3] = { 3e30F, 4e30F, 0 };
	float x[3] = { 1, 2, 0 };

	(void)state;
	assert_true(vec_cosine(tiny, x, 3) > 0.9999F);
	assert_true(vec_cosine(huge, huge, 3) > 0.9999F);
	assert_true(vec_norm(huge, 3) == 5e30F);
	assert_true(fabsf(vec_unit(tiny, 3) / 2.2360679e-30F - 1.0F) < 1e-6F);
	assert_true(fabsf(vec_norm(tiny, 3) - 1.0F) < 1e-6F);
}

static void times_matrix_is_the_sum_of_rows(void **state)
{
	float *matrix = malloc(MOST * MOST * sizeof(float));
	float x[MOST];

	(void)state;
	for (size_t n = 0; n < MOST; n += 13)
		for (size_t m = 0; m < MOST; m++) {
			float expected[MOST] = { 0 };
			float out[MOST];

			fill(matrix, n * m, 0);
			fill(x, n, 0);
			for (size_t i = 0; i < n; i++)
				for (size_t j = 0; j < m; j++)
					expected[j] = fmaf(x[i], matrix[i * m + j], expected[j]);
			vec_times_matrix(out, x, matrix, n, m);
			assert_memory_equal(out, expected, m * sizeof(float));
		}
	free(matrix);
}

static void a_set_can_be_forced(void **state)
{
	(void)state;
	for (size_t s = 0; s < SETS; s++) {
		assert_int_equal(setenv("SIFD_KERNELS", all_sets[s]->name, 1), 0);
		vec_init();
		if (kernels_runs(all_sets[s]))
			assert_string_equal(vec_kernels(), all_sets[s]->name);
		times_matrix_is_the_sum_of_rows(state);
		dot_adds_in_sixteen_lanes(state);
	}
	assert_int_equal(setenv("SIFD_KERNELS", "abacus", 1), 0);
	vec_init();
	assert_true(kernels_runs(kernels));
	assert_int_equal(unsetenv("SIFD_KERNELS"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kernels_agree_with_plain),
		cmocka_unit_test(dot_adds_in_sixteen_lanes),
		cmocka_unit_test(a_zero_vector_has_no_direction),
		cmocka_unit_test(unit_and_cosine),
		cmocka_unit_test(lengths_at_the_ends_of_the_range),
		cmocka_unit_test(times_matrix_is_the_sum_of_rows),
		cmocka_unit_test(a_set_can_be_forced),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
