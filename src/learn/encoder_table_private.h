/* Between the parts of the word table's encoder: its state, its start, and the model that it becomes. */
#ifndef SIFD_LEARN_ENCODER_TABLE_PRIVATE_H
#define SIFD_LEARN_ENCODER_TABLE_PRIVATE_H

#include "learn/encoder.h"
#include "learn/word_places.h"

#include <stdbool.h>

/*
 * A text's vector is M' sum_t w_t x_t.  Under a teacher it is the plain sum of the rows, which hold the
 * weights in their lengths: then there are neither logs nor M.
 */
struct table {
	struct encoder encoder; /* first: an encoder is its table */
	struct encoder_task task;
	bool plain; /* under a teacher */
	size_t d, d_out;
	struct param logs;   /* (words) l */
	struct param rows;   /* (words, d) x */
	struct param matrix; /* (d, d_out) M; x NULL: the identity */
	float *weights;	     /* (words) e^l */

	struct encoder_batch batch;
	struct word_places places; /* of the batch: texts */
	float *sums;		   /* (n, d) of the batch: before M */
	const float *d_sums;	   /* (n, d) */
	float *own_sums, *own_d_sums;
	float *d_matrix; /* (d, d_out) */
	float *scratch;	 /* (threads, d) */
};

/* Fills logs, rows, matrix and weights.  ERR_INPUT, ERR_MEMORY. */
int table_start(struct table *t, struct err *err);

/* The weight a word of the model has at the start, used in training or not. */
float table_start_weight(const struct table *t, uint32_t id);

struct model *table_to_model(const struct encoder *e, const char *corpus_digest, struct err *err);

#endif
