#include "jobs/job_request_private.h"

#include "base/err.h"
#include "base/json_fields.h"
#include "model/method.h"
#include "model/model.h"
#include "model/registry.h"

#include <string.h>

enum { PRIOR_MAX = 1000 * 1000 * 1000 };

const char *job_type_name(enum job_type type)
{
	static const char *const names[JOB_TYPES] = { "fit", "import", "train", "embed", "eval" };

	return names[type];
}

int job_request_wrong(struct err *err, const char *name, const char *expected)
{
	(void)err_set(err, ERR_INPUT, "`%s` must be %s", name, expected);
	return err_param(err, name);
}

static int read_type(struct job_request *spec, const json_t *object, struct err *err)
{
	const char *name = NULL;

	if (json_get_text(&name, object, "type", err) < 0)
		return -1;
	for (int i = 0; name && i < JOB_TYPES; i++)
		if (strcmp(name, job_type_name((enum job_type)i)) == 0) {
			spec->type = (enum job_type)i;
			return 0;
		}
	return job_request_wrong(err, "type", "one of fit, import, train, embed, eval");
}

/* A name of the folder of models, corpora or vectors: never a path. */
int spec_name(const char **name, const json_t *object, const char *member, bool required, struct err *err)
{
	int there = json_get_text(name, object, member, err);

	if (there < 0)
		return -1;
	if (there == 0)
		return required ? job_request_wrong(err, member, "a name; it is missing") : 0;
	if (registry_check_name(*name, strlen(*name), err) == 0)
		return 0;
	return job_request_wrong(
		err, member,
		"a name of 1 to 128 letters, digits, dots, hyphens and underscores, not beginning with a "
		"dot");
}

static int add_corpus(struct job_request *spec, const char *member, const json_t *value, struct err *err)
{
	if (!json_is_string(value))
		return job_request_wrong(err, member, "the name of a corpus, or an array of such");
	if (spec->corpora_n == LIMIT_JOB_CORPORA)
		return job_request_wrong(err, member, "an array of at most 16 names");
	spec->corpora[spec->corpora_n++] = json_string_value(value);
	if (registry_check_name(json_string_value(value), json_string_length(value), err) == 0)
		return 0;
	return job_request_wrong(err, member, "the name of a corpus, as it was PUT to /v1/corpora/NAME");
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
		if (add_corpus(spec, member, json_array_get(value, i), err) != 0)
			return -1;
	return 0;
}

/* A corpus or texts. */
int spec_source(struct job_request *spec, const json_t *object, struct err *err)
{
	const json_t *texts = json_object_get(object, "texts");

	if (spec_corpora(spec, object, "corpus", err) != 0)
		return -1;
	spec->has_texts = texts && !json_is_null(texts);
	if (spec->has_texts && spec->corpora_n)
		return job_request_wrong(err, "texts", "absent when there is a corpus");
	if (!spec->has_texts && !spec->corpora_n)
		return job_request_wrong(err, "corpus", "the name of a corpus, unless there are `texts`");
	return 0;
}

int spec_model(struct job_request *spec, const json_t *object, struct err *err)
{
	spec->model = "";
	return json_get_text(&spec->model, object, "model", err) < 0 ? -1 : 0;
}

int spec_plain_model(const struct job_request *spec, struct err *err)
{
	return strchr(spec->model, ':')
		       ? job_request_wrong(err, "model", "the name of a model, without a method")
		       : 0;
}

static int read_fit_method(struct job_request *spec, const json_t *object, struct err *err)
{
	const char *name = NULL;
	int method;
	int there = json_get_text(&name, object, "method", err);

	if (there <= 0)
		return there;
	method = method_parse(name, strlen(name));
	if (method < 0 || !fit_method((enum method)method))
		return job_request_wrong(err, "method", "one of sif, usif, whiten, weighted");
	spec->fit.method = (enum method)method;
	return 0;
}

int spec_unit(bool *by_line, const json_t *object, struct err *err)
{
	const char *unit = "sentence";

	if (json_get_text(&unit, object, "unit", err) < 0)
		return -1;
	*by_line = strcmp(unit, "line") == 0;
	if (!*by_line && strcmp(unit, "sentence") != 0)
		return job_request_wrong(err, "unit", "sentence or line");
	return 0;
}

int spec_workers(size_t *workers, const json_t *object, struct err *err)
{
	uint64_t n = *workers;

	if (json_get_count(&n, object, "workers", 1, SPEC_WORKERS_MAX, err) < 0)
		return -1;
	*workers = n;
	return 0;
}

/* 4 bytes a word: a daemon may hold a model for every customer.  New words take rows. */
static int read_fit_form(struct job_request *spec, const json_t *object, struct err *err)
{
	uint64_t words = GROW_USUAL;
	int asked;

	spec->overlay = !spec->fit.fold;
	if (json_get_count(&words, object, "new_words", 0, ALACARTE_FORMS_MAX, err) < 0)
		return -1;
	spec->new_words = words;
	asked = json_get_bool(&spec->overlay, object, "overlay", err);
	if (asked <= 0 || !spec->overlay)
		return asked < 0 ? -1 : 0;
	if (spec->fit.fold)
		return job_request_wrong(err, "overlay", "false with `fold`, which writes whole rows");
	if (spec->new_words != GROW_USUAL && spec->new_words > 0)
		return job_request_wrong(err, "new_words", "0 with `overlay`, which writes no rows");
	spec->new_words = 0;
	return 0;
}

static int read_fit(struct job_request *spec, json_t *object, struct err *err)
{
	static const char *const known[] = { "type",	"model", "corpus",	"texts",     "output",
					     "method",	"a",	 "components",	"power",     "prior",
					     "unit",	"fold",	 "keep_counts", "min_count", "overlay",
					     "workers", "seed",	 "new_words",	NULL };
	struct fit_options *fit = &spec->fit;
	uint64_t components, seed;

	spec->fit = fit_options_default();
	components = fit->components;
	if (json_only(object, known, err) != 0 || spec_model(spec, object, err) != 0 ||
	    spec_source(spec, object, err) != 0 ||
	    spec_name(&spec->output, object, "output", true, err) != 0 ||
	    read_fit_method(spec, object, err) != 0 || spec_unit(&fit->by_line, object, err) != 0 ||
	    json_get_number(&fit->a, object, "a", 1e-12, 1e3, err) < 0 ||
	    json_get_count(&components, object, "components", 0, MODEL_COMPONENTS_MAX, err) < 0 ||
	    json_get_number(&fit->power, object, "power", 0, 2, err) < 0 ||
	    json_get_number(&fit->prior, object, "prior", 0, PRIOR_MAX, err) < 0 ||
	    json_get_count(&fit->min_count, object, "min_count", 0, INT64_MAX, err) < 0 ||
	    json_get_count(&seed, object, "seed", 0, INT64_MAX, err) < 0 ||
	    json_get_bool(&fit->fold, object, "fold", err) < 0 ||
	    json_get_bool(&fit->keep_counts, object, "keep_counts", err) < 0 ||
	    spec_workers(&fit->workers, object, err) != 0)
		return -1;
	fit->components = components;
	if (spec_plain_model(spec, err) != 0)
		return -1;
	return read_fit_form(spec, object, err);
}

int spec_rows_type(enum rows_type *type, const json_t *object, struct err *err)
{
	const char *name = "f32";
	int found;

	if (json_get_text(&name, object, "dtype", err) < 0)
		return -1;
	found = rows_type_parse(name);
	if (found < 0)
		return job_request_wrong(err, "dtype", ROWS_TYPE_NAMES);
	*type = (enum rows_type)found;
	return 0;
}

static int read_import_format(struct job_request *spec, const json_t *object, struct err *err)
{
	const char *name = "auto";
	int format;

	if (json_get_text(&name, object, "format", err) < 0)
		return -1;
	format = import_format_parse(name);
	if (format < 0)
		return job_request_wrong(err, "format", "auto, glove, word2vec, fasttext or safetensors");
	spec->import.format = (enum import_format)format;
	return 0;
}

static int read_import(struct job_request *spec, json_t *object, struct err *err)
{
	static const char *const known[] = { "type",	  "vectors", "corpus", "output",  "format", "dtype",
					     "max_words", "counts",  "a",      "workers", NULL };
	uint64_t max_words = 0;

	if (json_only(object, known, err) != 0 ||
	    spec_name(&spec->output, object, "output", true, err) != 0 ||
	    spec_name(&spec->vectors, object, "vectors", false, err) != 0 ||
	    spec_name(&spec->counts, object, "counts", false, err) != 0 ||
	    spec_corpora(spec, object, "corpus", err) != 0 || read_import_format(spec, object, err) != 0 ||
	    spec_rows_type(&spec->import.type, object, err) != 0 ||
	    json_get_count(&max_words, object, "max_words", 1, MODEL_WORDS_MAX, err) < 0 ||
	    json_get_number(&spec->import.a, object, "a", 1e-12, 1e3, err) < 0 ||
	    spec_workers(&spec->import.workers, object, err) != 0)
		return -1;
	spec->import.max_words = max_words;
	if ((spec->vectors != NULL) + spec->corpora_n != 1)
		return job_request_wrong(
			err, "vectors",
			"the name of a file in the imports folder, or `corpus` that of an upload");
	return 0;
}

static int read_form(struct job_request *spec, const json_t *object, struct err *err)
{
	const char *form = "npy";

	if (json_get_text(&form, object, "format", err) < 0)
		return -1;
	if (strcmp(form, "npy") == 0)
		spec->form = JOB_NPY;
	else if (strcmp(form, "jsonl") == 0)
		spec->form = JOB_JSONL;
	else
		return job_request_wrong(err, "format", "npy or jsonl");
	return 0;
}

static int read_embed(struct job_request *spec, json_t *object, struct err *err)
{
	static const char *const known[] = { "type",   "model",	    "corpus", "texts",
					     "method", "normalize", "format", NULL };
	int there;

	spec->normalize = true;
	if (json_only(object, known, err) != 0 || spec_model(spec, object, err) != 0 ||
	    spec_source(spec, object, err) != 0 || read_form(spec, object, err) != 0 ||
	    json_get_bool(&spec->normalize, object, "normalize", err) < 0)
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
		return job_request_wrong(err, "method", "a method, or an array of 1 to 8 of them");
	for (size_t i = 0; i < n; i++) {
		const char *name = json_string_value(json_array_get(value, i));

		if (!name)
			return job_request_wrong(err, "method", "a method, or an array of 1 to 8 of them");
		spec->methods[spec->methods_n++] = name;
	}
	return 0;
}

static int read_eval(struct job_request *spec, json_t *object, struct err *err)
{
	static const char *const known[] = { "type", "model", "sets", "method", "workers", NULL };

	if (json_only(object, known, err) != 0 || spec_model(spec, object, err) != 0 ||
	    spec_corpora(spec, object, "sets", err) != 0 || read_methods(spec, object, err) != 0 ||
	    spec_workers(&spec->fit.workers, object, err) != 0)
		return -1;
	if (spec->corpora_n == 0)
		return job_request_wrong(
			err, "sets",
			"the names of uploaded corpora with `text TAB text TAB gold`, `label TAB text` or "
			"`label TAB text TAB text` a line");
	return 0;
}

int job_request_read(struct job_request *spec, json_t *object, struct err *err)
{
	static int (*const readers[JOB_TYPES])(struct job_request *, json_t *,
					       struct err *) = { read_fit, read_import, spec_train,
								 read_embed, read_eval };

	memset(spec, 0, sizeof(*spec));
	if (read_type(spec, object, err) != 0)
		return -1;
	return readers[spec->type](spec, object, err);
}
