/* `sifd eval`: one table of methods and test sets, as text, JSON, Markdown or a chart. */
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "cli/eval_table.h"
#include "eval/classify.h"
#include "eval/evaluate.h"
#include "model/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { METHODS_MAX = 32 };

struct eval_call {
	struct model_choice choice;
	struct text_list methods;
	struct reference_options reference_options;
	const char *tokenizer, *oov, *chart;
	size_t workers;
	bool reference, as_json, as_markdown;
	struct progress_line line;
};

/* What a column of the table is made by. */
struct column {
	struct model *model; /* a reference */
	enum method method;
	char *label;
};

/* FILE, or TRAIN:TEST where no file has that name as a whole. */
static int read_set(struct any_set *set, const char *argument, struct err *err)
{
	const char *colon = strchr(argument, ':');
	char *train;
	int rc;

	if (!colon || access(argument, F_OK) == 0)
		return any_set_read(set, argument, NULL, err);
	train = mem_text(argument, (size_t)(colon - argument));
	rc = any_set_read(set, train, colon + 1, err);
	free(train);
	return rc;
}

/* Results */

static int fill_cell(struct eval_call *c, struct eval_row *row, struct eval_cell *cell,
		     const struct any_set *set, const struct column *column, struct err *err)
{
	struct evaluated e;
	struct classify_result j;

	if (set->kind == SET_SIMILARITY) {
		if (evaluate_pairs(&e, column->model, column->method, &set->pairs, c->workers, err))
			return -1;
		row->n = e.pairs;
		*cell = (struct eval_cell){ .pearson = e.pearson,
					    .spearman = e.spearman,
					    .coverage = e.coverage };
		return 0;
	}
	if (classify_method(&j, column->model, column->method, &set->labelled, c->workers, &c->line.progress,
			    err))
		return -1;
	row->n = j.texts;
	row->most = j.most;
	*cell = (struct eval_cell){ .accuracy = j.accuracy, .coverage = j.coverage };
	return 0;
}

static int fill_methods(struct eval_call *c, struct eval_table *t, const struct any_set *sets,
			const struct column *columns, struct err *err)
{
	for (size_t i = 0; i < t->rows_n; i++)
		for (size_t j = 0; j < t->columns_n; j++)
			if (fill_cell(c, &t->rows[i], &t->cells[i * t->columns_n + j], &sets[i], &columns[j],
				      err))
				return err_prefix(err, "%s, %s", t->rows[i].name, t->columns[j]);
	return 0;
}

static int fill_reference(const struct eval_call *c, struct eval_table *t, struct model *m,
			  const struct any_set *sets, struct err *err)
{
	static const char *const names[REFERENCE_MODES] = {
		[REFERENCE_AVG] = "avg", [REFERENCE_MEAN] = "mean", [REFERENCE_IDF] = "idf",
		[REFERENCE_W] = "sif-w", [REFERENCE_WR] = "sif-wr",
	};
	struct pair_set *pairs = mem_try(t->rows_n, sizeof(*pairs), err);
	struct evaluated *results = mem_try(t->rows_n, REFERENCE_MODES * sizeof(*results), err);
	int rc = pairs && results ? 0 : -1;

	for (size_t j = 0; j < REFERENCE_MODES; j++)
		t->columns[j] = names[j];
	for (size_t i = 0; rc == 0 && i < t->rows_n; i++) {
		if (sets[i].kind != SET_SIMILARITY)
			rc = err_set(err, ERR_INPUT, "%s: --reference knows similarity sets only",
				     t->rows[i].name);
		pairs[i] = sets[i].pairs;
	}
	if (rc == 0)
		rc = evaluate_reference(results, m, pairs, t->rows_n, &c->reference_options, err);
	for (size_t i = 0; rc == 0 && i < t->rows_n * REFERENCE_MODES; i++) {
		t->rows[i / REFERENCE_MODES].n = results[i].pairs;
		t->cells[i] = (struct eval_cell){ .pearson = results[i].pearson,
						  .spearman = results[i].spearman,
						  .coverage = results[i].coverage };
	}
	free(pairs);
	free(results);
	return rc;
}

static int write_chart(const char *path, const struct eval_table *t, struct err *err)
{
	struct buf out = { 0 };
	struct output *file = output_open(path, err);
	int rc = file ? 0 : -1;

	eval_put_chart(&out, t);
	if (rc == 0 && out.failed)
		rc = err_set(err, ERR_MEMORY, "not enough memory for the chart");
	if (rc == 0)
		rc = output_write(file, out.data, out.len, err);
	if (rc == 0)
		rc = output_commit(file, err);
	else if (file)
		output_abandon(file);
	buf_free(&out);
	return rc;
}

static int show(const struct eval_call *c, const struct eval_table *t, struct err *err)
{
	struct buf out = { 0 };
	int rc;

	if (c->as_json)
		eval_put_json(&out, t);
	else if (c->as_markdown)
		eval_put_markdown(&out, t);
	else
		eval_put_text(&out, t);
	rc = cli_print(&out, err);
	buf_free(&out);
	return rc == 0 && c->chart ? write_chart(c->chart, t, err) : rc;
}

static int fill_and_show(struct eval_call *c, struct model *m, const struct any_set *sets, size_t n,
			 struct eval_table *t, const struct column *columns, struct err *err)
{
	int rc;

	t->rows_n = n;
	t->rows = mem_try(n, sizeof(*t->rows), err);
	t->cells = mem_try(n, t->columns_n * sizeof(*t->cells), err);
	if (!t->rows || !t->cells)
		return -1;
	for (size_t i = 0; i < n; i++) {
		t->rows[i].kind = sets[i].kind;
		t->rows[i].name = sets[i].kind == SET_SIMILARITY ? sets[i].pairs.name : sets[i].labelled.name;
	}
	progress_line_start(&c->line);
	rc = c->reference ? fill_reference(c, t, m, sets, err) : fill_methods(c, t, sets, columns, err);
	progress_line_stop(&c->line);
	return rc == 0 ? show(c, t, err) : -1;
}

/* The same model under another tokenizer: a second model over the first one's memory. */
static struct model *with_tokenizer(struct model *m, const char *split, struct err *err)
{
	struct model parts = *m;
	struct owned owned = { 0 };
	char unknown[64];

	if (token_rules_parse(&parts.rules, token_normalize_name(m->rules.normalize), m->rules.strip_accents,
			      split, token_unknown_names(m->rules.unknown, unknown),
			      m->rules.keep_punctuation ? "keep" : "drop", err))
		return NULL;
	owned_model(&owned, m);
	return model_of_parts(&parts, &owned, err);
}

/* Columns */

static struct model *open_model(const struct eval_call *c, const char *name, struct err *err)
{
	struct model_choice choice = c->choice;
	struct model *m;
	struct model *changed;

	if (name)
		choice.model = name;
	m = cli_open_model(&choice, err);
	if (!m || !c->tokenizer || c->reference)
		return m;
	changed = with_tokenizer(m, c->tokenizer, err);
	model_release(m);
	return changed;
}

/*
 * One entry of --method: METHOD of the model, or MODEL:METHOD; NAME= before it names the column.  A method
 * that exists but is not held by the model is said and left out (0), so that one list does for many models; 1
 * when *column is filled.
 */
static int choose_column(const struct eval_call *c, struct model *m, const char *given, struct column *column,
			 struct err *err)
{
	const char *equals = given ? strchr(given, '=') : NULL;
	const char *entry = equals ? equals + 1 : given;
	const char *colon = entry ? strrchr(entry, ':') : NULL;
	const char *method = colon ? colon + 1 : entry;
	char *name = colon ? mem_text(entry, (size_t)(colon - entry)) : NULL;
	struct model *own = colon ? open_model(c, name, err) : model_retain(m);
	int known = method ? method_parse(method, strlen(method)) : -1;

	free(name);
	if (!own)
		return -1;
	if (known >= 0 && !model_has(own, (enum method)known)) {
		(void)fprintf(stderr, "sifd: the model has no '%s': left out\n", entry);
		model_release(own);
		return 0;
	}
	if (method_choose(&column->method, own, method, err)) {
		model_release(own);
		return -1;
	}
	column->model = own;
	if (!given)
		given = method_names[column->method];
	column->label = mem_text(given, equals ? (size_t)(equals - given) : strlen(given));
	return 1;
}

static int choose_columns(const struct eval_call *c, struct model *m, struct eval_table *t,
			  struct column *columns, struct err *err)
{
	size_t entries = c->methods.n ? c->methods.n : 1;

	if (c->reference) {
		t->columns_n = REFERENCE_MODES;
		return 0;
	}
	for (size_t i = 0; i < entries; i++) {
		const char *entry = c->methods.n ? c->methods.at[i] : c->choice.method;
		struct column *column = &columns[t->columns_n];
		int rc = choose_column(c, m, entry, column, err);

		if (rc < 0)
			return -1;
		if (rc > 0)
			t->columns[t->columns_n++] = column->label;
	}
	if (t->columns_n == 0)
		return err_set(err, ERR_INPUT, "the model has none of these methods");
	return 0;
}

static int evaluate(struct eval_call *c, const struct arguments *rest, struct err *err)
{
	struct eval_table t = { 0 };
	struct column columns[METHODS_MAX] = { 0 };
	const char *names[METHODS_MAX] = { 0 };
	struct model *m = open_model(c, NULL, err);
	struct any_set *sets = mem_try(rest->n, sizeof(*sets), err);
	size_t n = 0;
	int failed = !m || !sets;

	t.columns = names;
	for (; !failed && n < rest->n; n++)
		if (read_set(&sets[n], rest->at[n], err)) {
			failed = 1;
			break;
		}
	if (!failed)
		failed = choose_columns(c, m, &t, columns, err) ||
			 fill_and_show(c, m, sets, n, &t, columns, err);
	for (size_t i = 0; sets && i < n; i++)
		any_set_free(&sets[i]);
	for (size_t i = 0; i < METHODS_MAX; i++) {
		model_release(columns[i].model);
		free(columns[i].label);
	}
	free(sets);
	free(t.rows);
	free(t.cells);
	model_release(m);
	return failed ? -1 : 0;
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

static int check(void *call, const struct arguments *sets, struct err *err)
{
	const struct eval_call *c = call;

	if (sets->n == 0)
		return err_set(err, ERR_INPUT, "no set given: files as --help describes");
	if (c->reference && c->tokenizer && strcmp(c->tokenizer, "whitespace") != 0)
		return err_set(err, ERR_INPUT,
			       "--reference reads sets that are tokenized: --tokenizer whitespace");
	return 0;
}

static int run(void *call, const struct arguments *sets, struct err *err)
{
	struct eval_call *c = call;
	struct text_list given = c->methods;
	const char *room[METHODS_MAX];
	struct buf memory = { 0 };
	int rc;

	split_methods(&c->methods, &given, &memory, room, METHODS_MAX);
	rc = evaluate(c, sets, err);
	buf_free(&memory);
	return rc;
}

static const char *const oov_names[] = { "skip", "last" };

static const struct param_row options[] = {
	PARAM(PARAM_LIST, "method", "M,M...",
	      "methods to compare; [NAME=][MODEL:]METHOD for another model or a name of your own; default: "
	      "the model's",
	      NULL, PARAM_FIELD(struct eval_call, methods), PARAM_ANY, { PARAM_ALWAYS, 0 }),
	CLI_FLAG("json", "print one JSON object per set and method", struct eval_call, as_json),
	CLI_FLAG("markdown", "print the table as Markdown", struct eval_call, as_markdown),
	CLI_TEXT("svg", 0, "FILE", "also write a bar chart", struct eval_call, chart),
	CLI_FLAG("reference",
		 "use the papers' transductive protocol, with methods avg, mean, idf, sif-w, sif-wr",
		 struct eval_call, reference),
	CLI_TEXT("tokenizer", 0, "SPLIT", "whitespace, words or bert instead of the model's tokenizer",
		 struct eval_call, tokenizer),
	CLI_TEXT("counts", 0, "FILE",
		 "with --reference: a file of `word count` lines; default: the model's counts",
		 struct eval_call, reference_options.counts),
	PARAM(PARAM_CHOICE, "oov", "WHAT", "with --reference: unknown words are skipped, or use the last row",
	      NULL, PARAM_FIELD(struct eval_call, reference_options.oov_last), PARAM_NAMES(oov_names, 0, 1),
	      { PARAM_ALWAYS, 1 }),
	PARAM(PARAM_NUMBER, "a", "A", "with --reference: a of the weights; below 0 they are 1", NULL,
	      PARAM_FIELD(struct eval_call, reference_options.a), PARAM_RANGE(-1, 1e3),
	      { PARAM_ALWAYS, 1e-3 }),
	CLI_COUNT("components", "K", "with --reference: how many components to remove", struct eval_call,
		  reference_options.components, 1, MODEL_COMPONENTS_MAX, 1),
	PARAM_WORKERS(struct eval_call, workers),
	{ 0 },
};

const struct verb verb_eval = {
	.name = "eval",
	.arguments = "[-m MODEL] [--method M,M...] [--json | --markdown] [--svg FILE] SET...",
	.summary = "Scores methods on similarity, entailment and classification sets, in one table.",
	.details =
		"The columns, separated by TAB, tell what kind a set is:\n\n  text, text, number      "
		"similarity: Pearson and Spearman x 100 of the cosines\n  label, text             "
		"classification: accuracy of logistic regression on the\n                          vectors, "
		"in 10 folds; a blank may stand for the TAB\n                          after a number\n  "
		"label, text, text       entailment: the same on [u * v, |u - v|]; the label may\n           "
		"               come last\n\nTRAIN:TEST trains on one file and tests on the other.  Files "
		"may be compressed.\nMethods that a model lacks are left out, with a note on standard "
		"error.\nExamples:\n\n  sifd eval --method mean,sif,whiten stsb.dev.tsv sick.dev.tsv\n  sifd "
		"eval --method news:sif,default:learned reviews.txt snli.dev.tsv:snli.test.tsv\n",
	.options = { { options, 0 }, CLI_MODEL(struct eval_call) },
	.call_bytes = sizeof(struct eval_call),
	.check = check,
	.run = run,
};
