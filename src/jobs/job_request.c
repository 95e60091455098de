/* The JSON of POST /v1/jobs: what every type of job has, and all of fit, import, embed and eval. */
#include "jobs/job_request_private.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/json_fields.h"
#include "embed/embedder.h"
#include "learn/params.h"
#include "model/method.h"
#include "model/model.h"
#include "model/registry.h"

#include <string.h>

static const char *const type_names[JOB_TYPES] = { "fit", "import", "train", "embed", "eval" };
static const char *const format_names[] = { [JOB_NPY] = "npy", [JOB_JSONL] = "jsonl" };

#define TEXT "{\"type\":\"string\"}"
#define TEXTS "{\"type\":\"array\",\"minItems\":1,\"items\":" TEXT "}"
#define NAMES "{\"oneOf\":[" TEXT "," TEXTS "]}"
#define PAIR "{\"type\":\"array\",\"minItems\":2,\"maxItems\":2,\"items\":" TEXT "}"
#define SCORED                                                                                               \
	"{\"type\":\"array\",\"minItems\":3,\"maxItems\":3,\"items\":{\"oneOf\":[" TEXT                      \
	",{\"type\":\"number\"}]}}"
#define MANY(one) "{\"oneOf\":[" TEXT "," TEXTS ",{\"type\":\"array\",\"minItems\":1,\"items\":" one "}]}"
#define MEMBER(name, schema, goals)                                                                          \
	PARAM(PARAM_JSON, name, schema, "", NULL, PARAM_NO_FIELD, PARAM_ANY, { goals, 0 })

/* Members that are no options: read here, by name. */
static const struct param_row members[] = {
	MEMBER("model", TEXT, GOALS_TRAIN | GOAL_FIT | GOAL_EMBED | GOAL_EVAL),
	MEMBER("corpus", NAMES, GOAL_FIT | GOAL_IMPORT | GOAL_EMBED | GOAL_ALACARTE),
	MEMBER("texts", TEXTS, GOAL_FIT | GOAL_EMBED | GOAL_ALACARTE),
	MEMBER("sets", NAMES, GOAL_EVAL),
	MEMBER("vectors", TEXT, GOAL_IMPORT),
	MEMBER("counts", TEXT, GOAL_IMPORT),
	MEMBER("pairs", MANY(PAIR), GOALS_UNSCORED),
	MEMBER("scored", MANY(SCORED), GOALS_SCORED),
	MEMBER("dev", NAMES, GOALS_PAIRS),
	MEMBER("output", TEXT, GOALS_TRAIN | GOAL_FIT | GOAL_IMPORT),
	MEMBER("method", TEXT, GOALS_TABLE | GOAL_EMBED),
	MEMBER("method", NAMES, GOAL_EVAL),
	MEMBER("overlay", "{\"type\":\"boolean\",\"nullable\":true}", GOAL_FIT | GOALS_WEIGHTS | GOALS_LSTM),
	PARAM(PARAM_CHOICE, "format", "FORM", "of the vectors", NULL, PARAM_FIELD(struct job_request, form),
	      PARAM_NAMES(format_names, JOB_NPY, JOB_JSONL), { GOAL_EMBED, JOB_NPY }),
	{ 0 },
};

static const struct param_row eval_params[] = { PARAM_WORKERS(struct job_request, fit.workers), { 0 } };

/* The options of each type, and where in the request they go. */
static const struct {
	const struct param_row *rows;
	size_t at;
} tables[JOB_TYPES][4] = {
	[JOB_FIT] = { { members, 0 },
		      { fit_params, offsetof(struct job_request, fit) },
		      { grow_params, offsetof(struct job_request, new_words) } },
	[JOB_IMPORT] = { { members, 0 }, { import_params, offsetof(struct job_request, import) } },
	[JOB_TRAIN] = { { members, 0 },
			{ train_params, offsetof(struct job_request, train.pairs) },
			{ alacarte_params, offsetof(struct job_request, train.alacarte) } },
	[JOB_EMBED] = { { members, 0 }, { embedder_params, offsetof(struct job_request, normalize) } },
	[JOB_EVAL] = { { members, 0 }, { eval_params, 0 } },
};

/* What may be asked for, with the members that must be there. */
static const struct {
	const char *title, *learn, *required;
	enum job_type type;
	unsigned goal;
} forms[] = {
	{ "fit", NULL, "output", JOB_FIT, GOAL_FIT },
	{ "import", NULL, "output", JOB_IMPORT, GOAL_IMPORT },
	{ "train weights", "weights", "output\",\"pairs", JOB_TRAIN, GOAL_WEIGHTS },
	{ "train weights, scored pairs", "weights", "output\",\"scored", JOB_TRAIN, GOAL_WEIGHTS_SCORED },
	{ "train vectors", "vectors", "output\",\"pairs", JOB_TRAIN, GOAL_VECTORS },
	{ "train vectors, scored pairs", "vectors", "output\",\"scored", JOB_TRAIN, GOAL_VECTORS_SCORED },
	{ "train an lstm", "lstm", "output\",\"pairs", JOB_TRAIN, GOAL_LSTM },
	{ "train an lstm, scored pairs", "lstm", "output\",\"scored", JOB_TRAIN, GOAL_LSTM_SCORED },
	{ "train alacarte", "alacarte", "output", JOB_TRAIN, GOAL_ALACARTE },
	{ "embed", NULL, NULL, JOB_EMBED, GOAL_EMBED },
	{ "eval", NULL, "sets", JOB_EVAL, GOAL_EVAL },
};

const char *job_type_name(enum job_type type)
{
	return type_names[type];
}

void job_request_put_schema(struct buf *to)
{
	buf_text(to, "{\"oneOf\":[");
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		buf_printf(to,
			   "%s{\"title\":\"%s\",\"type\":\"object\",\"properties\":{\"type\":{\"type\":"
			   "\"string\","
			   "\"enum\":[\"%s\"]},",
			   i ? "," : "", forms[i].title, type_names[forms[i].type]);
		if (forms[i].learn)
			buf_printf(to, "\"learn\":{\"type\":\"string\",\"enum\":[\"%s\"]},", forms[i].learn);
		for (size_t t = 0; tables[forms[i].type][t].rows; t++)
			params_put_schema(to, tables[forms[i].type][t].rows, forms[i].goal);
		to->len--; /* the last comma */
		buf_text(to, "},\"required\":[\"type\"");
		if (forms[i].learn)
			buf_text(to, ",\"learn\"");
		if (forms[i].required)
			buf_printf(to, ",\"%s\"", forms[i].required);
		buf_text(to, "]}");
	}
	buf_text(to, "]}");
}

static int read_type(struct job_request *spec, const json_t *object, struct err *err)
{
	const char *name = NULL;

	if (json_get_text(&name, object, "type", err) < 0)
		return -1;
	for (int i = 0; name && i < JOB_TYPES; i++)
		if (strcmp(name, type_names[i]) == 0) {
			spec->type = (enum job_type)i;
			return 0;
		}
	return json_expected("type", "one of fit, import, train, embed, eval", err);
}

/* Members that no goal of this type has. */
static int check_known(enum job_type type, unsigned goals, json_t *object, struct err *err)
{
	const char *known[80] = { "type", type == JOB_TRAIN ? "learn" : "type" };
	size_t n = 2;

	for (size_t t = 0; tables[type][t].rows; t++)
		for (const struct param_row *row = tables[type][t].rows; row->name; row++)
			if (n < sizeof(known) / sizeof(known[0]) - 1 &&
			    params_find(row, row->name, goals) == row)
				known[n++] = row->name;
	return json_only(object, known, err);
}

int spec_options(struct job_request *spec, unsigned goal, json_t *object, struct err *err)
{
	static const struct param_row *const train[] = { members, train_params, alacarte_params, NULL };
	static const struct param_goals names[] = {
		{ "weights", GOALS_WEIGHTS },
		{ "vectors", GOALS_VECTORS },
		{ "lstm", GOALS_LSTM },
		{ "alacarte", GOAL_ALACARTE },
		{ NULL, 0 },
	};
	enum job_type type = spec->type;
	const char *name;
	json_t *value;

	if (check_known(type, type == JOB_TRAIN ? GOALS_TRAIN : goal, object, err))
		return -1;
	json_object_foreach(object, name, value)
	{
		char label[64];

		(void)snprintf(label, sizeof(label), "`%.60s`", name);
		if (type == JOB_TRAIN && !json_is_null(value) &&
		    params_refuse(train, name, goal, names, label, err))
			return -1;
	}
	for (size_t t = 0; tables[type][t].rows; t++)
		if (params_read(tables[type][t].rows, goal, (char *)spec + tables[type][t].at, object, err))
			return -1;
	return 0;
}

/* A name of the folder of models, corpora or vectors: never a path. */
int spec_name(const char **name, const json_t *object, const char *member, bool required, struct err *err)
{
	int there = json_get_text(name, object, member, err);

	if (there < 0)
		return -1;
	if (there == 0)
		return required ? json_expected(member, "a name; it is missing", err) : 0;
	if (registry_check_name(*name, strlen(*name), err) == 0)
		return 0;
	return json_expected(
		member,
		"a name of 1 to 128 letters, digits, dots, hyphens and underscores, not beginning with a "
		"dot",
		err);
}

static int add_corpus(struct job_request *spec, const char *member, const json_t *value, struct err *err)
{
	if (!json_is_string(value))
		return json_expected(member, "the name of a corpus, or an array of such", err);
	if (spec->corpora_n == LIMIT_JOB_CORPORA)
		return json_expected(member, "an array of at most 16 names", err);
	spec->corpora[spec->corpora_n++] = json_string_value(value);
	if (registry_check_name(json_string_value(value), json_string_length(value), err) == 0)
		return 0;
	return json_expected(member, "the name of a corpus, as it was PUT to /v1/corpora/NAME", err);
}

/* A name or an array of names. */
int spec_corpora(struct job_request *spec, const json_t *object, const char *member, struct err *err)
{
	const json_t *value = json_object_get(object, member);

	if (!value || json_is_null(value))
		return 0;
	if (!json_is_array(value))
		return add_corpus(spec, member, value, err);
	for (size_t i = 0; i < json_array_size(value); i++)
		if (add_corpus(spec, member, json_array_get(value, i), err))
			return -1;
	return 0;
}

/* A corpus or texts. */
int spec_source(struct job_request *spec, const json_t *object, struct err *err)
{
	const json_t *texts = json_object_get(object, "texts");

	if (spec_corpora(spec, object, "corpus", err))
		return -1;
	spec->has_texts = texts && !json_is_null(texts);
	if (spec->has_texts && spec->corpora_n)
		return json_expected("texts", "absent when there is a corpus", err);
	if (!spec->has_texts && !spec->corpora_n)
		return json_expected("corpus", "the name of a corpus, unless there are `texts`", err);
	return 0;
}

int spec_model(struct job_request *spec, bool with_method, const json_t *object, struct err *err)
{
	spec->model = "";
	if (json_get_text(&spec->model, object, "model", err) < 0)
		return -1;
	return with_method || !strchr(spec->model, ':')
		       ? 0
		       : json_expected("model", "the name of a model, without a method", err);
}

/* 4 bytes a word: a daemon may hold a model for every customer.  New words take rows. */
static int read_fit_form(struct job_request *spec, const json_t *object, struct err *err)
{
	int asked;

	spec->overlay = !spec->fit.fold;
	asked = json_get_bool(&spec->overlay, object, "overlay", err);
	if (asked <= 0 || !spec->overlay)
		return asked < 0 ? -1 : 0;
	if (spec->fit.fold)
		return json_expected("overlay", "false with `fold`, which writes whole rows", err);
	if (spec->new_words != GROW_USUAL && spec->new_words > 0)
		return json_expected("new_words", "0 with `overlay`, which writes no rows", err);
	spec->new_words = 0;
	return 0;
}

static int read_fit(struct job_request *spec, json_t *object, struct err *err)
{
	return spec_options(spec, GOAL_FIT, object, err) || spec_model(spec, false, object, err) ||
			       spec_source(spec, object, err) ||
			       spec_name(&spec->output, object, "output", true, err) ||
			       read_fit_form(spec, object, err)
		       ? -1
		       : 0;
}

static int read_import(struct job_request *spec, json_t *object, struct err *err)
{
	if (spec_options(spec, GOAL_IMPORT, object, err) ||
	    spec_name(&spec->output, object, "output", true, err) ||
	    spec_name(&spec->vectors, object, "vectors", false, err) ||
	    spec_name(&spec->counts, object, "counts", false, err) ||
	    spec_corpora(spec, object, "corpus", err))
		return -1;
	if ((spec->vectors != NULL) + spec->corpora_n != 1)
		return json_expected(
			"vectors", "the name of a file in the imports folder, or `corpus` that of an upload",
			err);
	return 0;
}

static int read_embed(struct job_request *spec, json_t *object, struct err *err)
{
	int there;

	if (spec_options(spec, GOAL_EMBED, object, err) || spec_model(spec, true, object, err) ||
	    spec_source(spec, object, err))
		return -1;
	there = json_get_text(&spec->methods[0], object, "method", err);
	spec->methods_n = there > 0;
	return there < 0 ? -1 : 0;
}

/* "method": "sif" or ["mean", "sif"] */
static int read_methods(struct job_request *spec, const json_t *object, struct err *err)
{
	const json_t *value = json_object_get(object, "method");
	size_t n = json_array_size(value);

	if (json_is_string(value)) {
		spec->methods[spec->methods_n++] = json_string_value(value);
		return 0;
	}
	if (!value || json_is_null(value))
		return 0;
	if (n == 0 || n > LIMIT_JOB_METHODS)
		return json_expected("method", "a method, or an array of 1 to 8 of them", err);
	for (size_t i = 0; i < n; i++) {
		const char *name = json_string_value(json_array_get(value, i));

		if (!name)
			return json_expected("method", "a method, or an array of 1 to 8 of them", err);
		spec->methods[spec->methods_n++] = name;
	}
	return 0;
}

static int read_eval(struct job_request *spec, json_t *object, struct err *err)
{
	if (spec_options(spec, GOAL_EVAL, object, err) || spec_model(spec, true, object, err) ||
	    spec_corpora(spec, object, "sets", err) || read_methods(spec, object, err))
		return -1;
	if (spec->corpora_n == 0)
		return json_expected(
			"sets",
			"the names of uploaded corpora with `text TAB text TAB gold`, `label TAB text` or "
			"`label TAB text TAB text` a line",
			err);
	return 0;
}

int job_request_read(struct job_request *spec, json_t *object, struct err *err)
{
	static int (*const readers[JOB_TYPES])(struct job_request *, json_t *,
					       struct err *) = { read_fit, read_import, spec_train,
								 read_embed, read_eval };

	memset(spec, 0, sizeof(*spec));
	if (read_type(spec, object, err))
		return -1;
	return readers[spec->type](spec, object, err);
}
