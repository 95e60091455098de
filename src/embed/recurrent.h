/*
 * recurrent.h - a text's vector by an LSTM over its words.
 *
 *	x_t = sqrt(d) u_t,  u_t the unit vector of word t's row, through the projection where there is one
 *	y_t = [ forward state t, reverse state t ]  of the last of its one or two layers, each reading the y
 *	      of the one below
 *	vector = the pooling of y_t (embed/pool.h), most often their mean; or, pooling residual, what they add
 *	      to the words' rows (math/readout.h)
 *
 * Frequent words have short rows in weighted tables, so their length is taken out: an LSTM weighs
 * for itself.  Unknown words are left out.  (Wieting & Gimpel 2017, "BiLSTM average".)
 * The same bits for the same text, whatever else is embedded, and on every machine (math/lstm.h).
 */
#ifndef SIFD_EMBED_RECURRENT_H
#define SIFD_EMBED_RECURRENT_H

#include "embed/pool.h"
#include "math/lstm.h"

#include <stddef.h>
#include <stdint.h>

struct err;
struct model;
struct recurrent;

/* What is read of a text: the first so many known words, so that one text cannot take all memory. */
enum { RECURRENT_WORDS_MAX = 4096 };

struct recurrent *recurrent_new(struct err *err);
void recurrent_free(struct recurrent *r);

/* The input that word `id` is: to (model_lstm_inputs()); scratch (d). */
void recurrent_input(const struct model *m, uint32_t id, float *to, float *scratch);

struct recurrent_net {
	const struct lstm *lstm; /* 2 layer + side */
	size_t layers;
	struct pool pool;
};

struct recurrent_net recurrent_net_of(const struct model *m);

/* x (n, inputs), n > 0 -> vector (sides h); scratch of recurrent_scratch() floats. */
void recurrent_run(const struct recurrent_net *net, const float *x, size_t n, float *vector, float *scratch);
size_t recurrent_scratch(const struct recurrent_net *net, size_t n);

/*
 * vector (model_lstm_vector()) of the words ids (n), n > 0, and the mean of their states
 * (model_lstm_outputs(), or NULL: not wanted); m has an LSTM.  ERR_MEMORY.
 */
int recurrent_embed(struct recurrent *r, const struct model *m, const uint32_t *ids, size_t n, float *vector,
		    float *mean, struct err *err);

#endif
