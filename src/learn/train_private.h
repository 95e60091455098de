/* Private to src/learn/train*.c: what is learnt, and the texts it is learnt from. */
#ifndef SIFD_LEARN_TRAIN_PRIVATE_H
#define SIFD_LEARN_TRAIN_PRIVATE_H

#include "learn/dev.h"
#include "learn/train.h"
#include "math/rows.h"

struct threads;

/* An array that Adam moves: (n) each. */
struct param {
	float *x, *m, *v;
	float *start; /* NULL unless l2 pulls there */
	size_t n;
};

/* The words of the texts alone, numbered anew in the order of the model's numbers. */
struct table {
	size_t words, d, d_out;
	uint32_t *ids;	     /* (words) the model's numbers */
	uint32_t *words_of;  /* (model's words) the new number, or VOCAB_UNKNOWN */
	struct param logs;   /* (words) */
	struct param rows;   /* (words, d); m and v NULL where rows stay */
	struct param matrix; /* (d, d_out); x NULL: the identity */
	float *weights;	     /* (words) e^logs */
};

/* Texts in new numbers. */
struct passages {
	uint32_t *words;
	size_t *starts; /* (n + 1) */
	size_t n;
};

struct train {
	struct model *m;
	enum method method; /* of the start */
	const struct train_options *o;
	struct threads *threads;
	struct pairs pairs;
	struct dev dev;
	struct passages texts, dev_texts;
	struct table table;
	struct pair_epoch epoch;
	struct steps *steps;
	float *dev_vectors; /* (dev_texts.n, d_out) */
};

/* The weight the method gives a word at the start; below this a word could not come back. */
static const float least_weight = 1e-4f;
float train_start_weight(const struct train *t, uint32_t id);

/* The table as the method has it, for the words of pairs and dev sets; the texts in its numbers. */
int train_begin(struct train *t, struct err *err);
void train_end(struct train *t);

/* Steps of a batch: the functions of a struct learner, context struct train. */
struct steps *steps_new(const struct train *t, struct err *err);
void steps_free(struct steps *s);
int steps_begin(void *context, uint64_t epoch, struct err *err);
int steps_take(void *context, size_t batch, uint64_t step, double rate, double *loss, size_t *pairs,
	       struct err *err);
int steps_score(void *context, double *score, struct err *err);

/* to (d_out) = the sum of a passage's weighted rows, through the matrix; scratch (d). */
void train_embed(const struct train *t, const struct passages *p, size_t text, float *to, float *scratch);

/* train_model() for an LSTM from pairs. */
struct model *train_lstm(struct model *m, const struct train_options *options, struct train_report *report,
			 struct progress *progress, struct err *err);

/* What came out, as a model. */
struct model *train_result(const struct train *t, struct err *err);

#endif
