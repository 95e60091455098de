/*
 * Every allocation that data sizes fails once: the call says so, loses nothing
 * (the address sanitizer counts), and the same call succeeds afterwards.
 *
 * The functions of base/mem.h are those of support/failing_mem.c.
 */
#include "base/err.h"
#include "base/mem.h"
#include "embed/explain.h"
#include "embed/fit.h"
#include "embed/similar.h"
#include "eval/evaluate.h"
#include "math/mat.h"
#include "math/vec.h"
#include "model/model.h"
#include "support/failing_mem.h"
#include "support/memory_file.h"
#include "support/toy.h"
#include "text/corpus.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { WORDS = 60, D = 8, CALLS_MOST = 100000 };

struct things {
	struct model *m;
	struct embedder *s;
	const char *path; /* of a set */
	struct pair_set set;
};

static const char text[] = "wa wb zzz wc";

static int embed_by(struct model *m, enum method method, struct err *err)
{
	struct embedder *s = embedder_new(m, method, err);
	float vector[2 * D];
	int rc = s ? embedder_embed(s, text, sizeof(text) - 1, true, vector, NULL, err) : -1;

	embedder_free(s);
	return rc;
}

static int embed(struct things *t, struct err *err)
{
	return embed_by(t->m, METHOD_SIF, err);
}

/* With the smallest LSTM over the rows. */
static int embed_features(struct things *t, struct err *err)
{
	static const float zeros[4 * D];
	long budget = failing_mem_left;
	struct model parts = *t->m;
	struct model *m;
	int rc;

	failing_mem_left = -1;
	parts.lstm = (struct model_lstm){ .h = 1, .layers_n = 1, .directions_n = 1 };
	parts.lstm.layers[0].directions[0] = (struct model_lstm_direction){
		{ ROWS_F32, 4, D, zeros, NULL }, { ROWS_F32, 4, 1, zeros, NULL }, zeros, zeros
	};
	m = model_of_parts(&parts, NULL, err);
	assert_non_null(m);
	failing_mem_left = budget;
	rc = embed_by(m, METHOD_FEATURES, err);
	failing_mem_left = -1;
	model_release(m);
	return rc;
}

/* A switch that fails leaves the sentence with its model. */
static int switch_model(struct things *t, struct err *err)
{
	long budget = failing_mem_left;
	struct model *other;
	struct embedder *s;
	struct err mine;
	float vector[D + 200];
	int rc;

	failing_mem_left = -1;
	other = toy_model((struct toy){ .n = WORDS, .d = D + 200, .method = METHOD_MEAN, .seed = 4 });
	s = embedder_new(t->m, METHOD_SIF, &mine);
	assert_non_null(s);
	failing_mem_left = budget;
	rc = embedder_use(s, other, METHOD_MEAN, err);
	failing_mem_left = -1;
	assert_ptr_equal(embedder_model(s), rc ? t->m : other);
	assert_int_equal(embedder_embed(s, text, sizeof(text) - 1, true, vector, NULL, &mine), 0);
	embedder_free(s);
	model_release(other);
	return rc;
}

static int pair(struct things *t, struct err *err)
{
	struct text a = { text, sizeof(text) - 1 };
	float score;

	return similar_pair(t->s, a, a, &score, NULL, err);
}

static int explain(struct things *t, struct err *err)
{
	struct explained_pair p;

	if (explain_pair(&p, t->s, text, sizeof(text) - 1, "wd wa", 5, err))
		return -1;
	explained_pair_free(&p);
	return 0;
}

static int read_set(struct things *t, struct err *err)
{
	struct pair_set set;

	if (pair_set_read(&set, t->path, err))
		return -1;
	assert_int_equal(set.n, 3);
	pair_set_free(&set);
	return 0;
}

static int evaluate(struct things *t, struct err *err)
{
	struct evaluated e;

	return evaluate_pairs(&e, t->m, METHOD_SIF, &t->set, 1, err);
}

static int reference(struct things *t, struct err *err)
{
	static const struct reference_options options = { .oov_last = true };
	struct evaluated e[REFERENCE_MODES];

	return evaluate_reference(e, t->m, &t->set, 1, &options, err);
}

static int fit_as(struct things *t, const struct fit_options *o, struct err *err)
{
	static const char *const texts[] = { text, "wb wd. We wf wa? wc", "wc wb" };
	static const size_t lengths[] = { sizeof(text) - 1, 19, 5 };
	struct corpus *corpus = corpus_of_texts(texts, lengths, 3, err);
	struct model *fitted = corpus ? fit_model(t->m, corpus, o, NULL, NULL, err) : NULL;

	corpus_close(corpus);
	if (!fitted)
		return -1;
	model_release(fitted);
	return 0;
}

static int fit_usif(struct things *t, struct err *err)
{
	struct fit_options o = fit_options_default();

	o.method = METHOD_USIF;
	o.workers = 1; /* `failing_mem_left` is for one thread */
	return fit_as(t, &o, err);
}

static int fit_folded(struct things *t, struct err *err)
{
	struct fit_options o = fit_options_default();

	o.method = METHOD_WHITEN;
	o.fold = true;
	o.workers = 1;
	return fit_as(t, &o, err);
}

static void fail_each(int (*call)(struct things *t, struct err *err), struct things *t)
{
	long calls = 0;

	for (; calls < CALLS_MOST; calls++) {
		struct err err = { 0 };
		int rc;

		failing_mem_left = calls;
		rc = call(t, &err);
		failing_mem_left = -1;
		if (rc == 0)
			break;
		assert_int_equal(rc, -1);
		assert_int_equal(err.code, ERR_MEMORY);
	}
	assert_in_range(calls, 1, CALLS_MOST - 1);
}

static void every_allocation_may_fail(void **state)
{
	static const char lines[] = "wa wb\twc\t1\nwd\twe wa\t2\nwb\twb wc\t3\n";
	char path[] = "/tmp/sifd-test-XXXXXX";
	int fd = mkstemp(path);
	struct things t = { .path = path };
	struct err err;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, lines, sizeof(lines) - 1), sizeof(lines) - 1);
	assert_int_equal(close(fd), 0);
	t.m = toy_model((struct toy){ .n = WORDS, .d = D, .k = 1, .method = METHOD_SIF, .seed = 1 });
	t.s = embedder_new(t.m, METHOD_SIF, &err);
	assert_non_null(t.s);
	assert_int_equal(pair_set_read(&t.set, path, &err), 0);
	fail_each(embed, &t);
	fail_each(embed_features, &t);
	fail_each(switch_model, &t);
	fail_each(pair, &t);
	fail_each(explain, &t);
	fail_each(read_set, &t);
	fail_each(evaluate, &t);
	fail_each(reference, &t);
	fail_each(fit_usif, &t);
	fail_each(fit_folded, &t);
	pair_set_free(&t.set);
	embedder_free(t.s);
	model_release(t.m);
	(void)unlink(path);
	assert_int_equal(toy_alive(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_allocation_may_fail),
	};

	vec_init();
	mat_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
