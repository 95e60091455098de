/*
 * The shipped model on real texts: as good as its card says, and no worse after a fit to a narrow corpus.
 * Runs in the repository's root; where ../shared/data is not, it says so and is skipped.
 */
#include "base/buf.h"
#include "base/err.h"
#include "base/lines.h"
#include "base/stream.h"
#include "embed/fit.h"
#include "embed/publish.h"
#include "eval/evaluate.h"
#include "math/mat.h"
#include "math/vec.h"
#include "model/model.h"
#include "support/memory_file.h"
#include "text/corpus.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define MODEL "models/default.safetensors"
#define DATA "../shared/data/"

enum { MODEL_BYTES = 17000000, SETS = 2, LINE_BYTES = 1 << 20 };

static const char *const sets[SETS] = { DATA "sts/raw/stsb.dev.tsv", DATA "sts/raw/sick.dev.tsv" };

static int needed(void)
{
	if (access(MODEL, R_OK) == 0 && access(sets[0], R_OK) == 0)
		return 0;
	print_message(MODEL " or " DATA " is not here: skipped\n");
	return -1;
}

static struct model *shipped(void)
{
	struct err err = { 0 };
	struct model *m = publish_open(MODEL, NULL, &err);

	if (!m)
		fail_msg("%s", err.text);
	return m;
}

static double pearson(struct model *m, enum method method, const char *path)
{
	struct err err = { 0 };
	struct pair_set set;
	struct evaluated result;

	assert_int_equal(pair_set_read(&set, path, &err), 0);
	assert_int_equal(evaluate_pairs(&result, m, method, &set, 0, &err), 0);
	pair_set_free(&set);
	return result.pearson;
}

/* Both columns of `label TAB premise TAB hypothesis`, a line each. */
static void add_captions(struct buf *to, const char *path)
{
	struct err err = { 0 };
	struct lines *lines = lines_open(path, LINE_BYTES, &err);
	const char *line;
	size_t n;

	if (!lines)
		fail_msg("%s", err.text);
	while (lines_next(lines, &line, &n, &err) > 0) {
		const char *tab = memchr(line, '\t', n);

		assert_non_null(tab);
		n -= (size_t)(tab + 1 - line);
		line = tab + 1;
		for (size_t i = 0; i < n; i++)
			buf_byte(to, line[i] == '\t' ? '\n' : line[i]);
		buf_byte(to, '\n');
	}
	lines_free(lines);
	assert_false(to->failed);
}

static void ships_what_the_card_says(void **state)
{
	struct model *m;
	struct stat file;

	(void)state;
	if (needed())
		skip();
	m = shipped();
	assert_int_equal(stat(MODEL, &file), 0);
	assert_true(file.st_size <= MODEL_BYTES);
	assert_int_equal(m->facts.method, METHOD_LEARNED);
	assert_true(pearson(m, METHOD_LEARNED, sets[0]) > 84.5);
	assert_true(pearson(m, METHOD_LEARNED, sets[1]) > 80.8);
	assert_true(pearson(m, METHOD_LSTM, sets[0]) > 85.4);
	assert_true(pearson(m, METHOD_LSTM, sets[1]) > 82.4);
	model_release(m);
}

/* 39k captions: what was learnt stays as it was, and losing their common component costs little. */
static void a_fit_is_gentle(void **state)
{
	struct fit_options o = fit_options_default();
	struct model *m, *fitted;
	struct corpus *corpus;
	struct buf text = { 0 };
	struct err err = { 0 };
	const char *at;

	(void)state;
	if (needed())
		skip();
	m = shipped();
	add_captions(&text, DATA "pairs/snli.dev.labelled.tsv.xz");
	add_captions(&text, DATA "pairs/snli.test.labelled.tsv.xz");
	at = text.data;
	corpus = corpus_of_texts(&at, &text.len, 1, &err);
	assert_non_null(corpus);
	fitted = fit_model(m, corpus, &o, NULL, NULL, &err);
	assert_non_null(fitted);
	for (size_t i = 0; i < SETS; i++) {
		double before = pearson(m, METHOD_LEARNED, sets[i]);
		double kept = pearson(fitted, METHOD_WEIGHTED, sets[i]);
		double sif = pearson(fitted, METHOD_SIF, sets[i]);

		print_message("%-38s %.2f: weighted %.2f, sif %.2f\n", sets[i], before, kept, sif);
		assert_true(before - kept < 0.001 && kept - before < 0.001);
		assert_true(sif > before - 1.0);
	}
	model_release(fitted);
	corpus_close(corpus);
	buf_free(&text);
	model_release(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ships_what_the_card_says),
		cmocka_unit_test(a_fit_is_gentle),
	};

	vec_init();
	mat_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
