#include "learn/adam.h"

#include "math/learning.h"

#include <math.h>

struct adam_step adam_step(double rate, uint64_t t)
{
	return (struct adam_step){ .rate = (float)(rate / (1 - pow(0.9, (double)t))),
				   .scale = (float)(1 / sqrt(1 - pow(0.999, (double)t))) };
}

void adam_update(float *restrict x, float *restrict m, float *restrict v, const float *restrict g, size_t n,
		 struct adam_step step)
{
	learning_adam(x, m, v, g, n, step.rate, step.scale);
}
