#include "base/err.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/number.h"
#include "cli/cli.h"
#include "embed/evaluate.h"
#include "model/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct call {
	struct model_choice choice;
	struct text_list methods;
	struct reference_options reference_options;
	const char *tokenizer, *oov;
	size_t workers;
	bool reference, as_json;
};

/* What the table and the JSON are made of: one row a set, one column a method. */
struct table {
	const char **columns;
	size_t n_columns;
	const struct pair_set *sets;
	size_t n_sets;
	struct evaluated *results; /* (n_sets, n_columns) */
};

static void put_json(struct buf *out, const struct table *t)
{
	for (size_t i = 0; i < t->n_sets; i++)
		for (size_t j = 0; j < t->n_columns; j++) {
			const struct evaluated *e = &t->results[i * t->n_columns + j];
			json_t *o = json_pack("{s:s, s:s, s:s, s:I, s:f, s:f, s:f}", "set", t->sets[i].name,
					      "task", "similarity", "method", t->columns[j], "pairs",
					      (json_int_t)e->pairs, "pearson", e->pearson, "spearman",
					      e->spearman, "coverage", e->coverage);

			json_put(out, o);
			buf_byte(out, '\n');
			json_decref(o);
		}
}

static void put_mean(struct buf *out, const struct table *t, size_t column)
{
	double pearson = 0.0;
	double spearman = 0.0;

	for (size_t i = 0; i < t->n_sets; i++) {
		pearson += t->results[i * t->n_columns + column].pearson;
		spearman += t->results[i * t->n_columns + column].spearman;
	}
	buf_printf(out, "  %8.4f %8.4f", pearson / (double)t->n_sets, spearman / (double)t->n_sets);
}

static void put_table(struct buf *out, const struct table *t)
{
	buf_printf(out, "%-20s %6s %6s", "", "", "");
	for (size_t j = 0; j < t->n_columns; j++)
		buf_printf(out, "  %17s", t->columns[j]);
	buf_printf(out, "\n%-20s %6s %6s", "set", "pairs", "known");
	for (size_t j = 0; j < t->n_columns; j++)
		buf_printf(out, "  %8s %8s", "Pearson", "Spearman");
	buf_byte(out, '\n');
	for (size_t i = 0; i < t->n_sets; i++) {
		const struct evaluated *row = t->results + i * t->n_columns;

		buf_printf(out, "%-20s %6zu %5.1f%%", t->sets[i].name, row[0].pairs, 100.0 * row[0].coverage);
		for (size_t j = 0; j < t->n_columns; j++)
			buf_printf(out, "  %8.4f %8.4f", row[j].pearson, row[j].spearman);
		buf_byte(out, '\n');
	}
	if (t->n_sets > 1) {
		buf_printf(out, "%-20s %6s %6s", "mean", "", "");
		for (size_t j = 0; j < t->n_columns; j++)
			put_mean(out, t, j);
		buf_byte(out, '\n');
	}
}

static int fill_reference(const struct call *c, struct model *m, struct table *t, struct err *err)
{
	static const char *const names[REFERENCE_MODES] = {
		[REFERENCE_AVG] = "avg", [REFERENCE_MEAN] = "mean", [REFERENCE_IDF] = "idf",
		[REFERENCE_W] = "sif-w", [REFERENCE_WR] = "sif-wr",
	};

	for (size_t j = 0; j < REFERENCE_MODES; j++)
		t->columns[j] = names[j];
	t->n_columns = REFERENCE_MODES;
	return evaluate_reference(t->results, m, t->sets, t->n_sets, &c->reference_options, err);
}

static int fill_methods(const struct call *c, struct model *m, struct table *t, struct err *err)
{
	struct text_list names = c->methods;
	const char *only = c->choice.method;

	if (names.n == 0)
		names = (struct text_list){ &only, 1 };
	t->n_columns = names.n;
	for (size_t j = 0; j < names.n; j++) {
		enum method method;

		if (method_choose(&method, m, names.at[j], err))
			return -1;
		t->columns[j] = method_name(method);
		for (size_t i = 0; i < t->n_sets; i++)
			if (evaluate_pairs(&t->results[i * names.n + j], m, method, &t->sets[i], c->workers,
					   err))
				return err_prefix(err, "%s", t->sets[i].name);
	}
	return 0;
}

static int fill_and_print(const struct call *c, struct model *m, struct pair_set *sets, size_t n,
			  struct err *err)
{
	size_t columns = c->reference ? (size_t)REFERENCE_MODES : c->methods.n + 1;
	struct table t = { .sets = sets, .n_sets = n };
	struct buf out = { 0 };
	int failed;

	t.columns = mem_try(columns, sizeof(*t.columns), err);
	t.results = mem_try(n * columns, sizeof(*t.results), err);
	failed = !t.columns || !t.results ||
		 (c->reference ? fill_reference(c, m, &t, err) : fill_methods(c, m, &t, err));
	if (!failed) {
		if (c->as_json)
			put_json(&out, &t);
		else
			put_table(&out, &t);
		failed = cli_print(&out, err);
	}
	buf_free(&out);
	free(t.columns);
	free(t.results);
	return failed ? -1 : 0;
}

static void release(void *context)
{
	model_release(context);
}

/* The same model under another tokenizer: a second model over the first one's memory. */
static struct model *with_tokenizer(struct model *m, const char *split, struct err *err)
{
	struct model parts = *m;
	struct model *changed;
	char unknown[64];

	if (token_rules_parse(&parts.rules, token_normalize_name(m->rules.normalize), m->rules.strip_accents,
			      split, token_unknown_names(m->rules.unknown, unknown),
			      m->rules.keep_punctuation ? "keep" : "drop", err))
		return NULL;
	changed = model_of_parts(&parts, release, m, err);
	return changed;
}

static int evaluate(const struct call *c, const struct arguments *rest, struct err *err)
{
	struct model *m = cli_open_model(&c->choice, err);
	struct pair_set *sets = mem_try(rest->n, sizeof(*sets), err);
	size_t n = 0;
	int failed = !m || !sets;

	if (!failed && c->tokenizer && !c->reference) {
		struct model *changed = with_tokenizer(m, c->tokenizer, err);

		failed = !changed;
		if (changed)
			m = changed;
	}
	for (; !failed && n < rest->n; n++)
		if (pair_set_read(&sets[n], rest->at[n], err)) {
			failed = 1;
			break;
		}
	if (!failed)
		failed = fill_and_print(c, m, sets, n, err);
	for (size_t i = 0; sets && i < n; i++)
		pair_set_free(&sets[i]);
	free(sets);
	if (m)
		model_release(m);
	return failed ? -1 : 0;
}

static int settle(struct call *c, const struct arguments *rest, struct err *err)
{
	if (rest->n == 0)
		return err_set(err, ERR_INPUT, "no set given: files with `text TAB text TAB gold` a line");
	if (strcmp(c->oov, "skip") != 0 && strcmp(c->oov, "last") != 0)
		return err_set(err, ERR_INPUT, "--oov %s: expected skip or last", c->oov);
	if (c->reference && c->tokenizer && strcmp(c->tokenizer, "whitespace") != 0)
		return err_set(err, ERR_INPUT,
			       "--reference reads sets that are tokenized: --tokenizer whitespace");
	c->reference_options.oov_last = strcmp(c->oov, "last") == 0;
	return 0;
}

/* --method takes a list: sif,whiten or --method sif --method whiten. */
static void split_methods(struct text_list *to, const struct text_list *given, struct buf *memory,
			  const char **room, size_t room_n)
{
	for (size_t i = 0; i < given->n; i++)
		buf_printf(memory, "%s,", given->at[i]);
	(void)buf_string(memory);
	to->at = room;
	to->n = 0;
	for (char *at = memory->data; at && *at && to->n < room_n;) {
		char *end = strchr(at, ',');

		*end = '\0';
		if (*at)
			room[to->n++] = at;
		at = end + 1;
	}
}

static int run(const struct verb *verb, int argc, char **argv)
{
	struct call c = { .oov = "last" };
	struct text_list given = { 0 };
	const char *room[32];
	struct buf memory = { 0 };
	const struct option_spec specs[] = {
		CLI_MODEL_OPTIONS(&c.choice),
		{ "method", 0, OPTION_LIST, &given, "M,M...", "methods to compare; default: the model's" },
		{ "json", 0, OPTION_FLAG, &c.as_json, NULL, "one JSON object a set and method" },
		{ "reference", 0, OPTION_FLAG, &c.reference, NULL,
		  "the papers' transductive protocol: avg, mean, idf, sif-w, sif-wr" },
		{ "tokenizer", 0, OPTION_TEXT, &c.tokenizer, "SPLIT",
		  "whitespace, words or bert instead of the model's" },
		{ "counts", 0, OPTION_TEXT, &c.reference_options.counts, "FILE",
		  "with --reference: `word count` lines; default: the model's counts" },
		{ "oov", 0, OPTION_TEXT, &c.oov, "WHAT",
		  "with --reference: unknown words are the last row (default) or skip" },
		{ "a", 0, OPTION_NUMBER, &c.reference_options.a, "A",
		  "with --reference: of the weights; default 1e-3" },
		{ "components", 0, OPTION_COUNT, &c.reference_options.components, "K",
		  "with --reference: default 1" },
		{ "workers", 0, OPTION_COUNT, &c.workers, "N", "threads; default: one per processor" },
	};
	struct arguments rest;
	struct err err = { 0 };
	int status = options_parse(verb, specs, sizeof(specs) / sizeof(specs[0]), argc, argv, &rest, &err);

	if (status)
		return status > 0 ? EXIT_DONE : cli_usage(verb, &err);
	split_methods(&c.methods, &given, &memory, room, sizeof(room) / sizeof(room[0]));
	if (settle(&c, &rest, &err))
		status = cli_usage(verb, &err);
	else
		status = evaluate(&c, &rest, &err) ? cli_failed(&err) : EXIT_DONE;
	buf_free(&memory);
	options_free(&rest);
	return status;
}

const struct verb verb_eval = {
	.name = "eval",
	.arguments = "[-m MODEL] [--method M,M...] [--json] [--reference] SET...",
	.summary =
		"Scores methods on similarity sets: Pearson and Spearman x 100 against people's judgement.",
	.details = "A set is a file with `text TAB text TAB gold` a line.  Example:\n\n"
		   "  sifd eval --method mean,sif,whiten stsb.dev.tsv sick.dev.tsv\n",
	.run = run,
};
