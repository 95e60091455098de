/* An LSTM over the words as an encoder: batches, their gradient, Adam. */
#include "base/err.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/parallel_for.h"
#include "base/random.h"
#include "embed/lstm_encoder.h"
#include "learn/adam.h"
#include "learn/encoder_lstm_private.h"
#include "learn/sparse_adam.h"
#include "learn/texts.h"
#include "learn/train.h"
#include "math/vec.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { GRAIN = 16 /* floats of a cache line: threads share none */ };

static const float longest_gradient = 1.0f; /* of the pooling residual: longer ones are cut to it */

/* ---- reading ---- */

/* The words of a text as this step reads them; how many, at least one. */
static size_t read_words(const struct encoder_lstm *t, size_t i, uint32_t *to)
{
	const struct train_options *o = t->task.options;
	uint64_t state = random_seed(o->seed, t->batch.step, 2 + i);
	size_t count;
	const uint32_t *words = texts_words(t->batch.texts, t->batch.numbers[i], &count);
	size_t n = 0;

	for (size_t k = 0; k < count && n < NET_WORDS_MAX; k++)
		if ((double)random_unit(&state) >= o->dropout)
			to[n++] = words[k];
	if (n == 0)
		to[n++] = words[random_below(&state, count)];
	if ((double)random_unit(&state) < o->scramble)
		random_shuffle(to, n, sizeof(*to), &state);
	return n;
}

static size_t words_at_most(const struct encoder_lstm *t, const struct lstm_part *p)
{
	size_t words = 0;

	for (size_t i = p->start; i < p->stop; i++) {
		size_t n;

		(void)texts_words(t->batch.texts, t->batch.numbers[i], &n);
		words += n < NET_WORDS_MAX ? n : NET_WORDS_MAX;
	}
	return words;
}

static void read_part(void *context, size_t part, size_t parts)
{
	struct encoder_lstm *t = context;
	struct lstm_part *p = &t->parts[part];
	struct err err;

	p->stop = parallel_share(t->batch.n, 1, part, parts, &p->start);
	if (mem_reserve(&p->words, &p->words_room, words_at_most(t, p), sizeof(*p->words), &err)) {
		atomic_store(&t->failed, true);
		return;
	}
	p->starts[0] = 0;
	for (size_t i = p->start; i < p->stop; i++) {
		size_t *start = &p->starts[i - p->start];

		start[1] = start[0] + read_words(t, i, p->words + start[0]);
	}
}

static size_t words_of(const struct lstm_part *p)
{
	return p->starts[p->stop - p->start];
}

/* Where each part's words stand among those of the batch; room for them, and their places. */
static int place_words(struct encoder_lstm *t, struct err *err)
{
	size_t d = t->shape.d;
	size_t in = t->shape.in;
	size_t n = 0;

	for (size_t k = 0; k < LSTM_PARTS; k++) {
		t->parts[k].base = n;
		if (word_places_add(&t->places, t->parts[k].words, words_of(&t->parts[k]), (uint32_t)n, 1,
				    err))
			return -1;
		n += words_of(&t->parts[k]);
	}
	if (n <= t->room)
		return 0;
	t->room = 0;
	if (mem_resize(&t->x, n * d, sizeof(float), err) ||
	    mem_resize(&t->x_inputs, n * in, sizeof(float), err) ||
	    mem_resize(&t->lengths, n, sizeof(float), err) ||
	    mem_resize(&t->d_rows, n * d, sizeof(float), err) ||
	    mem_resize(&t->d_inputs, n * in, sizeof(float), err))
		return -1;
	t->room = n;
	return 0;
}

/* ---- forward ---- */

/* What the LSTM reads of a row (d): sqrt(d) x / |x|.  Returns |x|. */
static float make_input(float *input, const float *x, size_t d)
{
	float length;

	memcpy(input, x, d * sizeof(*input));
	length = vec_unit(input, d);
	vec_scale(input, sqrtf((float)d), d);
	return length;
}

/* The rows as they are now, and their inputs. */
static void make_inputs(struct encoder_lstm *t, const struct lstm_part *p)
{
	size_t d = t->shape.d;

	for (size_t k = 0; k < words_of(p); k++) {
		size_t at = p->base + k;

		memcpy(t->x + at * d, t->rows.x + p->words[k] * d, d * sizeof(float));
		t->lengths[at] = make_input(t->x_inputs + at * d, t->x + at * d, d);
	}
}

static struct net_texts texts_of(struct encoder_lstm *t, const struct lstm_part *p)
{
	size_t n = p->stop - p->start;

	if (t->rows.m)
		return (struct net_texts){ t->x_inputs + p->base * t->shape.in, t->x + p->base * t->shape.d,
					   NULL, p->starts, n };
	return (struct net_texts){ t->inputs, t->rows.x, p->words, p->starts, n };
}

/* The plain sums of the words' rows: what the second view's loss keeps good. */
static void sum_rows(const struct encoder_lstm *t, const struct lstm_part *p, float *sums)
{
	size_t d = t->shape.d;

	for (size_t i = 0; i < p->stop - p->start; i++) {
		float *sum = sums + (p->start + i) * d;

		memset(sum, 0, d * sizeof(float));
		for (size_t k = p->starts[i]; k < p->starts[i + 1]; k++)
			vec_axpy(sum, 1.0f, t->x + (p->base + k) * d, d);
	}
}

struct pass {
	struct encoder_lstm *t;
	float *vectors;		/* (views, n, d) */
	const float *d_vectors; /* their gradient */
};

static void forward_part(void *context, size_t part, size_t parts)
{
	const struct pass *pass = context;
	struct encoder_lstm *t = pass->t;
	struct lstm_part *p = &t->parts[part];
	struct net_texts texts;
	struct err err;

	(void)parts;
	if (p->start == p->stop)
		return;
	if (t->rows.m)
		make_inputs(t, p);
	texts = texts_of(t, p);
	if (net_forward(p->net, &texts, pass->vectors + p->start * t->encoder.d, &err))
		atomic_store(&t->failed, true);
	if (t->encoder.views > 1)
		sum_rows(t, p, pass->vectors + t->batch.n * t->encoder.d);
}

static int no_memory(struct err *err)
{
	return err_set(err, ERR_MEMORY, "no memory is left for a batch of texts");
}

static int embed(struct encoder *e, const struct encoder_batch *b, float *vectors, struct err *err)
{
	struct encoder_lstm *t = (struct encoder_lstm *)e;
	struct pass pass = { .t = t };

	pass.vectors = vectors;
	t->batch = *b;
	parallel_parts(t->task.threads, LSTM_PARTS, read_part, t);
	if (atomic_load(&t->failed))
		return no_memory(err);
	if (t->rows.m && place_words(t, err))
		return -1;
	parallel_parts(t->task.threads, LSTM_PARTS, forward_part, &pass);
	return atomic_load(&t->failed) ? no_memory(err) : 0;
}

/* ---- backward ---- */

/*
 * From the gradient by the inputs, through the rows' lengths, to that by the rows: (b - u (u . b)) sqrt(d) /
 * |x| for b by input sqrt(d) u.
 */
static void inputs_backward(struct encoder_lstm *t, const struct lstm_part *p)
{
	size_t d = t->shape.d;
	float root = sqrtf((float)d);

	for (size_t k = p->base; k < p->base + words_of(p); k++) {
		const float *input = t->x_inputs + k * d;
		const float *d_input = t->d_inputs + k * d;

		if (!(t->lengths[k] > 0))
			continue;
		vec_axpy(t->d_rows + k * d, root / t->lengths[k], d_input, d);
		vec_axpy(t->d_rows + k * d, -vec_dot(input, d_input, d) / (root * t->lengths[k]), input, d);
	}
}

/* The gradient by the rows begins with that of the plain sums. */
static void begin_rows(struct encoder_lstm *t, const struct lstm_part *p, const float *d_sums)
{
	size_t d = t->shape.d;

	for (size_t i = 0; i < p->stop - p->start; i++)
		for (size_t k = p->starts[i]; k < p->starts[i + 1]; k++)
			memcpy(t->d_rows + (p->base + k) * d, d_sums + (p->start + i) * d, d * sizeof(float));
}

static void backward_part(void *context, size_t part, size_t parts)
{
	const struct pass *pass = context;
	struct encoder_lstm *t = pass->t;
	struct lstm_part *p = &t->parts[part];
	const float *d_vectors = pass->d_vectors + p->start * t->encoder.d;

	(void)parts;
	memset(p->gradient, 0, t->lstm.n * sizeof(float));
	if (p->start == p->stop)
		return;
	if (!t->rows.m) {
		net_backward(p->net, d_vectors, p->gradient, NULL, NULL);
		return;
	}
	begin_rows(t, p, pass->d_vectors + t->batch.n * t->encoder.d);
	net_backward(p->net, d_vectors, p->gradient, t->d_inputs + p->base * t->shape.in,
		     t->d_rows + p->base * t->shape.d);
	inputs_backward(t, p);
}

static void sum_gradients(void *context, size_t worker, size_t workers)
{
	struct encoder_lstm *t = context;
	size_t start;
	size_t stop = parallel_share(t->lstm.n, GRAIN, worker, workers, &start);

	for (size_t k = 1; k < LSTM_PARTS && start < stop; k++)
		vec_axpy(t->parts[0].gradient + start, 1.0f, t->parts[k].gradient + start, stop - start);
}

static void backward(struct encoder *e, const float *d_vectors)
{
	struct encoder_lstm *t = (struct encoder_lstm *)e;
	struct pass pass = { .t = t, .d_vectors = d_vectors };

	parallel_parts(t->task.threads, LSTM_PARTS, backward_part, &pass);
	parallel_for(t->task.threads, sum_gradients, t);
	if (t->rows.m)
		word_places_list(&t->places);
	t->gradient_scale = 1.0f;
	if (t->shape.pooling == POOLING_RESIDUAL) {
		float length = vec_norm(t->parts[0].gradient, t->lstm.n);

		t->gradient_scale = length > longest_gradient ? longest_gradient / length : 1.0f;
	}
}

/* ---- update ---- */

struct update {
	struct encoder_lstm *t;
	struct adam_step step;
};

static void update_share(void *context, size_t worker, size_t workers)
{
	const struct update *u = context;
	struct encoder_lstm *t = u->t;
	float *gradient = t->parts[0].gradient;
	size_t start;
	size_t stop = parallel_share(t->lstm.n, GRAIN, worker, workers, &start);

	if (start >= stop)
		return;
	if (t->gradient_scale < 1.0f)
		vec_scale(gradient + start, t->gradient_scale, stop - start);
	adam_update(t->lstm.x + start, t->lstm.m + start, t->lstm.v + start, gradient + start, stop - start,
		    u->step);
}

static void update(struct encoder *e, double rate, uint64_t step)
{
	struct encoder_lstm *t = (struct encoder_lstm *)e;
	const struct train_options *o = t->task.options;
	struct sparse_adam rows = { t->shape.d, t->rows.x, t->rows.m, t->rows.v };
	struct update u = { t, t->shape.pooling == POOLING_RESIDUAL ? adam_step_of(rate * o->rate, 0.99, step)
								    : adam_step(rate * o->rate, step) };

	parallel_for(t->task.threads, update_share, &u);
	if (t->rows.m)
		sparse_adam_update(&rows, &t->places, t->d_rows, rate * o->rows_rate, step, t->scratch,
				   t->task.threads);
}

static void refresh(struct encoder *e)
{
	(void)e;
}

/* ---- dev ---- */

struct dev_pass {
	struct encoder_lstm *t;
	const struct texts *texts;
	float *vectors;
};

static int embed_dev_text(struct encoder_lstm *t, struct lstm_part *p, const uint32_t *words, size_t n,
			  float *vector, struct err *err)
{
	size_t in = t->shape.in;
	size_t d = t->shape.d;
	size_t floats = n * (in + d) + net_serve_scratch(&t->net, n);
	float *rows;

	if (mem_reserve(&p->dev, &p->dev_room, floats, sizeof(float), err))
		return -1;
	rows = p->dev + n * in;
	for (size_t k = 0; k < n; k++) {
		float *input = p->dev + k * in;

		if (d)
			memcpy(rows + k * d, t->rows.x + words[k] * d, d * sizeof(float));
		if (t->rows.m)
			(void)make_input(input, rows + k * d, d);
		else
			memcpy(input, t->inputs + words[k] * in, in * sizeof(float));
	}
	net_serve(&t->net, p->dev, rows, n, vector, rows + n * d);
	return 0;
}

/* Dev texts one by one, as they are served. */
static void embed_dev_part(void *context, size_t part, size_t parts)
{
	const struct dev_pass *pass = context;
	struct encoder_lstm *t = pass->t;
	struct err err;
	size_t start;
	size_t stop = parallel_share(texts_count(pass->texts), 1, part, parts, &start);

	for (size_t i = start; i < stop; i++) {
		float *vector = pass->vectors + i * t->encoder.d;
		size_t n;
		const uint32_t *words = texts_words(pass->texts, (uint32_t)i, &n);

		memset(vector, 0, t->encoder.d * sizeof(float));
		n = n < LIMIT_LSTM_WORDS ? n : LIMIT_LSTM_WORDS;
		if (n && embed_dev_text(t, &t->parts[part], words, n, vector, &err)) {
			atomic_store(&t->failed, true);
			return;
		}
	}
}

static int embed_dev(struct encoder *e, const struct texts *texts, float *vectors, struct err *err)
{
	struct encoder_lstm *t = (struct encoder_lstm *)e;
	struct dev_pass pass = { .t = t, .texts = texts };

	pass.vectors = vectors;
	parallel_parts(t->task.threads, LSTM_PARTS, embed_dev_part, &pass);
	return atomic_load(&t->failed) ? no_memory(err) : 0;
}

/* ---- memory ---- */

static void lstm_free(struct encoder *e)
{
	struct encoder_lstm *t = (struct encoder_lstm *)e;

	for (size_t k = 0; k < LSTM_PARTS; k++) {
		free(t->parts[k].words);
		free(t->parts[k].starts);
		net_batch_free(t->parts[k].net);
		free(t->parts[k].gradient);
		free(t->parts[k].dev);
	}
	param_free(&t->lstm);
	param_free(&t->rows);
	word_places_free(&t->places);
	free(t->inputs);
	free(t->x);
	free(t->x_inputs);
	free(t->lengths);
	free(t->d_rows);
	free(t->d_inputs);
	free(t->scratch);
	free(t);
}

static int allocate(struct encoder_lstm *t, struct err *err)
{
	for (size_t k = 0; k < LSTM_PARTS; k++) {
		t->parts[k].net = net_batch_new(&t->net, t->task.texts_most / LSTM_PARTS + 1, err);
		t->parts[k].starts = mem_try(t->task.texts_most / LSTM_PARTS + 2, sizeof(size_t), err);
		t->parts[k].gradient = mem_try_aligned(t->lstm.n, sizeof(float), err);
		if (!t->parts[k].net || !t->parts[k].starts || !t->parts[k].gradient)
			return -1;
	}
	if (!t->rows.m)
		return 0;
	t->scratch = mem_try_aligned(threads_count(t->task.threads), t->shape.d * sizeof(float), err);
	return t->scratch ? word_places_init(&t->places, t->task.words->n, err) : -1;
}

struct encoder *encoder_lstm_new(const struct encoder_task *task, struct err *err)
{
	struct encoder_lstm *t = mem_try(1, sizeof(*t), err);

	if (!t)
		return NULL;
	t->task = *task;
	t->encoder = (struct encoder){ .embed = embed,
				       .backward = backward,
				       .update = update,
				       .refresh = refresh,
				       .embed_dev = embed_dev,
				       .to_model = lstm_to_model,
				       .free = lstm_free };
	if (lstm_start(t, err) || allocate(t, err)) {
		lstm_free(&t->encoder);
		return NULL;
	}
	t->encoder.d = net_vector(&t->shape);
	t->encoder.views = t->rows.m ? 2 : 1;
	t->encoder.params[t->encoder.params_n++] = &t->lstm;
	if (t->rows.m)
		t->encoder.params[t->encoder.params_n++] = &t->rows;
	return &t->encoder;
}
