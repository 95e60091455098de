/*
 * model_lstm.h - the LSTM of a model, as PyTorch has it in the file and laid out for use.
 *
 * One or two layers, each reading words (or the outputs of the layer below) forward, or in both directions.
 * What a layer puts out is the states of its directions side by side: directions_n * h numbers per word.
 */
#ifndef SIFD_MODEL_MODEL_LSTM_H
#define SIFD_MODEL_MODEL_LSTM_H

#include "math/lstm_serve.h"
#include "math/readout.h"
#include "math/rows.h"
#include "model/owned.h"

#include <stdbool.h>
#include <stddef.h>

struct err;
struct lstm;
struct model;

enum {
	MODEL_LSTM_LAYERS = 2,
	MODEL_LSTM_MAX = 1024, /* states of a direction */
};

/* How the states of an LSTM become one vector (embed/lstm_encoder.h). */
enum pooling { POOLING_MEAN, POOLING_MAX, POOLING_LAST, POOLING_ATTENTION, POOLING_RESIDUAL, POOLING_COUNT };

extern const char *const pooling_names[POOLING_COUNT];

/* The pooling of this name, or -1. */
int pooling_parse(const char *name);

/* A layer in one direction; all NULL where the LSTM lacks it. */
struct model_lstm_direction {
	struct rows input;	     /* weight_ih (4 h, inputs) */
	struct rows recurrent;	     /* weight_hh (4 h, h) */
	const float *input_bias;     /* bias_ih (4 h) */
	const float *recurrent_bias; /* bias_hh (4 h) */
};

struct model_lstm_layer {
	struct model_lstm_direction directions[2]; /* forward, reverse */
};

struct model_lstm {
	size_t h; /* states of a direction; 0: the model has no LSTM, and nothing below counts */
	size_t layers_n, directions_n; /* 1 or 2 */
	bool reads_rows;	       /* it reads rows, though the model has a projection */
	struct model_lstm_layer layers[MODEL_LSTM_LAYERS];
	enum pooling pooling;
	const float *attention; /* (model_lstm_outputs()): v of pooling attention and residual */
	struct rows residual;	/* (d, model_lstm_outputs()): W of pooling residual (math/readout.h) */

	/* Laid out for use, of an opened model: by layer and direction; and pooling residual. */
	struct lstm_served served[MODEL_LSTM_LAYERS][2];
	struct readout readout;
	struct f32_matrix mix;
};

/*
 * Takes the LSTM out of parts, a copy of some model, so that another can be put in; the method becomes lstm.
 * What the model had for sums stays; the new LSTM is to read what the old one read.
 */
void model_without_lstm(struct model *parts);

/* Does its LSTM, or would one, read the rows as they are, rather than through a projection? */
bool model_lstm_reads_rows(const struct model *m);

/*
 * Gives parts the lender's LSTM, which reads rows: a fit leaves them as they are.  The lender must live as
 * long as what parts become.
 */
void model_lend_lstm(struct model *parts, const struct model *lender);

/*
 * The F32 weights of parts' LSTM (its pooling's W too) become rows of another type, in memory that is added
 * to *owned.  F32: nothing changes.  ERR_MEMORY.
 */
int model_lstm_encode(struct model *parts, enum rows_type type, struct owned *owned, struct err *err);

/*
 * A direction in the layout of math/lstm.h: input (in, 4 h), recurrent (h, 4 h), bias (4 h); scratch: the
 * longer of in and h.
 */
void model_lstm_get(const struct model_lstm_direction *from, float *input, float *recurrent, float *bias,
		    float *scratch);

/*
 * The other way: l becomes a direction, laid out at `at` as PyTorch has it, with a second bias of 0.  Returns
 * where the memory goes on: 4 h (in + h + 2) floats later.
 */
float *model_lstm_put(struct model_lstm_direction *to, const struct lstm *l, float *at);

/* Is it served by products of bytes?  Where all its weights are I8. */
bool model_lstm_of_bytes(const struct model *m);

/* The length of the LSTM's inputs: of a row, or of that through the projection. */
size_t model_lstm_inputs(const struct model *m);

/* The length of its outputs: directions times h. */
size_t model_lstm_outputs(const struct model *m);

/* The length of what its pooling makes of that: as long, or under residual as a row. */
size_t model_lstm_vector(const struct model *m);

#endif
