/*
 * fit_private.h - the parts of a fit: fit_words.c reads the corpus, fit.c does the arithmetic on what it
 * counted and summed, fit_bake.c writes the result into the rows.
 */
#ifndef SIFD_EMBED_FIT_PRIVATE_H
#define SIFD_EMBED_FIT_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct corpus;
struct err;
struct model;
struct progress;

/*
 * What the first pass found, kept for the second where it takes no more than FIT_KEPT_BYTES: finding words
 * costs as much as summing their vectors.  Zeroed at first; owned by the caller.
 */
enum { FIT_KEPT_BYTES = 256 << 20 };

struct fit_kept {
	struct fit_words *blocks; /* in order */
	size_t n, cap, bytes;
	bool whole; /* the corpus, from its first to its last block */
};

void fit_kept_free(struct fit_kept *kept);

struct fit_source {
	const struct model *m;
	struct corpus *corpus;
	struct progress *progress;
	struct fit_kept *kept; /* NULL: nothing is kept */
	size_t workers;	       /* 0 = one per processor */
	bool by_line;
};

/* Of one pass over the corpus.  A unit is a sentence, or a line. */
struct fit_totals {
	uint64_t bytes; /* decompressed */
	uint64_t lines;
	uint64_t sentences; /* units with a known word: those that have a vector */
	uint64_t tokens;    /* words, known and unknown */
	uint64_t known;
};

/* The numbers of a block's known words, unit by unit. */
struct fit_words {
	uint32_t *ids;
	size_t ids_n;
	uint32_t *ends; /* where each unit's ids end */
	size_t ends_n;
	struct fit_totals totals;
	uint64_t taken; /* of the corpus's files up to here, for progress */
};

/* counts (words of the model) += how often the corpus has each; *totals of this pass. */
int fit_count(const struct fit_source *source, uint64_t *counts, struct fit_totals *totals, struct err *err);

/*
 * From what is kept when that is whole, else from the corpus (the caller rewinds it):
 * sum (d, d) += v v' over the units, v the mean over the known words of weights[w] * row w; *totals of this
 * pass.  Each block of the corpus is summed by itself and added in order, so the bits do not depend on the
 * workers.
 */
int fit_sum(const struct fit_source *source, const float *weights, double *sum, struct fit_totals *totals,
	    struct err *err);

/*
 * The rows of `parts`, a model with all that a fit adds, with that written in, in the same number format:
 * data (n, d), scales (n) for I8.
 */
int fit_fold(void *data, float *scales, const struct model *parts, size_t workers, struct progress *progress,
	     struct err *err);

#endif
