#include "math/mat.h"

#include "base/err.h"
#include "sets.h"

#include <math.h>
#include <stdlib.h>

#include <setjmp.h>
#include <stdarg.h>
/* cmocka.h needs those before it */
#include <cmocka.h>

static float *draw(size_t n)
{
	float *x = malloc((n ? n : 1) * sizeof(*x));

	for (size_t i = 0; i < n; i++)
		x[i] = random_tame();
	return x;
}

static void check_product(size_t m, size_t n, size_t k, int ta, int tb)
{
	float *a = draw(m * k);
	float *b = draw(k * n);
	float *c = draw(m * n);
	float *old = malloc((m * n + 1) * sizeof(*old));

	memcpy(old, c, m * n * sizeof(*c));
	mat_mul(c, a, b, m, n, k, ta, tb, 0.5F, 2.0F);
	for (size_t i = 0; i < m; i++)
		for (size_t j = 0; j < n; j++) {
			double sum = 2.0 * (double)old[i * n + j];

			for (size_t l = 0; l < k; l++)
				sum += 0.5 * (double)a[ta ? l * m + i : i * k + l] *
				       (double)b[tb ? j * k + l : l * n + j];
			assert_true(fabs((double)c[i * n + j] - sum) < 1e-5);
		}
	free(a);
	free(b);
	free(c);
	free(old);
}

static void products_are_right_in_every_form(void **state)
{
	static const size_t sizes[] = { 0, 1, 3, 17, 40 };

	(void)state;
	for (int form = 0; form < 4; form++)
		for (size_t m = 0; m < 5; m++)
			for (size_t n = 0; n < 5; n++)
				for (size_t k = 0; k < 5; k++)
					check_product(sizes[m], sizes[n], sizes[k], form & 1, form >> 1);
}

static void second_moments_add_up(void **state)
{
	static const size_t counts[] = { 0, 1, 2, 511, 512, 513, 1030 };
	enum { D = 37 };
	double sum[D * D] = { 0 };
	double expected[D * D] = { 0 };
	float scratch[D * D];

	(void)state;
	for (size_t c = 0; c < sizeof(counts) / sizeof(counts[0]); c++) {
		float *x = draw(counts[c] * D);

		mat_add_second_moment(sum, x, counts[c], D, scratch);
		for (size_t r = 0; r < counts[c]; r++)
			for (size_t i = 0; i < D; i++)
				for (size_t j = 0; j < D; j++)
					expected[i * D + j] += (double)x[r * D + i] * (double)x[r * D + j];
		for (size_t i = 0; i < D; i++)
			for (size_t j = 0; j < D; j++) {
				assert_true(fabs(sum[i * D + j] - expected[i * D + j]) < 1e-3);
				assert_true(sum[i * D + j] == sum[j * D + i]);
			}
		free(x);
	}
}

/* A fit gives the same bytes twice: whole, or block by block at the same borders. */
static void second_moments_have_the_same_bits_in_blocks(void **state)
{
	enum { D = 61, N = 1500 };
	static double whole[D * D];
	static double parts[D * D];
	static float scratch[D * D];
	float *x = draw((size_t)N * D);

	(void)state;
	mat_add_second_moment(whole, x, N, D, scratch);
	for (size_t at = 0; at < N; at += 512) {
		size_t n = N - at < 512 ? N - at : 512;
		float *copy =
			malloc((n * D + 3) * sizeof(*copy)); /* elsewhere in memory, otherwise aligned */

		memcpy(copy + 3, x + at * D, n * D * sizeof(*copy));
		mat_add_second_moment(parts, copy + 3, n, D, scratch);
		free(copy);
	}
	assert_memory_equal(whole, parts, sizeof(whole));
	free(x);
}

static void a_small_eigenproblem_by_hand(void **state)
{
	double a[4] = { 2, -1, -1, 2 };
	double one[1] = { -7 };
	double values[2];
	double vectors[4];
	struct err err = { 0 };
	double root = sqrt(0.5);

	(void)state;
	assert_int_equal(mat_eigen(values, vectors, a, 2, &err), 0);
	assert_true(fabs(values[0] - 3.0) < 1e-12 && fabs(values[1] - 1.0) < 1e-12);
	assert_true(fabs(fabs(vectors[0]) - root) < 1e-12 && fabs(vectors[0] + vectors[1]) < 1e-12);
	assert_true(fabs(vectors[2] - root) < 1e-12 && fabs(vectors[3] - root) < 1e-12);
	assert_int_equal(mat_eigen(values, vectors, one, 1, &err), 0);
	assert_true(values[0] == -7.0 && vectors[0] == 1.0);
	assert_int_equal(mat_eigen(values, vectors, one, 0, &err), 0);
}

static void eigenvectors_are_ordered_signed_and_orthonormal(void **state)
{
	enum { D = 50 };
	static double a[D * D];
	static double copy[D * D];
	static double vectors[D * D];
	double values[D];
	struct err err = { 0 };

	(void)state;
	for (size_t i = 0; i < D; i++)
		for (size_t j = 0; j <= i; j++)
			a[i * D + j] = a[j * D + i] = (double)random_tame();
	memcpy(copy, a, sizeof(a));
	assert_int_equal(mat_eigen(values, vectors, copy, D, &err), 0);
	for (size_t k = 0; k < D; k++) {
		const double *q = vectors + k * D;
		size_t top = 0;

		assert_true(k == 0 || values[k] <= values[k - 1]);
		for (size_t i = 0; i < D; i++) {
			double sum = 0.0;

			for (size_t j = 0; j < D; j++)
				sum += a[i * D + j] * q[j];
			assert_true(fabs(sum - values[k] * q[i]) < 1e-10);
			if (fabs(q[i]) > fabs(q[top]))
				top = i;
		}
		assert_true(q[top] > 0.0);
		for (size_t l = 0; l <= k; l++) {
			double sum = 0.0;

			for (size_t i = 0; i < D; i++)
				sum += q[i] * vectors[l * D + i];
			assert_true(fabs(sum - (k == l)) < 1e-10);
		}
	}
}

static void what_is_not_finite_is_refused(void **state)
{
	double values[2];
	double vectors[4];
	struct err err = { 0 };

	(void)state;
	assert_int_equal(mat_eigen(values, vectors, (double[]){ 1, (double)NAN, 0, 1 }, 2, &err), -1);
	assert_int_equal(err.code, ERR_INPUT);
	assert_int_equal(mat_eigen(values, vectors, (double[]){ 1, 0, 0, -(double)INFINITY }, 2, &err), -1);
	assert_int_equal(err.code, ERR_INPUT);
}

static void solutions_give_back_the_right_hand_sides(void **state)
{
	enum { D = 70, N = 3 };
	static double a[D * D];
	static double copy[D * D];
	double b[N * D];
	double x[N * D];
	struct err err = { 0 };

	(void)state;
	for (size_t i = 0; i < D; i++)
		for (size_t j = 0; j <= i; j++)
			copy[i * D + j] = copy[j * D + i] = (double)random_tame() + (i == j ? 2.0 * D : 0.0);
	memcpy(a, copy, sizeof(a));
	for (size_t i = 0; i < D; i++)
		for (size_t j = i + 1; j < D; j++)
			a[i * D + j] = (double)NAN; /* the upper triangle is not read */
	for (size_t i = 0; i < N * D; i++)
		x[i] = b[i] = (double)i - 80.0;
	assert_int_equal(mat_solve(x, a, D, N, &err), 0);
	for (size_t i = 0; i < N; i++)
		for (size_t j = 0; j < D; j++) {
			double sum = 0.0;

			for (size_t l = 0; l < D; l++)
				sum += copy[j * D + l] * x[i * D + l];
			assert_true(fabs(sum - b[i * D + j]) < 1e-9);
		}
	assert_int_equal(mat_solve(x, (double[]){ 1, 0, 2, 1 }, 2, 1, &err), -1);
	assert_int_equal(err.code, ERR_INPUT);
	assert_int_equal(mat_solve(x, (double[]){ 1, 0, (double)NAN, 1 }, 2, 1, &err), -1);
	assert_int_equal(mat_solve(x, a, 0, 1, &err), 0);
}

static void the_kernel_family_has_a_name(void **state)
{
	const char *better;

	(void)state;
	assert_true(strlen(mat_kernels()) > 0);
	assert_int_equal(unsetenv("OPENBLAS_CORETYPE"), 0);
	better = mat_better_coretype();
	print_message("OpenBLAS runs %s kernels; better: %s\n", mat_kernels(), better ? better : "none");
	assert_true(!better || strcmp(better, mat_kernels()) != 0);
	assert_int_equal(setenv("OPENBLAS_CORETYPE", "Haswell", 1), 0);
	assert_null(mat_better_coretype());
	assert_int_equal(unsetenv("OPENBLAS_CORETYPE"), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(products_are_right_in_every_form),
		cmocka_unit_test(second_moments_add_up),
		cmocka_unit_test(second_moments_have_the_same_bits_in_blocks),
		cmocka_unit_test(a_small_eigenproblem_by_hand),
		cmocka_unit_test(eigenvectors_are_ordered_signed_and_orthonormal),
		cmocka_unit_test(what_is_not_finite_is_refused),
		cmocka_unit_test(solutions_give_back_the_right_hand_sides),
		cmocka_unit_test(the_kernel_family_has_a_name),
	};

	mat_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
