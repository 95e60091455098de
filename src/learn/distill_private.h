/*
 * distill_private.h - a word table that adds up to a teacher's sentence vectors.
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
#ifndef SIFD_LEARN_DISTILL_PRIVATE_H
#define SIFD_LEARN_DISTILL_PRIVATE_H

#include "base/digest.h"
#include "learn/dev.h"
#include "learn/npy.h"
#include "learn/train.h"

struct owned;
struct threads;
struct texts;

/* train_model() from a teacher.  m of an LSTM: from the table that was learnt from the same teacher. */
struct model *distill_static(struct model *m, const struct train_options *options,
			     struct train_report *report, struct progress *progress, struct err *err);
struct model *distill_lstm(struct model *m, const struct train_options *options, struct train_report *report,
			   struct progress *progress, struct err *err);

struct distill {
	struct model *m;
	const struct train_options *o;
	struct threads *threads;
	struct texts *texts;
	struct npy teacher;
	struct dev dev;
	char texts_digest[DIGEST_HEX + 1];
	size_t words, d;

	float *projection; /* (d, D) */
	float *targets;	   /* (texts, d) unit */
	float *rows;	   /* (words, d): what is learnt */
	float *first;	   /* (words, d) Adam's first moment, */
	float *second;	   /* (words) and its second, one a row */
	uint8_t *draws;	   /* (texts), or NULL */
	uint32_t *order;   /* (order_n) the texts of an epoch */
	size_t order_n;

	struct batch *batch;
	float *dev_vectors; /* (dev texts, d) */
};

/*
 * Texts, draws, teacher, threads; d and words are the caller's to set then.  Then targets; then what rows
 * start from, with Adam's state; then the epoch's order and the dev texts.
 */
int distill_read(struct distill *x, struct progress *progress, struct err *err);
int distill_project(struct distill *x, double *energy, struct err *err);
int distill_start(struct distill *x, struct err *err);
int distill_resume(struct distill *x, struct err *err); /* from rows that were distilled before */
int distill_prepare(struct distill *x, struct train_report *report, struct err *err);
void distill_end(struct distill *x);

/* Adds all that determines the run but what is learnt to a digest. */
void distill_identify(const struct distill *x, struct digest *d);

/* parts->rows = the rows (words, d) as the options' type, in memory of *owned; ERR_INPUT when a number does
 * not fit. */
int distill_encode(const struct distill *x, struct model *parts, struct owned *owned, struct err *err);

/*
 * The loss 1 - cos(s, t) for unit t; s (d) becomes its gradient times `share`:
 * (cos(s, t) s / |s| - t) / |s|.  A sum of no length has no direction, and so no gradient.
 */
double distill_gradient(float *sum, const float *target, size_t d, float share);

struct batch *batch_new(const struct distill *x, struct err *err);
void batch_free(struct batch *b);

/* The functions of a struct learner; context struct distill. */
int distill_begin(void *context, uint64_t epoch, struct err *err);
int distill_step(void *context, size_t batch, uint64_t step, double rate, double *loss, size_t *pairs,
		 struct err *err);
int distill_score(void *context, double *score, struct err *err);

#endif
