/* A train job: the options of `sifd train`, with names of uploads, or pairs, where that has files. */
#include "base/err.h"
#include "base/json_fields.h"
#include "jobs/job_request_private.h"

#include <string.h>

/* Layers times states times pairs of a step: what an LSTM's step remembers of up to 512 words per text. */
enum { LSTM_BATCH_MOST = 1024 * 256 };

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
	static const struct param_row learn[] = {
		PARAM(PARAM_CHOICE, "learn", NULL, "", NULL, PARAM_FIELD(struct job_train, learn),
		      PARAM_NAMES(learn_names, 0, LEARN_ALACARTE), { PARAM_ALWAYS, LEARNS }),
		{ 0 },
	};

	if (params_read(learn, PARAM_ALWAYS, &spec->train, object, err))
		return -1;
	return spec->train.learn < LEARNS
		       ? 0
		       : json_expected("learn", "weights, vectors, lstm or alacarte; it is missing", err);
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

/* Names of uploads, or an array of arrays: the pairs themselves, which are a number once they are a file. */
static int read_files(struct job_request *spec, const json_t *object, const char *member, struct err *err)
{
	const json_t *value = json_object_get(object, member);

	spec->has_texts = json_is_integer(value) || json_is_array(json_array_get(value, 0));
	if (!spec->has_texts && spec_corpora(spec, object, member, err))
		return -1;
	if (!spec->has_texts && spec->corpora_n == 0)
		return json_expected(member, "names of uploaded corpora, or an array of pairs", err);
	spec->train.files_n = spec->has_texts ? 1 : spec->corpora_n;
	return 0;
}

static int read_alacarte(struct job_request *spec, json_t *object, struct err *err)
{
	return spec_options(spec, GOAL_ALACARTE, object, err) || spec_model(spec, false, object, err) ||
			       spec_source(spec, object, err)
		       ? -1
		       : 0;
}

/* The kind of pairs that the request itself holds: a pair's first text may be a number, as a group's name. */
static int check_kind(struct job_request *spec, struct err *err)
{
	struct train_options *o = &spec->train.pairs;

	if (!spec->has_texts)
		return 0;
	if (o->kind != PAIRS_AUTO)
		return json_expected("kind", "absent when the request holds the pairs", err);
	o->kind = spec->train.scored ? PAIRS_SCORED : PAIRS_PAIRS;
	return 0;
}

static int read_from_pairs(struct job_request *spec, json_t *object, struct err *err)
{
	struct train_options *o = &spec->train.pairs;
	bool scored = there(object, "scored");
	int method;

	if (scored == there(object, "pairs"))
		return json_expected(
			"pairs", "names of uploaded corpora, or an array of pairs; either that or `scored`",
			err);
	spec->train.scored = scored;
	*o = train_options_default((enum train_learn)spec->train.learn, scored, false);
	spec->overlay = spec->train.learn != TRAIN_VECTORS; /* 4 bytes per word, as a fit's */
	if (spec_options(spec, train_goal(o->learn, scored, false), object, err) ||
	    spec_model(spec, o->learn != TRAIN_LSTM, object, err) ||
	    read_files(spec, object, scored ? "scored" : "pairs", err) ||
	    spec_corpora(spec, object, "dev", err) || check_kind(spec, err) ||
	    json_get_bool(&spec->overlay, object, "overlay", err) < 0)
		return -1;
	if (o->layers * o->states * o->batch > LSTM_BATCH_MOST)
		return json_expected("batch", "at most 262144 over `states` and `layers`", err);
	method = json_get_text(&spec->methods[0], object, "method", err);
	spec->methods_n = method > 0;
	return method < 0 ? -1 : 0;
}

int spec_train(struct job_request *spec, json_t *object, struct err *err)
{
	if (refuse_teacher(object, err) || read_learn(spec, object, err) ||
	    spec_name(&spec->output, object, "output", true, err))
		return -1;
	return spec->train.learn == LEARN_ALACARTE ? read_alacarte(spec, object, err)
						   : read_from_pairs(spec, object, err);
}
