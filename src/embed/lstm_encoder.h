/*
 * lstm_encoder.h - texts' vectors by an LSTM over their words.
 *
 *	x_t = sqrt(d) u_t,  u_t the unit vector of word t's row, through the projection where there is one
 *	y_t = [ forward state t, reverse state t ]  of the last of its one or two layers, each of which reads
 *	      the y of the layer below
 *	vector = the pooling of y_t (embed/pool.h), most often their mean; pooling residual adds them to the
 *	      words' rows (math/readout.h)
 *
 * Frequent words have short rows in weighted tables, so their lengths are taken out: an LSTM finds its own
 * weights.  Unknown words are left out.  (Wieting & Gimpel 2017, "BiLSTM average".)
 * A text has the same bits whatever else is embedded, and on every machine (math/lstm_serve.h).
 */
#ifndef SIFD_EMBED_LSTM_ENCODER_H
#define SIFD_EMBED_LSTM_ENCODER_H

#include <stddef.h>
#include <stdint.h>

struct err;
struct model;
struct lstm_encoder;

/* An encoder is scratch of one thread. */
struct lstm_encoder *lstm_encoder_new(struct err *err);
void lstm_encoder_free(struct lstm_encoder *e);

/* The LSTM's input for word `id`, to (model_lstm_inputs()); scratch (d). */
void lstm_encoder_input(const struct model *m, uint32_t id, float *to, float *scratch);

/* The known words of a text, in order, and where its vector goes. */
struct lstm_text {
	const uint32_t *ids;
	size_t n;
	float *vector; /* (model_lstm_vector()); zeros where n = 0 */
	float *mean;   /* (model_lstm_outputs()) of its states, likewise; NULL where not wanted */
};

/* Embeds texts (n) and sorts them by length; m has an LSTM.  Many at a time are faster.  ERR_MEMORY. */
int lstm_encoder_embed(struct lstm_encoder *e, const struct model *m, struct lstm_text *texts, size_t n,
		       struct err *err);

#endif
