#include "math/learning_loops.h"

void adam_avx512(float *restrict x, float *restrict m, float *restrict v, const float *restrict g, size_t n,
		 float rate, float scale, float rest2)
{
	adam_loop(x, m, v, g, n, rate, scale, rest2);
}

float softmax_avx512(float *restrict row, float *restrict column, const float *restrict column_max,
		     float *restrict column_sum, float row_max, size_t n)
{
	return softmax_loop(row, column, column_max, column_sum, row_max, n);
}
