/*
 * pool.h - pooling: one vector from the states of a text's words.
 *
 * y (n, directions h): row t has the forward state at word t, then the reverse state, if there is one.
 *
 *	mean       mean over t
 *	max        the largest of each column
 *	last       the forward state after the last word, the reverse state after the first
 *	attention  sum over t of a_t y_t,  a = softmax over t of v . y_t,  v learnt
 *
 * The bits are the same on every machine.
 */
#ifndef SIFD_EMBED_POOL_H
#define SIFD_EMBED_POOL_H

#include "model/model.h"

#include <stddef.h>

struct pool {
	enum pooling pooling;
	size_t h, directions;
	const float *attention; /* v (directions h), only for attention */
};

/* y (n, directions h), n > 0 -> vector (directions h); scratch (n), where attention leaves a. */
void pool_states(const struct pool *p, const float *y, size_t n, float *vector, float *scratch);

/*
 * The backward pass: from the gradient d_vector (directions h) to d_y (n, directions h), overwritten, and
 * d_attention (directions h), added to, which may be NULL for all but attention.
 */
void pool_back(const struct pool *p, const float *y, size_t n, const float *d_vector, float *d_y,
	       float *d_attention, float *scratch);

#endif
