#include "learn/pairs.h"

#include "base/digest.h"
#include "base/err.h"
#include "base/lines.h"
#include "base/mem.h"
#include "base/progress.h"
#include "base/utf8.h"
#include "learn/pairs_private.h"
#include "text/vocab.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_BYTES = 1 << 20, LINES_A_LOOK = 1024 };

/* Scored pairs in the upper fifth of the range count as pairs that mean the same. */
static const float same_from = 0.8f;

const char *const pairs_kind_names[PAIRS_KINDS] = { "auto", "pairs", "groups", "labelled", "scored" };
static const char *const shapes[PAIRS_KINDS] = {
	"`a TAB b`, `group TAB text`, `label TAB a TAB b` or `a TAB b TAB score`",
	"`a TAB b`",
	"`group TAB text`",
	"`label TAB a TAB b`",
	"`a TAB b TAB score`",
};

/* A line of a groups file. */
struct membership {
	uint64_t group; /* hash of its name */
	uint32_t text;
	uint32_t line;
};

struct reader {
	struct pairs *pairs;
	struct pair_source *source;
	struct digest *digest;
	struct membership *memberships;
	size_t memberships_n, memberships_cap, pairs_cap;
	bool scored;
	struct progress *progress;
};

/* The text's number, or -1 in *number's place (1 returned) when it has no known word. */
static int add_text(struct reader *r, struct column c, uint32_t *number, struct err *err)
{
	size_t n;

	if (texts_find_or_add(r->pairs->texts, c.at, c.n, number, err))
		return -1;
	(void)texts_words(r->pairs->texts, *number, &n);
	return n == 0;
}

static int add_pair(struct reader *r, struct column a, struct column b, float gold, struct err *err)
{
	struct pair_source *s = r->source;
	struct pair p = { .gold = gold };
	int without = add_text(r, a, &p.a, err);
	int also = without < 0 ? -1 : add_text(r, b, &p.b, err);

	if (also < 0)
		return -1;
	if (without || also) {
		s->skipped++;
		return 0;
	}
	if (mem_grow(&s->pairs, &r->pairs_cap, s->n, sizeof(*s->pairs), err))
		return -1;
	p.a_key = p.a;
	p.b_key = p.b;
	s->pairs[s->n++] = p;
	return 0;
}

static int add_member(struct reader *r, struct column group, struct column text, struct err *err)
{
	struct membership m = { .group = vocab_hash(group.at, group.n, 0),
				.line = (uint32_t)r->memberships_n };
	int without = add_text(r, text, &m.text, err);

	if (without < 0)
		return -1;
	if (without) {
		r->source->skipped++;
		return 0;
	}
	if (mem_grow(&r->memberships, &r->memberships_cap, r->memberships_n, sizeof(*r->memberships), err))
		return -1;
	r->memberships[r->memberships_n++] = m;
	return 0;
}

static int add_labelled(struct reader *r, const struct column *c, struct err *err)
{
	float gold;

	if (c[0].n == 1 && c[0].at[0] == '-') { /* SNLI: the annotators did not agree */
		r->source->skipped++;
		return 0;
	}
	if (!pairs_label(&gold, c[0]))
		return err_set(
			err, ERR_INPUT,
			"the label is none of entailment, neutral, contradiction, 1, 0, true, false, yes, "
			"no, paraphrase, duplicate, different");
	return r->scored || gold == 1 ? add_pair(r, c[1], c[2], gold, err) : 0;
}

static int add_line(struct reader *r, const char *line, size_t n, struct err *err)
{
	static const size_t expected[PAIRS_KINDS] = { 0, 2, 2, 3, 3 };
	struct column c[PAIRS_COLUMNS_MAX];
	size_t columns = columns_cut(c, PAIRS_COLUMNS_MAX, line, n);
	enum pairs_kind kind = r->source->kind;
	float gold;

	if (utf8_invalid(line, n) != n)
		return err_set(err, ERR_INPUT, "byte %zu is not UTF-8", utf8_invalid(line, n) + 1);
	if (kind == PAIRS_AUTO)
		kind = r->source->kind = pairs_guess(c, columns);
	if (columns != expected[kind])
		return err_set(err, ERR_INPUT, "expected %s, found %zu column%s%s", shapes[kind], columns,
			       columns == 1 ? "" : "s",
			       kind == PAIRS_AUTO && columns == 3 ? ", neither the first a label nor the "
								    "last a number"
								  : "");
	r->source->lines++;
	digest_add(r->digest, line, n);
	digest_add(r->digest, "\n", 1);
	if (kind == PAIRS_GROUPS)
		return add_member(r, c[0], c[1], err);
	if (kind == PAIRS_LABELLED)
		return add_labelled(r, c, err);
	if (kind == PAIRS_PAIRS)
		return add_pair(r, c[0], c[1], 1, err);
	if (!pairs_number(&gold, c[2]))
		return err_set(err, ERR_INPUT, "the third column is not a finite number");
	return add_pair(r, c[0], c[1], gold, err);
}

static int by_group(const void *a, const void *b)
{
	const struct membership *x = a;
	const struct membership *y = b;

	if (x->group != y->group)
		return x->group < y->group ? -1 : 1;
	if (x->text != y->text)
		return x->text < y->text ? -1 : 1;
	return (x->line > y->line) - (x->line < y->line);
}

/* Lists the members group by group, equal texts once; leaves out groups of one text. */
static int make_groups(struct reader *r, struct err *err)
{
	struct pair_source *s = r->source;
	size_t n = r->memberships_n;
	const struct membership *m = r->memberships;
	size_t at = 0;

	s->members = mem_try(n, sizeof(*s->members), err);
	s->group_starts = mem_try(n + 1, sizeof(*s->group_starts), err);
	if (!s->members || !s->group_starts)
		return -1;
	if (n)
		qsort(r->memberships, n, sizeof(*r->memberships), by_group);
	for (size_t first = 0, last; first < n; first = last) {
		size_t start = at;

		for (last = first; last < n && m[last].group == m[first].group; last++)
			if (last == first || m[last].text != m[last - 1].text)
				s->members[at++] = m[last].text;
		if (at - start < 2) {
			s->skipped++;
			at = start;
			continue;
		}
		s->group_starts[++s->groups] = at;
	}
	return 0;
}

/* Scales scores to 0..1; for objectives without scores only the best stay, as pairs. */
static void settle_scores(struct reader *r)
{
	struct pair_source *s = r->source;
	float low = s->n ? s->pairs[0].gold : 0;
	float high = low;
	size_t kept = 0;

	for (size_t i = 0; i < s->n; i++) {
		low = s->pairs[i].gold < low ? s->pairs[i].gold : low;
		high = s->pairs[i].gold > high ? s->pairs[i].gold : high;
	}
	for (size_t i = 0; i < s->n; i++) {
		float gold = high > low ? (s->pairs[i].gold - low) / (high - low) : 1;

		if (!r->scored && gold < same_from)
			continue;
		s->pairs[kept] = s->pairs[i];
		s->pairs[kept++].gold = gold;
	}
	s->n = kept;
}

static int finish_source(struct reader *r, struct err *err)
{
	struct pair_source *s = r->source;

	if (s->kind == PAIRS_GROUPS && make_groups(r, err))
		return -1;
	if (s->kind == PAIRS_SCORED)
		settle_scores(r);
	if (r->scored && (s->kind == PAIRS_PAIRS || s->kind == PAIRS_GROUPS))
		return err_set(err, ERR_INPUT,
			       "%s: this objective learns from scores or labels, and these are %s", s->name,
			       shapes[s->kind]);
	if (s->n == 0 && s->groups == 0)
		return err_set(err, ERR_INPUT, "%s: no pair of texts with known words to train on", s->name);
	return 0;
}

static int go_on(const struct reader *r, const struct lines *lines, struct err *err)
{
	if (lines_number(lines) % LINES_A_LOOK || !progress_stop(r->progress))
		return 0;
	return err_set(err, ERR_CANCELLED, "the training was cancelled");
}

static int read_lines(struct reader *r, struct lines *lines, struct err *err)
{
	const char *line;
	size_t n;
	int rc;

	while ((rc = lines_next(lines, &line, &n, err)) > 0) {
		if (go_on(r, lines, err))
			return -1;
		if (n && add_line(r, line, n, err))
			return err_prefix(err, "%s, line %" PRIu64, r->source->name, lines_number(lines));
	}
	return rc < 0 ? -1 : finish_source(r, err);
}

static int read_file(struct reader *r, const char *path, struct err *err)
{
	struct lines *lines = lines_open(path, LINE_BYTES, err);
	int failed;

	if (!lines)
		return -1;
	failed = read_lines(r, lines, err);
	lines_free(lines);
	free(r->memberships);
	r->memberships = NULL;
	return failed;
}

int pairs_read(struct pairs *pairs, struct model *m, const char *const *paths, size_t n, enum pairs_kind kind,
	       bool scored, struct progress *progress, struct err *err)
{
	struct digest digest;
	int failed;

	memset(pairs, 0, sizeof(*pairs));
	digest_start(&digest);
	pairs->texts = texts_new(m, err);
	pairs->sources = mem_try(n, sizeof(*pairs->sources), err);
	pairs->digest = mem_try(DIGEST_HEX + 1, 1, err);
	failed = !pairs->texts || !pairs->sources || !pairs->digest;
	for (size_t i = 0; i < n && !failed; i++) {
		struct reader r = { .pairs = pairs,
				    .source = &pairs->sources[i],
				    .digest = &digest,
				    .scored = scored,
				    .progress = progress };

		pairs->n++;
		r.source->kind = kind;
		r.source->name = mem_text(paths[i], strlen(paths[i]));
		digest_add(&digest, "\f", 1);
		failed = read_file(&r, paths[i], err);
		progress_set(progress, i + 1);
	}
	if (failed) {
		pairs_free(pairs);
		return -1;
	}
	digest_hex(&digest, pairs->digest);
	return 0;
}

void pairs_free(struct pairs *pairs)
{
	for (size_t i = 0; pairs->sources && i < pairs->n; i++) {
		free(pairs->sources[i].name);
		free(pairs->sources[i].pairs);
		free(pairs->sources[i].members);
		free(pairs->sources[i].group_starts);
	}
	free(pairs->sources);
	texts_free(pairs->texts);
	free(pairs->digest);
	memset(pairs, 0, sizeof(*pairs));
}
