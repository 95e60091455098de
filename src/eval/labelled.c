#include "eval/labelled.h"

#include "base/columns.h"
#include "base/err.h"
#include "base/lines.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "eval/evaluate.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_BYTES = 1 << 20, JOINED_BYTES = 1 << 16, COLUMNS = 3 };

static const char fasttext_prefix[] = "__label__";

/* How a file's lines are cut, as its first one shows. */
enum form { FORM_BLANK, FORM_TWO, FORM_THREE };

/* Rows as they are read, before it is known which column holds the labels. */
struct reading {
	struct labelled_set *set;
	const char **columns; /* (n, COLUMNS) */
	size_t n, cap, lines_cap;
	enum form form;
	bool first_seen;
};

const char *set_kind_name(enum set_kind kind)
{
	static const char *const names[] = { "similarity", "classification", "entailment" };

	return names[kind];
}

/* Lines */

/* A copy to be cut into columns; a line that is not UTF-8 is read as Latin-1. */
static char *copy_line(const char *line, size_t n, struct err *err)
{
	char *copy;
	char *to;

	if (utf8_invalid(line, n) == n)
		return mem_try_text(line, n, err);
	to = copy = mem_try(n + 1, 2, err);
	for (size_t i = 0; copy && i < n; i++)
		to += utf8_put(to, (unsigned char)line[i]);
	return copy;
}

/* A whole number, or what fastText begins its labels with; `n` its length, 0 when it is no label. */
static size_t label_length(const char *text)
{
	size_t digits = strspn(text + (*text == '-'), "0123456789");
	size_t n = digits ? digits + (*text == '-') : 0;

	if (strncmp(text, fasttext_prefix, sizeof(fasttext_prefix) - 1) == 0)
		n = strcspn(text, " ");
	return text[n] == ' ' || text[n] == '\0' ? n : 0;
}

/* The set takes the line over. */
static int keep_line(struct reading *r, char *line, struct err *err)
{
	if (mem_grow(&r->set->lines, &r->lines_cap, r->set->lines_n, sizeof(*r->set->lines), err)) {
		free(line);
		return -1;
	}
	r->set->lines[r->set->lines_n++] = line;
	return 0;
}

/* "label text", or a continuation of the text before. */
static int add_blank_row(struct reading *r, char *line, struct err *err)
{
	size_t n = label_length(line);
	const char **last;
	char *joined;
	size_t bytes;

	if (n) {
		const char **row;

		if (mem_grow(&r->columns, &r->cap, r->n, COLUMNS * sizeof(*r->columns), err))
			return -1;
		row = r->columns + r->n++ * COLUMNS;
		row[0] = line;
		row[1] = line[n] ? line + n + 1 : line + n;
		line[n] = '\0';
		return 0;
	}
	if (r->n == 0)
		return err_set(err, ERR_INPUT,
			       "expected `label TAB text`, `label TAB text TAB text` or `NUMBER text`");
	last = r->columns + (r->n - 1) * COLUMNS + 1;
	bytes = strlen(*last) + strlen(line) + 2;
	if (bytes > JOINED_BYTES)
		return err_set(err, ERR_INPUT,
			       "no label on the lines before: does each begin with `NUMBER `?");
	joined = mem_try(bytes, 1, err);
	if (!joined)
		return -1;
	(void)snprintf(joined, bytes, "%s %s", *last, line);
	*last = joined;
	return keep_line(r, joined, err);
}

static int add_row(struct reading *r, char *line, struct err *err)
{
	struct column c[COLUMNS];
	size_t n;

	if (r->first_seen && r->form == FORM_BLANK)
		return add_blank_row(r, line, err);
	n = columns_cut(c, COLUMNS, line, strlen(line));
	if (!r->first_seen) {
		r->first_seen = true;
		r->form = n == 1 ? FORM_BLANK : n == 2 ? FORM_TWO : FORM_THREE;
		if (r->form == FORM_BLANK)
			return add_blank_row(r, line, err);
	}
	if (r->form == FORM_TWO ? n != 2 : n < COLUMNS)
		return err_set(err, ERR_INPUT, "expected %d columns parted by tabs, found %zu",
			       r->form == FORM_TWO ? 2 : COLUMNS, n);
	if (mem_grow(&r->columns, &r->cap, r->n, COLUMNS * sizeof(*r->columns), err))
		return -1;
	for (size_t i = 0; i < n && i < COLUMNS; i++) {
		r->columns[r->n * COLUMNS + i] = c[i].at;
		line[c[i].at - line + (ptrdiff_t)c[i].n] = '\0';
	}
	r->n++;
	return 0;
}

static int add_line(void *context, const char *line, size_t n, struct err *err)
{
	struct reading *r = context;
	char *copy;

	if (n == 0)
		return 0;
	copy = copy_line(line, n, err);
	return copy && keep_line(r, copy, err) == 0 ? add_row(r, copy, err) : -1;
}

int set_kind(enum set_kind *kind, const char *path, struct err *err)
{
	struct labelled_set first = { 0 };
	struct reading r = { .set = &first };
	struct lines *lines;
	const char *line;
	double number;
	size_t n;
	int rc;

	*kind = SET_SIMILARITY;
	if (strcmp(path, "-") == 0)
		return 0;
	lines = lines_open(path, LINE_BYTES, err);
	if (!lines)
		return -1;
	do
		rc = lines_next(lines, &line, &n, err);
	while (rc > 0 && n == 0);
	if (rc > 0 && add_line(&r, line, n, err)) {
		rc = err_prefix(err, "%s", path);
	} else if (rc > 0 && r.columns) {
		const char *last = r.columns[COLUMNS - 1];

		if (r.form != FORM_THREE)
			*kind = SET_CLASSES;
		else if (*last && !column_number(&number, (struct column){ last, strlen(last) }))
			*kind = SET_ENTAILMENT;
	}
	lines_free(lines);
	labelled_set_free(&first);
	free(r.columns);
	return rc < 0 ? -1 : 0;
}

/* Labels */

static int compare_texts(const void *a, const void *b)
{
	const char *const *x = a;
	const char *const *y = b;

	return strcmp(*x, *y);
}

/* The different values of a column, sorted, in *values (to be freed); their number, or 0 without memory. */
static size_t distinct(const char ***values, const struct reading *r, size_t column, struct err *err)
{
	const char **all = mem_try(r->n, sizeof(*all), err);
	size_t n = 0;

	*values = all;
	if (!all)
		return 0;
	for (size_t i = 0; i < r->n; i++)
		all[i] = r->columns[i * COLUMNS + column];
	qsort(all, r->n, sizeof(*all), compare_texts);
	for (size_t i = 0; i < r->n; i++)
		if (n == 0 || strcmp(all[n - 1], all[i]) != 0)
			all[n++] = all[i];
	return n;
}

/* Which column holds the labels, and what they are. */
static int find_classes(size_t *column, const struct reading *r, struct err *err)
{
	struct labelled_set *set = r->set;
	const char **last;
	size_t last_n;

	*column = 0;
	set->classes_n = distinct(&set->classes, r, 0, err);
	if (r->form == FORM_THREE) {
		last_n = distinct(&last, r, COLUMNS - 1, err);
		if (last_n && last_n < set->classes_n) {
			const char **first = set->classes;

			set->classes = last;
			set->classes_n = last_n;
			last = first;
			*column = COLUMNS - 1;
		}
		free(last);
	}
	if (set->classes_n == 0)
		return -1;
	if (set->classes_n == 1)
		return err_set(err, ERR_INPUT, "every line has the label '%.60s'", set->classes[0]);
	if (set->classes_n > LABELLED_CLASSES_MAX)
		return err_set(err, ERR_TOO_LARGE, "%zu different labels; at most %d", set->classes_n,
			       LABELLED_CLASSES_MAX);
	return 0;
}

static int arrange(const struct reading *r, struct err *err)
{
	struct labelled_set *set = r->set;
	size_t column;

	if (r->n == 0)
		return err_set(err, ERR_INPUT, "no text with a label");
	if (find_classes(&column, r, err))
		return -1;
	set->kind = r->form == FORM_THREE ? SET_ENTAILMENT : SET_CLASSES;
	set->left = mem_try(r->n, sizeof(*set->left), err);
	set->label = mem_try(r->n, sizeof(*set->label), err);
	if (set->kind == SET_ENTAILMENT)
		set->right = mem_try(r->n, sizeof(*set->right), err);
	if (!set->left || !set->label || (set->kind == SET_ENTAILMENT && !set->right))
		return -1;
	for (size_t i = 0; i < r->n; i++) {
		const char **row = r->columns + i * COLUMNS;
		const char **class = bsearch(&row[column], set->classes, set->classes_n,
					     sizeof(*set->classes), compare_texts);

		set->label[i] = (uint32_t)(class - set->classes);
		set->left[i] = row[column == 0];
		if (set->right)
			set->right[i] = row[column == 0 ? 2 : 1];
	}
	set->n = r->n;
	return 0;
}

static char *name_of(const char *path, const char *test, struct err *err)
{
	char *train_name = evaluate_set_name(path, err);
	char *test_name = test ? evaluate_set_name(test, err) : NULL;
	char *both = NULL;

	if (!test)
		return train_name;
	if (train_name && test_name) {
		size_t bytes = strlen(train_name) + strlen(test_name) + 2;

		both = mem_try(bytes, 1, err);
		if (both)
			(void)snprintf(both, bytes, "%s:%s", train_name, test_name);
	}
	free(train_name);
	free(test_name);
	return both;
}

int labelled_set_read(struct labelled_set *set, const char *path, const char *test, struct err *err)
{
	struct reading r = { .set = set };
	int failed;

	memset(set, 0, sizeof(*set));
	set->name = name_of(path, test, err);
	failed = !set->name || lines_each(path, LINE_BYTES, add_line, &r, err);
	if (!failed && test) {
		set->train = r.n;
		failed = lines_each(test, LINE_BYTES, add_line, &r, err);
	}
	if (!failed && arrange(&r, err)) {
		(void)err_prefix(err, "%s", path);
		failed = 1;
	}
	if (!failed && test && (set->train == 0 || set->train == set->n))
		failed = err_set(err, ERR_INPUT, "%s: no text with a label", set->train ? test : path);
	free(r.columns);
	if (failed)
		labelled_set_free(set);
	return failed ? -1 : 0;
}

void labelled_set_free(struct labelled_set *set)
{
	for (size_t i = 0; i < set->lines_n; i++)
		free(set->lines[i]);
	free(set->lines);
	free(set->left);
	free(set->right);
	free(set->label);
	free(set->classes);
	free(set->name);
	memset(set, 0, sizeof(*set));
}
