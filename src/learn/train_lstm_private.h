/* Private to src/learn/train_lstm*.c. */
#ifndef SIFD_LEARN_TRAIN_LSTM_PRIVATE_H
#define SIFD_LEARN_TRAIN_LSTM_PRIVATE_H

#include "learn/dev.h"
#include "learn/train.h"
#include "learn/train_lstm_net.h"

struct threads;

struct lstm_train {
	struct model *m;
	const struct train_options *o;
	struct threads *threads;
	struct pairs pairs;
	struct dev dev;
	struct pair_epoch epoch;

	struct net_shape shape;
	size_t outputs, floats;		    /* of a text; of all parameters */
	float *parameters, *first, *second; /* (floats) */
	struct net net;			    /* over parameters */

	uint32_t *places; /* (model's words) in inputs, or VOCAB_UNKNOWN */
	float *inputs;	  /* (words used, in) */

	struct lstm_steps *steps;
	float *dev_vectors; /* (dev texts, outputs) */
};

struct lstm_steps *lstm_steps_new(const struct lstm_train *t, struct err *err);
void lstm_steps_free(struct lstm_steps *s);

/* The functions of a struct learner; context struct lstm_train. */
int lstm_steps_begin(void *context, uint64_t epoch, struct err *err);
int lstm_steps_take(void *context, size_t batch, uint64_t step, double rate, double *loss, size_t *pairs,
		    struct err *err);
int lstm_steps_score(void *context, double *score, struct err *err);

#endif
