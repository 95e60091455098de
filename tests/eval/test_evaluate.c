#include "eval/evaluate.h"

#include "base/err.h"
#include "base/mem.h"
#include "embed/similar.h"
#include "math/vec.h"
#include "model/model.h"
#include "support/toy.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* A temporary file with these bytes; its path into to. */
static void write_file(char to[64], const char *ending, const void *bytes, size_t n)
{
	int fd;
	char plain[64] = "/tmp/sifd-test-XXXXXX";

	fd = mkstemp(plain);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, n), n);
	assert_int_equal(close(fd), 0);
	(void)snprintf(to, 64, "%.40s%s", plain, ending);
	assert_int_equal(rename(plain, to), 0);
}

static int read_set(struct pair_set *set, const char *text, struct err *err)
{
	char path[64];
	int rc;

	write_file(path, "", text, strlen(text));
	rc = pair_set_read(set, path, err);
	(void)unlink(path);
	return rc;
}

static void near(double a, double b)
{
	assert_true(fabs(a - b) < 1e-12);
}

/* Values of scipy.stats.pearsonr and spearmanr, and by hand. */
static void measures(void **state)
{
	static const double x[] = { 1, 2, 3, 4, 5 };
	static const double y[] = { 2, 1, 4, 3, 5 };
	static const double ties[] = { 1, 2, 2, 2, 3 };
	static const double flat[] = { 7, 7, 7, 7, 7 };
	static const double down[] = { -1, -8, -27, -64, -125 };

	(void)state;
	near(evaluate_pearson(x, y, 5), 0.8);
	near(evaluate_spearman(x, y, 5), 0.8);
	/* ranks 1 3 3 3 5 against 1..5: 8 / sqrt(10 * 8) */
	near(evaluate_spearman(x, ties, 5), 8.0 / sqrt(80.0));
	near(evaluate_spearman(x, down, 5), -1.0);
	assert_true(evaluate_pearson(x, down, 5) > -1.0);
	near(evaluate_pearson(x, flat, 5), 0.0);
	near(evaluate_spearman(flat, x, 5), 0.0);
	near(evaluate_pearson(x, y, 0), 0.0);
	near(evaluate_spearman(x, y, 0), 0.0);
	near(evaluate_pearson(x, y, 1), 0.0);
}

static void reads_pairs(void **state)
{
	struct pair_set set;
	struct err err;

	(void)state;
	assert_int_equal(
		read_set(&set, "a b\tc\t1.5\r\n\nno\tgold\t\n\td\xc3\xa9\t 0 \tmore\te\nx\t\t-2e-1", &err),
		0);
	assert_int_equal(set.n, 3);
	assert_string_equal(set.left[0], "a b");
	assert_string_equal(set.right[0], "c");
	assert_true(set.gold[0] == 1.5);
	assert_string_equal(set.left[1], "");
	assert_string_equal(set.right[1], "d\xc3\xa9");
	assert_true(set.gold[1] == 0.0);
	assert_string_equal(set.right[2], "");
	assert_true(set.gold[2] == -0.2);
	pair_set_free(&set);
	assert_int_equal(set.n, 0);
}

static void many_pairs(void **state)
{
	enum { PAIRS = 5000 };
	char *text = mem_new(PAIRS, 32);
	struct pair_set set;
	struct err err;
	size_t n = 0;

	(void)state;
	for (int i = 0; i < PAIRS; i++)
		n += (size_t)sprintf(text + n, "left %d\tright %d\t%d\n", i, i, i % 6);
	assert_int_equal(read_set(&set, text, &err), 0);
	assert_int_equal(set.n, PAIRS);
	assert_string_equal(set.right[PAIRS - 1], "right 4999");
	pair_set_free(&set);
	free(text);
}

static void says_which_line_is_wrong(void **state)
{
	static const struct {
		const char *text, *where, *what;
	} cases[] = {
		{ "a\tb\t1\na\tb\n", "line 2", "two columns" },
		{ "\na\n", "line 2", "one column" },
		{ "a\tb\tone\n", "line 1", "not a finite number" },
		{ "a\tb\t1 2\n", "line 1", "not a finite number" },
		{ "a\tb\tnan\n", "line 1", "not a finite number" },
		{ "a\tb\t1e999\n", "line 1", "not a finite number" },
		{ "a\tb\t1\nb\xff\tb\t1\n", "line 2", "byte 2 is not UTF-8" },
		{ "", "", "no pair" },
		{ "a\tb\t\n", "", "no pair" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct pair_set set;
		struct err err = { 0 };

		assert_int_equal(read_set(&set, cases[i].text, &err), -1);
		assert_int_equal(err.code, ERR_INPUT);
		assert_non_null(strstr(err.text, cases[i].where));
		assert_non_null(strstr(err.text, cases[i].what));
		assert_non_null(strstr(err.text, "sifd-test"));
	}
}

static void names(void **state)
{
	/* printf 'a\tb\t1\n' | gzip -n */
	static const unsigned char gz[] = { 0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
					    0x03, 0x4b, 0xe4, 0x4c, 0xe2, 0x34, 0xe4, 0x02, 0x00,
					    0x86, 0xf5, 0x0c, 0xc7, 0x06, 0x00, 0x00, 0x00 };
	static const struct {
		const char *ending, *left;
	} cases[] = { { ".gz", "" }, { ".x.tsv.gz", ".x" }, { ".tsv", "" }, { "", "" } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct pair_set set;
		struct err err;
		char path[64], expected[64];

		write_file(path, cases[i].ending, gz, sizeof(gz));
		assert_int_equal(pair_set_read(&set, path, &err), 0);
		assert_int_equal(set.n, 1);
		(void)snprintf(expected, sizeof(expected), "%.*s%s",
			       (int)(strlen(path) - strlen(cases[i].ending) - 5), path + 5, cases[i].left);
		assert_string_equal(set.name, expected);
		pair_set_free(&set);
		(void)unlink(path);
	}
}

static void a_missing_file_is_not_found(void **state)
{
	struct pair_set set;
	struct err err = { 0 };

	(void)state;
	assert_int_equal(pair_set_read(&set, "/tmp/sifd-test-no-such-file", &err), -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);
}

/* A set of random texts whose gold is noise. */
static void make_set(struct pair_set *set, size_t n, size_t words)
{
	uint64_t at = 5;

	*set = (struct pair_set){ .n = n };
	set->left = mem_new(n, sizeof(char *));
	set->right = mem_new(n, sizeof(char *));
	set->gold = mem_new(n, sizeof(double));
	for (size_t i = 0; i < n; i++) {
		set->left[i] = toy_text(&at, words, i % 9);
		set->right[i] = toy_text(&at, words, 4);
		set->gold[i] = (double)(toy_random(&at) % 6);
	}
}

static void pairs_are_scored_alike_by_any_workers(void **state)
{
	enum { WORDS = 120, PAIRS = 300 };
	static const size_t workers[] = { 1, 2, 5, 0 };
	struct model *m =
		toy_model((struct toy){ .n = WORDS, .d = 20, .k = 1, .method = METHOD_SIF, .seed = 8 });
	struct pair_set set;
	struct evaluated first = { 0 };
	struct err err;
	double scores[PAIRS];
	double words = 0;
	double known = 0;
	struct embedder *s = embedder_new(m, METHOD_SIF, &err);

	(void)state;
	assert_non_null(s);
	make_set(&set, PAIRS, WORDS);
	for (size_t i = 0; i < PAIRS; i++) {
		struct text pair[2] = { { set.left[i], strlen(set.left[i]) },
					{ set.right[i], strlen(set.right[i]) } };
		float score;
		struct seen seen;
		float vector[20];

		assert_int_equal(similar_pair(s, pair[0], pair[1], &score, NULL, &err), 0);
		scores[i] = (double)score;
		for (int side = 0; side < 2; side++) {
			assert_int_equal(
				embedder_embed(s, pair[side].at, pair[side].n, true, vector, &seen, &err), 0);
			words += seen.words;
			known += seen.known;
		}
	}
	for (size_t i = 0; i < sizeof(workers) / sizeof(workers[0]); i++) {
		struct evaluated e = { 0 };

		assert_int_equal(evaluate_pairs(&e, m, METHOD_SIF, &set, workers[i], &err), 0);
		if (i == 0)
			first = e;
		assert_memory_equal(&e, &first, sizeof(e));
	}
	near(first.pearson, 100.0 * evaluate_pearson(scores, set.gold, PAIRS));
	near(first.spearman, 100.0 * evaluate_spearman(scores, set.gold, PAIRS));
	near(first.coverage, known / words);
	assert_int_equal(first.pairs, PAIRS);
	pair_set_free(&set);
	embedder_free(s);
	model_release(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(measures),
		cmocka_unit_test(reads_pairs),
		cmocka_unit_test(many_pairs),
		cmocka_unit_test(says_which_line_is_wrong),
		cmocka_unit_test(names),
		cmocka_unit_test(a_missing_file_is_not_found),
		cmocka_unit_test(pairs_are_scored_alike_by_any_workers),
	};

	vec_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
