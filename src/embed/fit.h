/*
 * fit.h - a corpus's own word weights, common components and whitening.
 *
 * Two passes over the corpus.  Pass 1 counts words: p(w) = c(w) / N.  Pass 2 sums
 * n and M = sum v v' of the weighted sentence vectors; its eigenvectors
 * are the common components (Arora et al. 2017, algorithm 1: uncentred), its partial inverse root
 * the whitening.  Memory does not grow with the corpus.  Blocks of fixed size are summed in
 * order, so the fitted model is the same, byte for byte, for any number of workers,
 * for plain or compressed input, for a file or a pipe.
 *
 * Prior.  What the model already knows counts as `prior` sentences: counts
 * c + p0 * prior * (words a sentence) and moment (n M + prior M0) / (n + prior), so a small
 * corpus nudges a general model and a huge one replaces it.  0: the corpus alone, as in the papers.
 */
#ifndef SIFD_EMBED_FIT_H
#define SIFD_EMBED_FIT_H

#include "model/method.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct corpus;
struct err;
struct model;
struct progress;

struct fit_options {
	enum method method; /* sif, usif or whiten: the default of the fitted model */
	double a;	    /* of the weights; 0 = 1e-3; ignored by usif, which computes its own */
	size_t components;  /* K; SIZE_MAX = the method's own (sif 1, usif 5) */
	double power;	    /* of the whitening, [0, 2]; < 0 = 0.75 */
	double prior;	    /* sentences; < 0 = 100000 */
	bool by_line;	    /* a unit is a line; else a sentence */
	bool keep_counts;   /* weights from the counts the model has; the corpus gives only the moment */
	uint64_t
		min_count; /* words seen less often keep the weight of this count; 0 and 1: nothing changes */
	size_t workers;	   /* 0 = one per processor; never changes the result */
	bool fold;	   /* write weights, components, projection into the rows */
};

struct fit_options fit_options_default(void);

struct fit_report {
	uint64_t bytes, lines, sentences, tokens, known;
	double explained; /* share of the trace in the components */
	double share;	  /* of the corpus in the second moment, against the prior: n / (n + prior) */
};

/*
 * The fitted model, in memory, over the rows of `m` (its base).  `corpus` is read twice.  ERR_INPUT when
 * the corpus has no known word, or the model is folded (its rows cannot be weighted again).
 */
struct model *fit_model(struct model *m, struct corpus *corpus, const struct fit_options *options,
			struct fit_report *report, struct progress *progress, struct err *err);

#endif
