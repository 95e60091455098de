/*
 * fit.h - a corpus's own word weights, common components and whitening.
 *
 * Two passes over the corpus.  Pass 1 counts words: p(w) = c(w) / N.  Pass 2 sums
 * n and M = sum v v' of the weighted sentence vectors; its eigenvectors
 * are the common components (Arora et al. 2017, algorithm 1: uncentred), its partial inverse root
 * the whitening.  Memory is bounded whatever the corpus: a short one's words are kept between the
 * passes (256 MB at most), a longer one is read twice.  Blocks of fixed size are summed in
 * order, so the fitted model is the same, byte for byte, for any number of workers,
 * plain or compressed input, a file or a pipe.
 *
 * Prior.  What the model already knows counts as k sentences in the moment, (n M + k M0) / (n + k), and as 20
 * k sentences in the counts, c + p0 20 k (words per sentence), so a small corpus nudges a general model and a
 * huge one replaces it.  The counts weigh more because they do harm sooner: the words that a narrow corpus
 * repeats are what its sentences are about, and counts of the corpus alone would silence them (39k captions
 * on the whitened GloVe, SICK dev 67.4: 67.3 with k for both, 67.6 with 20 k; 66.1 without a prior).  k is
 * `prior`, but never more than the sentences the model was itself fitted on (facts.mass).  p0 comes from the
 * model's counts, or where it stores none (overlays) from its weights; a model never fitted has a prior for
 * the counts when a counts file gave it some, and none for the moment.  0: the corpus alone, as in the
 * papers.
 *
 * sif and whiten share weights and moment, so a fit by either serves both (and `weighted`); the method asked
 * for is the default.  usif has its own a, computed from the corpus, weights a/(a/2 + p) in which words the
 * corpus lacks take the smallest p it has, and components scaled by lambda_i / sum lambda.  Of the
 * published code one step is left out, the norm over a sentence's words per dimension:
 * it is not linear, so a word would no longer have a share of its sentence.
 *
 * A sentence vector here is the mean over the known words of weight * row, uncentred; sentences
 * without a known word are left out.  Products are made by BLAS, so another kind of processor may change the
 * last bits of a fitted file; on one, they are always the same.
 */
#ifndef SIFD_EMBED_FIT_H
#define SIFD_EMBED_FIT_H

#include "base/params.h"
#include "model/method.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct corpus;
struct err;
struct model;
struct progress;

struct fit_options {
	/*
	 * The default of the fitted model: sif, usif, whiten or weighted (which has the parts of sif on
	 * request).  METHOD_COUNT: sif; weighted for a learned model, whose vectors lose by the removal of a
	 * component (SICK dev .5 less).
	 */
	enum method method;
	double a;	    /* of the weights; 0 = the model's own, or 1e-3; usif computes its own */
	size_t components;  /* K, at most 64; SIZE_MAX = the method's own (usif 5, else 1) */
	double power;	    /* of the whitening, [0, 2]; < 0 = the fitted model's own, or 0.75 */
	double prior;	    /* sentences; < 0 = 100000 */
	bool by_line;	    /* a unit is a line; else a sentence */
	bool keep_counts;   /* weights from what the model knows (always if it is learned); the corpus gives
			       only the moment */
	uint64_t min_count; /* words seen less often weigh as if seen so often; 0 and 1: nothing changes */
	size_t workers;	    /* 0 = one per processor; never changes the result */
	bool fold;	    /* write weights, components, projection into the rows */
};

extern const struct param_row fit_params[];

struct fit_options fit_options_default(void);

/* What was found in the corpus. */
struct fit_report {
	uint64_t bytes, lines; /* decompressed */
	uint64_t sentences;    /* or lines, with a known word, so that they have a vector: the n of above */
	uint64_t tokens;       /* words, known and unknown */
	uint64_t known;
	double explained; /* share of the trace in the components */
	double share;	  /* the corpus's share of the second moment: n / (n + k) */
};

/*
 * The fitted model, in memory, over the rows of `m` (or of its base, when m is an overlay).  Where it is
 * folded it has rows of its own, in the number format of m's, and the one method.  `corpus` is fresh or
 * rewound.  Learned rows keep their weights (keep_counts), also when they were fitted since.
 * ERR_INPUT when the corpus has no known word, an option is out of range (param names it), or the model is
 * folded already; ERR_CANCELLED.
 */
struct model *fit_model(struct model *m, struct corpus *corpus, const struct fit_options *options,
			struct fit_report *report, struct progress *progress, struct err *err);

#endif
