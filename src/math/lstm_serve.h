/*
 * lstm_serve.h - one direction of an LSTM's layer for serving: many texts at a time.  A text's bits depend
 * neither on the other texts nor on the machine.
 *
 * Weights are packed once, as floats (math/f32.h) or as bytes (math/i8.h).  With floats, the bits are those
 *of lstm_run() (math/lstm.h).  With bytes, weights are q * scale with a scale per row (of a gate), inputs the
 * same with a scale per word, and states are rounded to 1/127 where they are multiplied:
 *
 *	gates = scale_x s_W (W q_x) + s_R / 127 (R round(127 h)) + bias,    the rest as in math/lstm.h
 *
 * so products are sums of whole numbers, and a word costs a quarter of what it costs with floats.  Several
 *texts are faster than one by one, since a product with one vector only waits for the weights to come from
 *memory.
 */
#ifndef SIFD_MATH_LSTM_SERVE_H
#define SIFD_MATH_LSTM_SERVE_H

#include "math/f32.h"
#include "math/i8.h"
#include "math/rows.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LSTM_TEXTS_MAX = 64 }; /* at a time */

struct lstm_served {
	size_t in, h;
	bool bytes;			    /* which of the two pairs of matrices is set */
	struct f32_matrix input, recurrent; /* (4 h, in), (4 h, h) */
	struct i8_matrix input_bytes, recurrent_bytes;
	const float *input_scales, *state_scales; /* (4 h), for bytes; the latter divided by 127 */
	const float *bias;			  /* (4 h) */
};

/* Bytes of memory, a multiple of 64, for lstm_serve_pack(); 0 when they do not fit in a size_t. */
size_t lstm_serve_bytes(size_t in, size_t h, bool bytes);

/*
 * From PyTorch's weights (4 h, in), (4 h, h), both I8 where `bytes`, and the sum of its biases (4 h); borrows
 * only `memory`, aligned to 64.  row: scratch, the longer of in and h.
 */
struct lstm_served lstm_serve_pack(void *memory, const struct rows *input, const struct rows *recurrent,
				   const float *bias, bool bytes, float *row);

/* The words of several texts: x (rows, in), or with bytes q (rows, in), each row times its scale. */
struct lstm_words {
	const float *x;
	const int8_t *q;
	const float *scales;
	size_t texts;		 /* 1 to LSTM_TEXTS_MAX */
	const size_t *starts;	 /* (texts): the row of a text's first word */
	const uint32_t *lengths; /* (texts): its words, at least 1; longest first */
};

/* States (n) as inputs q of the next layer, whose scales are all LSTM_STATE_SCALE. */
#define LSTM_STATE_SCALE (1.0f / 127.0f)
void lstm_serve_states(int8_t *q, const float *states, size_t n);

/* Bytes of scratch, aligned to 64, that lstm_serve() needs. */
size_t lstm_serve_scratch(const struct lstm_served *l);

/*
 * Row r of y, (h) at r * stride, is the state after word r, in its text's order.  reversed: reads each text
 * from its last word to the first, and row r is the state after word r was read.
 */
void lstm_serve(const struct lstm_served *l, const struct lstm_words *words, bool reversed, float *y,
		size_t stride, void *scratch);

#endif
