#include "eval/evaluate.h"

#include "base/columns.h"
#include "base/err.h"
#include "base/lines.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "embed/similar.h"
#include "eval/embed_pairs.h"
#include "model/model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_BYTES = 1 << 20, COLUMNS = 3 };

/* Sets */

char *evaluate_set_name(const char *path, struct err *err)
{
	static const char *const compressed[] = { ".gz", ".xz", ".zst" };
	const char *slash = strrchr(path, '/');
	const char *start = slash ? slash + 1 : path;
	size_t n = strlen(start);
	char *name = mem_try_text(start, n, err);
	char *dot;

	if (!name)
		return NULL;
	for (size_t i = 0; i < sizeof(compressed) / sizeof(compressed[0]); i++) {
		size_t length = strlen(compressed[i]);

		if (n > length && strcmp(name + n - length, compressed[i]) == 0) {
			name[n - length] = '\0';
			break;
		}
	}
	dot = strrchr(name, '.');
	if (dot && dot != name)
		*dot = '\0';
	return name;
}

struct reading {
	struct pair_set *set;
	size_t left_room, right_room, gold_room;
};

static int add_line(void *context, const char *line, size_t n, struct err *err)
{
	struct reading *r = context;
	struct pair_set *set = r->set;
	struct column c[COLUMNS];
	size_t columns = columns_cut(c, COLUMNS, line, n);
	double gold;

	if (n == 0)
		return 0;
	if (utf8_invalid(line, n) != n)
		return err_set(err, ERR_INPUT, "byte %zu is not UTF-8", utf8_invalid(line, n) + 1);
	if (columns < COLUMNS)
		return err_set(err, ERR_INPUT, "expected `text TAB text TAB score`, found %s",
			       columns == 2 ? "two columns" : "one column");
	if (column_trim(c[2]).n == 0)
		return 0;
	if (!column_number(&gold, c[2]))
		return err_set(err, ERR_INPUT, "the third column is not a finite number");
	if (mem_grow(&set->left, &r->left_room, set->n, sizeof(*set->left), err) ||
	    mem_grow(&set->right, &r->right_room, set->n, sizeof(*set->right), err) ||
	    mem_grow(&set->gold, &r->gold_room, set->n, sizeof(*set->gold), err))
		return -1;
	set->left[set->n] = mem_try_text(c[0].at, c[0].n, err);
	set->right[set->n] = mem_try_text(c[1].at, c[1].n, err);
	set->gold[set->n] = gold;
	set->n++;
	return set->left[set->n - 1] && set->right[set->n - 1] ? 0 : -1;
}

int pair_set_read(struct pair_set *set, const char *path, struct err *err)
{
	struct reading r = { .set = set };

	*set = (struct pair_set){ .name = evaluate_set_name(path, err) };
	if (set->name && lines_each(path, LINE_BYTES, add_line, &r, err) == 0) {
		if (set->n > 0)
			return 0;
		(void)err_set(err, ERR_INPUT, "%s: no pair with a score",
			      strcmp(path, "-") == 0 ? "standard input" : path);
	}
	pair_set_free(set);
	return -1;
}

void pair_set_free(struct pair_set *set)
{
	for (size_t i = 0; i < set->n; i++) {
		free(set->left[i]);
		free(set->right[i]);
	}
	free(set->left);
	free(set->right);
	free(set->gold);
	free(set->name);
	memset(set, 0, sizeof(*set));
}

int any_set_read(struct any_set *set, const char *path, const char *test, struct err *err)
{
	if (set_kind(&set->kind, path, err))
		return -1;
	if (set->kind != SET_SIMILARITY)
		return labelled_set_read(&set->labelled, path, test, err);
	return test ? err_set(err, ERR_INPUT,
			      "%s:%s: a similarity set teaches nothing, name the one to judge", path, test)
		    : pair_set_read(&set->pairs, path, err);
}

void any_set_free(struct any_set *set)
{
	if (set->kind == SET_SIMILARITY)
		pair_set_free(&set->pairs);
	else
		labelled_set_free(&set->labelled);
}

/* Measures */

static double mean_of(const double *x, size_t n)
{
	double sum = 0.0;

	for (size_t i = 0; i < n; i++)
		sum += x[i];
	return n ? sum / (double)n : 0.0;
}

double evaluate_pearson(const double *x, const double *y, size_t n)
{
	double mx = mean_of(x, n);
	double my = mean_of(y, n);
	double xx = 0.0;
	double yy = 0.0;
	double xy = 0.0;

	for (size_t i = 0; i < n; i++) {
		xx += (x[i] - mx) * (x[i] - mx);
		yy += (y[i] - my) * (y[i] - my);
		xy += (x[i] - mx) * (y[i] - my);
	}
	return xx > 0.0 && yy > 0.0 ? xy / (sqrt(xx) * sqrt(yy)) : 0.0;
}

struct ranked {
	double value;
	size_t index;
};

static int compare_values(const void *a, const void *b)
{
	const struct ranked *x = a;
	const struct ranked *y = b;

	return (x->value > y->value) - (x->value < y->value);
}

/* ranks (n), from 1; equal values share the mean of their ranks. */
static void rank(double *ranks, struct ranked *scratch, const double *x, size_t n)
{
	for (size_t i = 0; i < n; i++)
		scratch[i] = (struct ranked){ x[i], i };
	qsort(scratch, n, sizeof(*scratch), compare_values);
	for (size_t i = 0, next; i < n; i = next) {
		next = i + 1;
		while (next < n && scratch[next].value <= scratch[i].value)
			next++;
		for (size_t j = i; j < next; j++)
			ranks[scratch[j].index] = (double)(i + 1 + next) / 2.0;
	}
}

double evaluate_spearman(const double *x, const double *y, size_t n)
{
	struct err err;
	double *rx = mem_try(n, sizeof(*rx), &err);
	double *ry = mem_try(n, sizeof(*ry), &err);
	struct ranked *scratch = mem_try(n, sizeof(*scratch), &err);
	double rho = NAN;

	if (rx && ry && scratch) {
		rank(rx, scratch, x, n);
		rank(ry, scratch, y, n);
		rho = evaluate_pearson(rx, ry, n);
	}
	free(rx);
	free(ry);
	free(scratch);
	return rho;
}

int evaluate_measure(struct evaluated *result, const double *scores, const double *gold, size_t n,
		     struct err *err)
{
	result->pearson = 100.0 * evaluate_pearson(scores, gold, n);
	result->spearman = 100.0 * evaluate_spearman(scores, gold, n);
	result->pairs = n;
	if (isnan(result->spearman))
		return err_set(err, ERR_MEMORY, "not enough memory to rank %zu pairs", n);
	return 0;
}

/* A method over a set */

struct scoring {
	size_t d;
	double *scores;
};

static void score_pairs(void *context, size_t start, size_t n, const float *left, const float *right)
{
	const struct scoring *c = context;

	for (size_t i = 0; i < n; i++)
		c->scores[start + i] = (double)similar_score(left + i * c->d, right + i * c->d, c->d);
}

int evaluate_pairs(struct evaluated *result, struct model *m, enum method method, const struct pair_set *set,
		   size_t workers, struct err *err)
{
	struct scoring c = { .d = model_dimension(m, method),
			     .scores = mem_try(set->n, sizeof(double), err) };
	struct embed_pairs pairs = { .left = (const char *const *)set->left,
				     .right = (const char *const *)set->right,
				     .n = set->n,
				     .normalize = true,
				     .use = score_pairs,
				     .context = &c };
	int rc = -1;

	if (c.scores && embed_pairs(&result->coverage, &pairs, m, method, workers, NULL, err) == 0)
		rc = evaluate_measure(result, c.scores, set->gold, set->n, err);
	free(c.scores);
	return rc;
}
