/* `sifd explain`: what each word adds to a vector, or each pair of words to a score. */
#include "base/err.h"
#include "base/json.h"
#include "base/number.h"
#include "cli/cli.h"
#include "embed/explain.h"
#include "text/vocab.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct explain_call {
	struct model_choice choice;
	bool json;
};

enum { BAR = 30, PARTS_SHOWN = 12 };

static void put_float(struct buf *out, float x)
{
	char number[NUMBER_FLOAT_BYTES];

	buf_add(out, number, number_put_float(number, x));
}

/* A bar of length |x| / most: # for what adds, - for what takes away. */
static void put_bar(struct buf *out, float x, float most)
{
	int n = most > 0.0f ? (int)lroundf(BAR * fabsf(x) / most) : 0;

	for (int i = 0; i < n; i++)
		buf_byte(out, x < 0.0f ? '-' : '#');
	buf_byte(out, '\n');
}

static void put_words(struct buf *out, const struct explained *e, const char *text)
{
	float most = 0.0f;

	for (size_t i = 0; i < e->n; i++)
		most = fmaxf(most, fabsf(e->words[i].share));
	buf_printf(out, "%-24s %10s %10s\n", "word", "weight", "share");
	for (size_t i = 0; i < e->n; i++) {
		const struct explained_word *w = &e->words[i];
		int n = (int)(w->stop - w->start);

		if (w->id == VOCAB_UNKNOWN) {
			buf_printf(out, "%-24.*s %10s %10s\n", n, text + w->start, "unknown", "");
			continue;
		}
		buf_printf(out, "%-24.*s %10.6f %10.6f  ", n, text + w->start, (double)w->weight,
			   (double)w->share);
		put_bar(out, w->share, most);
	}
	buf_printf(out, "coverage %.3f, length of the vector before normalizing %.6g\n", (double)e->coverage,
		   (double)e->norm);
}

static void put_words_json(struct buf *out, const struct explained *e, const char *text)
{
	buf_byte(out, '[');
	for (size_t i = 0; i < e->n; i++) {
		const struct explained_word *w = &e->words[i];

		buf_text(out, i ? ",{\"token\":" : "{\"token\":");
		json_put_string(out, text + w->start, w->stop - w->start);
		buf_printf(out, ",\"start\":%u,\"stop\":%u,\"known\":%s,\"weight\":", w->start, w->stop,
			   w->id == VOCAB_UNKNOWN ? "false" : "true");
		put_float(out, w->weight);
		buf_text(out, ",\"share\":");
		put_float(out, w->share);
		buf_byte(out, '}');
	}
	buf_byte(out, ']');
}

struct part {
	size_t row, column;
	float value;
};

static int by_size(const void *a, const void *b)
{
	const struct part *p = a;
	const struct part *q = b;
	float x = fabsf(p->value);
	float y = fabsf(q->value);

	return x < y		  ? 1
	       : x > y		  ? -1
	       : p->row != q->row ? (p->row < q->row ? -1 : 1)
				  : (p->column < q->column ? -1 : 1);
}

static void put_part(struct buf *out, const struct explained_pair *p, const struct part *part,
		     const char *const *texts, float most)
{
	const struct explained_word *a = &p->left.words[part->row];
	const struct explained_word *b = &p->right.words[part->column];

	buf_printf(out, "%-20.*s %-20.*s %10.6f  ", (int)(a->stop - a->start), texts[0] + a->start,
		   (int)(b->stop - b->start), texts[1] + b->start, (double)part->value);
	put_bar(out, part->value, most);
}

/* The largest parts of the score, then what the many small ones add together. */
static int put_pair(struct buf *out, const struct explained_pair *p, const char *const *texts,
		    struct err *err)
{
	size_t n = p->left.n * p->right.n;
	struct part *parts = malloc((n ? n : 1) * sizeof(*parts));
	double rest = 0.0;

	if (!parts)
		return err_set(err, ERR_MEMORY, "not enough memory for %zu parts", n);
	for (size_t i = 0; i < n; i++)
		parts[i] = (struct part){ i / p->right.n, i % p->right.n, p->parts[i] };
	qsort(parts, n, sizeof(*parts), by_size);
	buf_printf(out, "%-20s %-20s %10s\n", "left", "right", "adds");
	for (size_t i = 0; i < n; i++) {
		if (i < PARTS_SHOWN)
			put_part(out, p, &parts[i], texts, fabsf(parts[0].value));
		else
			rest += (double)parts[i].value;
	}
	if (n > PARTS_SHOWN)
		buf_printf(out, "%-41s %10.6f\n", "all other pairs of words", rest);
	buf_printf(out, "%-41s %10.6f\n", "score", (double)p->score);
	buf_printf(out, "coverage %.3f and %.3f\n", (double)p->left.coverage, (double)p->right.coverage);
	free(parts);
	return 0;
}

static void put_pair_json(struct buf *out, const struct explained_pair *p, const char *const *texts)
{
	buf_text(out, "{\"score\":");
	put_float(out, p->score);
	buf_text(out, ",\"left\":");
	put_words_json(out, &p->left, texts[0]);
	buf_text(out, ",\"right\":");
	put_words_json(out, &p->right, texts[1]);
	buf_text(out, ",\"parts\":[");
	for (size_t i = 0; i < p->left.n; i++) {
		buf_text(out, i ? ",[" : "[");
		for (size_t j = 0; j < p->right.n; j++) {
			if (j)
				buf_byte(out, ',');
			put_float(out, p->parts[i * p->right.n + j]);
		}
		buf_byte(out, ']');
	}
	buf_text(out, "]}\n");
}

static int explain_one(struct embedder *s, struct buf *out, const char *text, bool as_json, struct err *err)
{
	struct explained e;

	if (explain_text(&e, s, text, strlen(text), err))
		return -1;
	if (as_json) {
		buf_text(out, "{\"words\":");
		put_words_json(out, &e, text);
		buf_text(out, "}\n");
	} else {
		put_words(out, &e, text);
	}
	explained_free(&e);
	return 0;
}

static int explain_two(struct embedder *s, struct buf *out, const char *const *texts, bool as_json,
		       struct err *err)
{
	struct explained_pair p;
	int failed = 0;

	if (explain_pair(&p, s, texts[0], strlen(texts[0]), texts[1], strlen(texts[1]), err))
		return -1;
	if (as_json)
		put_pair_json(out, &p, texts);
	else
		failed = put_pair(out, &p, texts, err);
	explained_pair_free(&p);
	return failed;
}

static int run(void *call, const struct arguments *texts, struct err *err)
{
	const struct explain_call *c = call;
	struct buf out = { 0 };
	struct buf unused = { 0 };
	struct embedder *s;
	int failed;

	for (size_t i = 0; i < texts->n; i++) {
		const char *text = texts->at[i];
		size_t length = strlen(text);

		if (cli_check_text(&text, &length, false, &unused, err))
			return -1;
	}
	s = cli_open_sentence(&c->choice, err);
	if (!s)
		return -1;
	failed = texts->n == 1 ? explain_one(s, &out, texts->at[0], c->json, err)
			       : explain_two(s, &out, texts->at, c->json, err);
	if (!failed)
		failed = cli_print(&out, err);
	buf_free(&out);
	embedder_free(s);
	return failed;
}

static const struct param_row options[] = {
	CLI_FLAG("json", "print everything, the whole matrix too, as one JSON object", struct explain_call,
		 json),
	{ 0 },
};

const struct verb verb_explain = {
	.name = "explain",
	.arguments = "[-m MODEL] [--method M] [--json] TEXT [TEXT]",
	.summary = "Shows what each word adds to a text's vector, or to the score of two texts.",
	.details =
		"The shares of a text's words sum to 1; the parts of a pair sum to its score.  Example:\n\n"
		"  sifd explain \"stocks fell sharply\" \"shares dropped\"\n",
	.options = { { options, 0 }, CLI_MODEL(struct explain_call), CLI_METHOD(struct explain_call) },
	.call_bytes = sizeof(struct explain_call),
	.least = 1,
	.most = 2,
	.expected = "one text or two are expected",
	.run = run,
};
