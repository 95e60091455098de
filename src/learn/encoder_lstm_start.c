/* An LSTM before its first step: its parameters, and the words that it reads. */
#include "base/err.h"
#include "base/mem.h"
#include "base/random.h"
#include "embed/lstm_encoder.h"
#include "learn/encoder_lstm_private.h"
#include "learn/teacher.h"
#include "learn/texts.h"
#include "learn/train.h"
#include "math/vec.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { SAMPLED_TEXTS = 4096 };

static const double fits_from = 0.5; /* mean cosine of the table's sums with the teacher's vectors */

static bool same_shape(const struct model *m, const struct net_shape *shape)
{
	bool residual = shape->pooling == POOLING_RESIDUAL;

	return m->lstm.h == shape->h && model_lstm_inputs(m) == shape->in &&
	       m->lstm.layers_n == shape->layers && m->lstm.directions_n == shape->directions &&
	       residual == (m->lstm.pooling == POOLING_RESIDUAL);
}

static void fill_uniform(float *x, size_t n, size_t h, uint64_t *state)
{
	for (size_t i = 0; i < n; i++)
		x[i] = (2 * random_unit(state) - 1) / sqrtf((float)h);
}

/*
 * Half an orthogonal matrix (h, h) as h columns of `to` (h, 4 h), so that those of the four gates together
 * are orthonormal: Gram-Schmidt, twice, on random rows.
 */
static void make_orthogonal(float *to, size_t h, float *row, uint64_t *state)
{
	for (size_t i = 0; i < h; i++) {
		for (size_t k = 0; k < h; k++)
			row[k] = 2 * random_unit(state) - 1;
		for (size_t pass = 0; pass < 2; pass++)
			for (size_t j = 0; j < i; j++)
				vec_axpy(row, -vec_dot(row, to + j * 4 * h, h), to + j * 4 * h, h);
		(void)vec_unit(row, h);
		memcpy(to + i * 4 * h, row, h * sizeof(*row));
	}
	for (size_t i = 0; i < h; i++)
		vec_scale(to + i * 4 * h, 0.5f, h);
}

/*
 * One layer in one direction.  Uniform in +-1 / sqrt(h) as PyTorch's, and 1 more for the forget gates; for
 * the pooling residual the recurrent matrices are orthogonal and the biases 0.
 */
static void start_layer(const struct encoder_lstm *t, float *at, size_t in, float *scratch, uint64_t *state)
{
	size_t h = t->shape.h;
	float *recurrent = at + 4 * h * in;
	float *bias = recurrent + 4 * h * h;

	fill_uniform(at, 4 * h * in, h, state);
	if (t->shape.pooling == POOLING_RESIDUAL) {
		for (size_t gate = 0; gate < 4; gate++)
			make_orthogonal(recurrent + gate * h, h, scratch, state);
		memset(bias, 0, 4 * h * sizeof(*bias));
	} else {
		fill_uniform(recurrent, 4 * h * (h + 1), h, state);
	}
	for (size_t k = 0; k < h; k++)
		bias[h + k] += 1.0f;
}

/* The pooling's own parameters: 0 is the mean, or the plain sum; or as the model has them. */
static void start_pooling(const struct encoder_lstm *t, float *at, bool goes_on)
{
	const struct model *m = t->task.m;
	size_t outputs = net_outputs(&t->shape);

	if (t->shape.pooling == POOLING_RESIDUAL) {
		for (size_t k = 0; goes_on && k < t->shape.d; k++) {
			rows_get(t->lstm.m /* not in use yet */, &m->lstm.residual, (uint32_t)k);
			for (size_t i = 0; i < outputs; i++)
				at[i * t->shape.d + k] = t->lstm.m[i];
		}
		at += outputs * t->shape.d;
	}
	if (goes_on && m->lstm.pooling == t->shape.pooling && m->lstm.attention)
		memcpy(at, m->lstm.attention, outputs * sizeof(float));
}

static void start_parameters(struct encoder_lstm *t)
{
	const struct net_shape *shape = &t->shape;
	uint64_t state = random_seed(t->task.options->seed, 0, 7);
	bool goes_on = !t->task.teacher && same_shape(t->task.m, shape);
	float *scratch = t->lstm.m; /* not in use yet */
	float *at = t->lstm.x;

	for (size_t layer = 0; layer < shape->layers; layer++)
		for (size_t direction = 0; direction < shape->directions; direction++) {
			size_t in = net_inputs(shape, layer);
			float *recurrent = at + 4 * shape->h * in;

			start_layer(t, at, in, scratch, &state);
			if (goes_on)
				model_lstm_get(&t->task.m->lstm.layers[layer].directions[direction], at,
					       recurrent, recurrent + 4 * shape->h * shape->h, scratch);
			at += net_layer_floats(shape, layer);
		}
	if (shape->pooling == POOLING_RESIDUAL || shape->pooling == POOLING_ATTENTION)
		start_pooling(t, at, goes_on);
	memset(t->lstm.m, 0, t->lstm.n * sizeof(float));
}

/* The inputs of all words, each computed once, unless rows are learnt; and the rows that are summed. */
static int start_words(struct encoder_lstm *t, struct err *err)
{
	const struct used_words *words = t->task.words;
	const struct model *m = t->task.m;
	size_t in = t->shape.in;
	bool learns = t->task.options->rows_rate > 0;
	float *scratch;

	if (t->shape.pooling == POOLING_RESIDUAL) {
		if (param_allocate(&t->rows, "rows", words->n * t->shape.d, learns, false, err))
			return -1;
		t->rows.v_n = words->n;
		for (size_t i = 0; i < words->n; i++)
			rows_get(t->rows.x + i * t->shape.d, &m->rows, words->ids[i]);
	}
	if (t->rows.m)
		return 0;
	scratch = mem_try(m->rows.d, sizeof(*scratch), err);
	t->inputs = mem_try_aligned(words->n + 1, in * sizeof(float), err);
	for (size_t i = 0; scratch && t->inputs && i < words->n; i++)
		lstm_encoder_input(m, words->ids[i], t->inputs + i * in, scratch);
	free(scratch);
	return scratch && t->inputs ? 0 : -1;
}

/* Rows learnt from another teacher, or in other directions, would be pulled apart: refuse them. */
static int check_teacher(const struct encoder_lstm *t, struct err *err)
{
	const struct teacher *teacher = t->task.teacher;
	size_t d = t->shape.d;
	struct rows rows = { ROWS_F32, t->task.words->n, d, t->rows.x, NULL };
	float *sum = mem_try_aligned(d, sizeof(*sum), err);
	size_t n = texts_count(teacher->texts) < SAMPLED_TEXTS ? texts_count(teacher->texts) : SAMPLED_TEXTS;
	double cosines = 0.0;

	if (!sum)
		return -1;
	for (size_t i = 0; i < n; i++) {
		size_t count;
		const uint32_t *words = texts_words(teacher->texts, (uint32_t)i, &count);

		rows_sum(sum, &rows, words, NULL, count);
		cosines += (double)vec_cosine(sum, teacher->targets + i * d, d) / (double)n;
	}
	free(sum);
	if (cosines >= fits_from)
		return 0;
	return err_set(err, ERR_INPUT,
		       "the model's rows add up to other vectors than the teacher's (mean cosine %.3f): they "
		       "must come from the same vectors and texts (docs/training.md)",
		       cosines);
}

int lstm_start(struct encoder_lstm *t, struct err *err)
{
	const struct train_options *o = t->task.options;
	const struct model *m = t->task.m;

	t->shape = (struct net_shape){
		model_lstm_inputs(m), o->states,  o->layers,
		o->directions,	      o->pooling, o->pooling == POOLING_RESIDUAL ? m->rows.d : 0
	};
	if (param_allocate(&t->lstm, "lstm", net_floats(&t->shape), true, false, err) || start_words(t, err))
		return -1;
	start_parameters(t);
	net_over(&t->net, &t->shape, t->lstm.x);
	return t->task.teacher ? check_teacher(t, err) : 0;
}
