/*
 * loop.h - the training loop: epochs, learning rate, dev scores, early stopping, checkpoints, loss curve,
 * progress.
 *
 * The learner is a table of functions; it keeps no randomness of its own: what a step does depends
 * only on (seed, epoch, step) and the parameters.  So a run that was killed and resumed gives the same bits
 * as one that was not.
 */
#ifndef SIFD_LEARN_LOOP_H
#define SIFD_LEARN_LOOP_H

#include "learn/checkpoint.h"
#include "learn/curve.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct progress;

struct learner {
	/* Prepares epoch 0, 1, ...; a resumed run calls it for the epoch in which it goes on. */
	int (*begin)(void *context, uint64_t epoch, struct err *err);
	/*
	 * One batch: number `batch` of the epoch.  step: 1... over the whole run, Adam's t.  rate: the factor
	 * of the learning rates now, (0, 1].  Gives the loss (a mean) and the number of pairs.
	 */
	int (*step)(void *context, size_t batch, uint64_t step, double rate, double *loss, size_t *pairs,
		    struct err *err);
	/* The current score on the dev sets; NULL without dev sets. */
	int (*score)(void *context, double *score, struct err *err);
	void *context;

	size_t batches; /* per epoch */
	uint64_t pairs; /* per epoch, for the progress line */
	struct checkpoint_part
		*parameters; /* (parameters_n) what is learnt; kept where the dev score is best */
	size_t parameters_n;
	struct checkpoint_part *state; /* (state_n) the optimizer's */
	size_t state_n;
	const char *run; /* digest of everything the result depends on, for checkpoints */
};

struct loop_options {
	size_t epochs;
	double warmup;	 /* share of the steps in which the rate rises from 0; then it falls linearly to 0 */
	size_t scores;	 /* dev scores per epoch */
	size_t patience; /* early stopping after so many scores without a better one; 0 = never */
	const char *checkpoint; /* file; NULL = none.  Written every 20 s; the caller removes it
				   once the result is safe */
	bool resume;		/* resume from it; start anew when there is none */
	const char *curve;	/* prefix of the curve's files, written as often; NULL = none */
};

struct loop_report {
	uint64_t steps, pairs; /* of the whole run, before the resume too */
	double seconds;	       /* of this process, dev scores left out */
	double pairs_per_second;
	double loss;		  /* mean since the last point of the curve */
	double score, best_score; /* NaN without dev sets */
	double first_score;	  /* the start's */
	uint64_t best_step;
	bool stopped_early, resumed;
};

/*
 * Runs to the end.  Then the parameters are those of the best dev score (the start counts too), or without
 * dev sets the last ones.  ERR_CANCELLED, after a last checkpoint unless progress->drop; any error of the
 * learner's functions; ERR_INPUT when the loss is not finite.
 */
int loop_run(const struct learner *learner, const struct loop_options *options, struct loop_report *report,
	     struct progress *progress, struct err *err);

#endif
