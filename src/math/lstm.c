#include "math/lstm.h"

#include "math/exp.h"
#include "math/mat.h"
#include "math/vec.h"

#include <math.h>
#include <string.h>

static float sigmoid(float z)
{
	float e = exp_nonpositive(-fabsf(z));

	return (z < 0 ? e : 1.0f) / (1.0f + e);
}

static float hyperbolic_tangent(float z)
{
	float e = exp_nonpositive(-2.0f * fabsf(z));

	return copysignf((1.0f - e) / (1.0f + e), z);
}

/* The arguments of the gates (4 h) become their values; then cell and state. */
static void step(float *gates, const float *cell_before, float *cell, float *state, size_t h)
{
	for (size_t k = 0; k < h; k++) {
		float i = sigmoid(gates[k]);
		float f = sigmoid(gates[h + k]);
		float g = hyperbolic_tangent(gates[2 * h + k]);
		float o = sigmoid(gates[3 * h + k]);

		cell[k] = fmaf(f, cell_before ? cell_before[k] : 0.0f, i * g);
		state[k] = o * hyperbolic_tangent(cell[k]);
		gates[k] = i;
		gates[h + k] = f;
		gates[2 * h + k] = g;
		gates[3 * h + k] = o;
	}
}

size_t lstm_scratch(const struct lstm *l)
{
	return 10 * l->h;
}

void lstm_run(const struct lstm *l, const float *x, size_t n, bool reversed, float *states, float *scratch)
{
	size_t h = l->h;
	float *gates = scratch;
	float *recurrent = scratch + 4 * h;
	float *cells[2] = { scratch + 8 * h, scratch + 9 * h };
	const float *before = NULL;

	for (size_t i = 0; i < n; i++) {
		size_t t = reversed ? n - 1 - i : i;

		vec_times_matrix(gates, x + t * l->in, l->input, l->in, 4 * h);
		vec_axpy(gates, 1.0f, l->bias, 4 * h);
		if (before) {
			vec_times_matrix(recurrent, before, l->recurrent, h, 4 * h);
			vec_axpy(gates, 1.0f, recurrent, 4 * h);
		}
		step(gates, before ? cells[(i + 1) % 2] : NULL, cells[i % 2], states + t * h, h);
		before = states + t * h;
	}
}

void lstm_forward(const struct lstm *l, struct lstm_batch *b)
{
	size_t h = l->h;
	size_t row = 0;

	mat_mul(b->gates, b->x, l->input, b->rows, 4 * h, l->in, 0, 0, 1.0f, 0.0f);
	for (size_t t = 0; t < b->steps; row += b->active[t++]) {
		size_t before = t ? row - b->active[t - 1] : 0;

		if (t)
			mat_mul(b->gates + row * 4 * h, b->states + before * h, l->recurrent, b->active[t],
				4 * h, h, 0, 0, 1.0f, 1.0f);
		for (size_t i = 0; i < b->active[t]; i++) {
			float *gates = b->gates + (row + i) * 4 * h;

			vec_axpy(gates, 1.0f, l->bias, 4 * h);
			step(gates, t ? b->cells + (before + i) * h : NULL, b->cells + (row + i) * h,
			     b->states + (row + i) * h, h);
		}
	}
}

/*
 * One sequence, one step: by_state (h) and by_cell (h), which comes from the step behind and goes to
 * the one before.  The gates become the gradients by their arguments.
 */
static void step_back(float *gates, const float *cell_before, const float *cell, const float *by_state,
		      float *by_cell, size_t h)
{
	for (size_t k = 0; k < h; k++) {
		float i = gates[k];
		float f = gates[h + k];
		float g = gates[2 * h + k];
		float o = gates[3 * h + k];
		float tanh_cell = hyperbolic_tangent(cell[k]);
		float by = by_cell[k] + by_state[k] * o * (1.0f - tanh_cell * tanh_cell);

		gates[k] = by * g * i * (1.0f - i);
		gates[h + k] = cell_before ? by * cell_before[k] * f * (1.0f - f) : 0.0f;
		gates[2 * h + k] = by * i * (1.0f - g * g);
		gates[3 * h + k] = by_state[k] * tanh_cell * o * (1.0f - o);
		by_cell[k] = by * f;
	}
}

void lstm_backward(const struct lstm *l, struct lstm_batch *b, float *by_states, struct lstm_gradient *to,
		   float *scratch)
{
	size_t h = l->h;
	size_t row = b->rows;

	memset(scratch, 0, b->active[0] * h * sizeof(*scratch));
	for (size_t t = b->steps; t-- > 0;) {
		size_t n = b->active[t];
		size_t before;

		row -= n;
		before = t ? row - b->active[t - 1] : 0;
		for (size_t i = 0; i < n; i++)
			step_back(b->gates + (row + i) * 4 * h, t ? b->cells + (before + i) * h : NULL,
				  b->cells + (row + i) * h, by_states + (row + i) * h, scratch + i * h, h);
		if (!t)
			continue;
		mat_mul(by_states + before * h, b->gates + row * 4 * h, l->recurrent, n, h, 4 * h, 0, 1, 1.0f,
			1.0f);
		mat_mul(to->recurrent, b->states + before * h, b->gates + row * 4 * h, h, 4 * h, n, 1, 0,
			1.0f, 1.0f);
	}
	mat_mul(to->input, b->x, b->gates, l->in, 4 * h, b->rows, 1, 0, 1.0f, 1.0f);
	for (size_t i = 0; i < b->rows; i++)
		vec_axpy(to->bias, 1.0f, b->gates + i * 4 * h, 4 * h);
}
