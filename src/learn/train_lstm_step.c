#include "base/err.h"
#include "base/mem.h"
#include "base/random.h"
#include "base/team.h"
#include "learn/adam.h"
#include "learn/texts.h"
#include "learn/train_lstm_private.h"
#include "math/vec.h"
#include "text/vocab.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { GRAIN = 16, WORDS_MOST = 512 }; /* of a text, in training */

/* One member's sentences of a batch, and all that the way back needs. */
struct share {
	size_t start, stop;
	uint32_t *words; /* (rows_room) as they are read: after dropout and scrambling */
	size_t *starts;	 /* (sentences + 1) in words */
	size_t *order;	 /* sentences, longest first */
	size_t *active;	 /* (WORDS_MOST) */
	struct lstm_batch batches[2];
	float *x[2], *gates[2], *cells[2], *states[2];
	float *by_states, *scratch, *gradient; /* gradient (2 side_n) */
	size_t rows_room;
};

struct lstm_steps {
	struct objective *objective;
	float *vectors, *d_vectors; /* (2 batch, 2 h) */
	uint32_t *u_keys, *v_keys;
	float *gold;
	struct share *shares; /* (members) */
	size_t members;
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

/* The words of sentence i as this step reads them; how many, at least one. */
static size_t read_words(const struct lstm_train *t, size_t i, uint32_t *to)
{
	uint64_t state = random_seed(t->o->common->seed, t->steps->step, 2 + i);
	size_t count;
	const uint32_t *words = texts_words(t->pairs.texts, text_of(t->steps, i), &count);
	size_t n = 0;

	for (size_t k = 0; k < count && n < WORDS_MOST; k++)
		if ((double)random_unit(&state) >= t->o->dropout)
			to[n++] = words[k];
	if (n == 0)
		to[n++] = words[random_below(&state, count)];
	if ((double)random_unit(&state) < t->o->scramble)
		for (size_t k = n; k > 1; k--) {
			size_t other = (size_t)random_below(&state, k);
			uint32_t word = to[k - 1];

			to[k - 1] = to[other];
			to[other] = word;
		}
	return n;
}

static size_t length_of(const struct share *p, size_t k)
{
	return p->starts[k + 1] - p->starts[k];
}

/* Room for `rows` words; what was there is lost. */
static int make_room(const struct lstm_train *t, struct share *p, size_t rows)
{
	struct err err;
	size_t room = rows + rows / 4;

	if (rows <= p->rows_room)
		return 0;
	p->rows_room = 0;
	for (size_t side = 0; side < 2; side++)
		if (mem_resize(&p->x[side], room * t->in, sizeof(float), &err) ||
		    mem_resize(&p->gates[side], room * 4 * t->h, sizeof(float), &err) ||
		    mem_resize(&p->cells[side], room * t->h, sizeof(float), &err) ||
		    mem_resize(&p->states[side], room * t->h, sizeof(float), &err))
			return -1;
	if (mem_resize(&p->by_states, room * t->h, sizeof(float), &err))
		return -1;
	p->rows_room = room;
	return 0;
}

/* Longest first; counting sort, so that equal ones keep their order. */
static void sort_by_length(struct share *p, size_t n)
{
	size_t at[WORDS_MOST + 2] = { 0 };

	for (size_t k = 0; k < n; k++)
		at[WORDS_MOST - length_of(p, k) + 1]++;
	for (size_t i = 1; i <= WORDS_MOST; i++)
		at[i] += at[i - 1];
	for (size_t k = 0; k < n; k++)
		p->order[at[WORDS_MOST - length_of(p, k)]++] = k;
}

/* The inputs of both directions, step by step; the reverse one reads from the end. */
static void lay_out(const struct lstm_train *t, struct share *p, size_t n)
{
	size_t steps = length_of(p, p->order[0]);
	size_t active = n;
	size_t row = 0;

	for (size_t step = 0; step < steps; step++) {
		while (length_of(p, p->order[active - 1]) <= step)
			active--;
		p->active[step] = active;
		for (size_t i = 0; i < active; i++, row++) {
			size_t k = p->order[i];
			const uint32_t *words = p->words + p->starts[k];
			size_t last = length_of(p, k) - 1;

			memcpy(p->x[0] + row * t->in, t->inputs + t->places[words[step]] * t->in,
			       t->in * sizeof(float));
			memcpy(p->x[1] + row * t->in, t->inputs + t->places[words[last - step]] * t->in,
			       t->in * sizeof(float));
		}
	}
	for (size_t side = 0; side < 2; side++)
		p->batches[side] = (struct lstm_batch){
			steps, row, p->active, p->x[side], p->gates[side], p->cells[side], p->states[side]
		};
}

/* Mean over a sentence's states, into its vector; or its gradient back into by_states. */
static void pool(const struct lstm_train *t, struct share *p, size_t side, bool back)
{
	const struct lstm_batch *b = &p->batches[side];
	struct lstm_steps *s = t->steps;
	size_t row = 0;

	for (size_t step = 0; step < b->steps; step++)
		for (size_t i = 0; i < b->active[step]; i++, row++) {
			size_t k = p->order[i];
			size_t at = (p->start + k) * 2 * t->h + side * t->h;
			float share = 1.0f / (float)length_of(p, k);

			if (back) {
				memset(p->by_states + row * t->h, 0, t->h * sizeof(float));
				vec_axpy(p->by_states + row * t->h, share, s->d_vectors + at, t->h);
			} else {
				vec_axpy(s->vectors + at, share, b->states + row * t->h, t->h);
			}
		}
}

static void forward(void *context, size_t member, size_t members)
{
	struct lstm_train *t = context;
	struct lstm_steps *s = t->steps;
	struct share *p = &s->shares[member];
	size_t n;

	p->stop = team_share(2 * s->n, 1, member, members, &p->start);
	n = p->stop > p->start ? p->stop - p->start : 0;
	p->starts[0] = 0;
	for (size_t k = 0; k < n; k++)
		p->starts[k + 1] = p->starts[k] + read_words(t, p->start + k, p->words + p->starts[k]);
	if (n == 0)
		return;
	if (make_room(t, p, p->starts[n])) {
		atomic_store(&s->failed, true);
		return;
	}
	sort_by_length(p, n);
	lay_out(t, p, n);
	memset(s->vectors + p->start * 2 * t->h, 0, n * 2 * t->h * sizeof(float));
	for (size_t side = 0; side < 2; side++) {
		lstm_forward(&t->layers[side], &p->batches[side], p->scratch);
		pool(t, p, side, false);
	}
}

static void backward(void *context, size_t member, size_t members)
{
	struct lstm_train *t = context;
	struct share *p = &t->steps->shares[member];

	(void)members;
	memset(p->gradient, 0, 2 * t->side_n * sizeof(float));
	for (size_t side = 0; side < 2 && p->stop > p->start; side++) {
		float *at = p->gradient + side * t->side_n;
		struct lstm_gradient to = { at, at + 4 * t->h * t->in, at + 4 * t->h * (t->in + t->h), NULL };

		pool(t, p, side, true);
		lstm_backward(&t->layers[side], &p->batches[side], p->by_states, &to, p->scratch);
	}
}

static void update(void *context, size_t member, size_t members)
{
	struct lstm_train *t = context;
	struct lstm_steps *s = t->steps;
	float *sum = s->shares[0].gradient;
	size_t start;
	size_t stop = team_share(2 * t->side_n, GRAIN, member, members, &start);

	if (start >= stop)
		return;
	for (size_t k = 1; k < members; k++)
		vec_axpy(sum + start, 1.0f, s->shares[k].gradient + start, stop - start);
	adam_update(t->parameters + start, t->first + start, t->second + start, sum + start, stop - start,
		    s->adam);
}

int lstm_steps_begin(void *context, uint64_t epoch, struct err *err)
{
	struct lstm_train *t = context;

	return pair_epoch_draw(&t->epoch, &t->pairs, t->o->common->batch, t->o->common->seed, epoch, err);
}

int lstm_steps_take(void *context, size_t batch, uint64_t step, double rate, double *loss, size_t *pairs,
		    struct err *err)
{
	struct lstm_train *t = context;
	struct lstm_steps *s = t->steps;
	const struct pair_batch *from = &t->epoch.batches[batch];
	struct objective_batch b = { .d = 2 * t->h, .random = random_seed(t->o->common->seed, step, 1) };

	s->pairs = t->epoch.pairs + from->start;
	s->n = from->n;
	s->step = step;
	for (size_t i = 0; i < s->n; i++) {
		s->u_keys[i] = s->pairs[i].a_key;
		s->v_keys[i] = s->pairs[i].b_key;
		s->gold[i] = s->pairs[i].gold;
	}
	team_run(t->team, forward, t);
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
	team_run(t->team, backward, t);
	s->adam = adam_step(rate * t->o->rate, step);
	team_run(t->team, update, t);
	return 0;
}

/* Dev texts one by one, as they are served. */
static void embed_dev(void *context, size_t member, size_t members)
{
	struct lstm_train *t = context;
	struct share *p = &t->steps->shares[member];
	size_t start;
	size_t stop = team_share(texts_count(t->dev.texts), 1, member, members, &start);

	for (size_t i = start; i < stop; i++) {
		float *vector = t->dev_vectors + i * 2 * t->h;
		size_t n;
		const uint32_t *words = texts_words(t->dev.texts, (uint32_t)i, &n);

		memset(vector, 0, 2 * t->h * sizeof(float));
		if (n > WORDS_MOST)
			n = WORDS_MOST;
		if (n == 0)
			continue;
		if (make_room(t, p, n)) {
			atomic_store(&t->steps->failed, true);
			return;
		}
		for (size_t k = 0; k < n; k++)
			memcpy(p->x[0] + k * t->in, t->inputs + t->places[words[k]] * t->in,
			       t->in * sizeof(float));
		for (size_t side = 0; side < 2; side++) {
			lstm_run(&t->layers[side], p->x[0], n, side == 1, p->states[0], p->scratch);
			for (size_t k = 0; k < n; k++)
				vec_axpy(vector + side * t->h, 1.0f / (float)n, p->states[0] + k * t->h,
					 t->h);
		}
	}
}

int lstm_steps_score(void *context, double *score, struct err *err)
{
	struct lstm_train *t = context;

	team_run(t->team, embed_dev, t);
	if (atomic_load(&t->steps->failed))
		return err_set(err, ERR_MEMORY, "no memory is left for the dev texts");
	return dev_score(score, NULL, &t->dev, t->dev_vectors, 2 * t->h, err);
}

static int share_allocate(const struct lstm_train *t, struct share *p, size_t sentences, struct err *err)
{
	size_t floats = sentences * t->h > lstm_scratch(&t->layers[0]) ? sentences * t->h
								       : lstm_scratch(&t->layers[0]);

	p->words = mem_try(sentences * WORDS_MOST, sizeof(*p->words), err);
	p->starts = mem_try(sentences + 1, sizeof(*p->starts), err);
	p->order = mem_try(sentences, sizeof(*p->order), err);
	p->active = mem_try(WORDS_MOST, sizeof(*p->active), err);
	p->scratch = mem_try_aligned(floats + t->h, sizeof(float), err);
	p->gradient = mem_try_aligned(2 * t->side_n, sizeof(float), err);
	return p->words && p->starts && p->order && p->active && p->scratch && p->gradient ? 0 : -1;
}

struct lstm_steps *lstm_steps_new(const struct lstm_train *t, struct err *err)
{
	struct lstm_steps *s = mem_try(1, sizeof(*s), err);
	size_t n = 2 * t->o->common->batch;
	int failed;

	if (!s)
		return NULL;
	s->members = team_members(t->team);
	s->objective = objective_new(&t->o->common->objective, t->o->common->batch, 2 * t->h, t->team, err);
	s->vectors = mem_try_aligned(n, 2 * t->h * sizeof(float), err);
	s->d_vectors = mem_try_aligned(n, 2 * t->h * sizeof(float), err);
	s->u_keys = mem_try(n, sizeof(*s->u_keys), err);
	s->v_keys = mem_try(n, sizeof(*s->v_keys), err);
	s->gold = mem_try(n, sizeof(*s->gold), err);
	s->shares = mem_try(s->members, sizeof(*s->shares), err);
	failed = !s->objective || !s->vectors || !s->d_vectors || !s->u_keys || !s->v_keys || !s->gold ||
		 !s->shares;
	for (size_t i = 0; !failed && i < s->members; i++)
		failed = share_allocate(t, &s->shares[i], n / s->members + 2, err);
	if (!failed)
		return s;
	lstm_steps_free(s);
	return NULL;
}

static void share_free(struct share *p)
{
	for (size_t side = 0; side < 2; side++) {
		free(p->x[side]);
		free(p->gates[side]);
		free(p->cells[side]);
		free(p->states[side]);
	}
	free(p->words);
	free(p->starts);
	free(p->order);
	free(p->active);
	free(p->by_states);
	free(p->scratch);
	free(p->gradient);
}

void lstm_steps_free(struct lstm_steps *s)
{
	if (!s)
		return;
	for (size_t i = 0; s->shares && i < s->members; i++)
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
