#include "math/learning.h"

#include "math/learning_loops.h"

void adam_plain(float *restrict x, float *restrict m, float *restrict v, const float *restrict g, size_t n,
		float rate, float scale, float rest2)
{
	adam_loop(x, m, v, g, n, rate, scale, rest2);
}

float softmax_plain(float *restrict row, float *restrict column, const float *restrict column_max,
		    float *restrict column_sum, float row_max, size_t n)
{
	return softmax_loop(row, column, column_max, column_sum, row_max, n);
}

void learning_adam(float *restrict x, float *restrict m, float *restrict v, const float *restrict g, size_t n,
		   float rate, float scale, float rest2)
{
	kernels->adam(x, m, v, g, n, rate, scale, rest2);
}

float learning_softmax(float *restrict row, float *restrict column, const float *restrict column_max,
		       float *restrict column_sum, float row_max, size_t n)
{
	return kernels->softmax(row, column, column_max, column_sum, row_max, n);
}
