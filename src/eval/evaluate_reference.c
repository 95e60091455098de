/*
 * The protocol of PrincetonML/SIF, as its code does it (data_io.py, SIF_embedding.py,
 * params.py, eval.py), quirks included: evaluate.h says what they are.
 */
#include "eval/evaluate.h"

#include "base/buf.h"
#include "base/columns.h"
#include "base/err.h"
#include "base/lines.h"
#include "base/mem.h"
#include "math/mat.h"
#include "math/rows.h"
#include "math/sif.h"
#include "model/model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_BYTES = 1 << 16 };

/* The texts of one side of a set, as word numbers; VOCAB_UNKNOWN where the vocabulary lacks the word. */
struct side {
	uint32_t *ids;
	size_t cap;
	size_t *starts; /* (n + 1): text i is ids[starts[i]..starts[i + 1]) */
};

struct reference {
	const struct model *model;
	const struct reference_options *options;
	double a;
	uint32_t unknown; /* the row unknown words take */
	double *p;	  /* (words) probabilities; 0 where the counts lack the word */
	uint64_t *df;	  /* (words) tokens of all sets */
	uint64_t texts;	  /* of all sets */
	struct tokenizer *tokenizer;
	struct buf word;	 /* without its '#' */
	struct side (*sides)[2]; /* (sets) */
};

/* The work space of one set.  In doubles, as in the original: floats would change some fourth digits. */
struct space {
	float *row;	 /* (d) */
	double *x[2];	 /* (pairs, d) left and right */
	double *scores;	 /* (pairs) */
	double *moment;	 /* (d, d) */
	double *vectors; /* (d, d) */
	double *values;	 /* (d) */
};

/* Probabilities */

struct counting {
	struct reference *r;
	double total;
};

/* Adds a line `word count`. */
static int add_count(void *context, const char *line, size_t n, struct err *err)
{
	struct counting *c = context;
	const char *blank = memchr(line, ' ', n);
	size_t digits;
	double count;
	uint32_t id;

	if (n == 0)
		return 0;
	if (!blank)
		blank = memchr(line, '\t', n);
	digits = blank ? (size_t)(line + n - blank - 1) : 0;
	if (digits == 0)
		return err_set(err, ERR_INPUT, "expected `word count`");
	if (!column_number(&count, (struct column){ blank + 1, digits }) || count < 0.0)
		return err_set(err, ERR_INPUT, "the count of a word is not a number");
	c->total += count;
	id = vocab_find(&c->r->model->vocab, line, (size_t)(blank - line));
	if (id != VOCAB_UNKNOWN)
		c->r->p[id] = count;
	return 0;
}

static int probabilities_of_file(struct reference *r, struct err *err)
{
	struct counting c = { .r = r };

	if (lines_each(r->options->counts, LINE_BYTES, add_count, &c, err))
		return -1;
	if (!(c.total > 0.0))
		return err_set(err, ERR_INPUT, "%s: no counts", r->options->counts);
	for (size_t i = 0; i < r->model->vocab.n; i++)
		r->p[i] /= c.total;
	return 0;
}

/* From the model's counts, or else derived from its weights. */
static int probabilities_of_model(struct reference *r, struct err *err)
{
	const struct model *m = r->model;
	double total = 0.0;

	if (m->counts) {
		for (size_t i = 0; i < m->vocab.n; i++)
			total += (double)m->counts[i];
		for (size_t i = 0; i < m->vocab.n && total > 0.0; i++)
			r->p[i] = (double)m->counts[i] / total;
		return 0;
	}
	if (!m->weights || model_sums(m) == METHOD_USIF || !(m->facts.a > 0.0)) {
		(void)err_set(err, ERR_INPUT,
			      "the model has no word counts: name a file of `word count` lines");
		return err_param(err, "counts");
	}
	for (size_t i = 0; i < m->vocab.n; i++)
		r->p[i] = sif_probability(m->weights[i], m->facts.a);
	return 0;
}

/* Texts to word numbers */

/* The original's lookupIDX() without its last resort: "#Word" loses every '#'. */
static uint32_t find_word(struct reference *r, const char *form, size_t n)
{
	if (n < 2 || form[0] != '#')
		return vocab_find(&r->model->vocab, form, n);
	buf_reset(&r->word);
	for (size_t i = 0; i < n; i++)
		if (form[i] != '#')
			buf_byte(&r->word, form[i]);
	return vocab_find(&r->model->vocab, buf_string(&r->word), r->word.len);
}

static int add_text(struct reference *r, struct side *side, size_t i, const char *text, struct err *err)
{
	size_t used = side->starts[i];
	size_t bytes = strlen(text);
	const struct token *tokens;
	ptrdiff_t n = tokenizer_run(r->tokenizer, text, bytes, &tokens, err);

	if (n < 0 || mem_reserve(&side->ids, &side->cap, used + (size_t)n, sizeof(*side->ids), err))
		return -1;
	for (ptrdiff_t t = 0; t < n; t++) {
		side->ids[used++] = find_word(r, tokens[t].form, tokens[t].length);
		if (r->word.failed)
			return err_set(err, ERR_MEMORY, "not enough memory for a word");
	}
	side->starts[i + 1] = used;
	return 0;
}

static int read_side(struct reference *r, struct side *side, char *const *texts, size_t n, struct err *err)
{
	side->starts = mem_try(n + 1, sizeof(*side->starts), err);
	if (!side->starts)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (add_text(r, side, i, texts[i], err))
			return -1;
	}
	r->texts += n;
	for (size_t t = 0; t < side->starts[n]; t++) {
		uint32_t id = side->ids[t];

		if (id == VOCAB_UNKNOWN && r->options->oov_last)
			id = r->unknown;
		if (id != VOCAB_UNKNOWN)
			r->df[id]++;
	}
	return 0;
}

/* Vectors */

static double word_weight(const struct reference *r, enum reference_mode mode, uint32_t id)
{
	switch (mode) {
	case REFERENCE_AVG:
		return 1.0 / (1.0 + r->p[id]);
	case REFERENCE_IDF:
		return log2(((double)r->texts + 2.0) / (1.0 + (double)r->df[id]));
	case REFERENCE_W:
	case REFERENCE_WR:
		return r->a / (r->a + r->p[id]);
	case REFERENCE_MEAN:
	case REFERENCE_MODES:
		break;
	}
	return 1.0;
}

/* The weighted sum over the number of words whose weight is not 0; zeros when there is none. */
static void average(const struct reference *r, enum reference_mode mode, double *out, float *row,
		    const uint32_t *ids, size_t n)
{
	bool last = r->options->oov_last && mode != REFERENCE_MEAN;
	size_t d = r->model->rows.d;
	size_t counted = 0;

	memset(out, 0, d * sizeof(*out));
	for (size_t i = 0; i < n; i++) {
		uint32_t id = ids[i] == VOCAB_UNKNOWN && last ? r->unknown : ids[i];
		double weight;

		if (id == VOCAB_UNKNOWN)
			continue;
		weight = (double)(float)word_weight(r, mode, id); /* the original keeps float32 */
		rows_get(row, &r->model->rows, id);
		for (size_t j = 0; j < d; j++)
			out[j] += weight * (double)row[j];
		counted += weight != 0.0;
	}
	for (size_t j = 0; j < d && counted; j++)
		out[j] /= (double)counted;
}

static double dot(const double *x, const double *y, size_t d)
{
	double sum = 0.0;

	for (size_t j = 0; j < d; j++)
		sum += x[j] * y[j];
	return sum;
}

/* y += a * x */
static void add(double *y, double a, const double *x, size_t d)
{
	for (size_t j = 0; j < d; j++)
		y[j] += a * x[j];
}

/* Takes the first k eigenvectors of x' x out of the rows of x (n, d). */
static int remove_components(double *x, size_t n, size_t k, size_t d, const struct space *space,
			     struct err *err)
{
	memset(space->moment, 0, d * d * sizeof(*space->moment));
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < d; j++)
			add(space->moment + j * d, x[i * d + j], x + i * d, d);
	if (mat_eigen(space->values, space->vectors, space->moment, d, err))
		return -1;
	for (size_t i = 0; i < n; i++) {
		double *row = x + i * d;

		for (size_t c = 0; c < k; c++)
			add(row, -dot(row, space->vectors + c * d, d), space->vectors + c * d, d);
	}
	return 0;
}

static double cosine(const double *x, const double *y, size_t d)
{
	double xx = dot(x, x, d);
	double yy = dot(y, y, d);

	return xx > 0.0 && yy > 0.0 ? dot(x, y, d) / (sqrt(xx) * sqrt(yy)) : 0.0;
}

static int score(const struct reference *r, struct evaluated *result, enum reference_mode mode,
		 const struct pair_set *set, const struct side *sides, const struct space *space,
		 struct err *err)
{
	size_t d = r->model->rows.d;
	size_t k = r->options->components ? r->options->components : 1;

	for (size_t side = 0; side < 2; side++) {
		const struct side *s = &sides[side];

		for (size_t i = 0; i < set->n; i++)
			average(r, mode, space->x[side] + i * d, space->row, s->ids + s->starts[i],
				s->starts[i + 1] - s->starts[i]);
		if (mode == REFERENCE_WR &&
		    remove_components(space->x[side], set->n, k < d ? k : d, d, space, err))
			return -1;
	}
	for (size_t i = 0; i < set->n; i++)
		space->scores[i] = cosine(space->x[0] + i * d, space->x[1] + i * d, d);
	return evaluate_measure(result, space->scores, set->gold, set->n, err);
}

static double coverage(const struct side *sides, size_t n)
{
	size_t words = sides[0].starts[n] + sides[1].starts[n];
	size_t known = 0;

	for (size_t side = 0; side < 2; side++)
		for (size_t t = 0; t < sides[side].starts[n]; t++)
			known += sides[side].ids[t] != VOCAB_UNKNOWN;
	return words ? (double)known / (double)words : 0.0;
}

/* The arrays of doubles share one allocation, which begins at x[0]. */
static int space_make(struct space *space, size_t pairs, size_t d, struct err *err)
{
	double *at = mem_try(2 * pairs + 2 * d + 1, (d + 1) * sizeof(*at), err);

	space->x[0] = at;
	space->row = at ? mem_try(d, sizeof(*space->row), err) : NULL;
	if (!space->row) {
		free(at);
		return -1;
	}
	space->x[1] = at += pairs * d;
	space->scores = at += pairs * d;
	space->moment = at += pairs;
	space->vectors = at += d * d;
	space->values = at + d * d;
	return 0;
}

static int score_set(const struct reference *r, struct evaluated *results, const struct pair_set *set,
		     const struct side *sides, struct err *err)
{
	double covered = coverage(sides, set->n);
	struct space space;
	int rc = 0;

	if (space_make(&space, set->n, r->model->rows.d, err))
		return -1;
	for (enum reference_mode mode = 0; rc == 0 && mode < REFERENCE_MODES; mode++) {
		rc = score(r, &results[mode], mode, set, sides, &space, err);
		results[mode].coverage = covered;
	}
	free(space.row);
	free(space.x[0]);
	return rc;
}

static int prepare(struct reference *r, const struct pair_set *sets, size_t n, struct err *err)
{
	static const struct token_rules rules = { .normalize = NORMALIZE_LOWER,
						  .split = SPLIT_WHITESPACE,
						  .keep_punctuation = true,
						  .unknown = UNKNOWN_CASED };

	r->p = mem_try(r->model->vocab.n, sizeof(*r->p), err);
	r->df = mem_try(r->model->vocab.n, sizeof(*r->df), err);
	r->sides = mem_try(n, sizeof(*r->sides), err);
	if (!r->p || !r->df || !r->sides)
		return -1;
	if (r->options->counts ? probabilities_of_file(r, err) : probabilities_of_model(r, err))
		return -1;
	r->tokenizer = tokenizer_new(&rules, err);
	if (!r->tokenizer)
		return -1;
	for (size_t i = 0; i < n; i++) {
		if (read_side(r, &r->sides[i][0], sets[i].left, sets[i].n, err) ||
		    read_side(r, &r->sides[i][1], sets[i].right, sets[i].n, err))
			return -1;
	}
	return 0;
}

static void reference_free(struct reference *r, size_t n)
{
	for (size_t i = 0; r->sides && i < n; i++) {
		for (size_t side = 0; side < 2; side++) {
			free(r->sides[i][side].ids);
			free(r->sides[i][side].starts);
		}
	}
	tokenizer_free(r->tokenizer);
	buf_free(&r->word);
	free(r->sides);
	free(r->p);
	free(r->df);
}

int evaluate_reference(struct evaluated *results, struct model *m, const struct pair_set *sets, size_t n,
		       const struct reference_options *options, struct err *err)
{
	static const char unknown[] = "UUUNKKK";
	struct reference r = { .model = m, .options = options, .a = options->a };
	int rc;

	if (m->facts.folded)
		return err_set(
			err, ERR_INPUT,
			"the reference protocol needs the word vectors themselves: this model is folded");
	if (options->a <= 0.0)
		r.a = options->a < 0.0 ? 1.0 : 1e-3;
	r.unknown = vocab_find(&m->vocab, unknown, sizeof(unknown) - 1);
	if (r.unknown == VOCAB_UNKNOWN)
		r.unknown = (uint32_t)(m->vocab.n - 1);
	rc = prepare(&r, sets, n, err);
	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = score_set(&r, results + i * REFERENCE_MODES, &sets[i], r.sides[i], err);
	reference_free(&r, n);
	return rc;
}
