/*
 * train.h - learns from data: word weights, word vectors and a matrix, or an LSTM over the words.
 *
 *	data: pairs of texts, scored pairs, a teacher's vectors of texts
 *	  -> encoder: what is learnt and makes a text's vector; a word table or an LSTM
 *	  -> objective: what the vectors of a batch are told to become (learn/objective.h)
 *	  -> one loop, one checkpoint, one report (learn/loop.h)
 *
 * The word table's vector of a text is  M' sum_t w_t x_t  over its known words: w_t = exp(l_t) is the word's
 * weight, x_t (d) its row, M (d, d_out) a matrix.  The start is what the model does by a method: its weights,
 * and as M its whitening or the removal of its components.  (Wieting et al. 2016, and docs/training.md.)
 * The LSTM's is that of embed/lstm_encoder.h.
 */
#ifndef SIFD_LEARN_TRAIN_H
#define SIFD_LEARN_TRAIN_H

#include "learn/loop.h"
#include "learn/objective.h"
#include "learn/pairs.h"
#include "math/rows.h"
#include "model/method.h"
#include "model/model.h"

struct err;
struct progress;

enum train_learn { TRAIN_WEIGHTS, TRAIN_VECTORS, TRAIN_LSTM };

struct train_options {
	enum train_learn learn; /* weights: l; vectors: l and x; lstm: the LSTM's matrices */

	/* Data: pairs (or scored pairs), or texts with a teacher's vectors. */
	const char *const *files; /* (files_n) of pairs; of scores for objectives on scores */
	size_t files_n;
	enum pairs_kind kind;
	const char *teacher;	/* .npy (n, D), one row per text; NULL: no teacher */
	const char *texts;	/* n lines; may be compressed */
	const char *draws;	/* n numbers, one per line: how often an epoch draws the text; NULL: once */
	const char *const *dev; /* (dev_n) similarity sets */
	size_t dev_n;

	/* The word table. */
	bool matrix;	   /* M is learnt too; always of vectors */
	size_t dimensions; /* d_out; 0 = that of the start's matrix; from a teacher 256, or D if less */
	double a;	   /* from a teacher: of the weights a / (a + p) at the start */

	/* The LSTM. */
	size_t states;		   /* h of a direction */
	size_t layers, directions; /* 1 or 2 */
	enum pooling pooling;
	double dropout;	     /* share of the words left out, [0, 1) */
	double scramble;     /* share of the texts read in another order, [0, 1] */
	double static_share; /* weight of the plain sum's own loss under a teacher */
	enum rows_type type; /* of rows learnt from a teacher, and of the LSTM's weights */

	struct objective_options objective;
	struct loop_options loop;
	size_t batch; /* pairs per step; texts under a teacher, of an LSTM words */

	/* Adam's rates: of the rows or the LSTM; of l; of M; of the rows under an LSTM.  0 leaves a part. */
	double rate, weight_rate, matrix_rate, rows_rate;
	double l2; /* pulls words seen in a batch towards their start: l2 / 2 |x - x_0|^2 */
	uint64_t seed;
	size_t workers; /* 0 = one per processor */
};

/* The defaults for what is learnt and from what: scored: from scored pairs; teacher: from a teacher. */
struct train_options train_options_default(enum train_learn learn, bool scored, bool teacher);

struct train_report {
	struct loop_report loop;
	size_t files;
	uint64_t texts;
	uint64_t pairs, drawn; /* pairs of one epoch, texts of one epoch */
	uint64_t skipped;      /* lines without a pair to learn from */
	size_t words;	       /* the data touches */
	double coverage;       /* known words / words of the texts */
	bool lstm_dropped;     /* the model's LSTM is left out: the rows that it was trained on changed */
	double energy;	       /* share of the teacher's second moment that the dimensions keep */
};

/*
 * The trained model, from m as it is under the method `start` (of one that is more than a sum, an LSTM say,
 * from its model's sums, model_sums()).  ERR_INPUT: an option out of range, a start that is no sum (param
 * names it), m baked into rows but not learned, files that cannot be trained on; ERR_CANCELLED.
 */
struct model *train_model(struct model *m, enum method start, const struct train_options *options,
			  struct train_report *report, struct progress *progress, struct err *err);

#endif
