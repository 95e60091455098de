/*
 * around.h - unknown words of a text by the known ones around them.
 *
 * Khodak et al., ACL 2018, equation (4), for a single occurrence: u_w is the sum of the rows of the known
 * words within the window, in the text itself, and A u_w the word's row (learn/alacarte.h learns A).  A text
 * adds all of them up, so each known word is taken as often as it is near an unknown one, and A comes once,
 * behind the sum.  Rows are summed by rows_sum(), the matrix is vec_times_matrix(): the same bits on every
 * machine.
 */
#ifndef SIFD_EMBED_AROUND_H
#define SIFD_EMBED_AROUND_H

#include <stddef.h>
#include <stdint.h>

struct err;
struct model;

/* Zeroed at first; owned by one thread. */
struct around {
	uint32_t *ids; /* (known) the known words in order */
	float *near;   /* (known) how many unknown words stand within the window of each */
	size_t known;
	size_t filled; /* unknown words that have a known one within their window */
	size_t cap;
	float *rows; /* (2 d): their sum, and that through the matrix */
	size_t rows_cap;
};

void around_free(struct around *a);

/* Fills it from a text's words, VOCAB_UNKNOWN among ids[0..n).  ERR_MEMORY. */
int around_read(struct around *a, const uint32_t *ids, size_t n, size_t window, struct err *err);

/* sum (d) += weight times the rows that the unknown words get from the model's matrix.  ERR_MEMORY. */
int around_add(struct around *a, float *sum, const struct model *m, float weight, struct err *err);

#endif
