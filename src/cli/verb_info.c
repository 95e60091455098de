/* `sifd info` and `sifd verify`: what is in a model file, and whether it is sound. */
#include "base/err.h"
#include "base/json.h"
#include "cli/cli.h"
#include "model/model.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct info_call {
	struct model_choice choice;
	bool json;
};

static json_t *methods_of(const struct model *m)
{
	json_t *list = json_array();

	for (int i = 0; i < METHOD_COUNT; i++)
		if (model_has(m, (enum method)i))
			(void)json_array_append_new(list, json_string(method_names[i]));
	return list;
}

static void set(json_t *o, const char *key, json_t *value)
{
	(void)json_object_set_new(o, key, value);
}

/* One object holds every fact; the text form prints the same, line by line. */
static json_t *facts_of(const struct model *m)
{
	const struct model_facts *f = &m->facts;
	json_t *o = json_object();
	char unknown[64];

	set(o, "path", json_string(m->path));
	set(o, "fingerprint", json_string(m->fingerprint));
	set(o, "words", json_integer((json_int_t)m->rows.n));
	set(o, "dim", json_integer((json_int_t)m->rows.d));
	set(o, "rows", json_string(rows_type_names[m->rows.type]));
	set(o, "source", json_string(f->source));
	set(o, "program", json_string(f->program));
	set(o, "method", json_string(method_names[f->method]));
	set(o, "methods", methods_of(m));
	set(o, "normalize", json_string(token_normalize_name(m->rules.normalize)));
	set(o, "strip_accents", json_boolean(m->rules.strip_accents));
	set(o, "split", json_string(token_split_name(m->rules.split)));
	set(o, "unknown", json_string(token_unknown_names(m->rules.unknown, unknown)));
	set(o, "punctuation", json_string(m->rules.keep_punctuation ? "keep" : "drop"));
	if (m->base)
		set(o, "base", json_string(m->base->path));
	set(o, "folded", json_boolean(f->folded));
	set(o, "a", json_real(f->a));
	set(o, "fitted", json_boolean(f->fitted));
	if (!f->fitted)
		return o;
	set(o, "corpus", json_string(f->corpus));
	set(o, "sentences", json_integer((json_int_t)f->sentences));
	set(o, "tokens", json_integer((json_int_t)f->tokens));
	set(o, "coverage", json_real(f->tokens ? (double)f->known / (double)f->tokens : 0.0));
	set(o, "prior", json_real(f->prior));
	set(o, "corpus_share", json_real(f->mass > 0 ? (double)f->sentences / f->mass : 1.0));
	set(o, "components", json_integer((json_int_t)m->k));
	set(o, "explained_variance", json_real(f->explained));
	set(o, "power", json_real(f->power));
	return o;
}

static void put_line(struct buf *out, const char *key, const json_t *value)
{
	buf_printf(out, "%-19s ", key);
	if (json_is_string(value)) {
		buf_text(out, json_string_value(value));
	} else if (json_is_array(value)) {
		for (size_t i = 0; i < json_array_size(value); i++)
			buf_printf(out, "%s%s", i ? " " : "", json_string_value(json_array_get(value, i)));
	} else if (json_is_boolean(value)) {
		buf_text(out, json_is_true(value) ? "yes" : "no");
	} else {
		json_put(out, value);
	}
	buf_byte(out, '\n');
}

static int print_facts(const struct model *m, bool as_json, struct err *err)
{
	json_t *facts = facts_of(m);
	struct buf out = { 0 };
	int failed;

	if (as_json) {
		json_put(&out, facts);
		buf_byte(&out, '\n');
	} else {
		for (void *at = json_object_iter(facts); at; at = json_object_iter_next(facts, at))
			put_line(&out, json_object_iter_key(at), json_object_iter_value(at));
	}
	json_decref(facts);
	failed = cli_print(&out, err);
	buf_free(&out);
	return failed;
}

static int check_info(void *call, const struct arguments *rest, struct err *err)
{
	const struct info_call *c = call;

	return rest->n == 0 || (rest->n == 1 && !c->choice.model)
		       ? 0
		       : err_set(err, ERR_INPUT, "one model is expected");
}

static int run_info(void *call, const struct arguments *rest, struct err *err)
{
	struct info_call *c = call;
	struct model *m;
	int failed;

	if (rest->n)
		c->choice.model = rest->at[0];
	m = cli_open_model(&c->choice, err);
	if (!m)
		return -1;
	failed = print_facts(m, c->json, err);
	model_release(m);
	return failed;
}

static int run_verify(void *call, const struct arguments *rest, struct err *err)
{
	struct info_call *c = call;
	struct model *m;
	char room[4096];
	int failed;

	c->choice.model = rest->at[0];
	m = cli_open_model(&c->choice, err);
	if (!m)
		return -1;
	failed = model_verify(m->path, cli_models_folder(c->choice.models, room), err);
	if (!failed)
		(void)printf("%s: good: %zu words x %zu, fingerprint %s\n", m->path, m->rows.n, m->rows.d,
			     m->fingerprint);
	model_release(m);
	return failed;
}

static const struct param_row info_options[] = {
	CLI_FLAG("json", "print one JSON object", struct info_call, json),
	{ 0 },
};

static const struct param_row verify_options[] = {
	CLI_TEXT("models", 0, "DIR", "the models folder, where the base of an overlay may be",
		 struct info_call, choice.models),
	{ 0 },
};

const struct verb verb_info = {
	.name = "info",
	.arguments = "[-m MODEL] [--json]",
	.summary = "Shows what is in a model file: its size, methods, tokenizer, and what it was fitted to.",
	.details = "Example:\n\n  sifd info -m models/news.safetensors --json\n",
	.options = { { info_options, 0 }, CLI_MODEL(struct info_call) },
	.call_bytes = sizeof(struct info_call),
	.check = check_info,
	.run = run_info,
};

const struct verb verb_verify = {
	.name = "verify",
	.arguments = "MODEL",
	.summary = "Checks a model file: every checksum, number and word, and its self-test.",
	.details = "Prints the first fault and exits with status 1 if something is wrong.  Example:\n\n"
		   "  sifd verify models/default.safetensors\n",
	.options = { { verify_options, 0 } },
	.call_bytes = sizeof(struct info_call),
	.least = 1,
	.most = 1,
	.expected = "one model file is expected",
	.run = run_verify,
};
