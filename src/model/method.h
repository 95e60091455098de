/*
 * method.h - the ways to make a sentence vector, by the names every interface uses.
 *
 *	sum        sum of the word vectors
 *	mean       their mean
 *	weighted   mean of weight(w) * vector(w)
 *	sif        weighted, then the k common components removed
 *	usif       the same with uSIF's weights and soft removal of its components
 *	whiten     weighted, then the fixed partial whitening
 *	learned    sum of trained rows (the weights live in their lengths), or of
 *		   learned weight(w) * vector(w); through a learned matrix where there is one
 *	disc       sums of products of neighbours, up to three words (embed/disc.h); three
 *		   times as long
 *	lstm       pooled states of an LSTM (embed/lstm_encoder.h)
 *	lstm+static  the unit vector of lstm, then that of what the model is for sums (model_sums())
 *	features   for classifiers: the unit vector of lstm, then the mean of the LSTM's states; where lstm is
 *		   that mean already, then the mean of the words' unit vectors.  Without an LSTM the unit
 *		   vector of the model's sums (model_sums()), then that mean.  A word's unit vector is that of
 *		   a text of only this word by those sums
 *
 * "mean" here divides by the number of known words.  After normalizing,
 * sum and mean are the same.
 */
#ifndef SIFD_MODEL_METHOD_H
#define SIFD_MODEL_METHOD_H

#include <stdbool.h>
#include <stddef.h>

struct err;
struct model;

enum method {
	METHOD_SUM,
	METHOD_MEAN,
	METHOD_WEIGHTED,
	METHOD_SIF,
	METHOD_USIF,
	METHOD_WHITEN,
	METHOD_LEARNED,
	METHOD_DISC,
	METHOD_LSTM,
	METHOD_LSTM_STATIC,
	METHOD_FEATURES,
	METHOD_COUNT,
};

enum { METHOD_DISC_GRAMS = 3 }; /* the longest n-gram of disc */

extern const char *const method_names[METHOD_COUNT];

/* Does it run the LSTM, where there is one? */
bool method_recurrent(enum method method);

/* The method of this name[0..n), or -1. */
int method_parse(const char *name, size_t n);

/*
 * The method that `name` asks of the model: its default when name is NULL or "".  -1 with ERR_INPUT, param
 * "method", and a list of those it holds when the name is unknown or not held.
 */
int method_choose(enum method *method, const struct model *m, const char *name, struct err *err);

#endif
