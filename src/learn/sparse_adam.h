/*
 * sparse_adam.h - Adam for the rows of a table that a batch uses, with one second moment per row.
 *
 *	g_w = the sum of the gradients at w's places
 *	m_w <- b1 m_w + (1 - b1) g_w,    v_w <- b2 v_w + (1 - b2) |g_w|^2 / d
 *	w's row -= rate m_w / (1 - b1^t) / (sqrt(v_w / (1 - b2^t)) + eps)
 *
 * One second moment per row scores as well as one per number and takes less memory.  b1 0.9, b2 0.99.
 * The same bits for any number of threads.
 */
#ifndef SIFD_LEARN_SPARSE_ADAM_H
#define SIFD_LEARN_SPARSE_ADAM_H

#include <stddef.h>
#include <stdint.h>

struct threads;
struct word_places;

struct sparse_adam {
	size_t d;
	float *rows, *first; /* (words, d); borrowed; the first moment starts at 0 */
	float *second;	     /* (words), likewise */
};

/* Updates the words of `at`, whose places are rows of gradients (.., d); step: t = 1, 2, ...; scratch:
 * (threads, d). */
void sparse_adam_update(const struct sparse_adam *a, const struct word_places *at, const float *gradients,
			double rate, uint64_t step, float *scratch, struct threads *threads);

#endif
