/*
 * Every allocation of a training or an evaluation that data sizes fails once: the call says so and loses
 * nothing (the address sanitizer counts).
 *
 * The functions of base/mem.h are those of support/failing_mem.c.
 */
#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "eval/classify.h"
#include "learn/alacarte.h"
#include "learn/train.h"
#include "math/mat.h"
#include "math/vec.h"
#include "model/model.h"
#include "support/failing_mem.h"
#include "support/scratch.h"
#include "support/toy.h"
#include "text/corpus.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { WORDS = 60, D = 8, CALLS_MOST = 100000 };

static struct scratch scratch;
static char *path, *groups_path, *dev_path, *labels_path, *entailment_path, *corpus_path;

static struct train_options options(enum train_learn learn, enum objective_kind kind)
{
	static const char *files[2], *dev[1];
	bool scored = objective_scored(kind);
	struct train_options o = train_options_default(learn, scored, false);

	files[0] = scored ? dev_path : path;
	files[1] = groups_path;
	dev[0] = dev_path;
	o.files = files;
	o.files_n = scored ? 1 : 2;
	o.dev = dev;
	o.dev_n = 1;
	o.objective.kind = kind;
	o.batch = 4;
	o.loop.epochs = 2;
	o.workers = 2;
	o.l2 = 0.1;
	return o;
}

/* How many allocations a run takes that gets to its end: each one fails once before. */
static long train_with_less_and_less(struct model *m, const struct train_options *o)
{
	for (long calls = 0; calls < CALLS_MOST; calls++) {
		struct err err = { 0 };
		struct train_report r;
		struct model *trained;

		failing_mem_left = calls;
		trained = train_model(m, METHOD_WHITEN, o, &r, NULL, &err);
		failing_mem_left = -1;
		if (trained)
			model_release(trained);
		else if (strstr(err.text, "nothing was learnt"))
			assert_int_equal(o->dev_n, 1);
		else
			assert_int_equal(err.code, ERR_MEMORY);
		if (trained || err.code != ERR_MEMORY)
			return calls;
	}
	fail();
	return 0;
}

static void every_allocation_may_fail(void **state)
{
	(void)state;
	for (int kind = 0; kind < OBJECTIVES; kind++)
		for (int learn = 0; learn < 2; learn++) {
			struct train_options o = options((enum train_learn)learn, (enum objective_kind)kind);
			struct model *m = toy_model((struct toy){ .n = WORDS,
								  .d = D,
								  .d_out = 5,
								  .type = ROWS_I8,
								  .method = METHOD_WHITEN,
								  .seed = 4 });
			long calls = train_with_less_and_less(m, &o);

			o.dev_n = 0; /* without which every run makes a model */
			assert_true(calls > 40);
			assert_true(train_with_less_and_less(m, &o) > 40);
			model_release(m);
		}
	assert_int_equal(toy_alive(), 0);
}

/* Both halves of an evaluation: the set, and its judge. */
static int judge(struct model *m, const char *set_path, struct classify_result *j, struct err *err)
{
	struct labelled_set set;
	enum set_kind kind;
	int rc = set_kind(&kind, set_path, err);

	if (rc == 0)
		rc = labelled_set_read(&set, set_path, NULL, err);
	if (rc)
		return -1;
	rc = classify_method(j, m, kind == SET_CLASSES ? METHOD_DISC : METHOD_MEAN, &set, 2, NULL, err);
	labelled_set_free(&set);
	return rc;
}

static void every_allocation_of_a_judge_may_fail(void **state)
{
	struct model *m = toy_model((struct toy){ .n = WORDS, .d = D, .method = METHOD_MEAN, .seed = 4 });
	const char *const sets[] = { labels_path, entailment_path };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct classify_result j;
		int rc = -1;
		long calls;

		for (calls = 0; rc && calls < CALLS_MOST; calls++) {
			struct err err = { 0 };

			failing_mem_left = calls;
			rc = judge(m, sets[i], &j, &err);
			failing_mem_left = -1;
			if (rc)
				assert_int_equal(err.code, ERR_MEMORY);
		}
		assert_int_equal(rc, 0);
		assert_true(calls > 40);
	}
	model_release(m);
	assert_int_equal(toy_alive(), 0);
}

static void every_allocation_of_alacarte_may_fail(void **state)
{
	struct model *m = toy_model(
		(struct toy){ .n = WORDS, .d = D, .type = ROWS_I8, .method = METHOD_WEIGHTED, .seed = 4 });
	struct alacarte_options o = alacarte_options_default();
	struct alacarte_report r;
	struct model *grown = NULL;
	const char *paths[] = { corpus_path };
	long calls;

	(void)state;
	o.fit_count = o.min_count = 2;
	o.workers = 2;
	for (calls = 0; !grown && calls < CALLS_MOST; calls++) {
		struct err err = { 0 };
		struct corpus *corpus;

		failing_mem_left = calls;
		corpus = corpus_open(paths, 1, false, &err);
		if (corpus) {
			grown = alacarte_learn(m, corpus, &o, &r, NULL, &err);
			corpus_close(corpus);
		}
		failing_mem_left = -1;
		if (!grown)
			assert_int_equal(err.code, ERR_MEMORY);
	}
	assert_non_null(grown);
	assert_true(calls > 40);
	assert_int_equal(r.new_words, 1);
	model_release(grown);
	model_release(m);
	assert_int_equal(toy_alive(), 0);
}

/* Sentences of all words, and of one that the toy lacks. */
static char *corpus_file(void)
{
	struct buf text = { 0 };
	char *file;

	for (uint32_t i = 0; i < 4 * WORDS; i++) {
		char word[8];

		buf_printf(&text, "%s%s", toy_word(word, i * 7 % WORDS), i % 6 == 5 ? " novel\n" : " ");
	}
	file = scratch_file(&scratch, "corpus.txt", buf_string(&text));
	buf_free(&text);
	return file;
}

static int setup(void **state)
{
	(void)state;
	scratch_open(&scratch);
	path = scratch_file(&scratch, "pairs.tsv", "wa wb\twc\nwd\twe wf\nwg\twa\nzz\twa\nwb wc wd\twa wb\n");
	groups_path =
		scratch_file(&scratch, "groups.tsv", "1\twa wb\n1\twc\n2\twd\n1\twe wf\n2\twg\n3\twa\n");
	dev_path = scratch_file(&scratch, "dev.tsv", "wa wb\twc\t1\nwd\twe wf\t3\nwg\twa\t2\nwk\twa\t5\n");
	labels_path = scratch_file(&scratch, "labels.txt",
				   "0 wa wb\n1 wc\n2 wd\nand wa\n0 we wf\n1 wg\n2 wa\n0 wb\n1 wd wc\n2 zz\n");
	entailment_path = scratch_file(&scratch, "entailment.tsv",
				       "wa\twb\tYES\nwc\twd\tNO\nwe\twf\tYES\nwa\twg\tNO\nwb\twc\tYES\n");
	corpus_path = corpus_file();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	scratch_close(&scratch);
	free(path);
	free(groups_path);
	free(dev_path);
	free(labels_path);
	free(entailment_path);
	free(corpus_path);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_allocation_may_fail),
		cmocka_unit_test(every_allocation_of_a_judge_may_fail),
		cmocka_unit_test(every_allocation_of_alacarte_may_fail),
	};

	vec_init();
	mat_init();
	return cmocka_run_group_tests(tests, setup, teardown);
}
