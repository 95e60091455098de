/*
 * distill_lstm.h - a bidirectional LSTM over a distilled word table, for what a sum cannot say.
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
#ifndef SIFD_LEARN_DISTILL_LSTM_H
#define SIFD_LEARN_DISTILL_LSTM_H

#include "learn/distill.h"

struct distill_lstm_options {
	struct distill_options common; /* batch: in words; a and dimensions are not used */
	size_t states;		       /* of a direction */
	double rows_rate;	       /* 0: rows stay */
	double static_share;
};

/* 2 epochs of batches of 8,192 words, 256 states, rate 3e-3 (rows 5e-4), share 0.2. */
struct distill_lstm_options distill_lstm_options_default(void);

/* m: from distill_static().  The result has the methods learned (the default) and lstm. */
struct model *distill_lstm(struct model *m, const struct distill_lstm_options *options,
			   struct distill_report *report, struct progress *progress, struct err *err);

#endif
