#include "base/err.h"
#include "base/mem.h"
#include "base/parallel_for.h"
#include "base/progress.h"
#include "learn/distill_private.h"
#include "learn/texts.h"
#include "math/mat.h"
#include "math/vec.h"
#include "model/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH_MAX = 65536, SAMPLED = 1009 };

static int refuse(struct err *err, const char *param, const char *why)
{
	(void)err_set(err, ERR_INPUT, "%s: %s", param, why);
	return err_param(err, param);
}

static int check_options(const struct train_options *o, const struct model *m, struct err *err)
{
	if (o->batch < 1 || o->batch > BATCH_MAX)
		return refuse(err, "batch", "1 to 65536 texts");
	if (o->dimensions > m->rows.d)
		return refuse(err, "dimensions", "at most those of the teacher");
	if (o->loop.epochs < 1 || o->loop.epochs > 1000000)
		return refuse(err, "epochs", "1 to 1000000");
	if (!(o->rate > 0 && o->rate < 10))
		return refuse(err, "lr", "above 0 and below 10");
	if (!(o->a > 0 && o->a < 1e3))
		return refuse(err, "a", "above 0 and below 1000");
	if (!(o->loop.warmup >= 0 && o->loop.warmup < 1))
		return refuse(err, "warmup", "a share of the run, from 0 to below 1");
	return 0;
}

void distill_identify(const struct distill *x, struct digest *d)
{
	const struct train_options *o = x->o;
	const struct rows *rows = &x->teacher.rows;
	size_t row_bytes = rows->d * rows_type_size(rows->type);
	double numbers[] = { (double)x->d,	     o->a,
			     (double)o->loop.epochs, o->loop.warmup,
			     (double)o->loop.scores, (double)o->loop.patience,
			     (double)o->batch,	     o->rate,
			     (double)o->seed };

	digest_add(d, numbers, sizeof(numbers));
	digest_add(d, x->m->fingerprint, DIGEST_HEX);
	digest_add(d, x->texts_digest, DIGEST_HEX);
	digest_add(d, x->dev.digest ? x->dev.digest : "", x->dev.digest ? DIGEST_HEX : 0);
	digest_add(d, mat_kernels(), strlen(mat_kernels()));
	if (x->draws)
		digest_add(d, x->draws, texts_count(x->texts));
	for (size_t i = 0; i < rows->n; i += SAMPLED)
		digest_add(d, (const char *)rows->data + i * row_bytes, row_bytes);
}

static int prepare_order(struct distill *x, struct err *err)
{
	size_t n = texts_count(x->texts);

	for (size_t t = 0; t < n; t++)
		x->order_n += x->draws ? x->draws[t] : 1;
	if (x->order_n == 0)
		return err_set(err, ERR_INPUT, "%.200s: there is no text to learn from", x->o->texts);
	x->order = mem_try(x->order_n, sizeof(*x->order), err);
	return x->order ? 0 : -1;
}

int distill_prepare(struct distill *x, struct train_report *report, struct err *err)
{
	if (prepare_order(x, err))
		return -1;
	report->texts = texts_count(x->texts);
	report->drawn = x->order_n;
	report->coverage =
		(double)texts_known(x->texts) / (double)(texts_known(x->texts) + texts_unknown(x->texts));
	if (x->o->dev_n == 0)
		return 0;
	if (dev_read(&x->dev, x->m, x->o->dev, x->o->dev_n, err))
		return -1;
	x->dev_vectors = mem_try_aligned(texts_count(x->dev.texts) + 1, x->d * sizeof(float), err);
	return x->dev_vectors ? 0 : -1;
}

static int prepare(struct distill *x, struct train_report *report, struct progress *progress, struct err *err)
{
	if (distill_read(x, progress, err))
		return -1;
	if (x->teacher.rows.d != x->m->rows.d)
		return err_set(
			err, ERR_INPUT,
			"the teacher's vectors have %zu dimensions, the model's rows %zu: the model must "
			"hold the teacher's vectors of its words (docs/training.md)",
			x->teacher.rows.d, x->m->rows.d);
	x->d = x->o->dimensions ? x->o->dimensions : x->m->rows.d < 256 ? x->m->rows.d : 256;
	if (distill_project(x, &report->energy, err) || distill_start(x, err) ||
	    distill_prepare(x, report, err))
		return -1;
	x->batch = batch_new(x, err);
	return x->batch ? 0 : -1;
}

static int run(struct distill *x, struct train_report *report, struct progress *progress, struct err *err)
{
	char hex[DIGEST_HEX + 1];
	struct checkpoint_part rows = { "rows", x->rows, x->words * x->d * sizeof(float) };
	struct checkpoint_part state[] = { { "rows.m", x->first, x->words * x->d * sizeof(float) },
					   { "rows.v", x->second, x->words * sizeof(float) } };
	struct learner learner = { .begin = distill_begin,
				   .step = distill_step,
				   .score = x->o->dev_n ? distill_score : NULL,
				   .context = x,
				   .batches = (x->order_n + x->o->batch - 1) / x->o->batch,
				   .pairs = x->order_n,
				   .parameters = &rows,
				   .parameters_n = 1,
				   .state = state,
				   .state_n = 2,
				   .run = hex };
	struct digest d;

	digest_start(&d);
	distill_identify(x, &d);
	digest_hex(&d, hex);
	return loop_run(&learner, &x->o->loop, &report->loop, progress, err);
}

int distill_encode(const struct distill *x, struct model *parts, struct owned *owned, struct err *err)
{
	enum rows_type type = x->o->type;
	size_t row_bytes = x->d * rows_type_size(type);
	char *data = owned_memory(owned, mem_try_aligned(x->words, row_bytes, err));
	float *scales = owned_memory(owned, mem_try_aligned(x->words, sizeof(*scales), err));

	if (!data || !scales)
		return -1;
	for (size_t i = 0; i < x->words; i++) {
		const float *row = x->rows + i * x->d;

		if (!rows_fit(type, row, x->d))
			return err_set(err, ERR_INPUT, "a learnt row does not fit its number format");
		rows_encode(data + i * row_bytes, &scales[i], type, row, x->d);
	}
	parts->rows = (struct rows){ type, x->words, x->d, data, type == ROWS_I8 ? scales : NULL };
	return 0;
}

static struct model *make_model(const struct distill *x, struct err *err)
{
	struct owned owned = { 0 };
	struct model parts = { .vocab = x->m->vocab,
			       .rules = x->m->rules,
			       .d_out = x->d,
			       .facts = { .method = METHOD_LEARNED, .source = "distilled" } };

	memcpy(parts.facts.corpus, x->texts_digest, sizeof(parts.facts.corpus));
	owned_model(&owned, x->m->base ? x->m->base : x->m); /* lends its words */
	if (distill_encode(x, &parts, &owned, err)) {
		owned_free(&owned);
		return NULL;
	}
	return model_of_parts(&parts, &owned, err);
}

void distill_end(struct distill *x)
{
	npy_close(&x->teacher);
	texts_free(x->texts);
	dev_free(&x->dev);
	batch_free(x->batch);
	threads_free(x->threads);
	free(x->projection);
	free(x->targets);
	free(x->rows);
	free(x->first);
	free(x->second);
	free(x->draws);
	free(x->order);
	free(x->dev_vectors);
}

struct model *distill_static(struct model *m, const struct train_options *options,
			     struct train_report *report, struct progress *progress, struct err *err)
{
	struct distill x = { .m = m, .o = options };
	struct model *distilled = NULL;

	*report = (struct train_report){ 0 };
	if (check_options(options, m, err))
		return NULL;
	if (prepare(&x, report, progress, err) == 0 && run(&x, report, progress, err) == 0)
		distilled = make_model(&x, err);
	distill_end(&x);
	return distilled;
}
