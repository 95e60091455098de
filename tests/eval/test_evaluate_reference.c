/*
 * The reference protocol on sets small enough to follow, against the same
 * arithmetic in doubles.  Numbers of real sets: tests/golden/test_reference.c.
 */
#include "eval/evaluate.h"

#include "base/err.h"
#include "base/mem.h"
#include "math/mat.h"
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

enum { D = 4, WORDS = 6, PAIRS = 5, LONGEST = 5, NONE = -1 };

static const char *const words[WORDS] = { "the", "cat", "dog", "ran", "#", "last" };
static const char *const words_unk[WORDS] = { "the", "UUUNKKK", "dog", "ran", "#", "last" };

/* cat has no count; "other" has one, which only adds to the total. */
static const char counts[] = "the 60\nother 25\ndog 10\n\nran\t4\nlast 1\n";
static const double p[WORDS] = { 0.6, 0.0, 0.1, 0.04, 0.0, 0.01 };

static const char *const left[PAIRS] = { "the cat", "The DOG ran ran", "#cat ##dog", "last zzz", "#tag the" };
static const char *const right[PAIRS] = { "dog", "the #ran", "cat dog", "ran #", "dog last the" };
static const double gold[PAIRS] = { 3, 5, 1, 2, 4 };

/* The numbers of the words above; NONE = not in the vocabulary.  "#" is a word, "#tag" is looked up as
 * "tag". */
static const int left_ids[PAIRS][LONGEST + 1] = {
	{ 2, 0, 1 }, { 4, 0, 2, 3, 3 }, { 2, 1, 2 }, { 2, 5, NONE }, { 2, NONE, 0 }
};
static const int right_ids[PAIRS][LONGEST + 1] = {
	{ 1, 2 }, { 2, 0, 3 }, { 2, 1, 2 }, { 2, 3, 4 }, { 3, 2, 5, 0 }
};

static struct pair_set set_of(void)
{
	struct pair_set set = { .n = PAIRS };

	set.left = mem_new(PAIRS, sizeof(char *));
	set.right = mem_new(PAIRS, sizeof(char *));
	set.gold = mem_new(PAIRS, sizeof(double));
	for (size_t i = 0; i < PAIRS; i++) {
		set.left[i] = mem_text(left[i], strlen(left[i]));
		set.right[i] = mem_text(right[i], strlen(right[i]));
		set.gold[i] = gold[i];
	}
	return set;
}

struct rule {
	double a;
	int unknown; /* the word that unknown ones become; NONE: skipped */
	const struct model *m;
};

static double weight_of(const struct rule *r, enum reference_mode mode, int id)
{
	double df = 0.0;

	if (mode == REFERENCE_MEAN)
		return 1.0;
	if (mode == REFERENCE_AVG)
		return 1.0 / (1.0 + p[id]);
	if (mode != REFERENCE_IDF)
		return r->a / (r->a + p[id]);
	for (size_t i = 0; i < PAIRS; i++) {
		for (int t = 1; t <= left_ids[i][0]; t++)
			df += (left_ids[i][t] == NONE ? r->unknown : left_ids[i][t]) == id;
		for (int t = 1; t <= right_ids[i][0]; t++)
			df += (right_ids[i][t] == NONE ? r->unknown : right_ids[i][t]) == id;
	}
	return log2((2.0 * PAIRS + 2.0) / (1.0 + df));
}

static void average(double out[D], const struct rule *r, enum reference_mode mode, const int *ids)
{
	double n = 0.0;

	memset(out, 0, D * sizeof(*out));
	for (int t = 1; t <= ids[0]; t++) {
		int id = ids[t] != NONE || mode == REFERENCE_MEAN ? ids[t] : r->unknown;
		float row[D];

		if (id == NONE)
			continue;
		rows_get(row, &r->m->rows, (uint32_t)id);
		for (size_t j = 0; j < D; j++)
			out[j] += weight_of(r, mode, id) * (double)row[j];
		n += 1.0;
	}
	for (size_t j = 0; j < D && n > 0.0; j++)
		out[j] /= n;
}

/* Takes out the first component, found by power iteration. */
static void remove_first(double x[PAIRS][D])
{
	double u[D] = { 1.0, 0.5, -0.25, 0.125 };

	for (int round = 0; round < 20000; round++) {
		double next[D] = { 0 };
		double norm = 0.0;

		for (size_t i = 0; i < PAIRS; i++) {
			double along = 0.0;

			for (size_t j = 0; j < D; j++)
				along += x[i][j] * u[j];
			for (size_t j = 0; j < D; j++)
				next[j] += along * x[i][j];
		}
		for (size_t j = 0; j < D; j++)
			norm += next[j] * next[j];
		for (size_t j = 0; j < D; j++)
			u[j] = next[j] / sqrt(norm);
	}
	for (size_t i = 0; i < PAIRS; i++) {
		double along = 0.0;

		for (size_t j = 0; j < D; j++)
			along += x[i][j] * u[j];
		for (size_t j = 0; j < D; j++)
			x[i][j] -= along * u[j];
	}
}

static double expected(const struct rule *r, enum reference_mode mode)
{
	double x[PAIRS][D], y[PAIRS][D], scores[PAIRS];

	for (size_t i = 0; i < PAIRS; i++) {
		average(x[i], r, mode, left_ids[i]);
		average(y[i], r, mode, right_ids[i]);
	}
	if (mode == REFERENCE_WR) {
		remove_first(x);
		remove_first(y);
	}
	for (size_t i = 0; i < PAIRS; i++) {
		double xx = 0.0;
		double yy = 0.0;
		double xy = 0.0;

		for (size_t j = 0; j < D; j++) {
			xx += x[i][j] * x[i][j];
			yy += y[i][j] * y[i][j];
			xy += x[i][j] * y[i][j];
		}
		scores[i] = xx > 0.0 && yy > 0.0 ? xy / sqrt(xx * yy) : 0.0;
	}
	return 100.0 * evaluate_pearson(scores, gold, PAIRS);
}

/* A temporary file with this text; its path into to. */
static void write_counts(char to[32], const char *text)
{
	int fd;

	(void)strcpy(to, "/tmp/sifd-test-XXXXXX");
	fd = mkstemp(to);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(close(fd), 0);
}

static struct model *model_of(const char *const *vocabulary)
{
	return toy_model(
		(struct toy){ .n = WORDS, .d = D, .method = METHOD_MEAN, .seed = 3, .words = vocabulary });
}

static void check(const char *const *vocabulary, bool oov_last, double a, int unknown)
{
	struct model *m = model_of(vocabulary);
	char path[32];
	struct reference_options options = { .a = a, .oov_last = oov_last, .counts = path };
	struct rule rule = { .a = a == 0.0 ? 1e-3 : a < 0.0 ? 1.0 : a, .unknown = unknown, .m = m };
	struct pair_set set = set_of();
	struct evaluated e[REFERENCE_MODES];
	struct err err;

	write_counts(path, counts);
	assert_int_equal(evaluate_reference(e, m, &set, 1, &options, &err), 0);
	for (enum reference_mode mode = 0; mode < REFERENCE_MODES; mode++) {
		assert_int_equal(e[mode].pairs, PAIRS);
		/* Where "cat" is UUUNKKK's row, a mean that skips unknown words skips it. */
		if (mode != REFERENCE_MEAN || vocabulary == words)
			assert_true(fabs(e[mode].pearson - expected(&rule, mode)) < 2e-4);
	}
	assert_true(fabs(e[0].coverage - (vocabulary == words ? 20.0 : 17.0) / 22.0) < 1e-12);
	(void)unlink(path);
	pair_set_free(&set);
	model_release(m);
}

static void every_mode_is_as_defined(void **state)
{
	(void)state;
	check(words, true, 0.0, 5);
	check(words, false, 0.0, NONE);
	check(words, true, 0.1, 5);
	check(words, true, -1.0, 5);
	check(words_unk, true, 0.0, 1);
}

static void idf_counts_over_all_sets_of_the_call(void **state)
{
	struct model *m = model_of(words);
	char path[32];
	struct reference_options options = { .counts = path };
	struct pair_set sets[2] = { set_of(), set_of() };
	struct evaluated one[REFERENCE_MODES], two[2 * REFERENCE_MODES];
	struct err err;

	(void)state;
	write_counts(path, counts);
	assert_int_equal(evaluate_reference(one, m, sets, 1, &options, &err), 0);
	assert_int_equal(evaluate_reference(two, m, sets, 2, &options, &err), 0);
	for (enum reference_mode mode = 0; mode < REFERENCE_MODES; mode++) {
		assert_true(two[mode].pearson == two[REFERENCE_MODES + mode].pearson);
		assert_true((two[mode].pearson == one[mode].pearson) == (mode != REFERENCE_IDF));
	}
	(void)unlink(path);
	pair_set_free(&sets[0]);
	pair_set_free(&sets[1]);
	model_release(m);
}

/* The model's counts, and its weights turned back, are worth a file of the same counts. */
static void probabilities_of_the_model(void **state)
{
	static const uint64_t known[WORDS] = { 60, 0, 10, 4, 0, 26 };
	struct model *toy = model_of(words);
	struct model parts = *toy;
	struct model *m;
	float weights[WORDS];
	char path[32];
	struct reference_options options = { .oov_last = true, .counts = path };
	struct pair_set set = set_of();
	struct evaluated file[REFERENCE_MODES], own[REFERENCE_MODES];
	struct err err;

	(void)state;
	write_counts(path, "the 60\ndog 10\nran 4\nlast 26\n");
	assert_int_equal(evaluate_reference(file, toy, &set, 1, &options, &err), 0);
	options.counts = NULL;
	for (int with_counts = 0; with_counts < 2; with_counts++) {
		for (size_t i = 0; i < WORDS; i++)
			weights[i] = (float)(1e-3 / (1e-3 + (double)known[i] / 100.0));
		parts.weights = weights;
		parts.counts = with_counts ? known : NULL;
		m = model_of_parts(&parts, NULL, &err);
		assert_non_null(m);
		assert_int_equal(evaluate_reference(own, m, &set, 1, &options, &err), 0);
		for (enum reference_mode mode = 0; mode < REFERENCE_MODES; mode++)
			assert_true(fabs(own[mode].pearson - file[mode].pearson) < 1e-3);
		model_release(m);
	}
	(void)unlink(path);
	pair_set_free(&set);
	model_release(toy);
}

static void refuse(struct model *m, const char *text, const char *what)
{
	char path[32];
	struct reference_options options = { .counts = text ? path : NULL };
	struct pair_set set = set_of();
	struct evaluated e[REFERENCE_MODES];
	struct err err = { 0 };

	if (text)
		write_counts(path, text);
	assert_int_equal(evaluate_reference(e, m, &set, 1, &options, &err), -1);
	assert_int_equal(err.code, ERR_INPUT);
	assert_non_null(strstr(err.text, what));
	if (text)
		(void)unlink(path);
	pair_set_free(&set);
}

static void wrong_input_is_refused(void **state)
{
	struct model *m = model_of(words);
	struct model *folded = toy_folded(m, METHOD_MEAN);
	struct model parts = *m;
	struct model *bare;
	struct err err;

	(void)state;
	parts.weights = NULL;
	bare = model_of_parts(&parts, NULL, &err);
	assert_non_null(bare);
	refuse(m, "the 60\ndog\n", "line 2: expected `word count`");
	refuse(m, "the 60\ndog ten\n", "line 2: the count");
	refuse(m, "the -1\n", "line 1: the count");
	refuse(m, "the 1 2\n", "line 1: the count");
	refuse(m, "the inf\n", "line 1: the count");
	refuse(m, "", "no counts");
	refuse(m, "the 0\n", "no counts");
	refuse(bare, NULL, "no word counts");
	refuse(folded, counts, "folded");
	model_release(bare);
	model_release(folded);
	model_release(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_mode_is_as_defined),
		cmocka_unit_test(idf_counts_over_all_sets_of_the_call),
		cmocka_unit_test(probabilities_of_the_model),
		cmocka_unit_test(wrong_input_is_refused),
	};

	vec_init();
	mat_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
