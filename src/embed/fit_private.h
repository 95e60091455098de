/*
 * fit_private.h - the steps of a fit: fit_words.c reads the corpus, fit_weights.c and fit_directions.c do the
 * arithmetic on what it counted and summed, fit_bake.c writes the result into the rows.
 */
#ifndef SIFD_EMBED_FIT_PRIVATE_H
#define SIFD_EMBED_FIT_PRIVATE_H

#include "embed/fit.h"
#include "model/model.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What the first pass found, kept for the second pass unless that takes more than FIT_KEPT_BYTES: finding
 * words costs as much as summing their vectors.  Zeroed at first; owned by the caller.
 */
enum { FIT_KEPT_BYTES = 256 << 20 };

struct fit_kept {
	struct fit_words *blocks; /* in order */
	size_t n, cap, bytes;
	bool whole; /* the blocks are the whole corpus */
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

/* The ids of a block's known words, unit by unit. */
struct fit_words {
	uint32_t *ids;
	size_t ids_n;
	uint32_t *ends; /* where each unit's ids end */
	size_t ends_n;
	struct fit_report totals;
	uint64_t taken; /* bytes of the corpus's files up to here, for progress */
};

/* counts (n) += how often the corpus has each word of the model; fills *totals. */
int fit_count(const struct fit_source *source, uint64_t *counts, struct fit_report *totals, struct err *err);

/*
 * sum (d, d) += v v' over the units, v the mean over the known words of weights[w] * row w; fills *totals.
 * Reads what is kept when that is whole, else the corpus, which the caller rewinds.  Each block is summed by
 * itself and added in order, so the bits do not depend on the workers.
 */
int fit_sum(const struct fit_source *source, const float *weights, double *sum, struct fit_report *totals,
	    struct err *err);

static const double fit_usual_a = 1e-3;

/* One fit, from the corpus to the fitted model.  n words, d dimensions. */
struct fit {
	struct model *m;
	struct fit_options o; /* settled: no 0 or negative number stands for a default any more */
	struct fit_report totals;
	size_t n, d;
	double *p;	/* (n) probabilities; before fit_weights() those the model knows */
	double counted; /* sentences that these count for */
	double mass;	/* sentences that the model's moment counts for */
	double words;	/* per sentence of the corpus */
	double a;	/* of the weights */

	struct model parts; /* of the fitted model; weights and counts below while they are written */
	struct owned owned; /* what parts point to */
	uint64_t *counts;   /* (n) or NULL */
	float *weights;	    /* (n) */
};

/* (n) zeroed floats that the fitted model owns. */
float *fit_floats(struct fit *f, size_t n, struct err *err);

/* Fills p, counts, weights and a, by a first pass or from what the model knows. */
int fit_weights(struct fit *f, const struct fit_source *source, struct err *err);

/* Fills moment, components and projection of f->parts by a second pass. */
int fit_directions(struct fit *f, const struct fit_source *source, struct err *err);

/* ERR_INPUT: why the corpus has no known word. */
int fit_no_words(const struct fit *f, struct err *err);

/*
 * Bakes weights, components and projection of `parts` into its rows: data (n, d) in the same number format,
 * scales (n) for I8.
 */
int bake_into_rows(void *data, float *scales, const struct model *parts, size_t workers,
		   struct progress *progress, struct err *err);

#endif
