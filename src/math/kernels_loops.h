/*
 * kernels_loops.h - kernels in plain C, which every set compiles with its own instructions.
 *
 * Blocks have a length that the compiler knows, so that it uses vector instructions; elements do not mix, and
 * sums go by lanes: so the bits are those of the plain set.
 */
#ifndef SIFD_MATH_KERNELS_LOOPS_H
#define SIFD_MATH_KERNELS_LOOPS_H

#include "math/exp.h"
#include "math/kernels.h"

#include <math.h>

#ifndef INLINE
#define INLINE static inline __attribute__((always_inline))
#endif

/* Their rows in the table of a set. */
#define KERNELS_LOOPS                                                                                        \
	.adam = adam, .softmax = softmax, .lstm_step = lstm_step, .lstm_back = lstm_back,                    \
	.i8_gates = i8_gates, .i8_round = i8_round

static inline void adam_element(float *restrict x, float *restrict m, float *restrict v, float g, float rate,
				float scale, float rest2)
{
	static const float b1 = 0.9f, rest1 = 0.1f, eps = 1e-8f;

	*m = b1 * *m + rest1 * g;
	*v = (1.0f - rest2) * *v + rest2 * g * g;
	*x -= rate * *m / (sqrtf(*v) * scale + eps);
}

static inline void adam(float *restrict x, float *restrict m, float *restrict v, const float *restrict g,
			size_t n, float rate, float scale, float rest2)
{
	size_t i = 0;

	for (; i + DOT_LANES <= n; i += DOT_LANES)
		for (size_t j = i; j < i + DOT_LANES; j++)
			adam_element(x + j, m + j, v + j, g[j], rate, scale, rest2);
	for (; i < n; i++)
		adam_element(x + i, m + i, v + i, g[i], rate, scale, rest2);
}

static inline void softmax_element(float *restrict row, float *restrict column, float column_max,
				   float *restrict column_sum, float row_max)
{
	*column = exp_nonpositive(*row - column_max);
	*column_sum += *column;
	*row = exp_nonpositive(*row - row_max);
}

static inline float softmax(float *restrict row, float *restrict column, const float *restrict column_max,
			    float *restrict column_sum, float row_max, size_t n)
{
	float sums[DOT_LANES] = { 0 };
	float sum = 0;
	size_t j = 0;

	for (; j + DOT_LANES <= n; j += DOT_LANES)
		for (size_t l = 0; l < DOT_LANES; l++) {
			softmax_element(row + j + l, column + j + l, column_max[j + l], column_sum + j + l,
					row_max);
			sums[l] += row[j + l];
		}
	for (; j < n; j++) {
		softmax_element(row + j, column + j, column_max[j], column_sum + j, row_max);
		sum += row[j];
	}
	for (size_t l = 0; l < DOT_LANES; l++)
		sum += sums[l];
	return sum;
}

/* 1 / (1 + e^-z), without a comparison of floats: see exp.h. */
static inline float sigmoid(float z)
{
	return 0.5f + 0.5f * exp_tanh(0.5f * z);
}

/* n elements of each of the four gates, which do not overlap. */
INLINE void lstm_step_block(float *restrict gi, float *restrict gf, float *restrict gg, float *restrict go,
			    const float *restrict before, float *restrict cell, float *restrict state,
			    size_t n)
{
	for (size_t k = 0; k < n; k++) {
		float i = sigmoid(gi[k]);
		float f = sigmoid(gf[k]);
		float g = exp_tanh(gg[k]);
		float o = sigmoid(go[k]);
		float c = f * before[k] + i * g;

		cell[k] = c;
		state[k] = o * exp_tanh(c);
		gi[k] = i;
		gf[k] = f;
		gg[k] = g;
		go[k] = o;
	}
}

static inline void lstm_step(float *restrict gates, const float *restrict before, float *restrict cell,
			     float *restrict state, size_t h)
{
	size_t i = 0;

	for (; i + DOT_LANES <= h; i += DOT_LANES)
		lstm_step_block(gates + i, gates + h + i, gates + 2 * h + i, gates + 3 * h + i, before + i,
				cell + i, state + i, DOT_LANES);
	lstm_step_block(gates + i, gates + h + i, gates + 2 * h + i, gates + 3 * h + i, before + i, cell + i,
			state + i, h - i);
}

INLINE void lstm_back_block(float *restrict gi, float *restrict gf, float *restrict gg, float *restrict go,
			    const float *restrict before, const float *restrict cell,
			    const float *restrict d_state, float *restrict d_cell, size_t n)
{
	for (size_t k = 0; k < n; k++) {
		float i = gi[k];
		float f = gf[k];
		float g = gg[k];
		float o = go[k];
		float tanh_cell = exp_tanh(cell[k]);
		float by = d_cell[k] + d_state[k] * o * (1.0f - tanh_cell * tanh_cell);

		gi[k] = by * g * i * (1.0f - i);
		gf[k] = by * before[k] * f * (1.0f - f);
		gg[k] = by * i * (1.0f - g * g);
		go[k] = d_state[k] * tanh_cell * o * (1.0f - o);
		d_cell[k] = by * f;
	}
}

static inline void lstm_back(float *restrict gates, const float *restrict before, const float *restrict cell,
			     const float *restrict d_state, float *restrict d_cell, size_t h)
{
	size_t i = 0;

	for (; i + DOT_LANES <= h; i += DOT_LANES)
		lstm_back_block(gates + i, gates + h + i, gates + 2 * h + i, gates + 3 * h + i, before + i,
				cell + i, d_state + i, d_cell + i, DOT_LANES);
	lstm_back_block(gates + i, gates + h + i, gates + 2 * h + i, gates + 3 * h + i, before + i, cell + i,
			d_state + i, d_cell + i, h - i);
}

INLINE void i8_gates_block(float *restrict gates, const struct i8_gates *from, size_t at, size_t n)
{
	const int32_t *input = from->input + at;
	const int32_t *states = from->states + at;
	const float *input_scales = from->input_scales + at;
	const float *state_scales = from->state_scales + at;
	const float *bias = from->bias + at;

	for (size_t k = 0; k < n; k++)
		gates[at + k] = (float)input[k] * (from->x_scale * input_scales[k]) +
				(float)states[k] * state_scales[k] + bias[k];
}

static inline void i8_gates(float *restrict gates, const struct i8_gates *from, size_t n)
{
	size_t i = 0;

	for (; i + DOT_LANES <= n; i += DOT_LANES)
		i8_gates_block(gates, from, i, DOT_LANES);
	i8_gates_block(gates, from, i, n - i);
}

/* Adding 1.5 * 2^23 leaves no room for a fraction, so the sum is rounded, and its low bits are the number. */
INLINE void i8_round_block(int8_t *restrict to, const float *restrict x, size_t n)
{
	for (size_t k = 0; k < n; k++) {
		float shifted = x[k] * 127.0f + 12582912.0f;
		int32_t bits;

		memcpy(&bits, &shifted, sizeof(bits));
		to[k] = (int8_t)bits;
	}
}

static inline void i8_round(int8_t *restrict to, const float *restrict x, size_t n)
{
	size_t i = 0;

	for (; i + DOT_LANES <= n; i += DOT_LANES)
		i8_round_block(to + i, x + i, DOT_LANES);
	i8_round_block(to + i, x + i, n - i);
}

#endif
