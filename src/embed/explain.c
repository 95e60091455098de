#include "embed/explain.h"

#include "base/err.h"
#include "base/limits.h"
#include "base/mem.h"
#include "embed/similar.h"
#include "math/rows.h"
#include "math/vec.h"
#include "model/model.h"
#include "text/lookup.h"

#include <stdlib.h>
#include <string.h>

/* A text taken apart. */
struct apart {
	struct explained *e;
	float *vector; /* (d_out) u, not normalized */
	float *added;  /* (known, d_out) T(c_i) of the known words in order */
};

static void apart_free(struct apart *a)
{
	free(a->vector);
	free(a->added);
}

/* What word `id` adds to a vector of `known` words: T(c_i). */
static void word_adds(const struct embedder *s, uint32_t id, size_t known, float *row, float *out)
{
	float weight = embedder_weight(s, id);
	size_t d = embedder_model(s)->rows.d;

	rows_sum(row, &embedder_model(s)->rows, &id, &weight, 1);
	vec_scale(row, embedder_factor(s, known), d);
	embedder_transform(s, row, out);
}

/* Cuts the text into e->words; their number, or -1. */
static ptrdiff_t cut(struct explained *e, struct embedder *s, const char *text, size_t n, struct err *err)
{
	const struct word *words;
	ptrdiff_t count = lookup_run(embedder_lookup(s), text, n, &words, err);
	ptrdiff_t known = 0;

	if (count < 0)
		return -1;
	if (count > LIMIT_EXPLAIN_WORDS)
		return err_set(err, ERR_TOO_LARGE, "a text of %td words: at most %d are explained", count,
			       LIMIT_EXPLAIN_WORDS);
	e->words = mem_try((size_t)count, sizeof(*e->words), err);
	if (!e->words)
		return -1;
	e->n = (size_t)count;
	for (ptrdiff_t i = 0; i < count; i++) {
		struct explained_word *w = &e->words[i];

		w->start = words[i].start;
		w->stop = words[i].stop;
		w->id = words[i].id;
		if (w->id != VOCAB_UNKNOWN) {
			w->weight = embedder_weight(s, w->id);
			known++;
		}
	}
	e->coverage = seen_coverage((struct seen){ (uint32_t)count, (uint32_t)known });
	return known;
}

/* Fills a->vector and a->added for the known words of a->e. */
static int add_up(struct apart *a, struct embedder *s, size_t known, struct err *err)
{
	size_t d_out = embedder_dimension(s);
	float *row = mem_try_aligned(embedder_model(s)->rows.d, sizeof(*row), err);
	uint32_t *ids = mem_try(known, sizeof(*ids), err);
	size_t k = 0;
	int rc = -1;

	a->vector = mem_try_aligned(d_out, sizeof(*a->vector), err);
	a->added = mem_try_aligned(known, d_out * sizeof(*a->added), err);
	if (!row || !ids || !a->vector || !a->added)
		goto out;
	for (size_t i = 0; i < a->e->n; i++) {
		if (a->e->words[i].id == VOCAB_UNKNOWN)
			continue;
		ids[k] = a->e->words[i].id;
		word_adds(s, ids[k], known, row, a->added + k * d_out);
		k++;
	}
	rc = embedder_embed_words(s, ids, known, false, a->vector, err);
out:
	free(row);
	free(ids);
	return rc;
}

/* share_i = T(c_i) . u / |u|^2 */
static void set_shares(const struct apart *a, size_t d_out)
{
	float norm = a->e->norm;
	size_t k = 0;

	for (size_t i = 0; i < a->e->n; i++) {
		struct explained_word *w = &a->e->words[i];

		if (w->id == VOCAB_UNKNOWN)
			continue;
		if (norm > 0.0f)
			w->share = vec_dot(a->added + k * d_out, a->vector, d_out) / norm / norm;
		k++;
	}
}

/* Methods under which no word has a share of its own. */
static int refuse(enum method method, struct err *err)
{
	static const char *const why[METHOD_COUNT] = {
		[METHOD_DISC] = "disc makes a text's vector of products of its words",
		[METHOD_LSTM] = "what a word does to an LSTM depends on all words before it",
		[METHOD_LSTM_STATIC] = "what a word does to an LSTM depends on all words before it",
		[METHOD_FEATURES] =
			"features joins two vectors, the first of them of length 1 whatever its words",
	};

	if (!why[method])
		return 0;
	return err_field(err, ERR_INPUT, "method", "%s: no word has a share of its own", why[method]);
}

/* Fills the empty a and a->e, which the caller frees, also on failure. */
static int take_apart(struct apart *a, struct embedder *s, const char *text, size_t n, struct err *err)
{
	ptrdiff_t known;

	memset(a->e, 0, sizeof(*a->e));
	if (refuse(embedder_method(s), err))
		return -1;
	known = cut(a->e, s, text, n, err);
	if (known < 0 || add_up(a, s, (size_t)known, err))
		return -1;
	a->e->norm = vec_norm(a->vector, embedder_dimension(s));
	set_shares(a, embedder_dimension(s));
	return 0;
}

int explain_text(struct explained *e, struct embedder *s, const char *text, size_t n, struct err *err)
{
	struct apart a = { .e = e };
	int rc = take_apart(&a, s, text, n, err);

	apart_free(&a);
	if (rc)
		explained_free(e);
	return rc;
}

void explained_free(struct explained *e)
{
	free(e->words);
	memset(e, 0, sizeof(*e));
}

/* part_ij = T(c_i) . T(c'_j) / (|u| |u'|) */
static void fill_parts(struct explained_pair *p, const struct apart *a, const struct apart *b, size_t d_out)
{
	const float *left = a->added;

	if (!(p->left.norm > 0.0f) || !(p->right.norm > 0.0f))
		return;
	for (size_t i = 0; i < p->left.n; i++) {
		const float *right = b->added;

		if (p->left.words[i].id == VOCAB_UNKNOWN)
			continue;
		for (size_t j = 0; j < p->right.n; j++) {
			if (p->right.words[j].id == VOCAB_UNKNOWN)
				continue;
			p->parts[i * p->right.n + j] =
				vec_dot(left, right, d_out) / p->left.norm / p->right.norm;
			right += d_out;
		}
		left += d_out;
	}
}

int explain_pair(struct explained_pair *p, struct embedder *s, const char *a, size_t a_n, const char *b,
		 size_t b_n, struct err *err)
{
	size_t d_out = embedder_dimension(s);
	struct apart left = { .e = &p->left };
	struct apart right = { .e = &p->right };

	memset(p, 0, sizeof(*p));
	if (take_apart(&left, s, a, a_n, err) == 0 && take_apart(&right, s, b, b_n, err) == 0)
		p->parts = mem_try(p->left.n * p->right.n, sizeof(*p->parts), err);
	if (p->parts) {
		fill_parts(p, &left, &right, d_out);
		(void)vec_unit(left.vector, d_out);
		(void)vec_unit(right.vector, d_out);
		p->score = similar_score(left.vector, right.vector, d_out);
	}
	apart_free(&left);
	apart_free(&right);
	if (!p->parts) {
		explained_pair_free(p);
		return -1;
	}
	return 0;
}

void explained_pair_free(struct explained_pair *p)
{
	explained_free(&p->left);
	explained_free(&p->right);
	free(p->parts);
	memset(p, 0, sizeof(*p));
}
