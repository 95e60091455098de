/*
 * f32.h - products of many rows with one matrix of floats, packed once: a row's bits do not depend on the
 *rows around it, nor on the machine.
 *
 *	out[i][j] = sum over l of a[i][l] b[j][l], in order of l by fused multiply-add from 0
 *
 * which are the bits of vec_times_matrix() with the transpose of b.  BLAS is as fast, but its sums change
 * with the number of rows.
 *
 * Pure arithmetic: no allocation, no errors, any thread.
 */
#ifndef SIFD_MATH_F32_H
#define SIFD_MATH_F32_H

#include <stddef.h>

struct rows;

/*
 * b (m, k) as the kernels read it: panels of F32_PANEL of its rows, the last filled up with zeros.  A panel
 * is (k, F32_PANEL).
 */
enum { F32_PANEL = 64 };

struct f32_matrix {
	size_t m, k;
	const float *packed; /* f32_packed_size() floats; faster when aligned to 64 bytes */
};

/* Floats of the packed copy of a matrix (m, k); 0 when they do not fit in a size_t. */
size_t f32_packed_size(size_t m, size_t k);

/* b (m, k), of any type -> packed, f32_packed_size(m, k) floats; row (k) is scratch. */
void f32_pack(float *packed, const struct rows *b, float *row);

/* out (n, m) = a (n, k) times the transpose of b (m, k). */
void f32_mul(float *restrict out, const float *restrict a, size_t n, const struct f32_matrix *b);

#endif
