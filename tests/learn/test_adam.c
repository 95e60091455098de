/* Adam against its formula in doubles, by hand-followed steps. */
#include "learn/adam.h"

#include "base/random.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { N = 37, STEPS = 50 };

static void follows_the_formula(void **state)
{
	float x[N], m[N] = { 0 }, v[N] = { 0 }, g[N];
	double xd[N], md[N] = { 0 }, vd[N] = { 0 };
	uint64_t random = 4;

	(void)state;
	for (size_t i = 0; i < N; i++)
		xd[i] = (double)(x[i] = random_unit(&random));
	for (uint64_t t = 1; t <= STEPS; t++) {
		double rate = 0.01 / (double)t;

		for (size_t i = 0; i < N; i++) {
			g[i] = i == 3 ? 0 : (random_unit(&random) - 0.4f) * (i % 2 ? 1e-4f : 10);
			md[i] = 0.9 * md[i] + 0.1 * (double)g[i];
			vd[i] = 0.999 * vd[i] + 0.001 * (double)g[i] * (double)g[i];
			xd[i] -= rate * (md[i] / (1 - pow(0.9, (double)t))) /
				 (sqrt(vd[i] / (1 - pow(0.999, (double)t))) + 1e-8);
		}
		adam_update(x, m, v, g, N, adam_step(rate, t));
		for (size_t i = 0; i < N; i++)
			assert_true(fabs((double)x[i] - xd[i]) < 2e-6);
	}
}

/* Elements do not mix, wherever the blocks of the loop fall. */
static void elements_stand_alone(void **state)
{
	float x[2][N], m[2][N], v[2][N], g[N];
	uint64_t random = 5;

	(void)state;
	for (size_t i = 0; i < N; i++) {
		x[0][i] = x[1][i] = random_unit(&random);
		m[0][i] = m[1][i] = random_unit(&random);
		v[0][i] = v[1][i] = random_unit(&random);
		g[i] = random_unit(&random);
	}
	adam_update(x[0], m[0], v[0], g, N, adam_step(0.1, 3));
	for (size_t i = 0; i < N; i++)
		adam_update(x[1] + i, m[1] + i, v[1] + i, g + i, 1, adam_step(0.1, 3));
	assert_memory_equal(x[0], x[1], sizeof(x[0]));
	assert_memory_equal(m[0], m[1], sizeof(m[0]));
	assert_memory_equal(v[0], v[1], sizeof(v[0]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(follows_the_formula),
		cmocka_unit_test(elements_stand_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
