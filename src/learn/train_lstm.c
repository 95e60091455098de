#include "base/digest.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/parallel_for.h"
#include "base/progress.h"
#include "base/random.h"
#include "embed/lstm_encoder.h"
#include "learn/texts.h"
#include "learn/train_lstm_private.h"
#include "learn/train_private.h"
#include "math/mat.h"
#include "math/vec.h"
#include "model/model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH_MAX = 8192, STATES_MIN = 8 };

static int refuse(struct err *err, const char *param, const char *why)
{
	(void)err_set(err, ERR_INPUT, "%s: %s", param, why);
	return err_param(err, param);
}

static int check_options(const struct train_options *o, const struct model *m, struct err *err)
{
	const struct train_options *c = o;

	if (c->files_n == 0)
		return refuse(err, "pairs", "no file to learn from");
	if (c->batch < 2 || c->batch > BATCH_MAX)
		return refuse(err, "batch", "2 to 8192 pairs");
	if (c->loop.epochs < 1 || c->loop.epochs > 1000000)
		return refuse(err, "epochs", "1 to 1000000");
	if (o->states < STATES_MIN || o->states > MODEL_LSTM_MAX)
		return refuse(err, "states", "8 to 1024 of a direction");
	if (o->layers < 1 || o->layers > MODEL_LSTM_LAYERS)
		return refuse(err, "layers", "1 or 2");
	if (o->directions < 1 || o->directions > 2)
		return refuse(err, "directions", "1 or 2");
	if (o->pooling > POOLING_ATTENTION)
		return refuse(err, "pooling", "mean, max, last or attention");
	if (!(o->rate > 0 && o->rate < 10))
		return refuse(err, "lr", "above 0 and below 10");
	if (!(o->dropout >= 0 && o->dropout < 1) || !(o->scramble >= 0 && o->scramble <= 1))
		return refuse(err, "dropout", "shares of dropout and scrambling are from 0 to 1");
	if (m->facts.folded && model_sums(m) != METHOD_LEARNED)
		return err_set(
			err, ERR_INPUT,
			"the model is folded: its rows hold weights already; start from the one it was "
			"folded from");
	return 0;
}

/* The inputs of all words that the texts have, each computed once. */
static int make_inputs(struct lstm_train *t, struct err *err)
{
	const struct texts *both[] = { t->pairs.texts, t->dev.texts };
	float *scratch = mem_try(t->m->rows.d, sizeof(*scratch), err);
	uint32_t used = 0;

	t->places = mem_try(t->m->rows.n, sizeof(*t->places), err);
	if (!scratch || !t->places) {
		free(scratch);
		return -1;
	}
	memset(t->places, 0xFF, t->m->rows.n * sizeof(*t->places));
	for (size_t b = 0; b < 2 && both[b]; b++)
		for (size_t i = 0; i < texts_count(both[b]); i++) {
			size_t n;
			const uint32_t *words = texts_words(both[b], (uint32_t)i, &n);

			for (size_t k = 0; k < n; k++)
				if (t->places[words[k]] == VOCAB_UNKNOWN)
					t->places[words[k]] = used++;
		}
	t->inputs = mem_try_aligned((size_t)used + 1, t->shape.in * sizeof(float), err);
	for (size_t id = 0; t->inputs && id < t->m->rows.n; id++)
		if (t->places[id] != VOCAB_UNKNOWN)
			lstm_encoder_input(t->m, (uint32_t)id, t->inputs + t->places[id] * t->shape.in,
					   scratch);
	free(scratch);
	return t->inputs ? 0 : -1;
}

static bool same_shape(const struct model *m, const struct net_shape *shape)
{
	return m->lstm_h == shape->h && model_lstm_inputs(m) == shape->in &&
	       model_lstm_layers(m) == shape->layers && model_lstm_sides(m) == shape->sides;
}

/* Uniform in +-1 / sqrt(h) as PyTorch's, and 1 more for forget gates; attention of 0 is the mean. */
static void start_parameters(struct lstm_train *t)
{
	const struct net_shape *shape = &t->shape;
	uint64_t state = random_seed(t->o->seed, 0, 7);
	bool goes_on = same_shape(t->m, shape);
	float *at = t->parameters;

	for (size_t i = 0; i < t->floats; i++)
		at[i] = (2 * random_unit(&state) - 1) / sqrtf((float)shape->h);
	for (size_t run = 0; run < MODEL_LSTM_RUNS; run++) {
		size_t in = net_inputs(shape, run / 2);
		float *recurrent = at + 4 * shape->h * in;
		float *bias = recurrent + 4 * shape->h * shape->h;

		if (run / 2 >= shape->layers || run % 2 >= shape->sides)
			continue;
		for (size_t k = 0; k < shape->h; k++)
			bias[shape->h + k] += 1.0f;
		if (goes_on)
			model_lstm_run(t->m, (int)run, at, recurrent, bias, t->first /* not in use yet */);
		at = bias + 4 * shape->h;
	}
	if (shape->pooling != POOLING_ATTENTION)
		return;
	memset(at, 0, t->outputs * sizeof(float));
	if (goes_on && t->m->pooling == POOLING_ATTENTION)
		memcpy(at, t->m->lstm_attention, t->outputs * sizeof(float));
}

static int make_parameters(struct lstm_train *t, struct err *err)
{
	t->parameters = mem_try_aligned(t->floats, sizeof(float), err);
	t->first = mem_try_aligned(t->floats, sizeof(float), err);
	t->second = mem_try_aligned(t->floats, sizeof(float), err);
	if (!t->parameters || !t->first || !t->second)
		return -1;
	start_parameters(t);
	memset(t->first, 0, t->floats * sizeof(float));
	memset(t->second, 0, t->floats * sizeof(float));
	net_over(&t->net, &t->shape, t->parameters);
	return 0;
}

static int prepare(struct lstm_train *t, struct train_report *report, struct progress *progress,
		   struct err *err)
{
	const struct train_options *c = t->o;

	progress_phase(progress, "reading pairs", "files", c->files_n);
	if (pairs_read(&t->pairs, t->m, c->files, c->files_n, c->kind, objective_scored(c->objective.kind),
		       progress, err) ||
	    (c->dev_n && dev_read(&t->dev, t->m, c->dev, c->dev_n, err)))
		return -1;
	t->shape = (struct net_shape){ model_lstm_inputs(t->m), t->o->states, t->o->layers, t->o->directions,
				       t->o->pooling };
	t->outputs = net_outputs(&t->shape);
	t->floats = net_floats(&t->shape);
	t->threads = threads_new(c->workers, err);
	if (!t->threads || make_inputs(t, err) || make_parameters(t, err))
		return -1;
	t->steps = lstm_steps_new(t, err);
	t->dev_vectors = mem_try_aligned((t->dev.texts ? texts_count(t->dev.texts) : 0) + 1,
					 t->outputs * sizeof(float), err);
	if (!t->steps || !t->dev_vectors || pair_epoch_draw(&t->epoch, &t->pairs, c->batch, c->seed, 0, err))
		return -1;
	for (size_t i = 0; i < t->epoch.batches_n; i++)
		report->pairs += t->epoch.batches[i].n;
	for (size_t i = 0; i < t->pairs.n; i++)
		report->skipped += t->pairs.sources[i].skipped;
	report->files = t->pairs.n;
	report->texts = texts_count(t->pairs.texts);
	report->coverage = (double)texts_known(t->pairs.texts) /
			   (double)(texts_known(t->pairs.texts) + texts_unknown(t->pairs.texts));
	return 0;
}

static void identify(const struct lstm_train *t, char hex[DIGEST_HEX + 1])
{
	const struct train_options *c = t->o;
	double numbers[] = { (double)t->shape.h,
			     (double)t->shape.layers,
			     (double)t->shape.sides,
			     (double)t->shape.pooling,
			     t->o->rate,
			     t->o->dropout,
			     t->o->scramble,
			     (double)c->batch,
			     (double)c->objective.kind,
			     (double)c->objective.negatives,
			     (double)c->objective.temperature,
			     (double)c->objective.margin,
			     (double)c->loop.epochs,
			     c->loop.warmup,
			     (double)c->loop.scores,
			     (double)c->loop.patience,
			     (double)threads_count(t->threads),
			     (double)c->seed };
	struct digest d;

	digest_start(&d);
	digest_add(&d, numbers, sizeof(numbers));
	digest_add(&d, t->m->fingerprint, DIGEST_HEX);
	digest_add(&d, t->pairs.digest, DIGEST_HEX);
	digest_add(&d, t->dev.digest ? t->dev.digest : "", t->dev.digest ? DIGEST_HEX : 0);
	digest_add(&d, mat_kernels(), strlen(mat_kernels()));
	digest_add(&d, vec_kernels(), strlen(vec_kernels()));
	digest_hex(&d, hex);
}

static int run(struct lstm_train *t, struct train_report *report, struct progress *progress, struct err *err)
{
	const struct train_options *c = t->o;
	size_t bytes = t->floats * sizeof(float);
	char hex[DIGEST_HEX + 1];
	struct checkpoint_part parameters = { "lstm", t->parameters, bytes };
	struct checkpoint_part state[] = { { "lstm.m", t->first, bytes }, { "lstm.v", t->second, bytes } };
	struct learner learner = { .begin = lstm_steps_begin,
				   .step = lstm_steps_take,
				   .score = c->dev_n ? lstm_steps_score : NULL,
				   .context = t,
				   .batches = pair_epoch_batches(&t->pairs, c->batch),
				   .pairs = report->pairs,
				   .parameters = &parameters,
				   .parameters_n = 1,
				   .state = state,
				   .state_n = 2,
				   .run = hex };

	identify(t, hex);
	return loop_run(&learner, &c->loop, &report->loop, progress, err);
}

static struct model *make_model(const struct lstm_train *t, struct err *err)
{
	struct owned owned = { 0 };
	struct model parts = *t->m;
	const float *attention = t->net.pool.attention;
	size_t floats = t->floats + (size_t)MODEL_LSTM_RUNS * 4 * t->shape.h;
	float *at = owned_memory(&owned, mem_try(floats, sizeof(*at), err));

	if (!at)
		return NULL;
	model_without_lstm(&parts);
	for (int run = 0; run < MODEL_LSTM_RUNS; run++)
		if (t->net.runs[run].h)
			at = model_lstm_put_run(&parts, run, &t->net.runs[run], at);
	parts.lstm_h = t->shape.h;
	parts.pooling = t->shape.pooling;
	parts.lstm_attention = attention ? at : NULL;
	if (attention)
		memcpy(at, attention, t->outputs * sizeof(float));
	parts.base = t->m->base ? t->m->base : t->m;
	owned_model(&owned, t->m);
	if (model_lstm_encode(&parts, t->o->type, &owned, err)) {
		owned_free(&owned);
		return NULL;
	}
	return model_of_parts(&parts, &owned, err);
}

static void end(struct lstm_train *t)
{
	lstm_steps_free(t->steps);
	pairs_free(&t->pairs);
	dev_free(&t->dev);
	pair_epoch_free(&t->epoch);
	threads_free(t->threads);
	free(t->parameters);
	free(t->first);
	free(t->second);
	free(t->places);
	free(t->inputs);
	free(t->dev_vectors);
}

struct model *train_lstm(struct model *m, const struct train_options *options, struct train_report *report,
			 struct progress *progress, struct err *err)
{
	struct lstm_train t = { .m = m, .o = options };
	struct model *trained = NULL;

	*report = (struct train_report){ 0 };
	if (check_options(options, m, err))
		return NULL;
	if (prepare(&t, report, progress, err) == 0 && run(&t, report, progress, err) == 0)
		trained = make_model(&t, err);
	end(&t);
	return trained;
}
