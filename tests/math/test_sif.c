#include "math/sif.h"

#include "base/err.h"
#include "math/mat.h"
#include "math/vec.h"
#include "sets.h"

#include <math.h>
#include <stdlib.h>

#include <setjmp.h>
#include <stdarg.h>
/* cmocka.h needs those before it */
#include <cmocka.h>

enum { D = 70 };

static bool near(double x, double y, double tolerance)
{
	return fabs(x - y) <= tolerance;
}

static void weights_are_the_papers(void **state)
{
	(void)state;
	assert_true(sif_weight(0.0, 1e-3) == 1.0F);
	assert_true(sif_weight(1e-3, 1e-3) == 0.5F);
	assert_true(sif_weight(1.0, 1.0) == 0.5F);
	assert_true(near(sif_weight(0.05, 1e-3), 1e-3 / 0.051, 1e-9));
	assert_true(usif_weight(0.0, 1e-3) == 2.0F);
	assert_true(near(usif_weight(0.05, 1e-3), 1e-3 / 0.0505, 1e-9));
}

static void a_weight_gives_its_probability_back(void **state)
{
	(void)state;
	for (double p = 1e-9; p < 1.0; p *= 1.7)
		assert_true(near(sif_probability(sif_weight(p, 1e-3), 1e-3) / p, 1.0, 1e-6 + 1e-9 / p));
	assert_true(sif_probability(1.0F, 1e-3) == 0.0);
}

/* By hand: v = 4, n = 2: threshold 1 - (3/4)^2 = 0.4375; one of four lies above. */
static void usif_a_counts_words_above_the_threshold(void **state)
{
	double p[4] = { 0.5, 0.3, 0.1, 0.1 };
	double even[4] = { 0.25, 0.25, 0.25, 0.25 };
	double half[4] = { 0.45, 0.45, 0.05, 0.05 };

	(void)state;
	assert_true(near(usif_a(p, 4, 2.0), 0.75 / 0.5, 1e-12));
	assert_true(near(usif_a(even, 4, 2.0), 0.75 / 0.5, 1e-12)); /* none: taken as one */
	assert_true(near(usif_a(half, 4, 2.0), 0.5 / 1.0, 1e-12));
	assert_true(near(usif_a(half, 4, 11.0), 0.75 / 0.5, 1e-12)); /* long sentences: threshold 0.958 */
}

static void draw_unit(float *u, size_t d)
{
	for (size_t i = 0; i < d; i++)
		u[i] = random_tame();
	(void)vec_unit(u, d);
}

static void what_is_removed_is_gone(void **state)
{
	float u[2 * D];
	float x[D];
	float before[D];
	float part;

	(void)state;
	draw_unit(u, D);
	draw_unit(u + D, D);
	part = vec_dot(u, u + D, D);
	vec_axpy(u + D, -part, u, D);
	(void)vec_unit(u + D, D);
	draw_unit(x, D);
	memcpy(before, x, sizeof(x));
	sif_remove(x, u, NULL, 2, D);
	assert_true(near(vec_dot(x, u, D), 0.0, 1e-6));
	assert_true(near(vec_dot(x, u + D, D), 0.0, 1e-6));
	assert_true(vec_norm(x, D) < 1.0F);
	memcpy(x, before, sizeof(x));
	sif_remove(x, u, NULL, 0, D);
	assert_memory_equal(x, before, sizeof(x));
}

static void scales_take_out_a_part(void **state)
{
	float u[2][3] = { { 1, 0, 0 }, { 0, 1, 0 } };
	float scales[2] = { 0.25F, 1.0F };
	float x[3] = { 4, 5, 6 };

	(void)state;
	sif_remove(x, u[0], scales, 2, 3);
	assert_true(x[0] == 3.0F && x[1] == 0.0F && x[2] == 6.0F);
}

/* A random covariance and its eigenpairs. */
static void draw_moment(double *moment, double *values, double *vectors)
{
	static float rows[5 * D][D];
	static float scratch[D * D];
	static double copy[D * D];
	struct err err = { 0 };

	for (size_t i = 0; i < (size_t)5 * D; i++)
		for (size_t j = 0; j < D; j++)
			rows[i][j] = random_tame() * (1.0F + (float)j / 10.0F);
	memset(moment, 0, D * D * sizeof(double));
	mat_add_second_moment(moment, rows[0], (size_t)5 * D, D, scratch);
	memcpy(copy, moment, sizeof(copy));
	assert_int_equal(mat_eigen(values, vectors, copy, D, &err), 0);
}

static void full_whitening_makes_the_moment_the_identity(void **state)
{
	static double moment[D * D];
	static double vectors[D * D];
	static float p[D * D];
	double values[D];

	(void)state;
	draw_moment(moment, values, vectors);
	sif_whitening(p, values, vectors, D, 1.0);
	for (size_t i = 0; i < D; i++)
		for (size_t j = 0; j < D; j++) {
			double sum = 0.0;

			assert_true(p[i * D + j] == p[j * D + i]);
			for (size_t k = 0; k < D; k++)
				for (size_t l = 0; l < D; l++)
					sum += (double)p[i * D + k] * moment[k * D + l] *
					       (double)p[l * D + j];
			assert_true(near(sum, i == j, 1e-4));
		}
}

/* P's own eigenvalues are those of the moment to the power -power/2, largest and smallest floored. */
static void partial_whitening_bends_the_spectrum(void **state)
{
	static double moment[D * D];
	static double vectors[D * D];
	static float p[D * D];
	double values[D];

	(void)state;
	draw_moment(moment, values, vectors);
	values[D - 1] = 1e-30 * values[0];
	sif_whitening(p, values, vectors, D, 0.75);
	for (size_t k = 0; k < D; k++) {
		double length = 0.0;
		double expected = pow(fmax(values[k], 1e-7 * values[0]), -0.375);

		for (size_t i = 0; i < D; i++) {
			double sum = 0.0;

			for (size_t j = 0; j < D; j++)
				sum += (double)p[i * D + j] * vectors[k * D + j];
			length += sum * vectors[k * D + i];
		}
		assert_true(near(length / expected, 1.0, 1e-3));
	}
}

static void power_zero_and_no_variance_give_the_identity(void **state)
{
	static double moment[D * D];
	static double vectors[D * D];
	static float p[D * D];
	double values[D];

	(void)state;
	draw_moment(moment, values, vectors);
	for (int round = 0; round < 2; round++) {
		sif_whitening(p, values, vectors, D, round ? 1.0 : 0.0);
		for (size_t i = 0; i < D; i++)
			for (size_t j = 0; j < D; j++)
				assert_true(p[i * D + j] == (i == j ? 1.0F : 0.0F));
		memset(values, 0, sizeof(values));
	}
	sif_whitening(p, values, vectors, 0, 1.0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(weights_are_the_papers),
		cmocka_unit_test(a_weight_gives_its_probability_back),
		cmocka_unit_test(usif_a_counts_words_above_the_threshold),
		cmocka_unit_test(what_is_removed_is_gone),
		cmocka_unit_test(scales_take_out_a_part),
		cmocka_unit_test(full_whitening_makes_the_moment_the_identity),
		cmocka_unit_test(partial_whitening_bends_the_spectrum),
		cmocka_unit_test(power_zero_and_no_variance_give_the_identity),
	};

	mat_init();
	vec_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
