/* `sifd similarity`: the cosine of two texts, or of each pair in a file. */
#include "base/err.h"
#include "base/lines.h"
#include "base/number.h"
#include "base/pipeline.h"
#include "base/stream.h"
#include "cli/cli.h"
#include "embed/similar.h"
#include "model/model.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct similarity_call {
	struct model_choice choice;
	bool lossy;
};

static int score(struct embedder *s, const char *line, size_t n, bool lossy, struct buf *mended,
		 float *result, struct err *err)
{
	const char *tab;

	if (cli_check_text(&line, &n, lossy, mended, err))
		return -1;
	tab = memchr(line, '\t', n);
	if (!tab)
		return err_set(err, ERR_INPUT, "expected `text TAB text`");
	return similar_pair(s, (struct text){ line, (size_t)(tab - line) },
			    (struct text){ tab + 1, n - (size_t)(tab - line) - 1 }, result, NULL, err);
}

static void put_score(struct buf *out, float x)
{
	char *at = buf_reserve(out, NUMBER_FLOAT_BYTES + 1);

	if (!at)
		return;
	out->len += number_put_float(at, x);
	buf_byte(out, '\n');
}

static int score_lines(struct embedder *s, const char *path, bool lossy, struct err *err)
{
	struct lines *lines = cli_open_lines(path, err);
	struct buf out = { 0 };
	struct buf mended = { 0 };
	const char *line;
	size_t n;
	int more = lines ? 1 : -1;

	while (more > 0 && (more = lines_next(lines, &line, &n, err)) > 0) {
		float x = 0.0f;

		if (score(s, line, n, lossy, &mended, &x, err)) {
			more = err_prefix(err, "%s: line %" PRIu64, stream_name(lines_stream(lines)),
					  lines_number(lines));
		} else {
			put_score(&out, x);
			if (out.len > 65536 && cli_print(&out, err))
				more = -1;
		}
	}
	if (more == 0)
		more = cli_print(&out, err);
	buf_free(&out);
	buf_free(&mended);
	lines_free(lines);
	return more;
}

static int score_two(struct embedder *s, const char *const *texts, bool lossy, struct err *err)
{
	struct buf mended[2] = { { 0 }, { 0 } };
	struct buf out = { 0 };
	struct text pair[2];
	float x = 0.0f;
	int failed = 0;

	for (int i = 0; i < 2 && !failed; i++) {
		pair[i] = (struct text){ texts[i], strlen(texts[i]) };
		failed = cli_check_text(&pair[i].at, &pair[i].n, lossy, &mended[i], err);
	}
	if (!failed)
		failed = similar_pair(s, pair[0], pair[1], &x, NULL, err);
	put_score(&out, x);
	if (!failed)
		failed = cli_print(&out, err);
	buf_free(&out);
	buf_free(&mended[0]);
	buf_free(&mended[1]);
	return failed;
}

static int run(void *call, const struct arguments *rest, struct err *err)
{
	const struct similarity_call *c = call;
	struct embedder *s = cli_open_sentence(&c->choice, err);
	int failed;

	if (!s)
		return -1;
	if (rest->n == 2)
		failed = score_two(s, rest->at, c->lossy, err);
	else
		failed = score_lines(s, rest->n ? rest->at[0] : "-", c->lossy, err);
	embedder_free(s);
	return failed;
}

static const struct param_row options[] = { CLI_LOSSY(struct similarity_call), { 0 } };

const struct verb verb_similarity = {
	.name = "similarity",
	.arguments = "[-m MODEL] [--method M] [FILE|- | TEXT TEXT]",
	.summary = "Scores how similar texts are: the cosine of their vectors, from -1 to 1.",
	.details = "A file has one `text TAB text` per line and gives one score per line; two arguments give "
		   "one score.\n"
		   "A text without a known word scores 0.  Example:\n\n"
		   "  sifd similarity \"stocks fell\" \"shares dropped\"\n",
	.options = { { options, 0 }, CLI_MODEL(struct similarity_call), CLI_METHOD(struct similarity_call) },
	.call_bytes = sizeof(struct similarity_call),
	.least = 0,
	.most = 2,
	.expected = "a file or two texts are expected",
	.run = run,
};
