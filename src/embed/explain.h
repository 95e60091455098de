/*
 * explain.h - what each word adds to a vector or a score, exactly.
 *
 * A sentence vector is linear in its words: u = T(sum_i c_i), with c_i the
 * weighted vector of word i (divided by the number of known words where the
 * method takes a mean) and T the removal of components or the projection.
 * With e = u / |u|:
 *
 *	share_i       = T(c_i) . e / |u|                  sum_i share_i = 1
 *	part_ij       = T(c_i) . T(c'_j) / (|u| |u'|)      sum_ij part_ij = cos(u, u')
 *
 * Components, whitening and folding included.  The sums hold to float rounding (tested to 1e-5).
 */
#ifndef SIFD_EMBED_EXPLAIN_H
#define SIFD_EMBED_EXPLAIN_H

#include "embed/embedder.h"

struct explained_word {
	uint32_t start, stop; /* bytes of the text */
	uint32_t id;	      /* VOCAB_UNKNOWN when not known */
	float weight;	      /* 0 when not known */
	float share;	      /* of the vector; 0 when not known */
};

struct explained {
	struct explained_word *words;
	size_t n;
	float norm; /* |u| */
	float coverage;
};

struct explained_pair {
	struct explained left, right;
	float *parts; /* (left.n, right.n) row-major; rows and columns of unknown words are 0 */
	float score;
};

/* Fills *e, to be freed with explained_free(). */
int explain_text(struct explained *e, struct embedder *s, const char *text, size_t n, struct err *err);
void explained_free(struct explained *e);

int explain_pair(struct explained_pair *p, struct embedder *s, const char *a, size_t a_n, const char *b,
		 size_t b_n, struct err *err);
void explained_pair_free(struct explained_pair *p);

#endif
