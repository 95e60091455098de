#include "learn/grow.h"

#include "base/buf.h"
#include "base/err.h"
#include "embed/fit.h"
#include "math/mat.h"
#include "math/vec.h"
#include "model/model.h"
#include "support/company.h"
#include "support/memory_file.h"
#include "support/toy.h"
#include "text/corpus.h"

#include <math.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
/* cmocka.h needs those before it */
#include <cmocka.h>

enum { WORDS = 60, D = 8, NEW = 4, SENTENCES = 200 };

struct grown {
	struct model *fitted;
	struct fit_report fit;
	struct grow_report report;
};

static struct model *toy(enum method method)
{
	return toy_model((struct toy){ .n = WORDS, .d = D, .type = ROWS_I8, .method = method, .seed = 21 });
}

/* Of a corpus in the company of `m`, or of `text`. */
static struct grown fit(struct model *m, const char *text, size_t words, size_t workers, struct err *err)
{
	struct fit_options o = fit_options_default();
	struct grown g = { 0 };
	struct buf written = { 0 };
	struct corpus *corpus;
	size_t n;

	if (text)
		buf_text(&written, text);
	else
		company_write(&written, m, SENTENCES, NEW);
	text = written.data;
	n = written.len;
	o.by_line = true;
	o.workers = workers;
	corpus = corpus_of_texts(&text, &n, 1, err);
	assert_non_null(corpus);
	g.fitted = grow_and_fit(m, corpus, &o, words, &g.fit, &g.report, NULL, err);
	corpus_close(corpus);
	buf_free(&written);
	return g;
}

static void a_learned_model_grows_and_keeps_its_own(void **state)
{
	struct model *m = toy(METHOD_LEARNED);
	struct err err = { 0 };
	struct grown g = fit(m, NULL, GROW_USUAL, 1, &err);
	const double known = WORDS * SENTENCES * 5 - NEW * SENTENCES / 2;
	const double tokens = WORDS * SENTENCES * 5 + 2;

	(void)state;
	assert_non_null(g.fitted);
	assert_int_equal(g.report.words, NEW);
	assert_string_equal(g.report.none, "");
	assert_true(fabs(g.report.coverage - known / tokens) < 1e-12);
	assert_int_equal(g.fit.known, WORDS * SENTENCES * 5);
	assert_true(vocab_find(&g.fitted->vocab, "novela", 6) == WORDS);
	assert_int_equal(g.fitted->facts.method, METHOD_WEIGHTED);
	assert_memory_equal(g.fitted->rows.data, m->rows.data, (size_t)WORDS * D);
	for (size_t i = 0; i < WORDS; i++)
		assert_true(g.fitted->weights[i] == (m->weights ? m->weights[i] : 1.0F));
	model_release(g.fitted);
	model_release(m);
	assert_int_equal(toy_alive(), 0);
}

static void workers_change_nothing(void **state)
{
	struct model *m = toy(METHOD_LEARNED);
	struct err err = { 0 };
	struct grown one = fit(m, NULL, GROW_USUAL, 1, &err);
	struct grown three = fit(m, NULL, GROW_USUAL, 3, &err);

	(void)state;
	assert_int_equal(three.report.words, NEW);
	assert_string_equal(one.fitted->fingerprint, three.fitted->fingerprint);
	model_release(one.fitted);
	model_release(three.fitted);
	model_release(m);
}

static void others_grow_on_request(void **state)
{
	struct model *m = toy(METHOD_WEIGHTED);
	struct err err = { 0 };
	struct grown usual = fit(m, NULL, GROW_USUAL, 1, &err);
	struct grown asked = fit(m, NULL, 2, 1, &err);

	(void)state;
	assert_int_equal(usual.report.words, 0);
	assert_string_equal(usual.report.none, "");
	assert_int_equal(usual.fitted->vocab.n, WORDS);
	assert_true(usual.report.coverage == (double)usual.fit.known / (double)usual.fit.tokens);
	assert_int_equal(asked.fitted->vocab.n, WORDS + 2);
	model_release(usual.fitted);
	model_release(asked.fitted);
	model_release(m);
}

static void check_none(const char *text, const char *why)
{
	struct model *m = toy(METHOD_LEARNED);
	struct err err = { 0 };
	struct grown g = fit(m, text, GROW_USUAL, 1, &err);

	assert_non_null(g.fitted);
	assert_int_equal(g.report.words, 0);
	assert_int_equal(g.fitted->vocab.n, WORDS);
	if (!strstr(g.report.none, why))
		fail_msg("'%s' is not in: %s", why, g.report.none);
	assert_true(fabs(g.report.coverage - (double)g.fit.known / (double)g.fit.tokens) < 1e-12);
	model_release(g.fitted);
	model_release(m);
}

/* Every word stands anywhere: contexts say nothing of it. */
static void write_noise(struct buf *text)
{
	uint64_t seed = 6;

	for (size_t line = 0; line < 4000; line++) {
		for (size_t i = 0; i < 7; i++) {
			char name[8];
			uint32_t id = toy_random(&seed) % (WORDS + 1);

			buf_printf(text, "%s ", id == WORDS ? "novel" : toy_word(name, id));
		}
		buf_byte(text, '\n');
	}
	buf_byte(text, '\0');
}

static void a_corpus_may_have_nothing_to_learn_from(void **state)
{
	struct buf noise = { 0 };
	struct buf few = { 0 };

	(void)state;
	check_none("wa wb wc novel\n", "no word without a vector is seen 10 times");
	for (size_t i = 0; i < 20; i++)
		buf_text(&few, "wa wb wc novel\n");
	buf_byte(&few, '\0');
	check_none(few.data, "too few to learn from");
	write_noise(&noise);
	check_none(noise.data, "contexts tell too little");
	buf_free(&few);
	buf_free(&noise);
}

static void what_is_wrong_still_fails(void **state)
{
	struct model *m = toy(METHOD_LEARNED);
	struct err err = { 0 };

	(void)state;
	assert_null(fit(m, "good\nbad \xff line\n", GROW_USUAL, 1, &err).fitted);
	assert_int_equal(err.code, ERR_INPUT);
	assert_non_null(strstr(err.text, "UTF-8"));
	model_release(m);
}

/* Its unknown words have a vector: that of its last row. */
static void a_model_may_be_none_to_grow(void **state)
{
	struct model *m = toy(METHOD_LEARNED);
	struct model parts = *m;
	struct model *last;
	struct err err = { 0 };
	struct grown usual;

	(void)state;
	parts.rules.unknown |= UNKNOWN_LAST;
	last = model_of_parts(&parts, NULL, &err);
	assert_null(fit(last, NULL, 5, 1, &err).fitted);
	assert_non_null(strstr(err.text, "the last row's vector"));
	usual = fit(last, NULL, GROW_USUAL, 1, &err);
	assert_true(usual.fitted && usual.report.words == 0);
	model_release(usual.fitted);
	model_release(last);
	model_release(m);
	assert_int_equal(toy_alive(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_learned_model_grows_and_keeps_its_own),
		cmocka_unit_test(workers_change_nothing),
		cmocka_unit_test(others_grow_on_request),
		cmocka_unit_test(a_corpus_may_have_nothing_to_learn_from),
		cmocka_unit_test(what_is_wrong_still_fails),
		cmocka_unit_test(a_model_may_be_none_to_grow),
	};

	mat_init();
	vec_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
