/*
 * Private to src/math/lstm*.c: what the gates do to cell and state, to be compiled for each instruction set.
 *
 * As learning_loops.h: blocks of a length that the compiler knows; elements do not mix, so the bits are
 * those of the plain set.
 */
#ifndef SIFD_MATH_LSTM_LOOPS_H
#define SIFD_MATH_LSTM_LOOPS_H

#include "math/exp.h"
#include "math/kernels.h"

#include <math.h>

static inline float lstm_tanh(float z)
{
	float e = exp_nonpositive(-2.0f * fabsf(z));

	return copysignf((1.0f - e) / (1.0f + e), z);
}

/* 1 / (1 + e^-z), without a comparison of floats: see math/exp.h. */
static inline float lstm_sigmoid(float z)
{
	return 0.5f + 0.5f * lstm_tanh(0.5f * z);
}

/* n elements of each of the four gates, which do not overlap. */
static inline __attribute__((always_inline)) void lstm_step_block(float *restrict gi, float *restrict gf,
								  float *restrict gg, float *restrict go,
								  const float *restrict before,
								  float *restrict cell, float *restrict state,
								  size_t n)
{
	for (size_t k = 0; k < n; k++) {
		float i = lstm_sigmoid(gi[k]);
		float f = lstm_sigmoid(gf[k]);
		float g = lstm_tanh(gg[k]);
		float o = lstm_sigmoid(go[k]);
		float c = f * before[k] + i * g;

		cell[k] = c;
		state[k] = o * lstm_tanh(c);
		gi[k] = i;
		gf[k] = f;
		gg[k] = g;
		go[k] = o;
	}
}

static inline void lstm_step_loop(float *restrict gates, const float *restrict before, float *restrict cell,
				  float *restrict state, size_t h)
{
	size_t i = 0;

	for (; i + DOT_LANES <= h; i += DOT_LANES)
		lstm_step_block(gates + i, gates + h + i, gates + 2 * h + i, gates + 3 * h + i, before + i,
				cell + i, state + i, DOT_LANES);
	lstm_step_block(gates + i, gates + h + i, gates + 2 * h + i, gates + 3 * h + i, before + i, cell + i,
			state + i, h - i);
}

static inline __attribute__((always_inline)) void lstm_back_block(float *restrict gi, float *restrict gf,
								  float *restrict gg, float *restrict go,
								  const float *restrict before,
								  const float *restrict cell,
								  const float *restrict d_state,
								  float *restrict d_cell, size_t n)
{
	for (size_t k = 0; k < n; k++) {
		float i = gi[k];
		float f = gf[k];
		float g = gg[k];
		float o = go[k];
		float tanh_cell = lstm_tanh(cell[k]);
		float by = d_cell[k] + d_state[k] * o * (1.0f - tanh_cell * tanh_cell);

		gi[k] = by * g * i * (1.0f - i);
		gf[k] = by * before[k] * f * (1.0f - f);
		gg[k] = by * i * (1.0f - g * g);
		go[k] = d_state[k] * tanh_cell * o * (1.0f - o);
		d_cell[k] = by * f;
	}
}

static inline void lstm_back_loop(float *restrict gates, const float *restrict before,
				  const float *restrict cell, const float *restrict d_state,
				  float *restrict d_cell, size_t h)
{
	size_t i = 0;

	for (; i + DOT_LANES <= h; i += DOT_LANES)
		lstm_back_block(gates + i, gates + h + i, gates + 2 * h + i, gates + 3 * h + i, before + i,
				cell + i, d_state + i, d_cell + i, DOT_LANES);
	lstm_back_block(gates + i, gates + h + i, gates + 2 * h + i, gates + 3 * h + i, before + i, cell + i,
			d_state + i, d_cell + i, h - i);
}

/* Of LSTMs stored as bytes (math/lstm_serve.h). */
static inline __attribute__((always_inline)) void i8_gates_block(float *restrict gates,
								 const struct i8_gates *from, size_t at,
								 size_t n)
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

static inline void i8_gates_loop(float *restrict gates, const struct i8_gates *from, size_t n)
{
	size_t i = 0;

	for (; i + DOT_LANES <= n; i += DOT_LANES)
		i8_gates_block(gates, from, i, DOT_LANES);
	i8_gates_block(gates, from, i, n - i);
}

/* Adding 1.5 * 2^23 leaves no room for a fraction, so the sum is rounded, and its low bits are the number. */
static inline __attribute__((always_inline)) void i8_round_block(int8_t *restrict to, const float *restrict x,
								 size_t n)
{
	for (size_t k = 0; k < n; k++) {
		float shifted = x[k] * 127.0f + 12582912.0f;
		int32_t bits;

		memcpy(&bits, &shifted, sizeof(bits));
		to[k] = (int8_t)bits;
	}
}

static inline void i8_round_loop(int8_t *restrict to, const float *restrict x, size_t n)
{
	size_t i = 0;

	for (; i + DOT_LANES <= n; i += DOT_LANES)
		i8_round_block(to + i, x + i, DOT_LANES);
	i8_round_block(to + i, x + i, n - i);
}

#endif
