#include "math/mat.h"

#include "base/err.h"
#include "math/kernels.h"

#include <assert.h>
#include <cblas.h>
#include <lapacke.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOMENT_ROWS = 512, TILE = 32 };

/* The library takes int. */
static int checked(size_t n)
{
	assert(n <= INT_MAX);
	return (int)n;
}

void mat_init(void)
{
	float ones[4] = { 1, 1, 1, 1 };
	float product[4];
	double sum[4] = { 0 };
	double values[2];
	double vectors[4];
	struct err ignored;

	openblas_set_num_threads(1);
	/* The first call of each kind allocates the library's buffers. */
	mat_mul(product, ones, ones, 2, 2, 2, 0, 0, 1.0F, 0.0F);
	mat_add_second_moment(sum, ones, 2, 2, product);
	(void)mat_eigen(values, vectors, sum, 2, &ignored);
	(void)mat_solve(values, (double[4]){ 1, 0, 0, 1 }, 2, 1, &ignored);
}

const char *mat_kernels(void)
{
	return openblas_get_corename();
}

const char *mat_better_coretype(void)
{
	const char *core = openblas_get_corename();

	if (getenv("OPENBLAS_CORETYPE"))
		return NULL;
	if (strcmp(core, "Haswell") != 0 && strcmp(core, "Zen") != 0)
		return NULL;
	if (!kernels_runs(&kernels_avx512) || !__builtin_cpu_supports("avx512cd"))
		return NULL;
	return "SkylakeX";
}

void mat_mul(float *c, const float *a, const float *b, size_t m, size_t n, size_t k, int ta, int tb,
	     float alpha, float beta)
{
	size_t inner = k ? k : 1;

	if (m == 0 || n == 0)
		return;
	cblas_sgemm(CblasRowMajor, ta ? CblasTrans : CblasNoTrans, tb ? CblasTrans : CblasNoTrans, checked(m),
		    checked(n), checked(k), alpha, a, checked(ta ? m : inner), b, checked(tb ? inner : n),
		    beta, c, checked(n));
}

void mat_mul_columns(float *c, const float *a, size_t wide, const float *b, size_t m, size_t n, size_t k)
{
	if (m == 0 || n == 0)
		return;
	cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, checked(m), checked(n), checked(k), 1.0F, a,
		    checked(wide), b, checked(n), 0.0F, c, checked(n));
}

/* Copies the upper triangle to the lower one, square by square to spare the cache. */
static void mirror(double *sum, size_t d)
{
	for (size_t row = 0; row < d; row += TILE)
		for (size_t column = 0; column <= row; column += TILE)
			for (size_t i = row; i < row + TILE && i < d; i++)
				for (size_t j = column; j < column + TILE && j < i; j++)
					sum[i * d + j] = sum[j * d + i];
}

float *mat_transpose(float *to, const float *from, size_t rows, size_t columns)
{
	for (size_t i = 0; i < rows; i++)
		for (size_t j = 0; j < columns; j++)
			to[j * rows + i] = from[i * columns + j];
	return to + rows * columns;
}

void mat_add_second_moment(double *sum, const float *x, size_t n, size_t d, float *scratch)
{
	if (n == 0 || d == 0)
		return;
	while (n > 0) {
		size_t block = n < MOMENT_ROWS ? n : MOMENT_ROWS;

		cblas_ssyrk(CblasRowMajor, CblasUpper, CblasTrans, checked(d), checked(block), 1.0F, x,
			    checked(d), 0.0F, scratch, checked(d));
		for (size_t i = 0; i < d; i++)
			for (size_t j = i; j < d; j++)
				sum[i * d + j] += (double)scratch[i * d + j];
		x += block * d;
		n -= block;
	}
	mirror(sum, d);
}

/* LAPACK leaves ascending columns in a: makes descending rows of them, with their signs settled. */
static void arrange(double *values, double *vectors, const double *ascending, const double *a, size_t d)
{
	for (size_t k = 0; k < d; k++) {
		const double *from = a + (d - 1 - k) * d;
		size_t top = 0;

		for (size_t i = 1; i < d; i++)
			if (fabs(from[i]) > fabs(from[top]))
				top = i;
		for (size_t i = 0; i < d; i++)
			vectors[k * d + i] = from[top] < 0.0 ? -from[i] : from[i];
	}
	for (size_t k = 0; k < d; k++)
		values[k] = ascending[d - 1 - k];
}

int mat_eigen(double *values, double *vectors, double *a, size_t d, struct err *err)
{
	double *ascending;
	lapack_int info;

	for (size_t i = 0; i < d * d; i++)
		if (!isfinite(a[i]))
			return err_set(err, ERR_INPUT, "the matrix has elements that are not finite");
	if (d == 0)
		return 0;
	ascending = calloc(d, sizeof(*ascending));
	/* Symmetric, so row-major and column-major are one; column-major spares LAPACKE a copy. */
	info = ascending ? LAPACKE_dsyevd(LAPACK_COL_MAJOR, 'V', 'U', checked(d), a, checked(d), ascending)
			 : LAPACK_WORK_MEMORY_ERROR;
	if (info == 0)
		arrange(values, vectors, ascending, a, d);
	free(ascending);
	if (info == LAPACK_WORK_MEMORY_ERROR)
		return err_set(err, ERR_MEMORY, "not enough memory for the eigenvectors of %zu dimensions",
			       d);
	if (info != 0)
		return err_set(err, ERR_INPUT, "the eigenvalues did not converge (LAPACK dsyevd: %d)", info);
	return 0;
}

int mat_solve(double *b, double *a, size_t d, size_t n, struct err *err)
{
	lapack_int info;

	if (d == 0 || n == 0)
		return 0;
	/* In column-major order our rows are LAPACK's columns, and our lower triangle is its upper one. */
	info = LAPACKE_dposv_work(LAPACK_COL_MAJOR, 'U', checked(d), checked(n), a, checked(d), b,
				  checked(d));
	/* OpenBLAS lets NaN pass for positive; it shows in the factor's diagonal. */
	for (size_t i = 0; info == 0 && i < d; i++)
		if (!isfinite(a[i * d + i]))
			info = (lapack_int)i + 1;
	if (info != 0)
		return err_set(err, ERR_INPUT, "the matrix is not positive definite (LAPACK dposv: %d)",
			       info);
	return 0;
}
