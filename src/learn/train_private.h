/* Between train.c (a training from options to model) and train_step.c (a step of it). */
#ifndef SIFD_LEARN_TRAIN_PRIVATE_H
#define SIFD_LEARN_TRAIN_PRIVATE_H

#include "learn/dev.h"
#include "learn/encoder.h"
#include "learn/teacher.h"
#include "learn/train.h"

struct training {
	struct model *m;
	enum method start;
	const struct train_options *o;
	struct threads *threads;

	/* Data; what is not there is all zeros. */
	struct pairs pairs;
	struct teacher teacher;
	struct dev dev;
	struct used_words words;

	struct encoder *encoder;
	struct objective *objective; /* NULL without pairs */

	size_t pair_batch;   /* pairs per step */
	size_t pair_batches; /* of an epoch, beside teacher.batches_n */
	struct pair_epoch epoch;

	/* Of a batch. */
	uint32_t *numbers; /* (texts) */
	uint32_t *u_keys, *v_keys;
	float *gold;
	const float **targets;
	double *losses;
	float *vectors, *d_vectors; /* (views, texts, d) */
	float *dev_vectors;	    /* (dev texts, d) */
};

/* Is that what may be asked for, of this model?  ERR_INPUT names the option (param). */
int train_check(const struct train_options *o, const struct model *m, struct err *err);

/* Reads the data and makes encoder and objective; m, start and o are set.  To be freed even if it failed. */
int training_begin(struct training *t, struct train_report *report, struct progress *progress,
		   struct err *err);
void training_free(struct training *t);

/* Room for batches of up to `texts` texts; the encoder is there. */
int steps_allocate(struct training *t, size_t texts, struct err *err);
void steps_free(struct training *t);

/* steps_take() without the update: leaves the gradient of batch number `batch` with the encoder. */
int steps_learn(struct training *t, size_t batch, uint64_t step, double *loss, size_t *pairs,
		struct err *err);

/* The functions of a struct learner; context struct training. */
int steps_begin(void *context, uint64_t epoch, struct err *err);
int steps_take(void *context, size_t batch, uint64_t step, double rate, double *loss, size_t *pairs,
	       struct err *err);
int steps_score(void *context, double *score, struct err *err);

#endif
