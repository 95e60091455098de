/*
 * distill_lstm_private.h - a bidirectional LSTM over a distilled word table, for what a sum cannot say.
 *
 *	h_t = BiLSTM(sqrt(d) x_t / |x_t|),    e = sum_t a_t (x_t + W h_t),    a_t = 2 s(v . h_t)
 *	loss = 1 - cos(e, P t) + share * (1 - cos(sum_t x_t, P t)),    a mean over the batch
 *
 * t: the teacher's vector of the text, P as in learn/distill.h.  W and v start at 0, so the first step
 * *is* the table that learn/distill.h made and training can only add; the recurrent matrices start
 * orthogonal, the forget gates open.  Inputs have one length: as they are, frequent words are nearly
 * invisible.  The second term keeps the rows good on their own: one file serves both.  Adam (b2 0.99)
 * on all of it, the rows at a slower rate; gradients longer than 1 are cut to 1.  A batch holds texts of
 * equal length.
 *
 * The same bits for any number of workers (the batch's work is cut in a fixed way); another processor's
 * matrix products may change last bits.
 */
#ifndef SIFD_LEARN_DISTILL_LSTM_PRIVATE_H
#define SIFD_LEARN_DISTILL_LSTM_PRIVATE_H

#include "learn/adam.h"
#include "learn/distill_private.h"
#include "learn/sparse_adam.h"
#include "math/lstm.h"
#include "math/readout.h"

#include <stdatomic.h>

/* Longer texts are read up to here.  SHARDS: the parts of a batch that members take, whatever their number.
 */
enum { WORDS_MOST = 512, SHARDS = 4 };

/* A batch: texts of one length, at `start` in the epoch's order. */
struct length_batch {
	uint32_t start, n, length;
};

/* A part of a batch, and all that the way back needs; rows of words are step by step: t, then text. */
struct shard {
	size_t start, stop; /* texts of the batch */
	float *x;	    /* (rows, d): rows of the table */
	float *lengths;	    /* (rows) of them */
	float *inputs[2];   /* (rows, d), of the reverse direction from the end */
	float *gates[2], *cells[2], *states[2];
	float *open;		/* (rows) a_t */
	float *d_open;		/* (rows) the loss by its argument */
	float *mixed, *d_mixed; /* (texts, 2 h) sum of a_t h_t, and its gradient */
	float *sums, *plain;	/* (texts, d) e, and the plain sum; then their gradients */
	float *d_states;	/* (rows, h) */
	float *d_inputs;	/* (rows, d) */
	float *scratch;
	float *gradient; /* as parameters */

	size_t active[WORDS_MOST];
	double loss;
};

struct distill_lstm {
	struct distill x;
	const struct train_options *o;
	size_t d, h, side_n, parameters_n;
	float *parameters, *first, *second; /* both directions, then mix and gate */
	float *mix, *gate;		    /* in parameters */
	struct lstm sides[2];

	uint32_t *by_length; /* (order_n) the epoch's texts, those of one length together */
	struct length_batch *batches;
	size_t batches_n;

	struct length_batch now;
	struct shard shards[SHARDS];
	struct sparse_adam *moves;
	uint32_t *places; /* (WORDS_MOST) */
	float share;	  /* of a text in the loss */
	float cut;	  /* what the gradient is multiplied by */
	struct adam_step adam;
	atomic_bool failed;
};

/* All before the first step; x.m, x.o and o are set.  To be ended whether it failed or not. */
int distill_lstm_prepare(struct distill_lstm *t, struct train_report *report, struct progress *progress,
			 struct err *err);
void distill_lstm_end(struct distill_lstm *t);

/*
 * Of the batch `now`: its losses into the shards, their gradient by the parameters, times `share`, into that
 * of shard 0, and that by the rows into moves.
 */
void distill_lstm_learn(struct distill_lstm *t);

/* Room for the steps, and how many an epoch has. */
int lstm_shards_new(struct distill_lstm *t, struct err *err);
void lstm_shards_free(struct distill_lstm *t);

/* The functions of a struct learner; context struct distill_lstm. */
int distill_lstm_begin(void *context, uint64_t epoch, struct err *err);
int distill_lstm_step(void *context, size_t batch, uint64_t step, double rate, double *loss, size_t *pairs,
		      struct err *err);
int distill_lstm_score(void *context, double *score, struct err *err);

/* The model that was learnt. */
struct model *distill_lstm_model(const struct distill_lstm *t, struct err *err);

#endif
