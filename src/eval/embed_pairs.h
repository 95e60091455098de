/*
 * embed_pairs.h - the vectors of many texts, or of pairs of texts, block by block on several threads.
 */
#ifndef SIFD_EVAL_EMBED_PAIRS_H
#define SIFD_EVAL_EMBED_PAIRS_H

#include "model/method.h"

#include <stdbool.h>
#include <stddef.h>

struct err;
struct model;
struct progress;

struct embed_pairs {
	const char *const *left;  /* (n) texts, 0-terminated UTF-8 */
	const char *const *right; /* (n); NULL: single texts */
	size_t n;
	bool normalize; /* vectors of unit length */

	/*
	 * Takes the vectors of the texts start to start + n: left (n, d), right (n, d) or NULL.  Any thread;
	 * no text comes twice.
	 */
	void (*use)(void *context, size_t start, size_t n, const float *left, const float *right);
	void *context;
};

/* *coverage: known words / words, of all texts.  workers 0: one per processor.  ERR_MEMORY, ERR_CANCELLED. */
int embed_pairs(double *coverage, const struct embed_pairs *pairs, struct model *m, enum method method,
		size_t workers, struct progress *progress, struct err *err);

#endif
