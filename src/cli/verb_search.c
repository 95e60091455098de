/* `sifd search`: the texts of a file that are most like a query. */
#include "base/err.h"
#include "base/lines.h"
#include "base/mem.h"
#include "base/number.h"
#include "base/stream.h"
#include "cli/cli.h"
#include "embed/similar.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct search_call {
	struct model_choice choice;
	const char *texts;
	size_t top;
	bool lossy;
};

/* The texts to search: their bytes in one block, so that growing never moves what a pointer names. */
struct collection {
	struct buf bytes;
	size_t *ends; /* (n) */
	size_t n, ends_room, vectors_room;
	float *vectors; /* (n, d) */
	size_t d;
};

static int add(struct collection *c, const char *text, size_t n, struct err *err)
{
	if (mem_grow(&c->ends, &c->ends_room, c->n, sizeof(*c->ends), err) ||
	    mem_grow(&c->vectors, &c->vectors_room, c->n, c->d * sizeof(float), err))
		return -1;
	assert(c->ends && c->vectors);
	buf_add(&c->bytes, text, n);
	if (c->bytes.failed)
		return err_set(err, ERR_MEMORY, "not enough memory for the texts");
	c->ends[c->n++] = c->bytes.len;
	return 0;
}

static int embed_all(struct collection *c, struct embedder *s, struct err *err)
{
	struct text *texts = mem_try(c->n + 1, sizeof(*texts), err);
	int failed;

	if (!texts)
		return -1;
	for (size_t i = 0; i < c->n; i++) {
		size_t start = i ? c->ends[i - 1] : 0;

		texts[i] = (struct text){ c->bytes.data + start, c->ends[i] - start };
	}
	failed = embedder_embed_many(s, texts, c->n, true, c->vectors, NULL, err);
	free(texts);
	return failed;
}

static int load(struct collection *c, struct embedder *s, const char *path, bool lossy, struct err *err)
{
	struct lines *lines = cli_open_lines(path, err);
	struct buf mended = { 0 };
	const char *line;
	size_t n;
	int more = lines ? 1 : -1;

	while (more > 0 && (more = lines_next(lines, &line, &n, err)) > 0)
		if (cli_check_text(&line, &n, lossy, &mended, err) || add(c, line, n, err))
			more = err_prefix(err, "%s: line %" PRIu64, path, lines_number(lines));
	buf_free(&mended);
	lines_free(lines);
	return more ? more : embed_all(c, s, err);
}

static void put_found(struct buf *out, const struct collection *c, const struct found *f)
{
	size_t start;
	char number[NUMBER_FLOAT_BYTES];

	assert(c->ends && f->index < c->n);
	start = f->index ? c->ends[f->index - 1] : 0;
	buf_add(out, number, number_put_float(number, f->score));
	buf_byte(out, '\t');
	buf_printf(out, "%zu\t", f->index + 1);
	buf_add(out, c->bytes.data + start, c->ends[f->index] - start);
	buf_byte(out, '\n');
}

static int answer(const struct collection *c, struct embedder *s, const char *query, size_t n, size_t top,
		  struct err *err)
{
	struct found *found = mem_try(top, sizeof(*found), err);
	float *vector = mem_try(c->d, sizeof(float), err);
	struct buf out = { 0 };
	int failed = !found || !vector || embedder_embed(s, query, n, true, vector, NULL, err);

	if (!failed) {
		size_t count = similar_top(found, top, vector, c->vectors, c->n, c->d);

		for (size_t i = 0; i < count; i++)
			put_found(&out, c, &found[i]);
		failed = cli_print(&out, err);
	}
	buf_free(&out);
	free(found);
	free(vector);
	return failed ? -1 : 0;
}

static int answer_lines(const struct collection *c, struct embedder *s, size_t top, bool lossy,
			struct err *err)
{
	struct lines *lines = cli_open_lines("-", err);
	struct buf mended = { 0 };
	struct buf out = { 0 };
	const char *line;
	size_t n;
	int more = lines ? 1 : -1;

	while (more > 0 && (more = lines_next(lines, &line, &n, err)) > 0) {
		if (lines_number(lines) > 1)
			buf_byte(&out, '\n');
		if (cli_check_text(&line, &n, lossy, &mended, err) || cli_print(&out, err) ||
		    answer(c, s, line, n, top, err))
			more = err_prefix(err, "query %" PRIu64, lines_number(lines));
	}
	buf_free(&out);
	buf_free(&mended);
	lines_free(lines);
	return more;
}

static int run(void *call, const struct arguments *rest, struct err *err)
{
	const struct search_call *c = call;
	const char *query = rest->n ? rest->at[0] : "-";
	struct collection texts = { 0 };
	struct embedder *s = cli_open_sentence(&c->choice, err);
	struct buf mended = { 0 };
	size_t n = strlen(query);
	size_t top = c->top;
	int failed = -1;

	if (!s)
		return -1;
	texts.d = embedder_dimension(s);
	if (load(&texts, s, c->texts, c->lossy, err) == 0) {
		if (top > texts.n)
			top = texts.n;
		if (strcmp(query, "-") == 0)
			failed = answer_lines(&texts, s, top, c->lossy, err);
		else
			failed = cli_check_text(&query, &n, c->lossy, &mended, err) ||
				 answer(&texts, s, query, n, top, err);
	}
	buf_free(&mended);
	buf_free(&texts.bytes);
	free(texts.ends);
	free(texts.vectors);
	embedder_free(s);
	return failed ? -1 : 0;
}

static int check(void *call, const struct arguments *rest, struct err *err)
{
	const struct search_call *c = call;

	if (!c->texts || rest->n > 1 || (strcmp(c->texts, "-") == 0 && rest->n == 0))
		return err_set(err, ERR_INPUT,
			       "expected --texts FILE and one query (or - for one query per line)");
	return 0;
}

static const struct param_row options[] = {
	CLI_TEXT("texts", 0, "FILE", "the texts to search, one per line", struct search_call, texts),
	{ "top",
	  'n',
	  PARAM_COUNT,
	  "N",
	  "how many results to show, best first",
	  NULL,
	  PARAM_FIELD(struct search_call, top),
	  PARAM_RANGE(1, PARAM_MOST),
	  { { PARAM_ALWAYS, 10 } } },
	CLI_LOSSY(struct search_call),
	{ 0 },
};

const struct verb verb_search = {
	.name = "search",
	.arguments = "[-m MODEL] --texts FILE [--top 10] [QUERY|-]",
	.summary = "Finds the texts in a file that are most similar to a query.",
	.details = "Prints `score TAB line number TAB text`, best first; a blank line separates the results "
		   "of several queries.\nExample:\n\n  sifd search --texts questions.txt \"how do I reset my "
		   "password\"\n",
	.options = { { options, 0 }, CLI_MODEL(struct search_call), CLI_METHOD(struct search_call) },
	.call_bytes = sizeof(struct search_call),
	.check = check,
	.run = run,
};
