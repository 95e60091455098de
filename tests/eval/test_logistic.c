#include "eval/logistic.h"

#include "base/err.h"
#include "math/mat.h"
#include "support/toy.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
/* cmocka.h needs those before it */
#include <cmocka.h>

enum { N = 120, D = 5 };

static float x[N * D];
static uint32_t y[N];
static size_t all[N];

/* Features sin(i j + i + j), classes by a rule that no plane follows: easy to repeat elsewhere. */
static struct examples draw(size_t classes)
{
	for (size_t i = 0; i < N; i++) {
		for (size_t j = 0; j < D; j++)
			x[i * D + j] = (float)sin((double)(i * j + i + j));
		y[i] = (uint32_t)(i * i + (x[i * D] > 0.0F ? 1 : 0)) % (uint32_t)classes;
		all[i] = i;
	}
	return (struct examples){ .x = x, .y = y, .d = D, .classes = classes, .which = all, .n = N };
}

static void the_gradient_is_that_of_the_objective(void **state)
{
	struct examples e = draw(3);
	double w[D + 1] = { 0.3, -0.2, 0.5, 1.0, -2.0, 0.1 };
	double g[D + 1];
	double scores[N];

	(void)state;
	for (int constant = 0; constant < 2; constant++)
		for (size_t class = 0; class < 3; class ++) {
			(void)logistic_objective(g, scores, w, &e, class, constant, 2.5);
			for (size_t j = 0; j < D + (size_t)constant; j++) {
				double saved = w[j];
				double up;
				double down;

				w[j] = saved + 1e-5;
				up = logistic_objective(NULL, scores, w, &e, class, constant, 2.5);
				w[j] = saved - 1e-5;
				down = logistic_objective(NULL, scores, w, &e, class, constant, 2.5);
				w[j] = saved;
				assert_true(fabs((up - down) / 2e-5 - g[j]) < 1e-6 * (1.0 + fabs(g[j])));
			}
		}
}

static void a_fit_ends_where_the_gradient_is_none(void **state)
{
	struct examples e = draw(3);
	struct err err = { 0 };
	struct logistic *l = logistic_new(D, 3, 1, &err);
	double g[D + 1];
	double scores[N];

	(void)state;
	assert_int_equal(logistic_fit(l, &e, 10.0, &err), 0);
	for (size_t class = 0; class < 3; class ++) {
		(void)logistic_objective(g, scores, logistic_weights(l, class), &e, class, 1, 10.0);
		for (size_t j = 0; j <= D; j++)
			assert_true(fabs(g[j]) < 1e-4);
	}
	logistic_free(l);
}

/* scripts of others: sklearn 1.x LogisticRegression(solver="liblinear", tol=1e-10, intercept_scaling=1). */
static void weights_are_those_of_liblinear(void **state)
{
	static const double two[D + 1] = { -0.00676291199, -0.184392111,  0.188510316,
					   0.190444083,	   -0.0704567788, -0.0972398677 };
	static const size_t two_right = 64;
	static const double three[3][D] = {
		{ -0.952376447, -0.111406375, 0.142665131, 0.101879181, 0.0871379413 },
		{ -0.797908599, -0.0563176728, 0.0585939706, 0.0178386225, 0.165433077 },
		{ 2.11503342, 0.207193582, -0.279775679, -0.211131855, -0.380777845 }
	};
	static const size_t three_right = 65;
	struct examples e = draw(2);
	struct err err = { 0 };
	struct logistic *l = logistic_new(D, 2, 1, &err);

	(void)state;
	assert_int_equal(logistic_fit(l, &e, 0.5, &err), 0);
	for (size_t j = 0; j <= D; j++)
		assert_true(fabs(logistic_weights(l, 1)[j] - two[j]) < 2e-6);
	assert_int_equal(logistic_correct(l, &e), two_right);
	logistic_free(l);
	e = draw(3);
	l = logistic_new(D, 3, 0, &err);
	assert_int_equal(logistic_fit(l, &e, 100.0, &err), 0);
	for (size_t class = 0; class < 3; class ++)
		for (size_t j = 0; j < D; j++)
			assert_true(fabs(logistic_weights(l, class)[j] - three[class][j]) < 2e-5);
	assert_int_equal(logistic_correct(l, &e), three_right);
	logistic_free(l);
}

static void the_way_to_c_does_not_matter(void **state)
{
	struct examples e = draw(2);
	struct err err = { 0 };
	struct logistic *straight = logistic_new(D, 2, 0, &err);
	struct logistic *through = logistic_new(D, 2, 0, &err);

	(void)state;
	assert_int_equal(logistic_fit(straight, &e, 1e4, &err), 0);
	for (double c = 1e-3; c < 2e4; c *= 10.0)
		assert_int_equal(logistic_fit(through, &e, c, &err), 0);
	for (size_t j = 0; j < D; j++)
		assert_true(fabs(logistic_weights(straight, 1)[j] - logistic_weights(through, 1)[j]) < 1e-4);
	logistic_reset(through);
	assert_int_equal(logistic_fit(through, &e, 1e4, &err), 0);
	assert_memory_equal(logistic_weights(straight, 1), logistic_weights(through, 1), D * sizeof(double));
	logistic_free(straight);
	logistic_free(through);
}

/* Far apart and hardly penalised: the weights grow large, the losses vanish, and it still ends. */
static void separable_classes_are_separated(void **state)
{
	struct examples e = draw(2);
	struct err err = { 0 };
	struct logistic *l = logistic_new(D, 2, 0, &err);

	(void)state;
	for (size_t i = 0; i < N; i++)
		x[i * D + 2] = y[i] ? 50.0F : -50.0F;
	assert_int_equal(logistic_fit(l, &e, 1e8, &err), 0);
	assert_int_equal(logistic_correct(l, &e), N);
	logistic_free(l);
}

static void only_the_rows_asked_for_take_part(void **state)
{
	struct examples e = draw(3);
	struct err err = { 0 };
	struct logistic *l = logistic_new(D, 3, 0, &err);
	size_t some[N];
	size_t n = 0;

	(void)state;
	for (size_t i = 0; i < N; i++)
		if (y[i] != 2)
			some[n++] = i;
		else
			x[i * D] = NAN; /* would be noticed */
	e.which = some;
	e.n = n;
	assert_int_equal(logistic_fit(l, &e, 1.0, &err), 0);
	for (size_t i = 0; i < n; i++)
		assert_true(logistic_class(l, x + some[i] * D) < 2);
	logistic_free(l);
}

static void features_that_are_not_finite_are_refused(void **state)
{
	struct examples e = draw(2);
	struct err err = { 0 };
	struct logistic *l = logistic_new(D, 2, 1, &err);

	(void)state;
	x[7] = NAN;
	assert_int_equal(logistic_fit(l, &e, 1.0, &err), -1);
	assert_int_equal(err.code, ERR_INPUT);
	logistic_free(l);
	assert_null(logistic_new(SIZE_MAX / 4, 2, 0, &err));
	assert_int_equal(err.code, ERR_MEMORY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_gradient_is_that_of_the_objective),
		cmocka_unit_test(a_fit_ends_where_the_gradient_is_none),
		cmocka_unit_test(weights_are_those_of_liblinear),
		cmocka_unit_test(the_way_to_c_does_not_matter),
		cmocka_unit_test(separable_classes_are_separated),
		cmocka_unit_test(only_the_rows_asked_for_take_part),
		cmocka_unit_test(features_that_are_not_finite_are_refused),
	};

	mat_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
