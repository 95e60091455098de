/* A train job: the options of `sifd train`, with names of uploads, or pairs, where that has files. */
#include "base/err.h"
#include "base/json_fields.h"
#include "jobs/job_request_private.h"
#include "model/model.h"

#include <stdio.h>
#include <string.h>

enum {
	BATCH_MOST = 8192,
	EPOCHS_MOST = 100000,
	SCORES_MOST = 1000,
	STATES_LEAST = 8,
	COUNT_MOST = 1000 * 1000 * 1000
};

/* Layers times states times pairs of a step: what an LSTM's step remembers of up to 512 words a text. */
enum { LSTM_BATCH_MOST = 1024 * 256 };

static const double rate_most = 5;

/* Who has a member: bits of enum job_learn. */
enum {
	WEIGHTS = 1 << LEARN_WEIGHTS,
	VECTORS = 1 << LEARN_VECTORS,
	LSTM = 1 << LEARN_LSTM,
	ALACARTE = 1 << LEARN_ALACARTE,
	STATIC = WEIGHTS | VECTORS,
	PAIRS = STATIC | LSTM,
	ALL = PAIRS | ALACARTE,
};

static const struct {
	const char *name;
	unsigned learns;
} members[] = {
	{ "type", ALL },	   { "model", ALL },	      { "output", ALL },
	{ "learn", ALL },	   { "workers", ALL },	      { "pairs", PAIRS },
	{ "scored", PAIRS },	   { "kind", PAIRS },	      { "dev", PAIRS },
	{ "objective", PAIRS },	   { "temperature", PAIRS },  { "margin", PAIRS },
	{ "negatives", PAIRS },	   { "epochs", PAIRS },	      { "batch", PAIRS },
	{ "warmup", PAIRS },	   { "patience", PAIRS },     { "scores", PAIRS },
	{ "seed", PAIRS },	   { "lr", VECTORS | LSTM },  { "method", STATIC },
	{ "lr_weights", STATIC },  { "lr_matrix", STATIC },   { "l2", STATIC },
	{ "dimensions", STATIC },  { "matrix", WEIGHTS },     { "overlay", WEIGHTS | LSTM },
	{ "states", LSTM },	   { "layers", LSTM },	      { "directions", LSTM },
	{ "pooling", LSTM },	   { "dropout", LSTM },	      { "scramble", LSTM },
	{ "dtype", LSTM },	   { "corpus", ALACARTE },    { "texts", ALACARTE },
	{ "unit", ALACARTE },	   { "window", ALACARTE },    { "min_count", ALACARTE },
	{ "fit_count", ALACARTE }, { "max_words", ALACARTE },
};

enum { MEMBERS = sizeof(members) / sizeof(members[0]) };

const char *job_learn_name(enum job_learn learn)
{
	static const char *const names[LEARNS] = { "weights", "vectors", "lstm", "alacarte" };

	return names[learn];
}

const char *job_train_member(const struct job_request *spec, size_t i)
{
	const struct job_train *train = &spec->train;

	if (train->learn == LEARN_ALACARTE)
		return "corpus";
	if (spec->has_texts || i >= train->files_n)
		return "dev";
	return train->scored ? "scored" : "pairs";
}

static bool there(const json_t *object, const char *member)
{
	const json_t *value = json_object_get(object, member);

	return value && !json_is_null(value);
}

static int read_learn(struct job_request *spec, const json_t *object, struct err *err)
{
	const char *name = "";

	if (json_get_text(&name, object, "learn", err) < 0)
		return -1;
	for (int i = 0; i < LEARNS; i++)
		if (strcmp(name, job_learn_name((enum job_learn)i)) == 0) {
			spec->train.learn = (enum job_learn)i;
			return 0;
		}
	return job_request_wrong(err, "learn", "one of weights, vectors, lstm, alacarte");
}

static int refuse_teacher(const json_t *object, struct err *err)
{
	if (!there(object, "teacher"))
		return 0;
	(void)err_set(err, ERR_INPUT,
		      "`teacher` is no member of a job: a teacher's vectors are a file beside the model, for "
		      "`sifd train --teacher FILE.npy`");
	return err_param(err, "teacher");
}

/* A member of another kind of learning is said to be that. */
static int check_members(enum job_learn learn, json_t *object, struct err *err)
{
	const char *known[MEMBERS + 1];
	size_t n = 0;

	for (size_t i = 0; i < MEMBERS; i++) {
		const char *name = members[i].name;

		known[n++] = name;
		if (members[i].learns & (1U << learn) || !there(object, name))
			continue;
		(void)err_set(err, ERR_INPUT, "`%s` is not for \"learn\": \"%s\", but for%s%s%s%s", name,
			      job_learn_name(learn), members[i].learns & WEIGHTS ? " weights" : "",
			      members[i].learns & VECTORS ? " vectors" : "",
			      members[i].learns & LSTM ? " lstm" : "",
			      members[i].learns & ALACARTE ? " alacarte" : "");
		return err_param(err, name);
	}
	known[n] = NULL;
	return json_only(object, known, err);
}

/* Names of uploads, or an array of arrays: the pairs themselves, which are a number once they are a file. */
static int read_files(struct job_request *spec, const json_t *object, const char *member, struct err *err)
{
	const json_t *value = json_object_get(object, member);

	spec->has_texts = json_is_integer(value) || json_is_array(json_array_get(value, 0));
	if (!spec->has_texts && spec_corpora(spec, object, member, err) != 0)
		return -1;
	if (!spec->has_texts && spec->corpora_n == 0)
		return job_request_wrong(err, member, "names of uploaded corpora, or an array of pairs");
	spec->train.files_n = spec->has_texts ? 1 : spec->corpora_n;
	return 0;
}

static int read_kind(struct job_request *spec, const json_t *object, struct err *err)
{
	const char *name = "auto";
	int kind;

	if (json_get_text(&name, object, "kind", err) < 0)
		return -1;
	kind = pairs_parse(name);
	if (kind < 0 || (spec->has_texts && kind != PAIRS_AUTO))
		return job_request_wrong(
			err, "kind",
			"auto, pairs, groups, labelled or scored, and absent when the request holds "
			"the pairs");
	/* A pair's first text may be a number, as a group's name is. */
	if (spec->has_texts)
		kind = spec->train.scored ? PAIRS_SCORED : PAIRS_PAIRS;
	spec->train.pairs.kind = (enum pairs_kind)kind;
	return 0;
}

static int read_sources(struct job_request *spec, const json_t *object, struct err *err)
{
	bool scored = there(object, "scored");

	if (scored == there(object, "pairs"))
		return job_request_wrong(
			err, "pairs",
			"names of uploaded corpora, or an array of pairs; either that or `scored`");
	spec->train.scored = scored;
	spec->train.pairs = train_options_default(spec->train.learn == LEARN_LSTM      ? TRAIN_LSTM
						  : spec->train.learn == LEARN_VECTORS ? TRAIN_VECTORS
										       : TRAIN_WEIGHTS,
						  scored, false);
	return read_files(spec, object, scored ? "scored" : "pairs", err) ||
			       spec_corpora(spec, object, "dev", err) || read_kind(spec, object, err)
		       ? -1
		       : 0;
}

static int read_objective(struct job_request *spec, const json_t *object, struct err *err)
{
	struct objective_options *o = &spec->train.pairs.objective;
	const char *name = objective_name(o->kind);
	const char *negatives = negatives_name(o->negatives);
	double temperature, margin = o->margin;
	int kind;

	if (json_get_text(&name, object, "objective", err) < 0 ||
	    json_get_text(&negatives, object, "negatives", err) < 0 ||
	    json_get_number(&margin, object, "margin", 0, 2, err) < 0)
		return -1;
	kind = objective_parse(name);
	if (kind < 0 || objective_scored((enum objective_kind)kind) != spec->train.scored)
		return job_request_wrong(err, "objective",
					 spec->train.scored ? "pearson or cosent, which learn from `scored`"
							    : "infonce or margin, which learn from `pairs`");
	o->kind = (enum objective_kind)kind;
	kind = negatives_parse(negatives);
	if (kind < 0)
		return job_request_wrong(err, "negatives", "max, mix or random");
	o->negatives = (enum negatives)kind;
	o->margin = (float)margin;
	temperature = objective_temperature(o->kind);
	if (json_get_number(&temperature, object, "temperature", 1e-3, 1e3, err) < 0)
		return -1;
	o->temperature = (float)temperature;
	return 0;
}

static int read_run(struct train_options *o, const json_t *object, struct err *err)
{
	uint64_t epochs = o->loop.epochs, batch = o->batch, patience = 0, scores = 4, dimensions = 0;

	o->seed = 1;
	if (json_get_count(&epochs, object, "epochs", 1, EPOCHS_MOST, err) < 0 ||
	    json_get_count(&batch, object, "batch", 2, BATCH_MOST, err) < 0 ||
	    json_get_count(&patience, object, "patience", 0, EPOCHS_MOST, err) < 0 ||
	    json_get_count(&scores, object, "scores", 1, SCORES_MOST, err) < 0 ||
	    json_get_count(&dimensions, object, "dimensions", 1, MODEL_DIMENSIONS_MAX, err) < 0 ||
	    json_get_count(&o->seed, object, "seed", 0, INT64_MAX, err) < 0 ||
	    json_get_number(&o->loop.warmup, object, "warmup", 0, 0.99, err) < 0 ||
	    spec_workers(&o->workers, object, err) != 0)
		return -1;
	o->loop.epochs = epochs;
	o->loop.scores = scores;
	o->loop.patience = patience;
	o->batch = batch;
	o->dimensions = dimensions;
	return 0;
}

static int read_rates(struct job_request *spec, const json_t *object, struct err *err)
{
	struct train_options *o = &spec->train.pairs;
	bool layer = spec->train.learn == LEARN_LSTM;

	return json_get_number(&o->rate, object, "lr", layer ? 1e-9 : 0, rate_most, err) < 0 ||
			       json_get_number(&o->weight_rate, object, "lr_weights", 0, rate_most, err) <
				       0 ||
			       json_get_number(&o->matrix_rate, object, "lr_matrix", 0, rate_most, err) < 0 ||
			       json_get_number(&o->l2, object, "l2", 0, 1e5, err) < 0 ||
			       json_get_bool(&o->matrix, object, "matrix", err) < 0
		       ? -1
		       : 0;
}

static int read_layer(struct job_request *spec, const json_t *object, struct err *err)
{
	struct train_options *o = &spec->train.pairs;
	uint64_t states = o->states, layers = o->layers, directions = o->directions;
	const char *name = pooling_name(o->pooling);
	int pooling;

	if (json_get_count(&states, object, "states", STATES_LEAST, MODEL_LSTM_MAX, err) < 0 ||
	    json_get_count(&layers, object, "layers", 1, MODEL_LSTM_LAYERS, err) < 0 ||
	    json_get_count(&directions, object, "directions", 1, 2, err) < 0 ||
	    json_get_text(&name, object, "pooling", err) < 0 || spec_rows_type(&o->type, object, err) < 0 ||
	    json_get_number(&o->dropout, object, "dropout", 0, 0.99, err) < 0 ||
	    json_get_number(&o->scramble, object, "scramble", 0, 1, err) < 0)
		return -1;
	pooling = pooling_parse(name);
	if (pooling < 0)
		return job_request_wrong(err, "pooling", "mean, max, last or attention");
	if (layers * states * spec->train.pairs.batch > LSTM_BATCH_MOST)
		return job_request_wrong(err, "batch", "at most 262144 over `states` and `layers`");
	o->states = states;
	o->layers = layers;
	o->directions = directions;
	o->pooling = (enum pooling)pooling;
	return 0;
}

static int read_alacarte(struct job_request *spec, const json_t *object, struct err *err)
{
	struct alacarte_options *o = &spec->train.alacarte;
	uint64_t window, words;

	*o = alacarte_options_default();
	window = o->window;
	words = o->max_words;
	if (spec_plain_model(spec, err) != 0 || spec_source(spec, object, err) != 0 ||
	    spec_unit(&o->by_line, object, err) != 0 ||
	    json_get_count(&window, object, "window", 1, ALACARTE_WINDOW_MAX, err) < 0 ||
	    json_get_count(&words, object, "max_words", 1, ALACARTE_FORMS_MAX, err) < 0 ||
	    json_get_count(&o->min_count, object, "min_count", 1, COUNT_MOST, err) < 0 ||
	    json_get_count(&o->fit_count, object, "fit_count", 1, COUNT_MOST, err) < 0)
		return -1;
	o->window = window;
	o->max_words = words;
	return spec_workers(&o->workers, object, err);
}

static int read_from_pairs(struct job_request *spec, const json_t *object, struct err *err)
{
	int method;

	/* 4 bytes a word, as a fit's. */
	spec->overlay = spec->train.learn != LEARN_VECTORS;
	if (read_sources(spec, object, err) != 0 || read_objective(spec, object, err) != 0 ||
	    read_run(&spec->train.pairs, object, err) != 0 || read_rates(spec, object, err) != 0 ||
	    json_get_bool(&spec->overlay, object, "overlay", err) < 0)
		return -1;
	if (spec->train.learn == LEARN_LSTM)
		return spec_plain_model(spec, err) || read_layer(spec, object, err) ? -1 : 0;
	method = json_get_text(&spec->methods[0], object, "method", err);
	spec->methods_n = method > 0;
	return method < 0 ? -1 : 0;
}

int spec_train(struct job_request *spec, json_t *object, struct err *err)
{
	if (refuse_teacher(object, err) != 0 || read_learn(spec, object, err) != 0 ||
	    check_members(spec->train.learn, object, err) != 0 || spec_model(spec, object, err) != 0 ||
	    spec_name(&spec->output, object, "output", true, err) != 0)
		return -1;
	return spec->train.learn == LEARN_ALACARTE ? read_alacarte(spec, object, err)
						   : read_from_pairs(spec, object, err);
}
