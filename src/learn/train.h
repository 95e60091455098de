/*
 * train.h - word weights, word vectors and a matrix learnt from pairs of texts.
 *
 * A text's vector is  M' sum_t w_t x_t  over its known words: w_t = exp(l_t) the word's weight, x_t (d) its
 * row, M (d, d_out) a matrix.  Learnt are l (one number a word), x (the rows that the pairs touch, by sparse
 * Adam) and M; all three then fold into one table.  The start is what the model does by a method: its
 * weights, and as M its whitening, or the removal of its components.
 *
 * Recipe and figures: Wieting et al. 2016 for margin, and docs/training.md.  Same files, model,
 * options, seed, workers and processor: the same bits.
 */
#ifndef SIFD_LEARN_TRAIN_H
#define SIFD_LEARN_TRAIN_H

#include "learn/loop.h"
#include "learn/objective.h"
#include "learn/pairs.h"
#include "model/method.h"

struct err;
struct model;
struct progress;

enum train_learn { TRAIN_WEIGHTS, TRAIN_VECTORS };

struct train_options {
	enum train_learn learn; /* weights: l alone; vectors: l and x */
	bool matrix;		/* M too */
	size_t dimensions;	/* d_out; 0 = that of the start's matrix */
	struct objective_options objective;
	struct loop_options loop;

	const char *const *files; /* (files_n) of pairs; of scores for objectives on scores */
	size_t files_n;
	enum pairs_kind kind;
	const char *const *dev; /* (dev_n) similarity sets */
	size_t dev_n;

	size_t batch;
	double vector_rate, weight_rate, matrix_rate; /* Adam's; 0 leaves that part as it is */
	double l2; /* pulls words seen in a batch towards their start: l2 / 2 |x - x_0|^2 */
	uint64_t seed;
	size_t workers; /* 0 = one per processor; another number gives other last bits */
};

/* InfoNCE, t = 0.05, batches of 256, 3 epochs, rates .003, .01, .002; for scored 1 - Pearson, 5 epochs, .002,
 * .01, .002. */
struct train_options train_options_default(enum train_learn learn, bool scored);

struct train_report {
	struct loop_report loop;
	size_t files;
	uint64_t texts, pairs; /* of one epoch */
	uint64_t skipped;      /* lines without a pair to learn from */
	size_t words;	       /* the pairs touched */
	double coverage;       /* known words / words of the pairs */
};

/*
 * The trained model, method learned, from what m does by the method `start`; of one that is more than a sum,
 * an LSTM say, from its model's sums (model_sums()).  For vectors and a matrix rows of its own in the number
 * format of m's (d_out long, whole); for weights without a change of M an overlay's parts over m's rows.
 * ERR_INPUT: options out of range or a start that is no sum, disc (param names it), m folded into rows but
 * not learned, files that cannot be trained on; ERR_CANCELLED.
 */
struct model *train_static(struct model *m, enum method start, const struct train_options *options,
			   struct train_report *report, struct progress *progress, struct err *err);

#endif
