#include "base/err.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/parallel_for.h"
#include "base/random.h"
#include "embed/lstm_encoder.h"
#include "learn/adam.h"
#include "learn/texts.h"
#include "learn/train_lstm_private.h"
#include "math/vec.h"
#include "text/vocab.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { GRAIN = 16 };

/* One worker's sentences of a batch. */
struct share {
	size_t start, stop;
	uint32_t *
		words; /* (sentences * NET_WORDS_MAX) inputs as they are read: after dropout and scrambling */
	size_t *starts; /* (sentences + 1) in words */
	struct net_batch *batch;
	float *gradient; /* (floats) */
	float *dev;	 /* (dev_room) of a dev text */
	size_t dev_room;
};

struct lstm_steps {
	struct objective *objective;
	float *vectors, *d_vectors; /* (2 batch, outputs) */
	uint32_t *u_keys, *v_keys;
	float *gold;
	struct share *shares; /* (workers) */
	size_t workers;
	const struct pair *pairs;
	size_t n;
	uint64_t step;
	struct adam_step adam;
	atomic_bool failed;
};

static uint32_t text_of(const struct lstm_steps *s, size_t i)
{
	return i < s->n ? s->pairs[i].a : s->pairs[i - s->n].b;
}

/* The inputs of sentence i as this step reads them; how many, at least one. */
static size_t read_words(const struct lstm_train *t, size_t i, uint32_t *to)
{
	uint64_t state = random_seed(t->o->seed, t->steps->step, 2 + i);
	size_t count;
	const uint32_t *words = texts_words(t->pairs.texts, text_of(t->steps, i), &count);
	size_t n = 0;

	for (size_t k = 0; k < count && n < NET_WORDS_MAX; k++)
		if ((double)random_unit(&state) >= t->o->dropout)
			to[n++] = t->places[words[k]];
	if (n == 0)
		to[n++] = t->places[words[random_below(&state, count)]];
	if ((double)random_unit(&state) < t->o->scramble)
		for (size_t k = n; k > 1; k--) {
			size_t other = (size_t)random_below(&state, k);
			uint32_t word = to[k - 1];

			to[k - 1] = to[other];
			to[other] = word;
		}
	return n;
}

static void forward(void *context, size_t worker, size_t workers)
{
	struct lstm_train *t = context;
	struct lstm_steps *s = t->steps;
	struct share *p = &s->shares[worker];
	struct err err;
	size_t n;

	p->stop = parallel_share(2 * s->n, 1, worker, workers, &p->start);
	n = p->stop > p->start ? p->stop - p->start : 0;
	p->starts[0] = 0;
	for (size_t k = 0; k < n; k++)
		p->starts[k + 1] = p->starts[k] + read_words(t, p->start + k, p->words + p->starts[k]);
	if (n && net_forward(p->batch, t->inputs, p->words, p->starts, n, s->vectors + p->start * t->outputs,
			     &err))
		atomic_store(&s->failed, true);
}

static void backward(void *context, size_t worker, size_t workers)
{
	struct lstm_train *t = context;
	struct share *p = &t->steps->shares[worker];

	(void)workers;
	memset(p->gradient, 0, t->floats * sizeof(float));
	if (p->stop > p->start)
		net_backward(p->batch, t->steps->d_vectors + p->start * t->outputs, p->gradient);
}

static void update(void *context, size_t worker, size_t workers)
{
	struct lstm_train *t = context;
	struct lstm_steps *s = t->steps;
	float *sum = s->shares[0].gradient;
	size_t start;
	size_t stop = parallel_share(t->floats, GRAIN, worker, workers, &start);

	if (start >= stop)
		return;
	for (size_t k = 1; k < workers; k++)
		vec_axpy(sum + start, 1.0f, s->shares[k].gradient + start, stop - start);
	adam_update(t->parameters + start, t->first + start, t->second + start, sum + start, stop - start,
		    s->adam);
}

int lstm_steps_begin(void *context, uint64_t epoch, struct err *err)
{
	struct lstm_train *t = context;

	return pair_epoch_draw(&t->epoch, &t->pairs, t->o->batch, t->o->seed, epoch, err);
}

int lstm_steps_take(void *context, size_t batch, uint64_t step, double rate, double *loss, size_t *pairs,
		    struct err *err)
{
	struct lstm_train *t = context;
	struct lstm_steps *s = t->steps;
	const struct pair_batch *from = &t->epoch.batches[batch];
	struct objective_batch b = { .d = t->outputs, .random = random_seed(t->o->seed, step, 1) };

	s->pairs = t->epoch.pairs + from->start;
	s->n = from->n;
	s->step = step;
	for (size_t i = 0; i < s->n; i++) {
		s->u_keys[i] = s->pairs[i].a_key;
		s->v_keys[i] = s->pairs[i].b_key;
		s->gold[i] = s->pairs[i].gold;
	}
	parallel_for(t->threads, forward, t);
	if (atomic_load(&s->failed))
		return err_set(err, ERR_MEMORY, "no memory is left for a batch of %zu pairs", s->n);
	b.n = s->n;
	b.u = s->vectors;
	b.v = s->vectors + s->n * b.d;
	b.u_keys = s->u_keys;
	b.v_keys = s->v_keys;
	b.gold = s->gold;
	*loss = objective_run(s->objective, &b, s->d_vectors, s->d_vectors + s->n * b.d);
	*pairs = s->n;
	parallel_for(t->threads, backward, t);
	s->adam = adam_step(rate * t->o->rate, step);
	parallel_for(t->threads, update, t);
	return 0;
}

/* Dev texts one by one, as they are served. */
static void embed_dev(void *context, size_t worker, size_t workers)
{
	struct lstm_train *t = context;
	struct share *p = &t->steps->shares[worker];
	size_t in = t->shape.in;
	struct err err;
	size_t start;
	size_t stop = parallel_share(texts_count(t->dev.texts), 1, worker, workers, &start);

	for (size_t i = start; i < stop; i++) {
		float *vector = t->dev_vectors + i * t->outputs;
		size_t n;
		const uint32_t *words = texts_words(t->dev.texts, (uint32_t)i, &n);
		size_t floats;

		memset(vector, 0, t->outputs * sizeof(float));
		if (n > LIMIT_LSTM_WORDS)
			n = LIMIT_LSTM_WORDS;
		if (n == 0)
			continue;
		floats = n * in + net_serve_scratch(&t->net, n);
		if (floats > p->dev_room && mem_resize(&p->dev, floats, sizeof(float), &err)) {
			atomic_store(&t->steps->failed, true);
			return;
		}
		p->dev_room = floats > p->dev_room ? floats : p->dev_room;
		for (size_t k = 0; k < n; k++)
			memcpy(p->dev + k * in, t->inputs + t->places[words[k]] * in, in * sizeof(float));
		net_serve(&t->net, p->dev, n, vector, p->dev + n * in);
	}
}

int lstm_steps_score(void *context, double *score, struct err *err)
{
	struct lstm_train *t = context;

	parallel_for(t->threads, embed_dev, t);
	if (atomic_load(&t->steps->failed))
		return err_set(err, ERR_MEMORY, "no memory is left for the dev texts");
	return dev_score(score, NULL, &t->dev, t->dev_vectors, t->outputs, err);
}

static int share_allocate(const struct lstm_train *t, struct share *p, size_t sentences, struct err *err)
{
	p->words = mem_try(sentences * NET_WORDS_MAX, sizeof(*p->words), err);
	p->starts = mem_try(sentences + 1, sizeof(*p->starts), err);
	p->batch = net_batch_new(&t->net, sentences, err);
	p->gradient = mem_try_aligned(t->floats, sizeof(float), err);
	return p->words && p->starts && p->batch && p->gradient ? 0 : -1;
}

struct lstm_steps *lstm_steps_new(const struct lstm_train *t, struct err *err)
{
	struct lstm_steps *s = mem_try(1, sizeof(*s), err);
	size_t n = 2 * t->o->batch;
	int failed;

	if (!s)
		return NULL;
	s->workers = threads_count(t->threads);
	s->objective = objective_new(&t->o->objective, t->o->batch, t->outputs, t->threads, err);
	s->vectors = mem_try_aligned(n, t->outputs * sizeof(float), err);
	s->d_vectors = mem_try_aligned(n, t->outputs * sizeof(float), err);
	s->u_keys = mem_try(n, sizeof(*s->u_keys), err);
	s->v_keys = mem_try(n, sizeof(*s->v_keys), err);
	s->gold = mem_try(n, sizeof(*s->gold), err);
	s->shares = mem_try(s->workers, sizeof(*s->shares), err);
	failed = !s->objective || !s->vectors || !s->d_vectors || !s->u_keys || !s->v_keys || !s->gold ||
		 !s->shares;
	for (size_t i = 0; !failed && i < s->workers; i++)
		failed = share_allocate(t, &s->shares[i], n / s->workers + 2, err);
	if (!failed)
		return s;
	lstm_steps_free(s);
	return NULL;
}

static void share_free(struct share *p)
{
	free(p->words);
	free(p->starts);
	net_batch_free(p->batch);
	free(p->gradient);
	free(p->dev);
}

void lstm_steps_free(struct lstm_steps *s)
{
	if (!s)
		return;
	for (size_t i = 0; s->shares && i < s->workers; i++)
		share_free(&s->shares[i]);
	objective_free(s->objective);
	free(s->vectors);
	free(s->d_vectors);
	free(s->u_keys);
	free(s->v_keys);
	free(s->gold);
	free(s->shares);
	free(s);
}
