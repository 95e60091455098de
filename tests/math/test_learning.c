/* The loops of training: each set of kernels gives the bits of the plain one; the exponential is one. */
#include "math/learning.h"

#include "base/random.h"
#include "math/exp.h"
#include "math/kernels.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { N = 100 };

static const struct kernels *const sets[] = { &kernels_plain, &kernels_avx2, &kernels_avx512 };
enum { SETS = sizeof(sets) / sizeof(sets[0]) };

static void fill(float *x, size_t n, float low, float high, uint64_t seed)
{
	for (size_t i = 0; i < n; i++)
		x[i] = low + (high - low) * random_unit(&seed);
}

static void adam_has_the_same_bits(void **state)
{
	(void)state;
	for (size_t set = 1; set < SETS; set++)
		for (size_t n = 0; kernels_runs(sets[set]) && n <= N; n++) {
			float x[2][N], m[2][N], v[2][N], g[N];

			fill(g, N, -1, 1, n);
			for (size_t k = 0; k < 2; k++) {
				fill(x[k], N, -2, 2, n + 1);
				fill(m[k], N, -1e-3f, 1e-3f, n + 2);
				fill(v[k], N, 0, 1e-3f, n + 3);
				sets[k * set]->adam(x[k], m[k], v[k], g, n, 0.01f, 1.5f, 0.01f);
			}
			assert_memory_equal(x[0], x[1], sizeof(x[0]));
			assert_memory_equal(m[0], m[1], sizeof(m[0]));
			assert_memory_equal(v[0], v[1], sizeof(v[0]));
		}
}

static void softmax_has_the_same_bits(void **state)
{
	(void)state;
	for (size_t set = 1; set < SETS; set++)
		for (size_t n = 0; kernels_runs(sets[set]) && n <= N; n++) {
			float row[2][N], column[2][N] = { { 0 } }, most[N], sum[2][N];
			float all[2];

			fill(most, N, 1, 2, n);
			for (size_t k = 0; k < 2; k++) {
				fill(row[k], N, -100, 1, n + 1);
				fill(sum[k], N, 0, 1, n + 2);
				all[k] = sets[k * set]->softmax(row[k], column[k], most, sum[k], 1, n);
			}
			assert_memory_equal(row[0], row[1], sizeof(row[0]));
			assert_memory_equal(column[0], column[1], sizeof(column[0]));
			assert_memory_equal(sum[0], sum[1], sizeof(sum[0]));
			assert_true(all[0] == all[1]);
		}
}

static void softmax_is_as_said(void **state)
{
	float row[N], column[N], most[N], sum[N] = { 0 }, before[N];
	float all;
	double expected = 0;

	(void)state;
	fill(row, N, -20, 3, 1);
	fill(most, N, 3, 5, 2);
	memcpy(before, row, sizeof(row));
	all = learning_softmax(row, column, most, sum, 3, N);
	for (size_t i = 0; i < N; i++) {
		double e = exp((double)before[i] - 3);
		double c = exp((double)before[i] - (double)most[i]);

		assert_true(fabs((double)row[i] - e) <= 3e-6 * e);
		assert_true(fabs((double)column[i] - c) <= 3e-6 * c);
		assert_true(sum[i] == column[i]);
		expected += e;
	}
	assert_true(fabs((double)all - expected) < 1e-5 * expected);
}

static void exponential_is_one(void **state)
{
	double worst = 0;

	(void)state;
	for (float x = 0; x >= -87; x -= 1.37e-4f) {
		double e = exp((double)x);

		worst = fmax(worst, fabs((double)exp_nonpositive(x) - e) / e);
	}
	assert_true(worst < 2.5e-7);
	assert_true(exp_nonpositive(0) == 1);
	assert_true(exp_nonpositive(-0.0f) == 1);
	assert_true(exp_nonpositive(-88) == 0);
	assert_true(exp_nonpositive(-1e30f) == 0);
	assert_true(exp_nonpositive(-HUGE_VALF) == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(adam_has_the_same_bits),
		cmocka_unit_test(softmax_has_the_same_bits),
		cmocka_unit_test(softmax_is_as_said),
		cmocka_unit_test(exponential_is_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
