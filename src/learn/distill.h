/*
 * distill.h - a word table that adds up to a teacher's sentence vectors.
 *
 * Given the vectors that a teacher (a sentence transformer) gives to many texts, rows x_w are learnt
 * so that  sum_{w in s} x_w  points where the teacher's vector of s does:
 *
 *	loss = mean over the batch of 1 - cos(sum_w x_w, P t_s)
 *
 * P: the leading eigenvectors of the teacher vectors' uncentred second moment, so the first
 * dimensions hold most, and cutting a vector short costs little.  Start: x_w = a / (a + p(w)) P y_w, where
 * y_w is the model's row, which must be the teacher's vector of the word alone; p from the texts;
 * pieces ("##ing") at half of that.  Adam on the rows of a batch, one second moment a row.  No weights
 * are left apart: they live in the rows' lengths.  (model2vec and tokenlearn do much the same.)
 *
 * The result does not depend on the number of workers.
 */
#ifndef SIFD_LEARN_DISTILL_H
#define SIFD_LEARN_DISTILL_H

#include "learn/loop.h"
#include "math/rows.h"

struct err;
struct model;
struct progress;

struct distill_options {
	const char *teacher; /* .npy (n, D), a row a text */
	const char *texts;   /* n lines; compressed too */
	const char *draws;   /* n numbers, a line each: how often an epoch draws the text; NULL: once */
	size_t dimensions;   /* d <= D; 0 = 256, or D when that is less */
	double a;
	struct loop_options loop;
	size_t batch;
	double rate;
	uint64_t seed;
	enum rows_type type;	/* of the result's rows */
	const char *const *dev; /* (dev_n) similarity sets */
	size_t dev_n;
	size_t workers; /* 0 = one per processor */
};

/* 4 epochs of batches of 1,024, rate 1e-2 (20 steps of warm-up in 4,600), a 3e-4. */
struct distill_options distill_options_default(void);

struct distill_report {
	struct loop_report loop;
	uint64_t texts, drawn; /* drawn: by one epoch */
	double coverage;       /* known words / words of the texts */
	double energy;	       /* share of the teacher vectors' second moment in d dimensions */
};

/*
 * The distilled model: m's words and tokenizer, new rows (V, d), method learned.  ERR_INPUT: files that do
 * not fit each other or m, options out of range; ERR_CANCELLED.
 */
struct model *distill_static(struct model *m, const struct distill_options *options,
			     struct distill_report *report, struct progress *progress, struct err *err);

#endif
