/*
 * vec.h - operations on dense float vectors, with the same bits on every machine.
 *
 * Pure arithmetic: no allocation, no I/O, no errors, any thread.  Every
 * pointer is to n floats; outputs do not overlap inputs.  n may be zero.
 *
 * Determinism.  Elementwise operations use one fused multiply-add per element.
 * Reductions use 16 lanes: lane l takes elements l, l+16, l+32, ... in that
 * order, each by fused multiply-add, starting from 0; then lanes are added
 * pairwise: l + (l+8) for l < 8, then l + (l+4), l + (l+2), l + (l+1).  Every
 * kernel (plain C, AVX2, AVX-512) keeps that order, so all give the same bits.
 *
 * vec_init() picks the kernels once, before any thread starts.
 */
#ifndef SIFD_MATH_VEC_H
#define SIFD_MATH_VEC_H

#include <stddef.h>

/*
 * Chooses the fastest kernels this processor has.  Call once, from main.
 * The environment's SIFD_KERNELS (plain, avx2, avx512) forces a set, for tests.
 */
void vec_init(void);

/* "plain", "avx2" or "avx512": what vec_init() chose. */
const char *vec_kernels(void);

/* sum_i x[i] * y[i] */
float vec_dot(const float *x, const float *y, size_t n);

/* y += a * x */
void vec_axpy(float *restrict y, float a, const float *restrict x, size_t n);

/* x *= a */
void vec_scale(float *x, float a, size_t n);

/*
 * Euclidean length: sqrtf(vec_dot(x, x)), or by doubles where the square leaves the range of float.
 * So no finite vector gives NaN here or below.
 */
float vec_norm(const float *x, size_t n);

/* Makes x unit length and returns the length it had; a zero vector stays zero and returns 0. */
float vec_unit(float *x, size_t n);

/*
 * Cosine of the angle between x and y, clamped to [-1, 1].
 * A zero vector has no direction: its cosine with anything is 0.
 */
float vec_cosine(const float *x, const float *y, size_t n);

/*
 * out (m) = x (n) times M (n, m) row-major: out[j] = sum_i x[i] M[i][j], in
 * order of i by fused multiply-add from 0, so the same bits whatever the kernel.
 */
void vec_times_matrix(float *restrict out, const float *restrict x, const float *restrict matrix, size_t n,
		      size_t m);

#endif
