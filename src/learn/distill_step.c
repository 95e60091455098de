#include "base/err.h"
#include "base/mem.h"
#include "base/parallel_for.h"
#include "base/random.h"
#include "learn/distill_private.h"
#include "learn/sparse_adam.h"
#include "learn/texts.h"
#include "math/vec.h"
#include "model/model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* One batch, beside the rows it moves. */
struct batch {
	struct rows rows; /* of the table */
	struct sparse_adam *moves;
	uint32_t *places;      /* (places_room) one number again and again */
	double *losses;	       /* (texts) */
	const uint32_t *texts; /* (n) */
	size_t n, places_room;
};

struct batch *batch_new(const struct distill *x, struct err *err)
{
	struct batch *b = mem_try(1, sizeof(*b), err);
	struct sparse_adam_rows moved = { x->words, x->d, x->rows, x->first, x->second };

	if (!b)
		return NULL;
	b->moves = sparse_adam_new(&moved, x->o->batch, x->threads, err);
	b->losses = mem_try(x->o->batch, sizeof(*b->losses), err);
	b->rows = (struct rows){ ROWS_F32, x->words, x->d, x->rows, NULL };
	if (b->moves && b->losses)
		return b;
	batch_free(b);
	return NULL;
}

void batch_free(struct batch *b)
{
	if (!b)
		return;
	sparse_adam_free(b->moves);
	free(b->places);
	free(b->losses);
	free(b);
}

/* The texts of an epoch, each as often as it is drawn, in an order of the seed's. */
int distill_begin(void *context, uint64_t epoch, struct err *err)
{
	struct distill *x = context;
	uint64_t state = random_seed(x->o->seed, epoch, 0);
	size_t n = 0;

	(void)err;
	for (size_t t = 0; t < texts_count(x->texts); t++)
		for (int i = x->draws ? x->draws[t] : 1; i > 0; i--)
			x->order[n++] = (uint32_t)t;
	for (size_t i = n; i > 1; i--) {
		size_t k = (size_t)random_below(&state, i);
		uint32_t swap = x->order[i - 1];

		x->order[i - 1] = x->order[k];
		x->order[k] = swap;
	}
	return 0;
}

/* A word's gradient is its text's. */
static int list_words(const struct distill *x, struct batch *b, struct err *err)
{
	for (size_t i = 0; i < b->n; i++) {
		size_t n;
		const uint32_t *ids = texts_words(x->texts, b->texts[i], &n);

		if (n > b->places_room) {
			if (mem_resize(&b->places, n, sizeof(*b->places), err))
				return -1;
			b->places_room = n;
		}
		for (size_t k = 0; k < n; k++)
			b->places[k] = (uint32_t)i;
		if (sparse_adam_add(b->moves, ids, b->places, n, err))
			return -1;
	}
	return 0;
}

double distill_gradient(float *sum, const float *target, size_t d, float share)
{
	float length = vec_unit(sum, d);
	float cosine = vec_dot(sum, target, d);

	if (!(length > 0)) {
		memset(sum, 0, d * sizeof(*sum));
		return 1.0;
	}
	vec_scale(sum, cosine * share / length, d);
	vec_axpy(sum, -share / length, target, d);
	return 1.0 - (double)cosine;
}

static void learn_texts(void *context, size_t worker, size_t workers)
{
	const struct distill *x = context;
	struct batch *b = x->batch;
	size_t start;
	size_t stop = parallel_share(b->n, 16, worker, workers, &start);

	for (size_t i = start; i < stop; i++) {
		float *sum = sparse_adam_gradients(b->moves) + i * x->d;
		size_t n;
		const uint32_t *ids = texts_words(x->texts, b->texts[i], &n);

		rows_sum(sum, &b->rows, ids, NULL, n);
		b->losses[i] =
			distill_gradient(sum, x->targets + b->texts[i] * x->d, x->d, 1.0f / (float)b->n);
	}
}

int distill_step(void *context, size_t batch, uint64_t step, double rate, double *loss, size_t *pairs,
		 struct err *err)
{
	struct distill *x = context;
	struct batch *b = x->batch;
	size_t start = batch * x->o->batch;

	b->texts = x->order + start;
	b->n = x->order_n - start < x->o->batch ? x->order_n - start : x->o->batch;
	if (list_words(x, b, err))
		return -1;
	parallel_for(x->threads, learn_texts, x);
	sparse_adam_apply(b->moves, rate * x->o->rate, step);
	*loss = 0.0;
	for (size_t i = 0; i < b->n; i++)
		*loss += b->losses[i] / (double)b->n;
	*pairs = b->n;
	return 0;
}

int distill_score(void *context, double *score, struct err *err)
{
	struct distill *x = context;

	for (size_t t = 0; t < texts_count(x->dev.texts); t++) {
		size_t n;
		const uint32_t *ids = texts_words(x->dev.texts, (uint32_t)t, &n);

		rows_sum(x->dev_vectors + t * x->d, &x->batch->rows, ids, NULL, n);
	}
	return dev_score(score, NULL, &x->dev, x->dev_vectors, x->d, err);
}
