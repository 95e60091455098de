/*
 * classify.h - how good are a method's vectors for classifiers: accuracy on labelled sets.
 *
 * The protocol of the literature (SentEval; Arora, Khodak, Saunshi, Vodrahalli 2018): the vectors stay as
 * they are, logistic regression is learnt on them (eval/logistic.h), C chosen by the accuracy of 2-fold
 * cross-validation within what is learnt from.  A set of one file is judged in 10 folds, each by what the
 * other nine taught; of two files the second is judged by what the first taught.
 *
 * One C for all classes, as SentEval has it.  The 2018 paper's code chooses one for each class, by how often
 * that class alone is told rightly; of five classes "never" is often the best answer to that, and so the
 * smallest C.  In 10 folds of SST-5's training half, DisC: 39.6 with one C, 37.0 with five.
 *
 * Features: the vector, as long as the method makes it (length tells sum from mean here); for
 * pairs [u * v, |u - v|]; and a constant.  They are all divided by one number, the root of their mean squared
 * length, so that C means the same to every method.  Folds go by the order of the
 * file within each class: the same each time.
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
	double most;	 /* x 100: that of always answering the most frequent class */
	double coverage; /* known words / words, of all texts */
	size_t texts;	 /* judged: texts, or pairs of them */
};

/* workers 0: one per processor; the result is the same for any number.  ERR_MEMORY, ERR_CANCELLED. */
int classify_method(struct classify_result *result, struct model *m, enum method method,
		    const struct labelled_set *set, size_t workers, struct progress *progress,
		    struct err *err);

/*
 * The second half alone: features x (set->n, d) of one's own making.  Sets result's accuracy and most.
 * For methods that are not sentence vectors, and for tests.
 */
int classify_features(struct classify_result *result, float *x, size_t d, const struct labelled_set *set,
		      size_t workers, struct progress *progress, struct err *err);

#endif
