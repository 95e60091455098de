/*
 * similar.h - how alike texts are: cosines of their vectors, and the best of many.
 *
 * All vectors here are unit or zero; a cosine with a zero vector is 0.
 * Ties rank by lower index first, so results never depend on threads.
 */
#ifndef SIFD_EMBED_SIMILAR_H
#define SIFD_EMBED_SIMILAR_H

#include "embed/embedder.h"

/* The cosine of two unit (or zero) vectors, clamped to [-1, 1]. */
float similar_score(const float *a, const float *b, size_t d);

/* The cosine of two texts; coverage[2] may be NULL. */
int similar_pair(struct embedder *s, struct text a, struct text b, float *score, float *coverage,
		 struct err *err);

struct found {
	size_t index;
	float score;
};

/* The `top` best of rows (n, d) for query (d) to found (top), best first; returns min(top, n). */
size_t similar_top(struct found *found, size_t top, const float *query, const float *rows, size_t n,
		   size_t d);

#endif
