#include "learn/adam.h"

#include <math.h>

static const double b1 = 0.9, b2 = 0.999;
static const float eps = 1e-8f;

/* So many elements in one go: a count the compiler knows, so that it uses vector instructions. */
enum { LANES = 16 };

struct adam_step adam_step(double rate, uint64_t t)
{
	return (struct adam_step){ .rate = (float)(rate / (1 - pow(b1, (double)t))),
				   .scale = (float)(1 / sqrt(1 - pow(b2, (double)t))) };
}

static inline void update(float *restrict x, float *restrict m, float *restrict v, const float *restrict g,
			  struct adam_step step)
{
	*m = (float)b1 * *m + (float)(1 - b1) * *g;
	*v = (float)b2 * *v + (float)(1 - b2) * *g * *g;
	*x -= step.rate * *m / (sqrtf(*v) * step.scale + eps);
}

void adam_update(float *restrict x, float *restrict m, float *restrict v, const float *restrict g, size_t n,
		 struct adam_step step)
{
	size_t i = 0;

	for (; i + LANES <= n; i += LANES)
		for (size_t j = i; j < i + LANES; j++)
			update(x + j, m + j, v + j, g + j, step);
	for (; i < n; i++)
		update(x + i, m + i, v + i, g + i, step);
}
