/*
 * lstm_i8.h - an LSTM of bytes: weights q * scale with a scale a row (of a gate), inputs likewise with a
 * scale a word, states rounded to 1/127 where they are multiplied.
 *
 *	gates = scale_x s_W (W q_x) + s_R / 127 (R round(127 h)) + bias,    the rest as in math/lstm.h
 *
 * Products are sums of whole numbers (math/i8.h), so the same text has the same bits on every machine,
 *whatever is computed beside it, and a word costs a quarter of what floats cost.
 */
#ifndef SIFD_MATH_LSTM_I8_H
#define SIFD_MATH_LSTM_I8_H

#include "math/i8.h"
#include "math/rows.h"

#include <stdbool.h>

struct lstm_i8 {
	size_t in, h;
	struct i8_matrix input, recurrent;	  /* (4 h, in), (4 h, h) */
	const float *input_scales, *state_scales; /* (4 h); the latter over 127 */
	const float *bias;			  /* (4 h) */
};

/* Bytes of memory, a multiple of 64, that lstm_i8_pack() fills, aligned to 64. */
size_t lstm_i8_bytes(size_t in, size_t h);

/* From I8 rows as PyTorch has them and the sum of its biases (4 h); borrows nothing but `memory`. */
struct lstm_i8 lstm_i8_pack(void *memory, const struct rows *input, const struct rows *recurrent,
			    const float *bias);

/* Bytes of scratch, aligned to 4, a multiple of it, that lstm_i8_run() needs. */
size_t lstm_i8_scratch(const struct lstm_i8 *l);

/*
 * x (n, in), each row times its scale, in order -> states, row t at t * stride, (h) each: as lstm_run() has
 * them.
 */
void lstm_i8_run(const struct lstm_i8 *l, const int8_t *x, const float *x_scales, size_t n, bool reversed,
		 float *states, size_t stride, void *scratch);

#endif
