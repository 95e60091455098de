/*
 * encoder.h - what is learnt: makes the vectors of a batch of texts, and takes their gradient back.
 *
 * Two encoders: a word table (encoder_table.c) and an LSTM over the words (encoder_lstm.c).  An objective
 * stands between embed() and backward() (learn/objective.h).  Both give the same bits for any
 * number of threads.
 */
#ifndef SIFD_LEARN_ENCODER_H
#define SIFD_LEARN_ENCODER_H

#include "learn/checkpoint.h"
#include "learn/used_words.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct encoder;
struct err;
struct model;
struct teacher;
struct texts;
struct threads;
struct train_options;

/* What an encoder is made for.  All of it is borrowed and must outlive the encoder. */
struct encoder_task {
	struct model *m;
	int start; /* enum method: what the model does at the start */
	const struct train_options *options;
	const struct teacher *teacher;	/* NULL: there is none */
	const struct used_words *words; /* texts hold these numbers */
	struct threads *threads;
	size_t texts_most; /* of a batch */
};

/* Texts of a batch: numbers in `texts`.  Each text has a word, or under the table gets zeros. */
struct encoder_batch {
	const struct texts *texts;
	const uint32_t *numbers; /* (n) */
	size_t n;
	uint64_t step; /* of the run: part of the seed of dropout and scrambling */
};

enum { ENCODER_PARTS = 4 };

/* An array that Adam updates.  Checkpoints hold x, m and v; of the best parameters the loop keeps x. */
struct param {
	const char *name;
	float *x;    /* (n) */
	float *m;    /* (n) first moment; NULL: not learnt */
	float *v;    /* (v_n) second moment */
	float *from; /* (n) where it started; NULL unless l2 pulls it there */
	size_t n, v_n;
};

struct encoder {
	/*
	 * Fills vectors (views, n, d).  With two views the second is the plain sum of the words' rows, which
	 * an LSTM's rows must stay good for.
	 */
	int (*embed)(struct encoder *e, const struct encoder_batch *b, float *vectors, struct err *err);
	/* Takes the loss's gradient by the vectors of the last embed(); it must stay until update(). */
	void (*backward)(struct encoder *e, const float *d_vectors);
	/* Updates the parameters; rate: factor of the learning rates; step: Adam's t. */
	void (*update)(struct encoder *e, double rate, uint64_t step);
	/* To be called after parameters changed from outside: from a checkpoint, or back to the best. */
	void (*refresh)(struct encoder *e);
	/* vectors (texts, d) as they will be served. */
	int (*embed_dev)(struct encoder *e, const struct texts *texts, float *vectors, struct err *err);
	struct model *(*to_model)(const struct encoder *e, const char *corpus_digest, struct err *err);
	void (*free)(struct encoder *e);

	size_t d, views;
	struct param *params[ENCODER_PARTS]; /* (params_n) */
	size_t params_n;
};

struct encoder *encoder_table_new(const struct encoder_task *task, struct err *err);
struct encoder *encoder_lstm_new(const struct encoder_task *task, struct err *err);

/* NULL is fine. */
void encoder_free(struct encoder *e);

/* Room for a param of n numbers: its moments where it learns, a copy of the start where l2 pulls. */
int param_allocate(struct param *p, const char *name, size_t n, bool learns, bool pulled, struct err *err);
void param_free(struct param *p);

#endif
