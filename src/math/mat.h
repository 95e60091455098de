/*
 * mat.h - matrices: products and symmetric eigenproblems, by OpenBLAS and LAPACKE.
 *
 * For fitting and training, never for serving one request: BLAS results may
 * differ between processors in the last bits, and 0.3.21 does not survive
 * lack of memory.  Row-major everywhere.  Any thread; each call runs on one
 * BLAS thread (mat_init), since sifd spreads work over its own threads.
 */
#ifndef SIFD_MATH_MAT_H
#define SIFD_MATH_MAT_H

#include <stddef.h>

struct err;

/* Call once from main, before any thread: one BLAS thread per call; warms the library up. */
void mat_init(void);

/* The BLAS kernel family in use, for `sifd --version` and the log: "SkylakeX". */
const char *mat_kernels(void);

/*
 * "SkylakeX" when the library runs AVX2 kernels on a processor with AVX-512, as OpenBLAS 0.3.21 does on
 * newer AMD ones (half the speed); else NULL.  The library reads OPENBLAS_CORETYPE before main(), so main
 * sets it to this and executes itself again, for verbs that fit.  NULL when the variable is set already:
 * main does so once, and the user's choice has priority.
 */
const char *mat_better_coretype(void);

/* c (m, n) = alpha * a (m, k) b (k, n) + beta * c; `ta`, `tb`: the operand is stored transposed. */
void mat_mul(float *c, const float *a, const float *b, size_t m, size_t n, size_t k, int ta, int tb,
	     float alpha, float beta);

/* c (m, n) = a' b, where a is the m columns from a[0] on of a matrix (k, wide), and b (k, n). */
void mat_mul_columns(float *c, const float *a, size_t wide, const float *b, size_t m, size_t n, size_t k);

/* to (columns, rows) = from (rows, columns) transposed; returns the end of it. */
float *mat_transpose(float *to, const float *from, size_t rows, size_t columns);

/*
 * sum (d, d) += x' x for x (n, d), both triangles complete.  The products are
 * made in float over blocks of at most 512 rows, each block then added to the doubles.
 * scratch: (d, d) floats.
 */
void mat_add_second_moment(double *sum, const float *x, size_t n, size_t d, float *scratch);

/*
 * Eigenvalues, largest first, and eigenvectors of a symmetric matrix (d, d) in
 * doubles.  vectors (d, d): row k is the k-th unit eigenvector, its sign chosen so that the
 * element of largest magnitude (first of equals) is positive.  Overwrites a.
 * LAPACK dsyevd.  ERR_MEMORY, or ERR_INPUT when a is not finite.
 */
int mat_eigen(double *values, double *vectors, double *a, size_t d, struct err *err);

/*
 * Solves a X = B for a symmetric positive definite (d, d): b holds n right-hand sides, one per row of d,
 * and gets the solutions.  Only the lower triangle of a is read; a is overwritten.  LAPACK dposv.
 * ERR_INPUT when a is not positive definite or holds a NaN.
 */
int mat_solve(double *b, double *a, size_t d, size_t n, struct err *err);

#endif
