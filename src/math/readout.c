#include "math/readout.h"

#include "math/exp.h"
#include "math/vec.h"

#include <math.h>
#include <string.h>

/* 1 + tanh(z / 2), which is the same, as math/lstm_loops.h has its gates. */
float readout_gate(float z)
{
	float e = exp_nonpositive(-fabsf(z));

	return 1.0f + copysignf((1.0f - e) / (1.0f + e), z);
}

size_t readout_scratch(const struct readout *r)
{
	return r->width + r->d;
}

void readout_run(const struct readout *r, const float *x, const float *states, size_t n, float *to,
		 float *scratch)
{
	float *mixed = scratch + r->width;

	memset(scratch, 0, r->width * sizeof(*scratch));
	memset(to, 0, r->d * sizeof(*to));
	for (size_t t = 0; t < n; t++) {
		const float *state = states + t * r->width;
		float a = readout_gate(vec_dot(r->gate, state, r->width));

		vec_axpy(to, a, x + t * r->d, r->d);
		vec_axpy(scratch, a, state, r->width);
	}
	vec_times_matrix(mixed, scratch, r->mix, r->width, r->d);
	vec_axpy(to, 1.0f, mixed, r->d);
}
