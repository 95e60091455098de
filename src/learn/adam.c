#include "learn/adam.h"

#include "math/learning.h"

#include <math.h>

struct adam_step adam_step_of(double rate, double b2, uint64_t t)
{
	return (struct adam_step){ .rate = (float)(rate / (1 - pow(0.9, (double)t))),
				   .scale = (float)(1 / sqrt(1 - pow(b2, (double)t))),
				   .rest2 = (float)(1 - b2) };
}

struct adam_step adam_step(double rate, uint64_t t)
{
	return adam_step_of(rate, 0.999, t);
}

void adam_update(float *restrict x, float *restrict m, float *restrict v, const float *restrict g, size_t n,
		 struct adam_step step)
{
	learning_adam(x, m, v, g, n, step.rate, step.scale, step.rest2);
}
