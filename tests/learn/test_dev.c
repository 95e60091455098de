/* Dev sets: the score is evaluate's Pearson, the mean over the sets. */
#include "learn/dev.h"

#include "base/err.h"
#include "embed/embedder.h"
#include "eval/evaluate.h"
#include "model/model.h"
#include "support/scratch.h"
#include "support/toy.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { D = 5 };

static struct scratch scratch;
static struct model *model;

static void agrees_with_evaluate(void **state)
{
	char *paths[] = { scratch_file(&scratch, "one.tsv",
				       "wa wb\twc\t1\nwd\twe wf\t3\nwg\twa\t2\nzz\twa\t5\n"),
			  scratch_file(&scratch, "two.tsv", "wh wi\twc wi\t4\nwk\twe\t3\nwa\twa\t5\n") };
	struct err err = { 0 };
	struct dev dev;
	struct embedder *s = embedder_new(model, METHOD_SUM, &err);
	float vectors[20 * D];
	double mean;
	double scores[2];

	(void)state;
	assert_int_equal(dev_read(&dev, model, (const char *const *)paths, 2, &err), 0);
	for (uint32_t i = 0; i < texts_count(dev.texts); i++) {
		size_t n;
		const uint32_t *words = texts_words(dev.texts, i, &n);

		assert_int_equal(embedder_embed_words(s, words, n, true, vectors + (size_t)i * D, &err), 0);
	}
	assert_int_equal(dev_score(&mean, scores, &dev, vectors, D, &err), 0);
	for (size_t i = 0; i < 2; i++) {
		struct pair_set set;
		struct evaluated result;

		assert_int_equal(pair_set_read(&set, paths[i], &err), 0);
		assert_int_equal(evaluate_pairs(&result, model, METHOD_SUM, &set, 1, &err), 0);
		assert_true(fabs(result.pearson - scores[i]) < 1e-4);
		pair_set_free(&set);
		free(paths[i]);
	}
	assert_true(fabs(mean - (scores[0] + scores[1]) / 2) < 1e-9);
	dev_free(&dev);
	embedder_free(s);
}

static void what_cannot_be_read_is_said(void **state)
{
	char *bad = scratch_file(&scratch, "bad.tsv", "wa\twb\t1\nwa\twb\n");
	const char *paths[] = { bad };
	struct err err = { 0 };
	struct dev dev;

	(void)state;
	assert_int_equal(dev_read(&dev, model, paths, 1, &err), -1);
	assert_non_null(strstr(err.text, "bad.tsv, line 2"));
	free(bad);
}

static int setup(void **state)
{
	(void)state;
	scratch_open(&scratch);
	model = toy_model((struct toy){ .n = 60, .d = D, .method = METHOD_SUM, .seed = 2 });
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	scratch_close(&scratch);
	model_release(model);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_evaluate),
		cmocka_unit_test(what_cannot_be_read_is_said),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
