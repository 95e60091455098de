/*
 * classify.h - linear probes: how accurate a classifier is that sees only a method's vectors.
 *
 * The protocol of the literature (SentEval; Arora, Khodak, Saunshi, Vodrahalli 2018): the vectors stay as
 * they are, and logistic regression is fitted on them (eval/logistic.h), with the C that does best in 2-fold
 * cross-validation within the training examples.  A set of one file is tested by 10-fold cross-validation; of
 * two files, the first is for training and the second for the test.
 *
 * One C for all classes, as SentEval does.  The code of the 2018 paper chooses one per class, by how often
 * that class is told from the rest; with five classes "never" is often the best answer to that, and so the
 * smallest C wins.  In 10 folds of SST-5's training half, DisC: 39.6 with one C, 37.0 with five.
 *
 * Features: the vector, not normalized (length is what tells sum from mean here); for pairs [u * v, |u - v|];
 * and a constant.  All are divided by one number, the root of their mean squared length, so that C means the
 * same for every method.  Folds follow the order of the file within each class: they are the same each time.
 */
#ifndef SIFD_EVAL_CLASSIFY_H
#define SIFD_EVAL_CLASSIFY_H

#include "eval/labelled.h"
#include "model/method.h"

#include <stddef.h>

struct err;
struct model;
struct progress;

struct classify_result {
	double accuracy; /* x 100 */
	double most;	 /* x 100: of always answering the most frequent class */
	double coverage; /* known words / words, of all texts */
	size_t texts;	 /* in the test: texts, or pairs of them */
};

/* workers 0: one per processor; the result is the same for any number.  ERR_MEMORY, ERR_CANCELLED. */
int classify_method(struct classify_result *result, struct model *m, enum method method,
		    const struct labelled_set *set, size_t workers, struct progress *progress,
		    struct err *err);

/*
 * The same for features x (set->n, d) of any origin, which are scaled in place; sets accuracy, most and
 * texts. For tests, which have golden features.
 */
int classify_features(struct classify_result *result, float *x, size_t d, const struct labelled_set *set,
		      size_t workers, struct progress *progress, struct err *err);

#endif
