#include "math/lstm.h"

#include "math/kernels.h"
#include "math/mat.h"
#include "math/vec.h"

#include <string.h>

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

	memset(cells[1], 0, h * sizeof(float));
	for (size_t i = 0; i < n; i++) {
		size_t t = reversed ? n - 1 - i : i;

		vec_times_matrix(gates, x + t * l->in, l->input, l->in, 4 * h);
		vec_axpy(gates, 1.0f, l->bias, 4 * h);
		if (before) {
			vec_times_matrix(recurrent, before, l->recurrent, h, 4 * h);
			vec_axpy(gates, 1.0f, recurrent, 4 * h);
		}
		kernels->lstm_step(gates, cells[(i + 1) % 2], cells[i % 2], states + t * h, h);
		before = states + t * h;
	}
}

/* The cells of the step before; zeros for the first. */
static const float *cells_before(const struct lstm_batch *b, size_t t, size_t row, const float *zeros,
				 size_t h)
{
	return t ? b->cells + (row - b->active[t - 1]) * h : zeros;
}

void lstm_forward(const struct lstm *l, struct lstm_batch *b, float *scratch)
{
	size_t h = l->h;
	size_t row = 0;

	memset(scratch, 0, h * sizeof(*scratch));
	mat_mul(b->gates, b->x, l->input, b->rows, 4 * h, l->in, 0, 0, 1.0f, 0.0f);
	for (size_t t = 0; t < b->steps; t++) {
		size_t n = b->active[t];

		if (t)
			mat_mul(b->gates + row * 4 * h, b->states + (row - b->active[t - 1]) * h,
				l->recurrent, n, 4 * h, h, 0, 0, 1.0f, 1.0f);
		for (size_t i = 0; i < n; i++) {
			float *gates = b->gates + (row + i) * 4 * h;
			const float *before = cells_before(b, t, row, scratch, h);

			vec_axpy(gates, 1.0f, l->bias, 4 * h);
			kernels->lstm_step(gates, before + (t ? i * h : 0), b->cells + (row + i) * h,
					   b->states + (row + i) * h, h);
		}
		row += n;
	}
}

/* Copies the states before each row, except those of the first step, to `before`: one product then does. */
static void add_recurrent(const struct lstm *l, const struct lstm_batch *b, float *before, float *to)
{
	size_t h = l->h;
	size_t first = b->active[0];
	size_t row = first;

	for (size_t t = 1; t < b->steps; row += b->active[t++])
		memcpy(before + (row - first) * h, b->states + (row - b->active[t - 1]) * h,
		       b->active[t] * h * sizeof(*before));
	if (row > first)
		mat_mul(to, before, b->gates + first * 4 * h, h, 4 * h, row - first, 1, 0, 1.0f, 1.0f);
}

void lstm_backward(const struct lstm *l, struct lstm_batch *b, float *d_states, struct lstm_gradient *to,
		   float *scratch)
{
	size_t h = l->h;
	size_t row = b->rows;
	float *d_cells = scratch + h;

	memset(scratch, 0, (b->active[0] + 1) * h * sizeof(*scratch));
	for (size_t t = b->steps; t-- > 0;) {
		size_t n = b->active[t];
		const float *cells;
		size_t before;

		row -= n;
		before = t ? row - b->active[t - 1] : 0;
		cells = cells_before(b, t, row, scratch, h);
		for (size_t i = 0; i < n; i++)
			kernels->lstm_back(b->gates + (row + i) * 4 * h, cells + (t ? i * h : 0),
					   b->cells + (row + i) * h, d_states + (row + i) * h,
					   d_cells + i * h, h);
		if (!t)
			continue;
		mat_mul(d_states + before * h, b->gates + row * 4 * h, l->recurrent, n, h, 4 * h, 0, 1, 1.0f,
			1.0f);
	}
	add_recurrent(l, b, d_states, to->recurrent);
	if (to->d_x)
		mat_mul(to->d_x, b->gates, l->input, b->rows, l->in, 4 * h, 0, 1, 1.0f, 0.0f);
	mat_mul(to->input, b->x, b->gates, l->in, 4 * h, b->rows, 1, 0, 1.0f, 1.0f);
	for (size_t i = 0; i < b->rows; i++)
		vec_axpy(to->bias, 1.0f, b->gates + i * 4 * h, 4 * h);
}
