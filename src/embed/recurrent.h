/*
 * recurrent.h - a text's vector by a bidirectional LSTM over its words.
 *
 *	x_t = sqrt(d) u_t,  u_t the unit vector of word t's row, through the projection where the model has
 *one vector = mean over t of [ forward state t, reverse state t ]
 *
 * Frequent words have short rows in weighted tables, so their length is taken out: an LSTM weighs
 * for itself.  Unknown words are left out.  (Wieting & Gimpel 2017, "BiLSTM average".)
 * The same bits for the same text, whatever else is embedded, and on every machine (math/lstm.h).
 */
#ifndef SIFD_EMBED_RECURRENT_H
#define SIFD_EMBED_RECURRENT_H

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

/* vector (2 h) of the words ids (n), n > 0; m has an LSTM.  ERR_MEMORY. */
int recurrent_embed(struct recurrent *r, const struct model *m, const uint32_t *ids, size_t n, float *vector,
		    struct err *err);

#endif
