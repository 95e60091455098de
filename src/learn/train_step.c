/* A step of training: a batch of the data through the encoder, the objective, and back. */
#include "base/mem.h"
#include "base/random.h"
#include "learn/train_private.h"
#include "math/vec.h"

#include <stdlib.h>
#include <string.h>

int steps_begin(void *context, uint64_t epoch, struct err *err)
{
	struct training *t = context;

	t->encoder->refresh(t->encoder);
	if (t->teacher.batches_n)
		teacher_epoch_draw(&t->teacher, t->o->seed, epoch);
	return t->pair_batches ? pair_epoch_draw(&t->epoch, &t->pairs, t->pair_batch, t->o->seed, epoch, err)
			       : 0;
}

/* The gradient of the second view counts static_share times. */
static void scale_second_view(const struct training *t, float *d_vectors, size_t n)
{
	if (t->encoder->views > 1)
		vec_scale(d_vectors + n * t->encoder->d, (float)t->o->static_share, n * t->encoder->d);
}

/* ---- pairs ---- */

/* The texts of a batch: its left ones, then its right ones. */
static void take_pairs(struct training *t, const struct pair *pairs, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		t->numbers[i] = pairs[i].a;
		t->numbers[n + i] = pairs[i].b;
		t->u_keys[i] = pairs[i].a_key;
		t->v_keys[i] = pairs[i].b_key;
		t->gold[i] = pairs[i].gold;
	}
}

static int learn_pairs(struct training *t, const struct pair_batch *from, uint64_t step, double *loss,
		       struct err *err)
{
	struct encoder *e = t->encoder;
	size_t n = from->n;
	struct encoder_batch texts = { t->pairs.texts, t->numbers, 2 * n, step };
	struct objective_batch b = { .n = n,
				     .d = e->d,
				     .u_keys = t->u_keys,
				     .v_keys = t->v_keys,
				     .gold = t->gold,
				     .random = random_seed(t->o->seed, step, 1) };

	take_pairs(t, t->epoch.pairs + from->start, n);
	if (e->embed(e, &texts, t->vectors, err))
		return -1;
	for (size_t view = e->views; view-- > 0;) {
		size_t at = view * 2 * n * e->d;

		b.u = t->vectors + at;
		b.v = b.u + n * e->d;
		*loss = objective_run(t->objective, &b, t->d_vectors + at, t->d_vectors + at + n * e->d);
	}
	scale_second_view(t, t->d_vectors, 2 * n);
	e->backward(e, t->d_vectors);
	return 0;
}

/* ---- a teacher ---- */

static int learn_from_teacher(struct training *t, const struct teacher_batch *from, uint64_t step,
			      double *loss, struct err *err)
{
	struct encoder *e = t->encoder;
	const struct teacher *teacher = &t->teacher;
	size_t n = from->n;
	struct encoder_batch texts = { teacher->texts, teacher->order + from->start, n, step };

	if (e->embed(e, &texts, t->vectors, err))
		return -1;
	for (size_t i = 0; i < n; i++)
		t->targets[i] = teacher->targets + texts.numbers[i] * e->d;
	for (size_t view = e->views; view-- > 0;)
		objective_teacher(t->vectors + view * n * e->d, t->losses, t->targets, n, e->d, from->share,
				  t->threads);
	*loss = 0.0;
	for (size_t i = 0; i < n; i++)
		*loss += t->losses[i] / (double)n;
	scale_second_view(t, t->vectors, n);
	e->backward(e, t->vectors);
	return 0;
}

/* ---- steps ---- */

int steps_learn(struct training *t, size_t batch, uint64_t step, double *loss, size_t *pairs, struct err *err)
{
	size_t taught = t->teacher.batches_n;
	size_t all = t->pair_batches + taught;
	size_t before = batch * taught / all; /* batches of the teacher, spread evenly */
	const struct teacher_batch *from = &t->teacher.batches[before];

	if ((batch + 1) * taught / all != before) {
		*pairs = from->n;
		return learn_from_teacher(t, from, step, loss, err);
	}
	*pairs = t->epoch.batches[batch - before].n;
	return learn_pairs(t, &t->epoch.batches[batch - before], step, loss, err);
}

int steps_take(void *context, size_t batch, uint64_t step, double rate, double *loss, size_t *pairs,
	       struct err *err)
{
	struct training *t = context;

	if (steps_learn(t, batch, step, loss, pairs, err))
		return -1;
	t->encoder->update(t->encoder, rate, step);
	return 0;
}

int steps_score(void *context, double *score, struct err *err)
{
	struct training *t = context;

	if (t->encoder->embed_dev(t->encoder, t->dev.texts, t->dev_vectors, err))
		return -1;
	return dev_score(score, NULL, &t->dev, t->dev_vectors, t->encoder->d, err);
}

/* ---- memory ---- */

int steps_allocate(struct training *t, size_t texts, struct err *err)
{
	size_t floats = t->encoder->views * t->encoder->d;
	size_t dev = t->dev.texts ? texts_count(t->dev.texts) : 0;

	t->numbers = mem_try(texts, sizeof(*t->numbers), err);
	t->u_keys = mem_try(texts, sizeof(*t->u_keys), err);
	t->v_keys = mem_try(texts, sizeof(*t->v_keys), err);
	t->gold = mem_try(texts, sizeof(*t->gold), err);
	t->targets = mem_try(texts, sizeof(*t->targets), err);
	t->losses = mem_try(texts, sizeof(*t->losses), err);
	t->vectors = mem_try_aligned(texts, floats * sizeof(float), err);
	t->d_vectors = mem_try_aligned(t->pair_batches ? texts : 1, floats * sizeof(float), err);
	t->dev_vectors = mem_try_aligned(dev + 1, t->encoder->d * sizeof(float), err);
	return t->numbers && t->u_keys && t->v_keys && t->gold && t->targets && t->losses && t->vectors &&
			       t->d_vectors && t->dev_vectors
		       ? 0
		       : -1;
}

void steps_free(struct training *t)
{
	pair_epoch_free(&t->epoch);
	free(t->numbers);
	free(t->u_keys);
	free(t->v_keys);
	free(t->gold);
	free(t->targets);
	free(t->losses);
	free(t->vectors);
	free(t->d_vectors);
	free(t->dev_vectors);
}
