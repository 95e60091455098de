/*
 * train_lstm.h - an LSTM learnt from pairs of texts.
 *
 * A text's vector is that of embed/lstm_encoder.h: the pooled states of one or two layers over the words'
 * directions, which stay as they are; learnt are the layers' matrices (and attention's vector), by one of the
 * objectives on pairs or scores. Against learning texts by heart: words are left out at random, and the order
 * of some texts is scrambled (Wieting & Gimpel 2017).
 *
 * Same files, model, options, seed, workers and processor: the same bits.
 */
#ifndef SIFD_LEARN_TRAIN_LSTM_H
#define SIFD_LEARN_TRAIN_LSTM_H

#include "learn/train.h"
#include "model/model.h"

struct train_lstm_options {
	const struct train_options *common; /* files, objective, loop, batch, seed, workers, dev */
	size_t states;			    /* h of a direction */
	size_t layers, directions;	    /* 1 or 2 */
	enum pooling pooling;
	double rate;	     /* Adam's */
	double dropout;	     /* share of the words left out, [0, 1) */
	double scramble;     /* share of the texts in another order, [0, 1] */
	enum rows_type type; /* of the result's weights; I8 are served as bytes, several times as fast */
};

/* h 128, one layer, two directions, mean, rate 2e-3, dropout .2, scramble .3, F32 */
struct train_lstm_options train_lstm_options_default(const struct train_options *common);

/*
 * The model with its LSTM, method lstm: an overlay over m's vectors, with m's weights, components and
 * projection (which the inputs go through).  Goes on with the LSTM that m has, if its shape is that, whatever
 * its pooling; attention begins with the mean. Errors as train_static().
 */
struct model *train_lstm(struct model *m, const struct train_lstm_options *options,
			 struct train_report *report, struct progress *progress, struct err *err);

#endif
