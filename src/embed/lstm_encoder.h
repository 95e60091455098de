/*
 * lstm_encoder.h - texts' vectors by an LSTM over their words.
 *
 *	x_t = sqrt(d) u_t,  u_t the unit vector of word t's row, through the projection where there is one
 *	y_t = [ forward state t, reverse state t ]  of the last of its one or two layers, each reading the y
 *	      of the one below
 *	vector = the pooling of y_t (embed/pool.h), most often their mean; or, pooling residual, what they add
 *	      to the words' rows (math/readout.h)
 *
 * Frequent words have short rows in weighted tables, so their length is taken out: an LSTM weighs
 * for itself.  Unknown words are left out.  (Wieting & Gimpel 2017, "BiLSTM average".)
 * The same bits for the same text, whatever else is embedded, and on every machine (math/lstm_serve.h).
 */
#ifndef SIFD_EMBED_LSTM_ENCODER_H
#define SIFD_EMBED_LSTM_ENCODER_H

#include <stddef.h>
#include <stdint.h>

struct err;
struct model;
struct lstm_encoder;

/* Scratch of one thread. */
struct lstm_encoder *lstm_encoder_new(struct err *err);
void lstm_encoder_free(struct lstm_encoder *r);

/* The input that word `id` is: to (model_lstm_inputs()); scratch (d). */
void lstm_encoder_input(const struct model *m, uint32_t id, float *to, float *scratch);

/* The known words of a text, in order, and where its vector goes. */
struct lstm_text {
	const uint32_t *ids;
	size_t n;
	float *vector; /* (model_lstm_vector()); zeros where n = 0 */
	float *mean;   /* of its states (model_lstm_outputs()), likewise; NULL: not wanted */
};

/* Embeds texts (n), which are put in another order; m has an LSTM.  Many at a time are faster.  ERR_MEMORY.
 */
int lstm_encoder_embed(struct lstm_encoder *r, const struct model *m, struct lstm_text *texts, size_t n,
		       struct err *err);

#endif
