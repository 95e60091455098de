/*
 * kernels.h - the inner loops, one set per instruction set; private to src/math.
 *
 * kernels_plain defines the bits; the others must give the same for every
 * finite input (tests/math compares them with memcmp).  A set may be called
 * only where kernels_runs() says so.
 *
 * To add a kernel that a compiler can turn into vector instructions: a member here, a function in
 * kernels_loops.h, a row in its KERNELS_LOOPS.  With intrinsics: a member here, plain C in kernels.c, and a
 * version for each of kernels_avx2.c and kernels_avx512.c, or one for both by simd.h.
 */
#ifndef SIFD_MATH_KERNELS_H
#define SIFD_MATH_KERNELS_H

#include "math/f32.h"
#include "math/i8.h"
#include "math/rows.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DOT_LANES = 16 };

/*
 * out (d) = sum of weights[i] * row ids[i], as rows_sum() says.  ids == NULL: rows 0..n-1, which makes
 * it the product of a row vector and a matrix.
 */
typedef void rows_sum_kernel(float *restrict out, const struct rows *rows, const uint32_t *ids,
			     const float *weights, size_t n);

/* As f32.h and i8.h say. */
typedef void f32_mul_kernel(float *restrict out, const float *restrict a, size_t n,
			    const struct f32_matrix *b);
typedef void i8_mul_kernel(int32_t *restrict out, const int8_t *restrict a, size_t n,
			   const struct i8_matrix *b);

/* gates[j] = input[j] * (x_scale * input_scales[j]) + states[j] * state_scales[j] + bias[j] */
struct i8_gates {
	const int32_t *input, *states; /* products */
	const float *input_scales, *state_scales, *bias;
	float x_scale;
};

struct kernels {
	const char *name;
	float (*dot)(const float *x, const float *y, size_t n);
	void (*axpy)(float *restrict y, float a, const float *restrict x, size_t n);
	void (*scale)(float *x, float a, size_t n);
	rows_sum_kernel *rows_sum[ROWS_TYPES]; /* by enum rows_type */
	f32_mul_kernel *f32_mul;
	i8_mul_kernel *i8_mul;

	/* Written once, for all sets, in kernels_loops.h. */

	/* As learning.h says. */
	void (*adam)(float *restrict x, float *restrict m, float *restrict v, const float *restrict g,
		     size_t n, float rate, float scale, float rest2);
	float (*softmax)(float *restrict row, float *restrict column, const float *restrict column_max,
			 float *restrict column_sum, float row_max, size_t n);
	/* Gates (4 h) to cell and state, and the gradients back; `before`: the cell of the step before. */
	void (*lstm_step)(float *restrict gates, const float *restrict before, float *restrict cell,
			  float *restrict state, size_t h);
	void (*lstm_back)(float *restrict gates, const float *restrict before, const float *restrict cell,
			  const float *restrict d_state, float *restrict d_cell, size_t h);
	void (*i8_gates)(float *restrict gates, const struct i8_gates *from, size_t n);
	/* to[j] = 127 x[j] to the nearest, ties to even; x in [-1, 1]. */
	void (*i8_round)(int8_t *restrict to, const float *restrict x, size_t n);
};

extern const struct kernels kernels_plain;
extern const struct kernels kernels_avx2;
extern const struct kernels kernels_avx512;

/* The set in use: plain until vec_init(). */
extern const struct kernels *kernels;

/* Whether this processor can run the set. */
bool kernels_runs(const struct kernels *set);

/* The kernels that have a file of their own. */
rows_sum_kernel rows_sum_f32_plain, rows_sum_f16_plain, rows_sum_bf16_plain, rows_sum_i8_plain;
f32_mul_kernel f32_mul_plain;
i8_mul_kernel i8_mul_plain, i8_mul_avx2, i8_mul_avx512;

#endif
