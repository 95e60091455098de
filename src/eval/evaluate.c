#include "eval/evaluate.h"

#include "base/err.h"
#include "base/lines.h"
#include "base/mem.h"
#include "base/pipeline.h"
#include "base/stream.h"
#include "base/utf8.h"
#include "embed/similar.h"
#include "model/model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_BYTES = 1 << 20, PAIRS_AT_FIRST = 1024, GOLD_BYTES = 64, PAIRS_A_BLOCK = 64 };

/* Sets */

char *evaluate_set_name(const char *path, struct err *err)
{
	static const char *const compressed[] = { ".gz", ".xz", ".zst" };
	const char *slash = strrchr(path, '/');
	const char *start = slash ? slash + 1 : path;
	size_t n = strlen(start);
	char *name = mem_try(n + 1, 1, err);
	char *dot;

	if (!name)
		return NULL;
	memcpy(name, start, n);
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

static char *copy_text(const char *at, size_t n, struct err *err)
{
	char *copy = mem_try(n + 1, 1, err);

	if (copy)
		memcpy(copy, at, n);
	return copy;
}

/* The number that fills at[0..n) but for blanks around it: 1; 0 when the field is blank; -1 when it is none.
 */
static int read_gold(double *gold, const char *at, size_t n)
{
	char field[GOLD_BYTES];
	char *end;

	while (n && (*at == ' ' || *at == '\r')) {
		at++;
		n--;
	}
	while (n && (at[n - 1] == ' ' || at[n - 1] == '\r'))
		n--;
	if (n == 0)
		return 0;
	if (n >= sizeof(field) || memchr(at, '\0', n))
		return -1;
	memcpy(field, at, n);
	field[n] = '\0';
	*gold = strtod(field, &end);
	return *end == '\0' && isfinite(*gold) ? 1 : -1;
}

static int set_grow(struct pair_set *set, size_t *cap, struct err *err)
{
	size_t more = *cap ? 2 * *cap : PAIRS_AT_FIRST;

	if (set->n < *cap)
		return 0;
	if (mem_resize(&set->left, more, sizeof(*set->left), err) ||
	    mem_resize(&set->right, more, sizeof(*set->right), err) ||
	    mem_resize(&set->gold, more, sizeof(*set->gold), err))
		return -1;
	*cap = more;
	return 0;
}

/* One line into the set.  Messages get file and line from the caller. */
static int add_line(struct pair_set *set, size_t *cap, const char *line, size_t n, struct err *err)
{
	const char *end = line + n;
	const char *tab = memchr(line, '\t', n);
	const char *second = tab ? memchr(tab + 1, '\t', (size_t)(end - tab - 1)) : NULL;
	const char *third;
	double gold;
	int rc;

	if (n == 0)
		return 0;
	if (utf8_invalid(line, n) != n)
		return err_set(err, ERR_INPUT, "byte %zu is not UTF-8", utf8_invalid(line, n) + 1);
	if (!second)
		return err_set(err, ERR_INPUT, "expected `text TAB text TAB score`, found %s",
			       tab ? "two columns" : "one column");
	third = memchr(second + 1, '\t', (size_t)(end - second - 1));
	rc = read_gold(&gold, second + 1, (size_t)((third ? third : end) - second - 1));
	if (rc < 0)
		return err_set(err, ERR_INPUT, "the third column is not a finite number");
	if (rc == 0)
		return 0;
	if (set_grow(set, cap, err))
		return -1;
	set->left[set->n] = copy_text(line, (size_t)(tab - line), err);
	set->right[set->n] = copy_text(tab + 1, (size_t)(second - tab - 1), err);
	set->gold[set->n] = gold;
	set->n++;
	return set->left[set->n - 1] && set->right[set->n - 1] ? 0 : -1;
}

static int read_lines(struct pair_set *set, struct lines *lines, struct err *err)
{
	const char *name = stream_name(lines_stream(lines));
	const char *line;
	size_t n;
	size_t cap = 0;
	int rc;

	while ((rc = lines_next(lines, &line, &n, err)) > 0) {
		if (add_line(set, &cap, line, n, err))
			return err_prefix(err, "%s, line %llu", name,
					  (unsigned long long)lines_number(lines));
	}
	if (rc == 0 && set->n == 0)
		return err_set(err, ERR_INPUT, "%s: no pair with a score", name);
	return rc;
}

int pair_set_read(struct pair_set *set, const char *path, struct err *err)
{
	struct stream *stream = stream_open(path, err);
	struct lines *lines = stream ? lines_new(stream, LINE_BYTES, err) : NULL;

	memset(set, 0, sizeof(*set));
	if (!lines)
		return -1;
	set->name = evaluate_set_name(path, err);
	if (!set->name || read_lines(set, lines, err)) {
		lines_free(lines);
		pair_set_free(set);
		return -1;
	}
	lines_free(lines);
	return 0;
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
	const struct pair_set *set;
	struct embedder **sentences; /* one a worker */
	float *vectors;		     /* (workers, 2 PAIRS_A_BLOCK, d) */
	double *scores;		     /* (n) */
	size_t next;		     /* first pair not yet handed out */
	uint64_t words, known;
};

struct some_pairs {
	size_t start, stop;
	uint64_t words, known;
};

static int hand_out(void *context, void *block, struct err *err)
{
	struct scoring *c = context;
	struct some_pairs *b = block;

	(void)err;
	if (c->next == c->set->n)
		return 0;
	b->start = c->next;
	b->stop = c->set->n - c->next > PAIRS_A_BLOCK ? c->next + PAIRS_A_BLOCK : c->set->n;
	b->words = b->known = 0;
	c->next = b->stop;
	return 1;
}

static struct text text_of(const char *text)
{
	return (struct text){ text, strlen(text) };
}

static int score_pairs(void *context, void *block, size_t worker, struct err *err)
{
	struct scoring *c = context;
	struct some_pairs *b = block;
	struct embedder *s = c->sentences[worker];
	size_t d = embedder_dimension(s);
	size_t n = b->stop - b->start;
	float *left = c->vectors + worker * 2 * PAIRS_A_BLOCK * d;
	float *right = left + n * d;
	struct text texts[2 * PAIRS_A_BLOCK] = { { NULL, 0 } };
	struct seen seen[2 * PAIRS_A_BLOCK];

	for (size_t i = 0; i < n; i++) {
		texts[i] = text_of(c->set->left[b->start + i]);
		texts[n + i] = text_of(c->set->right[b->start + i]);
	}
	if (embedder_embed_many(s, texts, 2 * n, true, left, seen, err))
		return -1;
	for (size_t i = 0; i < 2 * n; i++) {
		b->words += seen[i].words;
		b->known += seen[i].known;
	}
	for (size_t i = 0; i < n; i++)
		c->scores[b->start + i] = (double)similar_score(left + i * d, right + i * d, d);
	return 0;
}

static int count_words(void *context, void *block, struct err *err)
{
	struct scoring *c = context;
	const struct some_pairs *b = block;

	(void)err;
	c->words += b->words;
	c->known += b->known;
	return 0;
}

static int run(struct scoring *c, struct model *m, enum method method, size_t workers, struct err *err)
{
	struct pipeline pipeline = { .workers = workers,
				     .block_bytes = sizeof(struct some_pairs),
				     .read = hand_out,
				     .work = score_pairs,
				     .finish = count_words,
				     .context = c };
	size_t block_bytes = (size_t)2 * PAIRS_A_BLOCK * model_dimension(m, method) * sizeof(*c->vectors);

	c->sentences = mem_try(workers, sizeof(struct embedder *), err);
	c->vectors = mem_try_aligned(workers, block_bytes, err);
	c->scores = mem_try(c->set->n, sizeof(*c->scores), err);
	if (!c->sentences || !c->vectors || !c->scores)
		return -1;
	for (size_t i = 0; i < workers; i++) {
		c->sentences[i] = embedder_new(m, method, err);
		if (!c->sentences[i])
			return -1;
	}
	return pipeline_run(&pipeline, err);
}

int evaluate_pairs(struct evaluated *result, struct model *m, enum method method, const struct pair_set *set,
		   size_t workers, struct err *err)
{
	struct scoring c = { .set = set };
	int rc;

	if (workers == 0)
		workers = pipeline_processors();
	rc = run(&c, m, method, workers, err);
	if (rc == 0) {
		result->coverage = c.words ? (double)c.known / (double)c.words : 0.0;
		rc = evaluate_measure(result, c.scores, set->gold, set->n, err);
	}
	for (size_t i = 0; c.sentences && i < workers; i++)
		embedder_free(c.sentences[i]);
	free(c.sentences);
	free(c.vectors);
	free(c.scores);
	return rc;
}
