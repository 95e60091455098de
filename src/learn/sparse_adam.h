/*
 * sparse_adam.h - Adam for the rows that a batch has, from gradients that stand where the words stood.
 *
 *	g_w = sum of the gradients at w's places,  m_w <- b1 m_w + (1 - b1) g_w,
 *	v_w <- b2 v_w + (1 - b2) |g_w|^2 / d,      w's row -= rate m_w / (1 - b1^t) / (sqrt(v_w / (1 - b2^t))
 *+ eps)
 *
 * One second moment a row: it scores as well as one a number and takes less memory.  b1 0.9, b2 0.99.
 * A row's sum is in the order of its places: the same bits for any number of threads.
 */
#ifndef SIFD_LEARN_SPARSE_ADAM_H
#define SIFD_LEARN_SPARSE_ADAM_H

#include <stddef.h>
#include <stdint.h>

struct err;
struct sparse_adam;
struct threads;

/* Borrowed; first and second start at 0. */
struct sparse_adam_rows {
	size_t words, d;
	float *rows, *first; /* (words, d) */
	float *second;	     /* (words) */
};

/* places_most: rows of gradients. */
struct sparse_adam *sparse_adam_new(const struct sparse_adam_rows *of, size_t places_most,
				    struct threads *threads, struct err *err);
void sparse_adam_free(struct sparse_adam *r);

/* (places_most, d), to be filled between the two calls below, by any thread. */
float *sparse_adam_gradients(struct sparse_adam *r);

/* Names n words, the k-th ids[k] with its gradient at row places[k], behind those of this batch so far. */
int sparse_adam_add(struct sparse_adam *r, const uint32_t *ids, const uint32_t *places, size_t n,
		    struct err *err);

/* Moves the rows of the words added since the last call; step: t = 1, 2, ... */
void sparse_adam_apply(struct sparse_adam *r, double rate, uint64_t step);

#endif
