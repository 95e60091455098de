#include "math/learning.h"

#include "math/kernels.h"

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
