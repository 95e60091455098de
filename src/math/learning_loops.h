/*
 * Private to src/math/learning*.c: the loops of learning.h, to be compiled for each instruction set.
 *
 * Blocks have a length that the compiler knows, so that it uses vector instructions; elements do
 * not mix, and sums go by lanes: the bits are those of the plain set.
 */
#ifndef SIFD_MATH_LEARNING_LOOPS_H
#define SIFD_MATH_LEARNING_LOOPS_H

#include "math/exp.h"
#include "math/kernels.h"

#include <math.h>

static inline void adam_element(float *restrict x, float *restrict m, float *restrict v, float g, float rate,
				float scale, float rest2)
{
	static const float b1 = 0.9f, rest1 = 0.1f, eps = 1e-8f;

	*m = b1 * *m + rest1 * g;
	*v = (1.0f - rest2) * *v + rest2 * g * g;
	*x -= rate * *m / (sqrtf(*v) * scale + eps);
}

static inline void adam_loop(float *restrict x, float *restrict m, float *restrict v, const float *restrict g,
			     size_t n, float rate, float scale, float rest2)
{
	size_t i = 0;

	for (; i + DOT_LANES <= n; i += DOT_LANES)
		for (size_t j = i; j < i + DOT_LANES; j++)
			adam_element(x + j, m + j, v + j, g[j], rate, scale, rest2);
	for (; i < n; i++)
		adam_element(x + i, m + i, v + i, g[i], rate, scale, rest2);
}

static inline void softmax_element(float *restrict row, float *restrict column, float column_max,
				   float *restrict column_sum, float row_max)
{
	*column = exp_nonpositive(*row - column_max);
	*column_sum += *column;
	*row = exp_nonpositive(*row - row_max);
}

static inline float softmax_loop(float *restrict row, float *restrict column,
				 const float *restrict column_max, float *restrict column_sum, float row_max,
				 size_t n)
{
	float sums[DOT_LANES] = { 0 };
	float sum = 0;
	size_t j = 0;

	for (; j + DOT_LANES <= n; j += DOT_LANES)
		for (size_t l = 0; l < DOT_LANES; l++) {
			softmax_element(row + j + l, column + j + l, column_max[j + l], column_sum + j + l,
					row_max);
			sums[l] += row[j + l];
		}
	for (; j < n; j++) {
		softmax_element(row + j, column + j, column_max[j], column_sum + j, row_max);
		sum += row[j];
	}
	for (size_t l = 0; l < DOT_LANES; l++)
		sum += sums[l];
	return sum;
}

#endif
