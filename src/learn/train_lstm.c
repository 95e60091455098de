#include "learn/train_lstm.h"

#include "base/digest.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/progress.h"
#include "base/random.h"
#include "base/team.h"
#include "embed/recurrent.h"
#include "learn/texts.h"
#include "learn/train_lstm_private.h"
#include "math/mat.h"
#include "math/vec.h"
#include "model/model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH_MAX = 8192, STATES_MIN = 8 };

struct train_lstm_options train_lstm_options_default(const struct train_options *common)
{
	return (struct train_lstm_options){
		.common = common, .states = 128, .rate = 2e-3, .dropout = 0.2, .scramble = 0.3
	};
}

static int refuse(struct err *err, const char *param, const char *why)
{
	(void)err_set(err, ERR_INPUT, "%s: %s", param, why);
	return err_param(err, param);
}

static int check_options(const struct train_lstm_options *o, const struct model *m, struct err *err)
{
	const struct train_options *c = o->common;

	if (c->files_n == 0)
		return refuse(err, "pairs", "no file to learn from");
	if (c->batch < 2 || c->batch > BATCH_MAX)
		return refuse(err, "batch", "2 to 8192 pairs");
	if (c->loop.epochs < 1 || c->loop.epochs > 1000000)
		return refuse(err, "epochs", "1 to 1000000");
	if (o->states < STATES_MIN || o->states > MODEL_LSTM_MAX)
		return refuse(err, "states", "8 to 1024 of a direction");
	if (!(o->rate > 0 && o->rate < 10))
		return refuse(err, "lr", "above 0 and below 10");
	if (!(o->dropout >= 0 && o->dropout < 1) || !(o->scramble >= 0 && o->scramble <= 1))
		return refuse(err, "dropout", "shares of dropout and scrambling are from 0 to 1");
	if (m->facts.folded && m->facts.method != METHOD_LEARNED)
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
	t->inputs = mem_try_aligned((size_t)used + 1, t->in * sizeof(float), err);
	for (size_t id = 0; t->inputs && id < t->m->rows.n; id++)
		if (t->places[id] != VOCAB_UNKNOWN)
			recurrent_input(t->m, (uint32_t)id, t->inputs + t->places[id] * t->in, scratch);
	free(scratch);
	return t->inputs ? 0 : -1;
}

/* PyTorch's start, uniform in +-1 / sqrt(h), and 1 for the forget gates; or the LSTM that the model has. */
static int make_parameters(struct lstm_train *t, struct err *err)
{
	uint64_t state = random_seed(t->o->common->seed, 0, 7);
	size_t in_n = 4 * t->h * t->in;
	size_t h_n = 4 * t->h * t->h;

	t->parameters = mem_try_aligned(2 * t->side_n, sizeof(float), err);
	t->first = mem_try_aligned(2 * t->side_n, sizeof(float), err);
	t->second = mem_try_aligned(2 * t->side_n, sizeof(float), err);
	if (!t->parameters || !t->first || !t->second)
		return -1;
	memset(t->first, 0, 2 * t->side_n * sizeof(float));
	memset(t->second, 0, 2 * t->side_n * sizeof(float));
	for (size_t i = 0; i < 2 * t->side_n; i++)
		t->parameters[i] = (2 * random_unit(&state) - 1) / sqrtf((float)t->h);
	for (size_t side = 0; side < 2; side++) {
		float *at = t->parameters + side * t->side_n;
		const struct lstm *had = &t->m->lstm[side];

		for (size_t k = 0; k < t->h; k++)
			at[in_n + h_n + t->h + k] += 1.0f;
		if (t->m->lstm_h == t->h && had->in == t->in) {
			memcpy(at, had->input, in_n * sizeof(float));
			memcpy(at + in_n, had->recurrent, h_n * sizeof(float));
			memcpy(at + in_n + h_n, had->bias, 4 * t->h * sizeof(float));
		}
		t->layers[side] = (struct lstm){ t->in, t->h, at, at + in_n, at + in_n + h_n };
	}
	return 0;
}

static int prepare(struct lstm_train *t, struct train_report *report, struct progress *progress,
		   struct err *err)
{
	const struct train_options *c = t->o->common;

	progress_phase(progress, "reading pairs", "files", c->files_n);
	if (pairs_read(&t->pairs, t->m, c->files, c->files_n, c->kind, objective_scored(c->objective.kind),
		       progress, err) ||
	    (c->dev_n && dev_read(&t->dev, t->m, c->dev, c->dev_n, err)))
		return -1;
	t->in = model_lstm_inputs(t->m);
	t->h = t->o->states;
	t->side_n = 4 * t->h * (t->in + t->h + 1);
	t->team = team_new(c->workers, err);
	if (!t->team || make_inputs(t, err) || make_parameters(t, err))
		return -1;
	t->steps = lstm_steps_new(t, err);
	t->dev_vectors = mem_try_aligned((t->dev.texts ? texts_count(t->dev.texts) : 0) + 1,
					 2 * t->h * sizeof(float), err);
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
	const struct train_options *c = t->o->common;
	double numbers[] = { (double)t->h,
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
			     (double)team_members(t->team),
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
	const struct train_options *c = t->o->common;
	size_t bytes = 2 * t->side_n * sizeof(float);
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

/* What the trained model owns. */
struct result {
	float *parts;	 /* PyTorch's tensors of both directions */
	struct model *m; /* lends all else */
};

static void drop(void *context)
{
	struct result *r = context;

	free(r->parts);
	if (r->m)
		model_release(r->m);
	free(r);
}

static void transpose(float *to, const float *from, size_t rows, size_t columns)
{
	for (size_t i = 0; i < rows; i++)
		for (size_t j = 0; j < columns; j++)
			to[j * rows + i] = from[i * columns + j];
}

static struct model *make_model(const struct lstm_train *t, struct err *err)
{
	struct result *r = mem_new(1, sizeof(*r));
	struct model parts = *t->m;
	size_t gates = 4 * t->h;
	struct model *m = NULL;
	float *at;

	r->parts = mem_try(2 * (t->side_n + gates), sizeof(float), err);
	at = r->parts;
	for (size_t side = 0; at && side < 2; side++) {
		const struct lstm *l = &t->layers[side];
		const float **to = parts.lstm_parts + 4 * side;

		to[0] = at;
		to[1] = to[0] + gates * t->in;
		to[2] = to[1] + gates * t->h;
		to[3] = to[2] + gates;
		transpose(at, l->input, t->in, gates);
		transpose(at + gates * t->in, l->recurrent, t->h, gates);
		memcpy(at + gates * (t->in + t->h), l->bias, gates * sizeof(float));
		memset(at + gates * (t->in + t->h + 1), 0, gates * sizeof(float));
		at += t->side_n + gates;
	}
	if (at) {
		r->m = model_retain(t->m);
		parts.lstm_h = t->h;
		parts.base = t->m->base ? t->m->base : t->m;
		parts.facts.method = METHOD_LSTM;
		m = model_of_parts(&parts, drop, r, err);
	}
	if (!m)
		drop(r);
	return m;
}

static void end(struct lstm_train *t)
{
	lstm_steps_free(t->steps);
	pairs_free(&t->pairs);
	dev_free(&t->dev);
	pair_epoch_free(&t->epoch);
	team_free(t->team);
	free(t->parameters);
	free(t->first);
	free(t->second);
	free(t->places);
	free(t->inputs);
	free(t->dev_vectors);
}

struct model *train_lstm(struct model *m, const struct train_lstm_options *options,
			 struct train_report *report, struct progress *progress, struct err *err)
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
