#include "learn/train.h"

#include "base/digest.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/parallel_for.h"
#include "base/progress.h"
#include "learn/distill_private.h"
#include "learn/train_private.h"
#include "math/mat.h"
#include "math/vec.h"
#include "model/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH_MAX = 8192, PARTS_MAX = 9 };

static struct train_options pair_defaults(enum train_learn learn, bool scored)
{
	struct train_options o = { .matrix = learn == TRAIN_VECTORS,
				   .states = 128,
				   .layers = 1,
				   .directions = 2,
				   .pooling = POOLING_MEAN,
				   .dropout = 0.2,
				   .scramble = 0.3,
				   .batch = 256,
				   .rate = learn == TRAIN_LSTM || scored ? 0.002 : 0.003,
				   .weight_rate = 0.01,
				   .matrix_rate = 0.002 };

	o.loop.epochs = scored ? 5 : 3;
	return o;
}

static struct train_options teacher_defaults(enum train_learn learn)
{
	bool lstm = learn == TRAIN_LSTM;
	struct train_options o = { .a = 3e-4,
				   .states = 256,
				   .layers = 1,
				   .directions = 2,
				   .pooling = POOLING_RESIDUAL,
				   .batch = lstm ? 8192 : 1024,
				   .rate = lstm ? 3e-3 : 1e-2,
				   .rows_rate = 5e-4,
				   .static_share = 0.2,
				   .seed = 1 };

	o.loop.epochs = lstm ? 2 : 4;
	o.loop.warmup = lstm ? 50.0 / 4500.0 : 20.0 / 4600.0;
	return o;
}

struct train_options train_options_default(enum train_learn learn, bool scored, bool teacher)
{
	struct train_options o = teacher ? teacher_defaults(learn) : pair_defaults(learn, scored);

	o.learn = learn;
	o.loop.scores = 1;
	o.objective = objective_options_default();
	if (scored)
		o.objective.kind = OBJECTIVE_PEARSON;
	return o;
}

static int refuse(struct err *err, const char *param, const char *why)
{
	(void)err_set(err, ERR_INPUT, "%s: %s", param, why);
	return err_param(err, param);
}

static int check_options(const struct train_options *o, struct err *err)
{
	if (o->files_n == 0)
		return refuse(err, "pairs", "no file to learn from");
	if (o->batch < 2 || o->batch > BATCH_MAX)
		return refuse(err, "batch", "2 to 8192 pairs");
	if (o->loop.epochs < 1 || o->loop.epochs > 1000000)
		return refuse(err, "epochs", "1 to 1000000");
	if (!(o->objective.temperature >= 1e-3f && o->objective.temperature <= 1e3f))
		return refuse(err, "temperature", "0.001 to 1000");
	if (!(o->objective.margin >= 0 && o->objective.margin <= 2))
		return refuse(err, "margin", "0 to 2");
	if (!(o->rate >= 0 && o->weight_rate >= 0 && o->matrix_rate >= 0 && o->rate < 10 &&
	      o->weight_rate < 10 && o->matrix_rate < 10))
		return refuse(err, "lr", "rates of learning are from 0 to 10");
	if (!(o->l2 >= 0 && o->l2 < 1e6))
		return refuse(err, "l2", "from 0 to 1000000");
	if (!(o->loop.warmup >= 0 && o->loop.warmup < 1))
		return refuse(err, "warmup", "a share of the run, from 0 to below 1");
	if (o->dimensions > MODEL_DIMENSIONS_MAX)
		return refuse(err, "dimensions", "at most 16384");
	return 0;
}

static void add_text(struct digest *d, const char *text)
{
	digest_add(d, text, strlen(text) + 1);
}

/* Whose checkpoint: all that determines the bits, but the number of threads' effect is in here too. */
static void identify(const struct train *t, char hex[DIGEST_HEX + 1])
{
	const struct train_options *o = t->o;
	double numbers[] = { (double)o->learn,
			     (double)o->matrix,
			     (double)o->dimensions,
			     (double)o->objective.kind,
			     (double)o->objective.negatives,
			     (double)o->objective.temperature,
			     (double)o->objective.margin,
			     (double)o->loop.epochs,
			     o->loop.warmup,
			     (double)o->loop.scores,
			     (double)o->loop.patience,
			     (double)o->batch,
			     o->rate,
			     o->weight_rate,
			     o->matrix_rate,
			     o->l2,
			     (double)threads_count(t->threads),
			     (double)t->method };
	struct digest d;

	digest_start(&d);
	digest_add(&d, numbers, sizeof(numbers));
	digest_add(&d, &o->seed, sizeof(o->seed));
	add_text(&d, t->m->fingerprint);
	add_text(&d, t->pairs.digest);
	add_text(&d, t->dev.digest ? t->dev.digest : "");
	add_text(&d, mat_kernels());
	add_text(&d, vec_kernels());
	digest_hex(&d, hex);
}

static void add_part(struct checkpoint_part *parts, size_t *n, const char *name, void *data, size_t floats)
{
	parts[(*n)++] = (struct checkpoint_part){ name, data, floats * sizeof(float) };
}

static int run(struct train *t, struct train_report *report, struct progress *progress, struct err *err)
{
	struct checkpoint_part parameters[PARTS_MAX];
	struct checkpoint_part state[PARTS_MAX];
	char hex[DIGEST_HEX + 1];
	struct learner learner = { .begin = steps_begin,
				   .step = steps_take,
				   .score = t->o->dev_n ? steps_score : NULL,
				   .context = t,
				   .batches = pair_epoch_batches(&t->pairs, t->o->batch),
				   .pairs = report->pairs,
				   .parameters = parameters,
				   .state = state,
				   .run = hex };
	const struct param *learnt[] = { &t->table.logs, &t->table.rows, &t->table.matrix };
	static const char *const names[][3] = { { "logs", "logs.m", "logs.v" },
						{ "rows", "rows.m", "rows.v" },
						{ "matrix", "matrix.m", "matrix.v" } };

	for (size_t i = 0; i < sizeof(learnt) / sizeof(learnt[0]); i++)
		if (learnt[i]->m) {
			add_part(parameters, &learner.parameters_n, names[i][0], learnt[i]->x, learnt[i]->n);
			add_part(state, &learner.state_n, names[i][1], learnt[i]->m, learnt[i]->n);
			add_part(state, &learner.state_n, names[i][2], learnt[i]->v, learnt[i]->n);
		}
	identify(t, hex);
	return loop_run(&learner, &t->o->loop, &report->loop, progress, err);
}

static int prepare(struct train *t, struct train_report *report, struct progress *progress, struct err *err)
{
	const struct train_options *o = t->o;

	progress_phase(progress, "reading pairs", "files", o->files_n);
	if (pairs_read(&t->pairs, t->m, o->files, o->files_n, o->kind, objective_scored(o->objective.kind),
		       progress, err))
		return -1;
	if (o->dev_n && dev_read(&t->dev, t->m, o->dev, o->dev_n, err))
		return -1;
	t->threads = threads_new(o->workers, err);
	if (!t->threads || train_begin(t, err))
		return -1;
	t->steps = steps_new(t, err);
	t->dev_vectors = mem_try_aligned(t->dev_texts.n + 1, t->table.d_out * sizeof(float), err);
	if (!t->steps || !t->dev_vectors || pair_epoch_draw(&t->epoch, &t->pairs, o->batch, o->seed, 0, err))
		return -1;
	for (size_t i = 0; i < t->epoch.batches_n; i++)
		report->pairs += t->epoch.batches[i].n;
	for (size_t i = 0; i < t->pairs.n; i++)
		report->skipped += t->pairs.sources[i].skipped;
	report->files = t->pairs.n;
	report->texts = texts_count(t->pairs.texts);
	report->words = t->table.words;
	report->coverage = (double)texts_known(t->pairs.texts) /
			   (double)(texts_known(t->pairs.texts) + texts_unknown(t->pairs.texts));
	return 0;
}

static int choose_start(struct train *t, struct err *err)
{
	if (method_recurrent(t->method))
		t->method = model_sums(t->m);
	if (t->method != METHOD_DISC)
		return 0;
	(void)err_set(err, ERR_INPUT, "disc multiplies words: training starts from a sum of them");
	return err_param(err, "method");
}

static struct model *train_static(struct model *m, enum method start, const struct train_options *options,
				  struct train_report *report, struct progress *progress, struct err *err)
{
	struct train t = { .m = m, .method = start, .o = options };
	struct model *trained = NULL;

	*report = (struct train_report){ 0 };
	if (check_options(options, err) || choose_start(&t, err))
		return NULL;
	if (prepare(&t, report, progress, err) == 0 && run(&t, report, progress, err) == 0) {
		/* The weights are those of the parameters that the loop chose. */
		progress_phase(progress, "folding rows", "rows", 0);
		if (steps_begin(&t, 0, err) == 0)
			trained = train_result(&t, err);
	}
	train_end(&t);
	return trained;
}

struct model *train_model(struct model *m, enum method start, const struct train_options *options,
			  struct train_report *report, struct progress *progress, struct err *err)
{
	bool lstm = options->learn == TRAIN_LSTM;

	if (options->teacher)
		return (lstm ? distill_lstm : distill_static)(m, options, report, progress, err);
	return lstm ? train_lstm(m, options, report, progress, err)
		    : train_static(m, start, options, report, progress, err);
}
