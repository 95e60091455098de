#include "math/readout.h"

#include "math/exp.h"
#include "math/vec.h"

#include <string.h>

/* 1 + tanh(z / 2) is the same. */
float readout_gate(float z)
{
	return 1.0f + exp_tanh(0.5f * z);
}

void readout_sums(const struct readout *r, const float *x, const float *states, size_t n, float *by_rows,
		  float *d_states)
{
	memset(by_rows, 0, r->d * sizeof(*by_rows));
	memset(d_states, 0, r->width * sizeof(*d_states));
	for (size_t t = 0; t < n; t++) {
		const float *state = states + t * r->width;
		float a = readout_gate(vec_dot(r->gate, state, r->width));

		vec_axpy(by_rows, a, x + t * r->d, r->d);
		vec_axpy(d_states, a, state, r->width);
	}
}

void readout_run(const struct readout *r, const float *mix, const float *x, const float *states, size_t n,
		 float *to, float *scratch)
{
	float *mixed = scratch + r->width;

	readout_sums(r, x, states, n, to, scratch);
	vec_times_matrix(mixed, scratch, mix, r->width, r->d);
	vec_axpy(to, 1.0f, mixed, r->d);
}
