#include "base/err.h"
#include "base/mem.h"
#include "base/random.h"
#include "base/team.h"
#include "learn/distill_private.h"
#include "learn/texts.h"
#include "math/vec.h"
#include "model/model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double beta1 = 0.9, beta2 = 0.99, epsilon = 1e-10;

/* One batch: its texts' gradients, and for every word in it the texts that have it. */
struct batch {
	struct rows rows;      /* of the table */
	struct rows gradients; /* (texts, d) with respect to the sums */
	float *gradient_data;
	double *losses;	       /* (texts) */
	const uint32_t *texts; /* (n) */
	size_t n;

	uint32_t *count; /* (words) in this batch; all 0 between batches */
	uint32_t *words; /* (words_n) that are in it, in order of appearance */
	size_t *starts;	 /* (words_n + 1) in users */
	uint32_t *users; /* places in the batch, in order */
	size_t words_n, users_room;
	float *sums; /* (members, d) */

	float rate, first, second; /* Adam's: rate over 1 - b1^t; 1 - b1; 1 / (1 - b2^t) */
};

struct batch *batch_new(const struct distill *x, struct err *err)
{
	struct batch *b = mem_try(1, sizeof(*b), err);
	size_t most = x->o->batch;

	if (!b)
		return NULL;
	b->gradient_data = mem_try_aligned(most, x->d * sizeof(float), err);
	b->losses = mem_try(most, sizeof(*b->losses), err);
	b->count = mem_try(x->words + 1, sizeof(*b->count), err);
	b->words = mem_try(x->words + 1, sizeof(*b->words), err);
	b->starts = mem_try(x->words + 2, sizeof(*b->starts), err);
	b->sums = mem_try_aligned(team_members(x->team), x->d * sizeof(float), err);
	b->rows = (struct rows){ ROWS_F32, x->words, x->d, x->rows, NULL };
	b->gradients = (struct rows){ ROWS_F32, most, x->d, b->gradient_data, NULL };
	if (b->gradient_data && b->losses && b->count && b->words && b->starts && b->sums)
		return b;
	batch_free(b);
	return NULL;
}

void batch_free(struct batch *b)
{
	if (!b)
		return;
	free(b->gradient_data);
	free(b->losses);
	free(b->count);
	free(b->words);
	free(b->starts);
	free(b->users);
	free(b->sums);
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

/* Which words the batch has, and where. */
static int list_words(const struct distill *x, struct batch *b, struct err *err)
{
	size_t at = 0;

	b->words_n = 0;
	for (size_t i = 0; i < b->n; i++) {
		size_t n;
		const uint32_t *ids = texts_words(x->texts, b->texts[i], &n);

		for (size_t k = 0; k < n; k++)
			if (b->count[ids[k]]++ == 0)
				b->words[b->words_n++] = ids[k];
	}
	for (size_t w = 0; w < b->words_n; w++) {
		b->starts[w] = at;
		at += b->count[b->words[w]];
		b->count[b->words[w]] = (uint32_t)b->starts[w]; /* where its next user goes */
	}
	b->starts[b->words_n] = at;
	if (at > b->users_room) {
		if (mem_resize(&b->users, at, sizeof(*b->users), err))
			return -1;
		b->users_room = at;
	}
	for (size_t i = 0; i < b->n; i++) {
		size_t n;
		const uint32_t *ids = texts_words(x->texts, b->texts[i], &n);

		for (size_t k = 0; k < n; k++)
			b->users[b->count[ids[k]]++] = (uint32_t)i;
	}
	for (size_t w = 0; w < b->words_n; w++)
		b->count[b->words[w]] = 0;
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

static void learn_texts(void *context, size_t member, size_t members)
{
	const struct distill *x = context;
	struct batch *b = x->batch;
	size_t start;
	size_t stop = team_share(b->n, 16, member, members, &start);

	for (size_t i = start; i < stop; i++) {
		float *sum = b->gradient_data + i * x->d;
		size_t n;
		const uint32_t *ids = texts_words(x->texts, b->texts[i], &n);

		rows_sum(sum, &b->rows, ids, NULL, n);
		b->losses[i] =
			distill_gradient(sum, x->targets + b->texts[i] * x->d, x->d, 1.0f / (float)b->n);
	}
}

static void move_rows(void *context, size_t member, size_t members)
{
	struct distill *x = context;
	struct batch *b = x->batch;
	float *sum = b->sums + member * x->d;
	size_t start;
	size_t stop = team_share(b->words_n, 16, member, members, &start);

	for (size_t w = start; w < stop; w++) {
		size_t id = b->words[w];
		float *first = x->first + id * x->d;
		float square;

		rows_sum(sum, &b->gradients, b->users + b->starts[w], NULL, b->starts[w + 1] - b->starts[w]);
		square = vec_dot(sum, sum, x->d) / (float)x->d;
		x->second[id] = (float)beta2 * x->second[id] + (float)(1.0 - beta2) * square;
		vec_scale(first, (float)beta1, x->d);
		vec_axpy(first, b->first, sum, x->d);
		vec_axpy(x->rows + id * x->d, -b->rate / (sqrtf(x->second[id] * b->second) + (float)epsilon),
			 first, x->d);
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
	b->rate = (float)(rate * x->o->rate / (1.0 - pow(beta1, (double)step)));
	b->first = (float)(1.0 - beta1);
	b->second = (float)(1.0 / (1.0 - pow(beta2, (double)step)));
	if (list_words(x, b, err))
		return -1;
	team_run(x->team, learn_texts, x);
	team_run(x->team, move_rows, x);
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
