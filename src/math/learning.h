/*
 * learning.h - the inner loops of training that are neither sums nor matrix products.
 *
 * As vec.h: pure arithmetic, the same bits whatever the kernel.
 */
#ifndef SIFD_MATH_LEARNING_H
#define SIFD_MATH_LEARNING_H

#include <stddef.h>

/*
 * One step of Adam with its corrections worked into rate and scale (learn/adam.h):
 *
 *	m <- b1 m + (1 - b1) g,  v <- (1 - rest2) v + rest2 g^2,  x <- x - rate m / (scale sqrt(v) + eps)
 */
void learning_adam(float *restrict x, float *restrict m, float *restrict v, const float *restrict g, size_t n,
		   float rate, float scale, float rest2);

/*
 * column[j] = e^(row[j] - column_max[j]), added to column_sum[j]; then row[j] = e^(row[j] - row_max).
 * Exponents are <= 0 (math/exp.h).  Returns the row's sum.
 */
float learning_softmax(float *restrict row, float *restrict column, const float *restrict column_max,
		       float *restrict column_sum, float row_max, size_t n);

#endif
