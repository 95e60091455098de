/* Files of pairs: what their columns say, what is refused, and what an epoch draws. */
#include "learn/pairs.h"

#include "base/err.h"
#include "base/progress.h"
#include "model/model.h"
#include "support/scratch.h"
#include "support/toy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct scratch scratch;
static struct model *model;

static int setup(void **state)
{
	static const char *const words[] = { "cat", "dog", "sat", "ran", "mat",
					     "sun", "sea", "sky", "red", "blue" };

	(void)state;
	scratch_open(&scratch);
	model = toy_model((struct toy){ .n = 10, .d = 4, .method = METHOD_SUM, .seed = 1, .words = words });
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	scratch_close(&scratch);
	model_release(model);
	return 0;
}

static int read_text(struct pairs *pairs, const char *text, enum pairs_kind kind, bool scored,
		     struct err *err)
{
	char *path = scratch_file(&scratch, "pairs.tsv", text);
	const char *paths[] = { path };
	int rc = pairs_read(pairs, model, paths, 1, kind, scored, NULL, err);

	free(path);
	return rc;
}

static void reads(struct pairs *pairs, const char *text, enum pairs_kind kind, bool scored)
{
	struct err err = { 0 };

	if (read_text(pairs, text, kind, scored, &err))
		fail_msg("%s", err.text);
}

static void refuses(const char *text, enum pairs_kind kind, bool scored, const char *message)
{
	struct pairs pairs;
	struct err err = { 0 };

	assert_int_equal(read_text(&pairs, text, kind, scored, &err), -1);
	assert_int_equal(err.code, ERR_INPUT);
	if (!strstr(err.text, message))
		fail_msg("%s: not in: %s", message, err.text);
}

static void plain_pairs(void **state)
{
	struct pairs p;
	const struct pair *pair;

	(void)state;
	reads(&p, "cat sat\tdog ran\n\ncat sat\tthe sky\r\nxyz\tcat\n", PAIRS_AUTO, false);
	assert_int_equal(p.sources[0].kind, PAIRS_PAIRS);
	assert_int_equal(p.sources[0].n, 2);
	assert_int_equal(p.sources[0].skipped, 1); /* xyz has no known word */
	pair = p.sources[0].pairs;
	assert_int_equal(pair[0].a, pair[1].a); /* the same text */
	assert_int_equal(pair[0].a_key, pair[1].a_key);
	assert_int_not_equal(pair[0].b_key, pair[1].b_key);
	assert_true(pair[0].gold == 1);
	pairs_free(&p);
	/* Two lines with the same first text are no group. */
	reads(&p, "cat\tdog\ncat\tsea\n", PAIRS_AUTO, false);
	assert_int_equal(p.sources[0].kind, PAIRS_PAIRS);
	pairs_free(&p);
}

static void groups(void **state)
{
	struct pairs p;

	(void)state;
	reads(&p, "7\tcat sat\n8\tdog\n7\tcat ran\n7\tcat sat\n8\tsea\n9\tsky\n7\tmat\n", PAIRS_AUTO, false);
	assert_int_equal(p.sources[0].kind, PAIRS_GROUPS);
	assert_int_equal(p.sources[0].groups, 2); /* 9 has one text */
	assert_int_equal(p.sources[0].skipped, 1);
	assert_int_equal(p.sources[0].group_starts[2], 5); /* an equal text counts once */
	pairs_free(&p);
	reads(&p, "x\tcat sat\nx\tdog\n", PAIRS_GROUPS, false);
	assert_int_equal(p.sources[0].groups, 1);
	pairs_free(&p);
}

static void labels_and_scores(void **state)
{
	static const char labelled[] = "entailment\tcat\tdog\nneutral\tcat\tsea\ncontradiction\tsky\tsea\n-"
				       "\tcat\tmat\n1\tred\tblue\n";
	static const char scored[] = "cat\tdog\t5\ncat\tsea\t1.0\nsky\tsea\t3\nred\tblue\t 4.5 \n";
	struct pairs p;

	(void)state;
	reads(&p, labelled, PAIRS_AUTO, false);
	assert_int_equal(p.sources[0].kind, PAIRS_LABELLED);
	assert_int_equal(p.sources[0].n, 2);
	pairs_free(&p);
	reads(&p, labelled, PAIRS_AUTO, true);
	assert_int_equal(p.sources[0].n, 4);
	assert_true(p.sources[0].pairs[1].gold == 0.5f && p.sources[0].pairs[2].gold == 0);
	pairs_free(&p);
	reads(&p, scored, PAIRS_AUTO, true);
	assert_int_equal(p.sources[0].kind, PAIRS_SCORED);
	assert_int_equal(p.sources[0].n, 4);
	assert_true(p.sources[0].pairs[0].gold == 1 && p.sources[0].pairs[1].gold == 0 &&
		    p.sources[0].pairs[2].gold == 0.5f);
	pairs_free(&p);
	reads(&p, scored, PAIRS_AUTO, false);
	assert_int_equal(p.sources[0].n, 2);
	assert_true(p.sources[0].pairs[1].a != p.sources[0].pairs[0].a);
	pairs_free(&p);
}

static void bad_lines_are_named(void **state)
{
	struct pairs p;
	struct err err = { 0 };
	const char *nowhere[] = { "/nonexistent/pairs.tsv" };

	(void)state;
	refuses("cat\n", PAIRS_AUTO, false, "line 1: expected `a TAB b`");
	refuses("cat\tdog\n\ncat\tdog\tsea\n", PAIRS_AUTO, false,
		"line 3: expected `a TAB b`, found 3 columns");
	refuses("cat\tdog\tsea\n", PAIRS_AUTO, false, "neither the first a label nor the last a number");
	refuses("cat\tdog\tsea\tsky\n", PAIRS_AUTO, false, "found 4 columns");
	refuses("cat\tdog\t5\ncat\tdog\tnan\n", PAIRS_AUTO, true, "line 2: the third column is not a finite");
	refuses("1\tcat\tdog\nperhaps\tcat\tdog\n", PAIRS_AUTO, true, "line 2: the label is none of");
	refuses("cat\tdog\ncat\t\xff\n", PAIRS_AUTO, false, "line 2: byte 5 is not UTF-8");
	refuses("cat\tdog\n", PAIRS_AUTO, true, "learns from scores or labels");
	refuses("", PAIRS_AUTO, false, "no pair");
	refuses("xyz\tzyx\n", PAIRS_AUTO, false, "no pair of texts with known words");
	refuses("cat\tdog\n", PAIRS_SCORED, true, "expected `a TAB b TAB score`, found 2 columns");
	assert_int_equal(pairs_read(&p, model, nowhere, 1, PAIRS_AUTO, false, NULL, &err), -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);
}

static void add_lines(char *text, size_t size, int groups, int each)
{
	static const char *const words[] = { "cat", "dog", "sat", "ran", "mat", "sun", "sea", "sky" };

	*text = '\0';
	for (int g = 0; g < groups; g++)
		for (int i = 0; i < each; i++)
			(void)snprintf(text + strlen(text), size - strlen(text), "%d\t%s %s %s %s\n", g,
				       words[i], words[g % 8], words[g / 8 % 8], words[g / 64]);
}

static void reading_is_cancelled(void **state)
{
	enum { LINES = 3000 };
	static char text[LINES * 8 + 1];
	struct progress progress = { 0 };
	struct pairs p;
	struct err err = { 0 };
	char *path;

	(void)state;
	for (size_t i = 0; i < LINES; i++)
		(void)snprintf(text + 8 * i, 9, "cat\tdog\n");
	path = scratch_file(&scratch, "many.tsv", text);
	assert_int_equal(
		pairs_read(&p, model, (const char *const[]){ path }, 1, PAIRS_AUTO, false, &progress, &err),
		0);
	assert_int_equal(atomic_load(&progress.done), 1);
	pairs_free(&p);
	atomic_store(&progress.cancel, true);
	assert_int_equal(
		pairs_read(&p, model, (const char *const[]){ path }, 1, PAIRS_AUTO, false, &progress, &err),
		-1);
	assert_int_equal(err.code, ERR_CANCELLED);
	free(path);
}

/* Every text of a group is drawn as often on each side; no pair leaves its group; batches hold all pairs. */
static void epochs_are_whole(void **state)
{
	static char text[100000];
	struct pairs p;
	struct pair_epoch e = { 0 };
	struct pair_epoch again = { 0 };
	struct err err = { 0 };
	size_t lefts[400] = { 0 }, rights[400] = { 0 };
	size_t n = 0;

	(void)state;
	add_lines(text, sizeof(text), 70, 5);
	reads(&p, text, PAIRS_AUTO, false);
	assert_int_equal(pair_epoch_draw(&e, &p, 64, 3, 0, &err), 0);
	assert_int_equal(e.n, 350);
	assert_int_equal(pair_epoch_batches(&p, 64), e.batches_n);
	assert_int_equal(e.batches_n, 5); /* 350 = 5 * 64 + 30, and 30 is less than half */
	for (size_t i = 0; i < e.n; i++) {
		lefts[e.pairs[i].a]++;
		rights[e.pairs[i].b]++;
		assert_int_not_equal(e.pairs[i].a, e.pairs[i].b);
		assert_int_equal(e.pairs[i].a_key, e.pairs[i].b_key);
		assert_int_equal(e.pairs[i].a / 5, e.pairs[i].b / 5); /* texts are numbered as they come */
	}
	for (size_t i = 0; i < 350; i++)
		assert_true(lefts[i] == 1 && rights[i] == 1);
	for (size_t b = 0; b < e.batches_n; b++)
		n += e.batches[b].n;
	assert_int_equal(n, 320);
	assert_int_equal(pair_epoch_draw(&again, &p, 64, 3, 0, &err), 0);
	assert_memory_equal(e.pairs, again.pairs, e.n * sizeof(*e.pairs));
	assert_memory_equal(e.batches, again.batches, e.batches_n * sizeof(*e.batches));
	assert_int_equal(pair_epoch_draw(&again, &p, 64, 3, 1, &err), 0);
	assert_memory_not_equal(e.pairs, again.pairs, e.n * sizeof(*e.pairs));
	pair_epoch_free(&e);
	pair_epoch_free(&again);
	pairs_free(&p);
}

/* A batch comes from one source; a small source has its batch too. */
static void sources_do_not_mix(void **state)
{
	char *paths[2] = { scratch_file(&scratch, "one.tsv", "cat\tdog\nsea\tsky\nred\tblue\n"),
			   scratch_file(&scratch, "two.tsv",
					"1\tcat sat\n1\tdog sat\n2\tsun\n2\tsea\n2\tmat\n") };
	struct pairs p;
	struct pair_epoch e = { 0 };
	struct err err = { 0 };

	(void)state;
	assert_int_equal(pairs_read(&p, model, (const char *const *)paths, 2, PAIRS_AUTO, false, NULL, &err),
			 0);
	assert_int_equal(pair_epoch_draw(&e, &p, 2, 1, 0, &err), 0);
	assert_int_equal(e.n, 3 + 1 + 3);
	assert_int_equal(e.batches_n, 2 + 2);
	for (size_t b = 0; b < e.batches_n; b++)
		for (size_t i = 0; i < e.batches[b].n; i++)
			assert_int_equal(e.batches[b].start + i >= 3, e.batches[b].source);
	pair_epoch_free(&e);
	pairs_free(&p);
	free(paths[0]);
	free(paths[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_pairs),		cmocka_unit_test(groups),
		cmocka_unit_test(labels_and_scores),	cmocka_unit_test(bad_lines_are_named),
		cmocka_unit_test(epochs_are_whole),	cmocka_unit_test(sources_do_not_mix),
		cmocka_unit_test(reading_is_cancelled),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
