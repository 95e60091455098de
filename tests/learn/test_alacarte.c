#include "learn/alacarte.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/lines.h"
#include "base/stream.h"
#include "embed/publish.h"
#include "learn/alacarte_private.h"
#include "math/mat.h"
#include "math/vec.h"
#include "model/model.h"
#include "support/company.h"
#include "support/memory_file.h"
#include "support/toy.h"
#include "text/corpus.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
/* cmocka.h needs those before it */
#include <cmocka.h>

enum { WORDS = 60, D = 8, NEW = 4, SENTENCES = 60 };

static const char *const data_file = "../shared/data/corpora/enwiki-part.txt.xz";

static struct model *toy(enum rows_type type)
{
	return toy_model(
		(struct toy){ .n = WORDS, .d = D, .type = type, .method = METHOD_WEIGHTED, .seed = 21 });
}

static struct alacarte_options options(size_t workers)
{
	struct alacarte_options o = alacarte_options_default();

	o.fit_count = 20;
	o.min_count = 20;
	o.window = 2;
	o.by_line = true;
	o.workers = workers;
	return o;
}

static struct model *learn(struct model *m, const struct alacarte_options *o, struct alacarte_report *r,
			   struct err *err)
{
	struct buf text = { 0 };
	const char *all;
	size_t n;
	struct corpus *corpus;
	struct model *grown;

	company_write(&text, m, SENTENCES, NEW);
	all = text.data;
	n = text.len;
	corpus = corpus_of_texts(&all, &n, 1, err);
	assert_non_null(corpus);
	grown = alacarte_learn(m, corpus, o, r, NULL, err);
	corpus_close(corpus);
	buf_free(&text);
	return grown;
}

/* The rows of up to 3 known words to either side of the one at i, added up as floats. */
static void add_around(double *expected, const struct model *m, const uint32_t *ids, size_t n, size_t i)
{
	float sum[D] = { 0 };

	for (size_t j = i > 3 ? i - 3 : 0; j < n && j <= i + 3; j++) {
		float row[D];

		if (j == i || ids[j] == WORDS)
			continue;
		rows_get(row, &m->rows, ids[j]);
		for (size_t k = 0; k < D; k++)
			sum[k] += row[k];
	}
	for (size_t k = 0; k < D; k++)
		expected[k] += (double)sum[k];
}

/* The sums around every word, against their definition over the ids of the lines. */
static void contexts_are_as_defined(void **state)
{
	enum { LINES = 30 };
	struct model *m = toy(ROWS_F32);
	struct alacarte_options o = options(2);
	struct alacarte_report r = { 0 };
	struct contexts c = { .m = m, .o = &o, .report = &r };
	struct err err = { 0 };
	struct buf text = { 0 };
	uint32_t ids[LINES][LINES];
	double expected[(WORDS + 1) * D] = { 0 };
	uint64_t seed = 2;
	struct corpus *corpus;
	const char *all;
	size_t n;

	(void)state;
	o.window = 3;
	o.fit_count = o.min_count = 1;
	for (size_t l = 0; l < LINES; l++) {
		for (size_t i = 0; i < l; i++) {
			char word[8];

			ids[l][i] = toy_random(&seed) % (WORDS + 1); /* the last one is not the toy's */
			buf_printf(&text, "%s ", ids[l][i] == WORDS ? "NOVEL" : toy_word(word, ids[l][i]));
		}
		buf_byte(&text, '\n');
		for (size_t i = 0; i < l; i++)
			add_around(&expected[ids[l][i] * D], m, ids[l], l, i);
	}
	all = text.data;
	n = text.len;
	corpus = corpus_of_texts(&all, &n, 1, &err);
	assert_int_equal(contexts_gather(&c, corpus, &err), 0);
	assert_true(c.fresh.n == 1 && vocab_find(&c.fresh, "novel", 5) == 0);
	for (size_t row = 0; row < c.known_n + 1; row++) {
		size_t id = row < c.known_n ? c.known[row] : WORDS;

		for (size_t k = 0; k < D; k++)
			assert_true(fabs(c.sums[row * D + k] - expected[id * D + k]) < 1e-9);
	}
	contexts_free(&c);
	corpus_close(corpus);
	buf_free(&text);
	model_release(m);
}

static void check_new_words(enum rows_type type)
{
	struct model *m = toy(type);
	struct err err = { 0 };
	struct alacarte_options o = options(2);
	struct alacarte_report r;
	struct model *grown = learn(m, &o, &r, &err);

	assert_non_null(grown);
	assert_true(r.new_words == NEW && r.fit_words == WORDS && r.held_out_words == 6);
	assert_true(r.held_out > 0.6 && r.chance < 0.4);
	assert_int_equal(r.tokens, WORDS * SENTENCES * 5 + 2);
	assert_int_equal(r.known_before, (WORDS * SENTENCES * 5) - NEW * SENTENCES / 2);
	assert_int_equal(r.known_after, WORDS * SENTENCES * 5);
	assert_int_equal(grown->vocab.n, WORDS + NEW);
	for (uint32_t i = 0; i < NEW; i++) {
		char name[] = { 'n', 'o', 'v', 'e', 'l', (char)('a' + i), '\0' };
		uint32_t id = vocab_find(&grown->vocab, name, strlen(name));
		float fresh[D];
		float own[D];

		assert_true(id >= WORDS && id < WORDS + NEW);
		rows_get(fresh, &grown->rows, id);
		rows_get(own, &m->rows, i);
		assert_true(vec_cosine(fresh, own, D) > 0.7F);
		assert_true(grown->weights[id] > 0.0F && grown->weights[id] < 1.0F);
		rows_get(fresh, &grown->rows, i);
		assert_memory_equal(fresh, own, sizeof(own));
	}
	model_release(grown);
	model_release(m);
	assert_int_equal(toy_alive(), 0);
}

static void new_words_stand_where_their_doubles_stand(void **state)
{
	(void)state;
	check_new_words(ROWS_F32);
	check_new_words(ROWS_F16);
	check_new_words(ROWS_I8);
}

/* Where rows carry their words' weights in their lengths, a new one is as long as its word is rare. */
static void learned_rows_get_their_weights_in_their_lengths(void **state)
{
	struct err err = { 0 };
	struct alacarte_options o = options(1);
	struct alacarte_report r;
	struct model *weighted = toy(ROWS_F32);
	struct model parts = *weighted;
	struct model *learned, *one, *other;

	(void)state;
	parts.weights = NULL;
	parts.facts.method = METHOD_LEARNED;
	parts.facts.a = 0.0;
	learned = model_of_parts(&parts, NULL, &err);
	one = learn(weighted, &o, &r, &err);
	other = learn(learned, &o, &r, &err);
	assert_true(one && other && !other->weights);
	for (uint32_t i = WORDS; i < WORDS + NEW; i++) {
		double p = (double)SENTENCES / 2 / (double)r.tokens;
		float plain[D], weighed[D];

		rows_get(plain, &one->rows, i);
		rows_get(weighed, &other->rows, i);
		for (size_t j = 0; j < D; j++)
			assert_true(fabs((double)weighed[j] - (double)plain[j] * 1e-3 / (1e-3 + p)) < 1e-6);
	}
	model_release(one);
	model_release(other);
	model_release(learned);
	model_release(weighted);
}

static void workers_and_limits_change_what_they_should(void **state)
{
	struct model *m = toy(ROWS_F32);
	struct err err = { 0 };
	struct alacarte_options o = options(1);
	struct alacarte_report r;
	struct model *one = learn(m, &o, &r, &err);
	struct model *three;

	(void)state;
	assert_non_null(one);
	o.workers = 3;
	three = learn(m, &o, &r, &err);
	assert_non_null(three);
	assert_string_equal(one->fingerprint, three->fingerprint);
	model_release(three);
	o.max_words = 2;
	three = learn(m, &o, &r, &err);
	assert_int_equal(three->vocab.n, WORDS + 2);
	assert_true(vocab_find(&three->vocab, "novela", 6) == WORDS);
	model_release(three);
	model_release(one);
	model_release(m);
}

static void refused(struct alacarte_options o, const char *why)
{
	struct model *m = toy(ROWS_F32);
	struct err err = { 0 };
	struct alacarte_report r;

	assert_null(learn(m, &o, &r, &err));
	assert_int_equal(err.code, ERR_INPUT);
	if (!strstr(err.text, why))
		fail_msg("'%s' is not in: %s", why, err.text);
	model_release(m);
}

static void what_cannot_be_learnt_is_refused(void **state)
{
	struct alacarte_options o = options(1);

	(void)state;
	o.window = 0;
	refused(o, "window");
	o = options(1);
	o.fit_count = 1000000;
	refused(o, "too few");
	o = options(1);
	o.min_count = 31;
	refused(o, "no word without a vector");
	o.min_count = 0;
	refused(o, "from 1 to");
}

/* What comes out is a model like any other: it is written, opened again and has its canaries. */
static void the_model_can_be_published(void **state)
{
	char path[] = "/tmp/test_alacarte.XXXXXX";
	int fd = mkstemp(path);
	struct model *m = toy(ROWS_F32);
	struct err err = { 0 };
	struct alacarte_options o = options(1);
	struct alacarte_report r;
	struct model *grown = learn(m, &o, &r, &err);
	struct model *opened;

	(void)state;
	assert_true(fd >= 0 && close(fd) == 0);
	assert_int_equal(publish_model(grown, path, false, &err), 0);
	assert_int_equal(model_verify(path, NULL, &err), 0);
	opened = model_open(path, NULL, &err);
	assert_non_null(opened);
	assert_string_equal(opened->fingerprint, grown->fingerprint);
	model_release(opened);
	model_release(grown);
	model_release(m);
	(void)unlink(path);
}

/* The first lines of a file, or nothing. */
static void read_lines(struct buf *text, const char *path, size_t most)
{
	struct err err = { 0 };
	struct lines *lines = lines_open(path, 1 << 20, &err);
	const char *line;
	size_t n;

	if (!lines)
		return;
	while (most-- && lines_next(lines, &line, &n, &err) > 0) {
		buf_add(text, line, n);
		buf_byte(text, '\n');
	}
	lines_free(lines);
}

/*
 * On real text and the shipped model, the held-out words show that the matrix means something.  The model
 * spells most words that it lacks from pieces, so few are new.
 */
static void real_words_are_found_again(void **state)
{
	struct err err = { 0 };
	struct model *m = model_open("models/default.safetensors", NULL, &err);
	struct alacarte_options o = alacarte_options_default();
	struct alacarte_report r;
	struct buf text = { 0 };
	struct corpus *corpus;
	struct model *grown;
	const char *all;
	size_t n;

	(void)state;
	assert_non_null(m);
	read_lines(&text, data_file, 10000);
	if (text.len == 0) {
		print_message("SKIP: no %s\n", data_file);
		model_release(m);
		skip();
	}
	all = text.data;
	n = text.len;
	o.fit_count = 50;
	corpus = corpus_of_texts(&all, &n, 1, &err);
	assert_non_null(corpus);
	grown = alacarte_learn(m, corpus, &o, &r, NULL, &err);
	if (!grown)
		fail_msg("%s", err.text);
	print_message("%zu new words; %zu held out: cosine %.3f, chance %.3f\n", r.new_words,
		      r.held_out_words, r.held_out, r.chance);
	assert_true(r.held_out > r.chance + 0.1 && r.new_words > 0);
	model_release(grown);
	corpus_close(corpus);
	buf_free(&text);
	model_release(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(contexts_are_as_defined),
		cmocka_unit_test(new_words_stand_where_their_doubles_stand),
		cmocka_unit_test(learned_rows_get_their_weights_in_their_lengths),
		cmocka_unit_test(workers_and_limits_change_what_they_should),
		cmocka_unit_test(what_cannot_be_learnt_is_refused),
		cmocka_unit_test(the_model_can_be_published),
		cmocka_unit_test(real_words_are_found_again),
	};

	mat_init();
	vec_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
