#include "base/err.h"
#include "base/mem.h"
#include "base/parallel_for.h"
#include "base/progress.h"
#include "base/random.h"
#include "learn/distill_lstm_private.h"
#include "learn/texts.h"
#include "math/vec.h"
#include "model/model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH_MAX = 1 << 20, STATES_MIN = 8, SAMPLED_TEXTS = 4096 };

static const double fits_from = 0.5; /* mean cosine of the table's sums with the teacher */

static int refuse(struct err *err, const char *param, const char *why)
{
	(void)err_set(err, ERR_INPUT, "%s: %s", param, why);
	return err_param(err, param);
}

static int check_options(const struct train_options *o, const struct model *m, struct err *err)
{
	if (o->batch < 64 || o->batch > BATCH_MAX)
		return refuse(err, "batch", "64 to 1048576 words");
	if (o->loop.epochs < 1 || o->loop.epochs > 1000000)
		return refuse(err, "epochs", "1 to 1000000");
	if (o->states < STATES_MIN || o->states > MODEL_LSTM_MAX)
		return refuse(err, "states", "8 to 1024 of a direction");
	if (!(o->rate > 0 && o->rate < 10) || !(o->rows_rate >= 0 && o->rows_rate < 10))
		return refuse(err, "lr", "above 0 and below 10");
	if (!(o->static_share >= 0 && o->static_share <= 1000))
		return refuse(err, "static_share", "0 to 1000");
	if (!(o->loop.warmup >= 0 && o->loop.warmup < 1))
		return refuse(err, "warmup", "a share of the run, from 0 to below 1");
	if (m->facts.method != METHOD_LEARNED || m->weights || m->projection)
		return err_set(
			err, ERR_INPUT,
			"the model's rows do not add up to a teacher's vectors: learn them first, with "
			"--teacher and without --learn lstm (docs/training.md)");
	return 0;
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

static int make_parameters(struct distill_lstm *t, struct err *err)
{
	uint64_t state = random_seed(t->o->seed, 0, 7);
	size_t h = t->h;
	float *row = mem_try(h, sizeof(*row), err);

	t->side_n = 4 * h * (t->d + h + 1);
	t->parameters_n = 2 * t->side_n + 2 * h * t->d + 2 * h;
	t->parameters = mem_try_aligned(t->parameters_n, sizeof(float), err);
	t->first = mem_try_aligned(t->parameters_n, sizeof(float), err);
	t->second = mem_try_aligned(t->parameters_n, sizeof(float), err);
	if (!row || !t->parameters || !t->first || !t->second) {
		free(row);
		return -1;
	}
	memset(t->parameters, 0, t->parameters_n * sizeof(float));
	memset(t->first, 0, t->parameters_n * sizeof(float));
	memset(t->second, 0, t->parameters_n * sizeof(float));
	for (size_t side = 0; side < 2; side++) {
		float *input = t->parameters + side * t->side_n;
		float *recurrent = input + 4 * h * t->d;
		float *bias = recurrent + 4 * h * h;

		for (size_t i = 0; i < 4 * h * t->d; i++)
			input[i] = (2 * random_unit(&state) - 1) / sqrtf((float)h);
		for (size_t gate = 0; gate < 4; gate++)
			make_orthogonal(recurrent + gate * h, h, row, &state);
		for (size_t k = 0; k < h; k++)
			bias[h + k] = 1.0f;
		t->sides[side] = (struct lstm){ t->d, h, input, recurrent, bias };
	}
	t->mix = t->parameters + 2 * t->side_n;
	t->gate = t->mix + 2 * h * t->d;
	free(row);
	return 0;
}

/* Rows distilled from another teacher, or in other directions, would be pulled apart: refuse them. */
static int check_fit(const struct distill_lstm *t, struct err *err)
{
	struct rows rows = { ROWS_F32, t->x.words, t->d, t->x.rows, NULL };
	float *sum = mem_try_aligned(t->d, sizeof(*sum), err);
	size_t n = texts_count(t->x.texts) < SAMPLED_TEXTS ? texts_count(t->x.texts) : SAMPLED_TEXTS;
	double cosines = 0.0;

	if (!sum)
		return -1;
	for (size_t i = 0; i < n; i++) {
		size_t count;
		const uint32_t *words = texts_words(t->x.texts, (uint32_t)i, &count);

		rows_sum(sum, &rows, words, NULL, count);
		cosines += (double)vec_cosine(sum, t->x.targets + i * t->d, t->d) / (double)n;
	}
	free(sum);
	if (cosines >= fits_from)
		return 0;
	return err_set(err, ERR_INPUT,
		       "the model's rows add up to other vectors than the teacher's (mean cosine %.3f): they "
		       "must come from the same vectors and texts (docs/training.md)",
		       cosines);
}

int distill_lstm_prepare(struct distill_lstm *t, struct train_report *report, struct progress *progress,
			 struct err *err)
{
	struct distill *x = &t->x;

	t->d = x->d = x->m->rows.d;
	t->h = t->o->states;
	if (distill_read(x, progress, err))
		return -1;
	if (x->teacher.rows.d < x->d)
		return err_set(err, ERR_INPUT,
			       "the teacher's vectors have %zu dimensions, the model's rows %zu",
			       x->teacher.rows.d, x->d);
	if (distill_project(x, &report->energy, err) || distill_resume(x, err) || check_fit(t, err) ||
	    distill_prepare(x, report, err) || make_parameters(t, err))
		return -1;
	return lstm_shards_new(t, err);
}

static int run(struct distill_lstm *t, struct train_report *report, struct progress *progress,
	       struct err *err)
{
	struct distill *x = &t->x;
	size_t bytes = t->parameters_n * sizeof(float);
	size_t rows_bytes = x->words * x->d * sizeof(float);
	char hex[DIGEST_HEX + 1];
	struct checkpoint_part parameters[] = { { "lstm", t->parameters, bytes },
						{ "rows", x->rows, rows_bytes } };
	struct checkpoint_part state[] = { { "lstm.m", t->first, bytes },
					   { "lstm.v", t->second, bytes },
					   { "rows.m", x->first, rows_bytes },
					   { "rows.v", x->second, x->words * sizeof(float) } };
	struct learner learner = { .begin = distill_lstm_begin,
				   .step = distill_lstm_step,
				   .score = x->o->dev_n ? distill_lstm_score : NULL,
				   .context = t,
				   .batches = t->batches_n,
				   .pairs = x->order_n,
				   .parameters = parameters,
				   .parameters_n = 2,
				   .state = state,
				   .state_n = 4,
				   .run = hex };
	double numbers[] = { (double)t->h, t->o->rows_rate, t->o->static_share };
	struct digest d;

	digest_start(&d);
	distill_identify(x, &d);
	digest_add(&d, numbers, sizeof(numbers));
	digest_add(&d, vec_kernels(), strlen(vec_kernels()));
	digest_hex(&d, hex);
	return loop_run(&learner, &x->o->loop, &report->loop, progress, err);
}

void distill_lstm_end(struct distill_lstm *t)
{
	lstm_shards_free(t);
	distill_end(&t->x);
	free(t->parameters);
	free(t->first);
	free(t->second);
}

struct model *distill_lstm(struct model *m, const struct train_options *options, struct train_report *report,
			   struct progress *progress, struct err *err)
{
	struct distill_lstm t = { .x = { .m = m, .o = options }, .o = options };
	struct model *distilled = NULL;

	*report = (struct train_report){ 0 };
	if (check_options(options, m, err))
		return NULL;
	if (distill_lstm_prepare(&t, report, progress, err) == 0 && run(&t, report, progress, err) == 0)
		distilled = distill_lstm_model(&t, err);
	distill_lstm_end(&t);
	return distilled;
}
