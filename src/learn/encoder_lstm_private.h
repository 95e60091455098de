/* Between the parts of the LSTM's encoder: its state, its start, and the model that it becomes. */
#ifndef SIFD_LEARN_ENCODER_LSTM_PRIVATE_H
#define SIFD_LEARN_ENCODER_LSTM_PRIVATE_H

#include "learn/encoder.h"
#include "learn/lstm_net.h"
#include "learn/word_places.h"

#include <stdatomic.h>
#include <stdbool.h>

/* A batch is cut in a fixed way, so that the number of threads changes no bit. */
enum { LSTM_PARTS = 4 };

struct lstm_part {
	size_t start, stop; /* texts of the batch */
	uint32_t *words;    /* words that are read, after dropout and scrambling, text after text */
	size_t words_room;
	size_t *starts;	       /* (texts + 1) in words */
	size_t base;	       /* of its first word among those of the batch */
	struct net_batch *net; /* scratch of the forward and backward pass */
	float *gradient;       /* (floats) of the LSTM's parameters */
	float *dev;	       /* (dev_room) scratch of a dev text */
	size_t dev_room;
};

struct encoder_lstm {
	struct encoder encoder; /* first: an encoder is its LSTM */
	struct encoder_task task;
	struct net_shape shape;
	struct net net;	   /* over lstm.x */
	struct param lstm; /* (net_floats()) */
	struct param rows; /* (words, d): learnt beside it, or as they are summed; else n is 0 */
	float *inputs;	   /* (words, in), unless rows are learnt */
	struct encoder_batch batch;
	struct lstm_part parts[LSTM_PARTS];
	float gradient_scale; /* what is left of a gradient that was too long */

	/* Where rows are learnt: by words of the batch, (room) of them. */
	struct word_places places;
	float *x, *x_inputs, *lengths; /* (room, d), (room, in), (room): rows, inputs, lengths of rows */
	float *d_rows, *d_inputs;      /* their gradients */
	size_t room;
	float *scratch; /* (threads, d) */
	atomic_bool failed;
};

/* Shape and parameters at the start; the words' inputs and rows.  ERR_INPUT, ERR_MEMORY. */
int lstm_start(struct encoder_lstm *t, struct err *err);

struct model *lstm_to_model(const struct encoder *e, const char *corpus_digest, struct err *err);

#endif
