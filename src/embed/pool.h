/*
 * pool.h - one vector of the states of a text's words.
 *
 * y (n, sides h): row t has the forward state at word t, then the reverse one's, if there are two.
 *
 *	mean       mean over t
 *	max        the largest of each column
 *	last       the forward state behind the last word, the reverse one behind the first
 *	attention  sum over t of a_t y_t,  a = softmax over t of v . y_t,  v learnt
 *
 * The same bits on every machine.
 */
#ifndef SIFD_EMBED_POOL_H
#define SIFD_EMBED_POOL_H

#include "model/model.h"

#include <stddef.h>

struct pool {
	enum pooling pooling;
	size_t h, sides;
	const float *attention; /* v (sides h), of attention alone */
};

/* y (n, sides h), n > 0 -> vector (sides h); scratch (n), which attention leaves a in. */
void pool_states(const struct pool *p, const float *y, size_t n, float *vector, float *scratch);

/*
 * The way back: from d_vector (sides h), the loss's gradient by the vector, that by y (n, sides h),
 * overwritten, and by v (sides h), added to; d_attention may be NULL but for attention.
 */
void pool_back(const struct pool *p, const float *y, size_t n, const float *d_vector, float *d_y,
	       float *d_attention, float *scratch);

#endif
