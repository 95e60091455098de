/* Poolings by hand; their gradients against finite differences. */
#include "embed/pool.h"

#include "base/random.h"
#include "math/vec.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { H = 5, WIDTH = 2 * H, N = 6, FROM_LAST = (N - 1) * WIDTH };

static float y[N * WIDTH], attention[WIDTH];

static struct pool pool_of(enum pooling pooling, size_t sides)
{
	return (struct pool){ pooling, WIDTH / sides, sides, attention };
}

static void is(const struct pool *p, const double *expected)
{
	float vector[WIDTH], scratch[N];

	pool_states(p, y, N, vector, scratch);
	for (size_t k = 0; k < WIDTH; k++)
		assert_true(fabs((double)vector[k] - expected[k]) < 1e-6);
}

static void mean_and_max(void **state)
{
	const struct pool mean = pool_of(POOLING_MEAN, 2), max = pool_of(POOLING_MAX, 2);
	double sums[WIDTH] = { 0 }, largest[WIDTH];

	(void)state;
	for (size_t k = 0; k < WIDTH; k++) {
		largest[k] = -HUGE_VAL;
		for (size_t t = 0; t < N; t++) {
			sums[k] += (double)y[t * WIDTH + k] / N;
			largest[k] = fmax(largest[k], (double)y[t * WIDTH + k]);
		}
	}
	is(&mean, sums);
	is(&max, largest);
}

/* What each direction read last. */
static void last(void **state)
{
	const struct pool two = pool_of(POOLING_LAST, 2), one = pool_of(POOLING_LAST, 1);
	double expected[WIDTH];

	(void)state;
	for (size_t k = 0; k < WIDTH; k++)
		expected[k] = (double)y[(k < H ? FROM_LAST : 0) + k];
	is(&two, expected);
	for (size_t k = 0; k < WIDTH; k++)
		expected[k] = (double)y[FROM_LAST + k];
	is(&one, expected);
}

static void attention_is_a_softmax(void **state)
{
	const struct pool p = pool_of(POOLING_ATTENTION, 2);
	double expected[WIDTH] = { 0 }, sum = 0;

	(void)state;
	for (size_t t = 0; t < N; t++) {
		double e = 0;

		for (size_t k = 0; k < WIDTH; k++)
			e += (double)attention[k] * (double)y[t * WIDTH + k];
		sum += exp(e);
		for (size_t k = 0; k < WIDTH; k++)
			expected[k] += exp(e) * (double)y[t * WIDTH + k];
	}
	for (size_t k = 0; k < WIDTH; k++)
		expected[k] /= sum;
	is(&p, expected);
}

/* All of one word, none of the others; and numbers beyond floats do not stop it. */
static void attention_of_large_scores(void **state)
{
	const struct pool p = pool_of(POOLING_ATTENTION, 2);
	float kept[WIDTH], vector[WIDTH], scratch[N];
	float sum = 0;

	(void)state;
	memcpy(kept, attention, sizeof(kept));
	vec_scale(attention, 1e6f, WIDTH);
	pool_states(&p, y, N, vector, scratch);
	for (size_t t = 0; t < N; t++)
		sum += scratch[t];
	assert_true(sum == 1.0f);
	for (size_t k = 0; k < WIDTH; k++)
		attention[k] = 3e38f;
	pool_states(&p, y, N, vector, scratch);
	memcpy(attention, kept, sizeof(kept));
}

/* A loss that sees every column differently. */
static double loss_of(const struct pool *p)
{
	float vector[WIDTH], scratch[N];
	double loss = 0;

	pool_states(p, y, N, vector, scratch);
	for (size_t k = 0; k < WIDTH; k++)
		loss += (double)vector[k] * sin((double)(k + 1));
	return loss;
}

static void check_gradient(const struct pool *p, float *parameter, float gradient)
{
	const float step = 5e-3f;
	float kept = *parameter;
	double losses[2];

	for (int side = 0; side < 2; side++) {
		*parameter = kept + (side ? step : -step);
		losses[side] = loss_of(p);
	}
	*parameter = kept;
	assert_true(fabs((losses[1] - losses[0]) / (2 * (double)step) - (double)gradient) < 5e-4);
}

static void gradients_are_those_of_the_loss(void **state)
{
	float d_vector[WIDTH], d_y[N * WIDTH], d_attention[WIDTH], scratch[N];

	(void)state;
	for (size_t k = 0; k < WIDTH; k++)
		d_vector[k] = (float)sin((double)(k + 1));
	for (int pooling = 0; pooling < POOLING_COUNT; pooling++)
		for (size_t sides = 1; sides <= 2; sides++) {
			const struct pool p = pool_of((enum pooling)pooling, sides);

			memset(d_y, 0xFF, sizeof(d_y));
			memset(d_attention, 0, sizeof(d_attention));
			pool_back(&p, y, N, d_vector, d_y, d_attention, scratch);
			for (size_t i = 0; i < (size_t)N * WIDTH; i++)
				check_gradient(&p, &y[i], d_y[i]);
			for (size_t k = 0; k < WIDTH; k++)
				check_gradient(&p, &attention[k], d_attention[k]);
		}
}

static void names(void **state)
{
	(void)state;
	for (int pooling = 0; pooling < POOLING_COUNT; pooling++)
		assert_int_equal(pooling_parse(pooling_names[pooling]), pooling);
	assert_int_equal(pooling_parse("most"), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(mean_and_max),
		cmocka_unit_test(last),
		cmocka_unit_test(attention_is_a_softmax),
		cmocka_unit_test(attention_of_large_scores),
		cmocka_unit_test(gradients_are_those_of_the_loss),
		cmocka_unit_test(names),
	};
	uint64_t random = 12;

	vec_init();
	for (size_t i = 0; i < (size_t)N * WIDTH; i++)
		y[i] = 2 * random_unit(&random) - 1;
	for (size_t k = 0; k < WIDTH; k++)
		attention[k] = 2 * random_unit(&random) - 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
