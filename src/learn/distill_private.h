/* Private to src/learn/distill*.c: the table, the texts and their targets. */
#ifndef SIFD_LEARN_DISTILL_PRIVATE_H
#define SIFD_LEARN_DISTILL_PRIVATE_H

#include "base/digest.h"
#include "learn/dev.h"
#include "learn/distill.h"
#include "learn/npy.h"

struct threads;
struct texts;

struct distill {
	struct model *m;
	const struct distill_options *o;
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
int distill_prepare(struct distill *x, struct distill_report *report, struct err *err);
void distill_end(struct distill *x);

/* Adds all that determines the run but what is learnt to a digest. */
void distill_identify(const struct distill *x, struct digest *d);

/* Rows (words, d) as the options' type into `data` and `scales`; ERR_INPUT when a number does not fit. */
int distill_encode(const struct distill *x, void *data, float *scales, struct err *err);

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
