#include "base/err.h"
#include "base/mem.h"
#include "base/parallel_for.h"
#include "base/random.h"
#include "learn/adam.h"
#include "learn/distill_lstm_private.h"
#include "learn/texts.h"
#include "math/mat.h"
#include "math/vec.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { GRAIN = 16 };

static const double beta2 = 0.99;
static const float longest_gradient = 1.0f;

static const uint32_t *words_of(const struct distill_lstm *t, uint32_t text, size_t *n)
{
	const uint32_t *words = texts_words(t->x.texts, text, n);

	if (*n > WORDS_MOST)
		*n = WORDS_MOST;
	return words;
}

/* ---- batches of one length ---- */

static size_t texts_a_batch(const struct distill_lstm *t, size_t length)
{
	size_t n = t->o->batch / length;

	return n ? n : 1;
}

static void shuffle(struct length_batch *batches, size_t n, uint64_t state)
{
	for (size_t i = n; i > 1; i--) {
		size_t k = (size_t)random_below(&state, i);
		struct length_batch swap = batches[i - 1];

		batches[i - 1] = batches[k];
		batches[k] = swap;
	}
}

int distill_lstm_begin(void *context, uint64_t epoch, struct err *err)
{
	struct distill_lstm *t = context;
	size_t starts[WORDS_MOST + 2] = { 0 };
	size_t at[WORDS_MOST + 1];
	size_t made = 0;
	size_t n;

	if (distill_begin(&t->x, epoch, err))
		return -1;
	for (size_t i = 0; i < t->x.order_n; i++) {
		(void)words_of(t, t->x.order[i], &n);
		starts[n + 1]++;
	}
	for (size_t length = 0; length <= WORDS_MOST; length++) {
		starts[length + 1] += starts[length];
		at[length] = starts[length];
	}
	for (size_t i = 0; i < t->x.order_n; i++) {
		(void)words_of(t, t->x.order[i], &n);
		t->by_length[at[n]++] = t->x.order[i];
	}
	for (size_t length = 1; length <= WORDS_MOST; length++) {
		size_t most = texts_a_batch(t, length);

		for (size_t i = starts[length]; i < starts[length + 1]; i += most) {
			size_t left = starts[length + 1] - i;

			t->batches[made++] =
				(struct length_batch){ (uint32_t)i, (uint32_t)(left < most ? left : most),
						       (uint32_t)length };
		}
	}
	shuffle(t->batches, made, random_seed(t->o->seed, epoch, 1));
	return 0;
}

/* ---- forward ---- */

/* Where word `at` of text i stands among a shard's rows, as its direction reads. */
static size_t row_of(const struct distill_lstm *t, const struct shard *s, size_t i, size_t at, size_t side)
{
	return (side ? t->now.length - 1 - at : at) * (s->stop - s->start) + i;
}

static struct lstm_batch batch_of(const struct distill_lstm *t, struct shard *s, size_t side)
{
	size_t n = s->stop - s->start;

	for (size_t step = 0; step < t->now.length; step++)
		s->active[step] = n;
	return (struct lstm_batch){ t->now.length,  n * t->now.length, s->active,      s->inputs[side],
				    s->gates[side], s->cells[side],    s->states[side] };
}

static void lay_out(const struct distill_lstm *t, struct shard *s)
{
	size_t d = t->d;

	for (size_t i = 0; i < s->stop - s->start; i++) {
		size_t n;
		const uint32_t *words = words_of(t, t->by_length[t->now.start + s->start + i], &n);

		for (size_t k = 0; k < n; k++) {
			size_t row = row_of(t, s, i, k, 0);
			float *input = s->inputs[0] + row * d;

			memcpy(s->x + row * d, t->x.rows + words[k] * d, d * sizeof(float));
			memcpy(input, s->x + row * d, d * sizeof(float));
			s->lengths[row] = vec_unit(input, d);
			vec_scale(input, sqrtf((float)d), d);
			memcpy(s->inputs[1] + row_of(t, s, i, k, 1) * d, input, d * sizeof(float));
		}
	}
}

/* e and the plain sum of every text. */
static void read_out(const struct distill_lstm *t, struct shard *s)
{
	size_t n = s->stop - s->start;
	size_t d = t->d;
	size_t h = t->h;

	memset(s->mixed, 0, n * 2 * h * sizeof(float));
	memset(s->sums, 0, n * d * sizeof(float));
	memset(s->plain, 0, n * d * sizeof(float));
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < t->now.length; k++) {
			size_t row = row_of(t, s, i, k, 0);
			const float *forward = s->states[0] + row * h;
			const float *reverse = s->states[1] + row_of(t, s, i, k, 1) * h;
			float a =
				readout_gate(vec_dot(t->gate, forward, h) + vec_dot(t->gate + h, reverse, h));

			s->open[row] = a;
			vec_axpy(s->mixed + i * 2 * h, a, forward, h);
			vec_axpy(s->mixed + i * 2 * h + h, a, reverse, h);
			vec_axpy(s->sums + i * d, a, s->x + row * d, d);
			vec_axpy(s->plain + i * d, 1.0f, s->x + row * d, d);
		}
	mat_mul(s->sums, s->mixed, t->mix, n, d, 2 * h, 0, 0, 1.0f, 1.0f);
}

/* Turns sums into gradients. */
static void compare(const struct distill_lstm *t, struct shard *s)
{
	for (size_t i = 0; i < s->stop - s->start; i++) {
		uint32_t text = t->by_length[t->now.start + s->start + i];
		const float *target = t->x.targets + text * t->d;

		s->loss += distill_gradient(s->sums + i * t->d, target, t->d, t->share);
		(void)distill_gradient(s->plain + i * t->d, target, t->d,
				       t->share * (float)t->o->static_share);
	}
}

/* ---- the way back ---- */

/* Through the read-out: d_mixed, d_open, the gradients of mix and gate, and of the rows as they are summed.
 */
static void read_back(const struct distill_lstm *t, struct shard *s)
{
	size_t n = s->stop - s->start;
	size_t d = t->d;
	size_t h = t->h;
	float *mix = s->gradient + (t->mix - t->parameters);
	float *gate = s->gradient + (t->gate - t->parameters);

	mat_mul(s->d_mixed, s->sums, t->mix, n, 2 * h, d, 0, 1, 1.0f, 0.0f);
	mat_mul(mix, s->mixed, s->sums, 2 * h, d, n, 1, 0, 1.0f, 0.0f);
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < t->now.length; k++) {
			size_t row = row_of(t, s, i, k, 0);
			const float *forward = s->states[0] + row * h;
			const float *reverse = s->states[1] + row_of(t, s, i, k, 1) * h;
			float *d_row =
				sparse_adam_gradients(t->moves) + ((s->start + i) * t->now.length + k) * d;
			float a = s->open[row];
			float by = vec_dot(s->sums + i * d, s->x + row * d, d) +
				   vec_dot(s->d_mixed + i * 2 * h, forward, h) +
				   vec_dot(s->d_mixed + i * 2 * h + h, reverse, h);

			s->d_open[row] = by * a * (1.0f - 0.5f * a);
			vec_axpy(gate, s->d_open[row], forward, h);
			vec_axpy(gate + h, s->d_open[row], reverse, h);
			memcpy(d_row, s->plain + i * d, d * sizeof(float));
			vec_axpy(d_row, a, s->sums + i * d, d);
		}
}

/* d_inputs of a direction, through the rows' lengths: (b - u (u . b)) sqrt(d) / |x|, u = input / sqrt(d). */
static void add_by_inputs(const struct distill_lstm *t, struct shard *s, size_t side)
{
	size_t d = t->d;

	for (size_t i = 0; i < s->stop - s->start; i++)
		for (size_t k = 0; k < t->now.length; k++) {
			size_t row = row_of(t, s, i, k, side);
			float length = s->lengths[row_of(t, s, i, k, 0)];
			const float *input = s->inputs[side] + row * d;
			const float *by = s->d_inputs + row * d;
			float *d_row =
				sparse_adam_gradients(t->moves) + ((s->start + i) * t->now.length + k) * d;

			if (!(length > 0))
				continue;
			vec_axpy(d_row, sqrtf((float)d) / length, by, d);
			vec_axpy(d_row, -vec_dot(input, by, d) / (sqrtf((float)d) * length), input, d);
		}
}

static void layer_back(const struct distill_lstm *t, struct shard *s, size_t side)
{
	struct lstm_batch b = batch_of(t, s, side);
	float *at = s->gradient + side * t->side_n;
	struct lstm_gradient to = { at, at + 4 * t->h * t->d, at + 4 * t->h * (t->d + t->h),
				    t->o->rows_rate > 0 ? s->d_inputs : NULL };
	size_t h = t->h;

	for (size_t i = 0; i < s->stop - s->start; i++)
		for (size_t k = 0; k < t->now.length; k++) {
			size_t row = row_of(t, s, i, k, 0);
			float *by = s->d_states + row_of(t, s, i, k, side) * h;

			memset(by, 0, h * sizeof(float));
			vec_axpy(by, s->open[row], s->d_mixed + i * 2 * h + side * h, h);
			vec_axpy(by, s->d_open[row], t->gate + side * h, h);
		}
	lstm_backward(&t->sides[side], &b, s->d_states, &to, s->scratch);
	if (to.d_x)
		add_by_inputs(t, s, side);
}

static void learn_shard(const struct distill_lstm *t, struct shard *s)
{
	s->loss = 0.0;
	memset(s->gradient, 0, t->parameters_n * sizeof(float));
	if (s->start >= s->stop)
		return;
	lay_out(t, s);
	for (size_t side = 0; side < 2; side++) {
		struct lstm_batch b = batch_of(t, s, side);

		lstm_forward(&t->sides[side], &b, s->scratch);
	}
	read_out(t, s);
	compare(t, s);
	read_back(t, s);
	for (size_t side = 0; side < 2; side++)
		layer_back(t, s, side);
}

/* ---- a step ---- */

static void learn(void *context, size_t worker, size_t workers)
{
	struct distill_lstm *t = context;

	for (size_t k = worker; k < SHARDS; k += workers) {
		struct shard *s = &t->shards[k];

		s->stop = parallel_share(t->now.n, 1, k, SHARDS, &s->start);
		learn_shard(t, s);
	}
}

static void sum_gradients(void *context, size_t worker, size_t workers)
{
	struct distill_lstm *t = context;
	size_t start;
	size_t stop = parallel_share(t->parameters_n, GRAIN, worker, workers, &start);

	for (size_t k = 1; k < SHARDS && start < stop; k++)
		vec_axpy(t->shards[0].gradient + start, 1.0f, t->shards[k].gradient + start, stop - start);
}

void distill_lstm_learn(struct distill_lstm *t)
{
	t->share = 1.0f / (float)texts_a_batch(t, t->now.length);
	parallel_for(t->x.threads, learn, t);
	parallel_for(t->x.threads, sum_gradients, t);
}

static void update(void *context, size_t worker, size_t workers)
{
	struct distill_lstm *t = context;
	float *gradient = t->shards[0].gradient;
	size_t start;
	size_t stop = parallel_share(t->parameters_n, GRAIN, worker, workers, &start);

	if (start >= stop)
		return;
	vec_scale(gradient + start, t->cut, stop - start);
	adam_update(t->parameters + start, t->first + start, t->second + start, gradient + start,
		    stop - start, t->adam);
}

/* Each word of the batch has its own gradient. */
static int list_words(struct distill_lstm *t, struct err *err)
{
	for (uint32_t i = 0; i < t->now.n; i++) {
		size_t n;
		const uint32_t *words = words_of(t, t->by_length[t->now.start + i], &n);

		for (uint32_t k = 0; k < n; k++)
			t->places[k] = i * t->now.length + k;
		if (sparse_adam_add(t->moves, words, t->places, n, err))
			return -1;
	}
	return 0;
}

int distill_lstm_step(void *context, size_t batch, uint64_t step, double rate, double *loss, size_t *pairs,
		      struct err *err)
{
	struct distill_lstm *t = context;
	float length;

	t->now = t->batches[batch];
	if (t->o->rows_rate > 0 && list_words(t, err))
		return -1;
	distill_lstm_learn(t);
	length = vec_norm(t->shards[0].gradient, t->parameters_n);
	t->cut = length > longest_gradient ? longest_gradient / length : 1.0f;
	t->adam = adam_step_of(rate * t->o->rate, beta2, step);
	parallel_for(t->x.threads, update, t);
	if (t->o->rows_rate > 0)
		sparse_adam_apply(t->moves, rate * t->o->rows_rate, step);
	*loss = 0.0;
	for (size_t k = 0; k < SHARDS; k++)
		*loss += t->shards[k].loss / (double)t->now.n;
	*pairs = t->now.n;
	return 0;
}

/* ---- dev ---- */

/* Dev texts one by one, as they are served. */
static void embed_dev(void *context, size_t worker, size_t workers)
{
	struct distill_lstm *t = context;
	struct readout readout = { t->d, 2 * t->h, t->gate };

	for (size_t k = worker; k < SHARDS; k += workers) {
		struct shard *s = &t->shards[k];
		float *states = s->gates[0]; /* of both directions side by side */
		size_t start;
		size_t stop = parallel_share(texts_count(t->x.dev.texts), 1, k, SHARDS, &start);

		for (size_t i = start; i < stop; i++) {
			size_t n;
			const uint32_t *words = texts_words(t->x.dev.texts, (uint32_t)i, &n);

			n = n < WORDS_MOST ? n : WORDS_MOST;
			for (size_t w = 0; w < n; w++) {
				float *input = s->inputs[0] + w * t->d;

				memcpy(s->x + w * t->d, t->x.rows + words[w] * t->d, t->d * sizeof(float));
				memcpy(input, s->x + w * t->d, t->d * sizeof(float));
				(void)vec_unit(input, t->d);
				vec_scale(input, sqrtf((float)t->d), t->d);
			}
			for (size_t side = 0; side < 2; side++)
				lstm_run(&t->sides[side], s->inputs[0], n, side == 1, s->states[side],
					 s->scratch);
			for (size_t w = 0; w < n; w++)
				for (size_t side = 0; side < 2; side++)
					memcpy(states + (2 * w + side) * t->h, s->states[side] + w * t->h,
					       t->h * sizeof(float));
			readout_run(&readout, t->mix, s->x, states, n, t->x.dev_vectors + i * t->d,
				    s->scratch);
		}
	}
}

int distill_lstm_score(void *context, double *score, struct err *err)
{
	struct distill_lstm *t = context;

	parallel_for(t->x.threads, embed_dev, t);
	return dev_score(score, NULL, &t->x.dev, t->x.dev_vectors, t->d, err);
}

/* ---- memory ---- */

static int shard_allocate(const struct distill_lstm *t, struct shard *s, struct err *err)
{
	size_t words = t->o->batch / SHARDS + WORDS_MOST + 1;
	size_t texts = t->o->batch / SHARDS + 1;
	size_t d = t->d * sizeof(float);
	size_t h = t->h * sizeof(float);
	struct readout readout = { t->d, 2 * t->h, t->gate };
	size_t scratch = (texts + 1) * t->h;
	bool failed = false;

	scratch = scratch > lstm_scratch(&t->sides[0]) ? scratch : lstm_scratch(&t->sides[0]);
	scratch = scratch > readout_scratch(&readout) ? scratch : readout_scratch(&readout);
	for (size_t side = 0; side < 2; side++) {
		failed |= !(s->inputs[side] = mem_try_aligned(words, d, err));
		failed |= !(s->gates[side] = mem_try_aligned(words, 4 * h, err));
		failed |= !(s->cells[side] = mem_try_aligned(words, h, err));
		failed |= !(s->states[side] = mem_try_aligned(words, h, err));
	}
	failed |= !(s->x = mem_try_aligned(words, d, err));
	failed |= !(s->lengths = mem_try_aligned(words, sizeof(float), err));
	failed |= !(s->open = mem_try_aligned(words, sizeof(float), err));
	failed |= !(s->d_open = mem_try_aligned(words, sizeof(float), err));
	failed |= !(s->mixed = mem_try_aligned(texts, 2 * h, err));
	failed |= !(s->d_mixed = mem_try_aligned(texts, 2 * h, err));
	failed |= !(s->sums = mem_try_aligned(texts, d, err));
	failed |= !(s->plain = mem_try_aligned(texts, d, err));
	failed |= !(s->d_states = mem_try_aligned(words, h, err));
	failed |= !(s->d_inputs = mem_try_aligned(words, d, err));
	failed |= !(s->scratch = mem_try_aligned(scratch, sizeof(float), err));
	failed |= !(s->gradient = mem_try_aligned(t->parameters_n, sizeof(float), err));
	return failed ? -1 : 0;
}

/* As distill_lstm_begin() cuts them. */
static size_t count_batches(const struct distill_lstm *t)
{
	size_t texts[WORDS_MOST + 1] = { 0 };
	size_t batches = 0;

	for (size_t i = 0; i < texts_count(t->x.texts); i++) {
		size_t n;

		(void)words_of(t, (uint32_t)i, &n);
		texts[n] += t->x.draws ? t->x.draws[i] : 1;
	}
	for (size_t length = 1; length <= WORDS_MOST; length++)
		batches += (texts[length] + texts_a_batch(t, length) - 1) / texts_a_batch(t, length);
	return batches;
}

int lstm_shards_new(struct distill_lstm *t, struct err *err)
{
	struct sparse_adam_rows moved = { t->x.words, t->d, t->x.rows, t->x.first, t->x.second };

	t->batches_n = count_batches(t);
	if (t->batches_n == 0)
		return err_set(err, ERR_INPUT, "%.200s: the model knows no word of it", t->o->texts);
	t->by_length = mem_try(t->x.order_n, sizeof(*t->by_length), err);
	t->batches = mem_try(t->batches_n, sizeof(*t->batches), err);
	t->places = mem_try(WORDS_MOST, sizeof(*t->places), err);
	t->moves = sparse_adam_new(&moved, t->o->batch + WORDS_MOST, t->x.threads, err);
	if (!t->by_length || !t->batches || !t->places || !t->moves)
		return -1;
	for (size_t k = 0; k < SHARDS; k++)
		if (shard_allocate(t, &t->shards[k], err))
			return -1;
	return 0;
}

static void shard_free(struct shard *s)
{
	float *all[] = { s->x,	      s->lengths,  s->inputs[0], s->inputs[1], s->gates[0],
			 s->gates[1], s->cells[0], s->cells[1],	 s->states[0], s->states[1],
			 s->open,     s->d_open,   s->mixed,	 s->d_mixed,   s->sums,
			 s->plain,    s->d_states, s->d_inputs,	 s->scratch,   s->gradient };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		free(all[i]);
}

void lstm_shards_free(struct distill_lstm *t)
{
	for (size_t k = 0; k < SHARDS; k++)
		shard_free(&t->shards[k]);
	sparse_adam_free(t->moves);
	free(t->by_length);
	free(t->batches);
	free(t->places);
}
