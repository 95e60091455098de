#include "base/limits.h"
#include "embed/explain.h"

#include "base/err.h"
#include "base/mem.h"
#include "embed/similar.h"
#include "math/vec.h"
#include "model/model.h"
#include "support/toy.h"
#include "text/vocab.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { WORDS = 150, D = 24, D_OUT = 17, TEXTS = 40 };

static void check_text(struct embedder *s, const char *text)
{
	struct explained e;
	struct err err;
	double sum = 0.0;
	float vector[D];
	struct seen seen;

	assert_int_equal(explain_text(&e, s, text, strlen(text), &err), 0);
	assert_int_equal(embedder_embed(s, text, strlen(text), false, vector, &seen, &err), 0);
	assert_int_equal(e.n, seen.words);
	assert_true(e.coverage == seen_coverage(seen));
	assert_true(e.norm == vec_norm(vector, embedder_dimension(s)));
	for (size_t i = 0; i < e.n; i++) {
		const struct explained_word *w = &e.words[i];
		char word[8];

		assert_true(w->start < w->stop && w->stop <= strlen(text));
		sum += (double)w->share;
		if (w->id == VOCAB_UNKNOWN) {
			assert_memory_equal(text + w->start, "zzz", 3);
			assert_true(w->weight == 0.0f && w->share == 0.0f);
			continue;
		}
		assert_memory_equal(text + w->start, toy_word(word, w->id), w->stop - w->start);
		assert_true(w->weight == embedder_weight(s, w->id));
	}
	assert_true(fabs(sum - (e.norm > 0.0f ? 1.0 : 0.0)) < 1e-5);
	explained_free(&e);
}

static void check_pair(struct embedder *s, const char *a, const char *b)
{
	struct explained_pair p;
	struct err err;
	double sum = 0.0;
	float score;

	assert_int_equal(explain_pair(&p, s, a, strlen(a), b, strlen(b), &err), 0);
	assert_int_equal(similar_pair(s, (struct text){ a, strlen(a) }, (struct text){ b, strlen(b) }, &score,
				      NULL, &err),
			 0);
	assert_true(p.score == score);
	for (size_t i = 0; i < p.left.n; i++) {
		for (size_t j = 0; j < p.right.n; j++) {
			float part = p.parts[i * p.right.n + j];

			sum += (double)part;
			if (p.left.words[i].id == VOCAB_UNKNOWN || p.right.words[j].id == VOCAB_UNKNOWN)
				assert_true(part == 0.0f);
		}
	}
	assert_true(fabs(sum - (double)score) < 1e-5);
	explained_pair_free(&p);
}

static void check_model(struct model *m, enum method method)
{
	struct err err;
	struct embedder *s = embedder_new(m, method, &err);
	uint64_t at = 11;

	assert_non_null(s);
	for (size_t t = 0; t < TEXTS; t++) {
		char *a = toy_text(&at, WORDS, t);
		char *b = toy_text(&at, WORDS, toy_random(&at) % TEXTS);

		check_text(s, a);
		check_pair(s, a, b);
		check_pair(s, a, a);
		free(a);
		free(b);
	}
	check_text(s, "zzz");
	check_pair(s, "wa wb", "zzz");
	check_pair(s, "", "");
	embedder_free(s);
}

static void parts_sum_to_the_whole(void **state)
{
	(void)state;
	for (enum method method = 0; method <= METHOD_LEARNED; method++) {
		bool projected = method == METHOD_WHITEN || method == METHOD_LEARNED;
		bool removed = method == METHOD_SIF || method == METHOD_USIF;
		struct model *m = toy_model((struct toy){ .n = WORDS,
							  .d = D,
							  .k = removed ? 2 : 0,
							  .d_out = projected ? D_OUT : 0,
							  .type = ROWS_F16,
							  .method = method,
							  .seed = method });
		struct model *folded = toy_folded(m, method);

		check_model(m, method);
		check_model(folded, method);
		model_release(m);
		model_release(folded);
	}
	assert_int_equal(toy_alive(), 0);
}

/* Two words in two dimensions, by hand: u = (v1 + v2), shares v_i . u / |u|^2. */
static void by_hand(void **state)
{
	struct model *toy = toy_model((struct toy){ .n = 2, .d = 2, .method = METHOD_SUM, .seed = 1 });
	static const float rows[] = { 3.0f, 0.0f, 0.0f, 4.0f };
	struct model parts = *toy;
	struct model *m;
	struct embedder *s;
	struct explained e;
	struct explained_pair p;
	struct err err;

	(void)state;
	parts.rows.data = rows;
	m = model_of_parts(&parts, NULL, &err);
	assert_non_null(m);
	s = embedder_new(m, METHOD_SUM, &err);
	assert_non_null(s);
	assert_int_equal(explain_text(&e, s, "wa zzz wb", 9, &err), 0);
	assert_int_equal(e.n, 3);
	assert_true(fabsf(e.norm - 5.0f) < 1e-6f);
	assert_true(fabsf(e.words[0].share - 9.0f / 25.0f) < 1e-6f);
	assert_true(e.words[1].id == VOCAB_UNKNOWN);
	assert_true(fabsf(e.words[2].share - 16.0f / 25.0f) < 1e-6f);
	assert_int_equal(explain_pair(&p, s, "wa wb", 5, "wb", 2, &err), 0);
	assert_true(fabsf(p.score - 0.8f) < 1e-6f);
	assert_true(p.parts[0] == 0.0f && fabsf(p.parts[1] - 0.8f) < 1e-6f);
	explained_free(&e);
	explained_pair_free(&p);
	embedder_free(s);
	model_release(m);
	model_release(toy);
}

static void a_text_too_long_is_refused(void **state)
{
	struct model *m = toy_model((struct toy){ .n = WORDS, .d = 3, .method = METHOD_MEAN, .seed = 1 });
	size_t n = ((size_t)LIMIT_EXPLAIN_WORDS + 1) * 3;
	char *text = mem_new(n, 1);
	struct explained e;
	struct explained_pair p;
	struct err err = { 0 };
	struct embedder *s = embedder_new(m, METHOD_MEAN, &err);

	(void)state;
	assert_non_null(s);
	for (size_t i = 0; i < n; i++)
		text[i] = "wa "[i % 3];
	assert_int_equal(explain_text(&e, s, text, n - 3, &err), 0);
	assert_int_equal(e.n, LIMIT_EXPLAIN_WORDS);
	explained_free(&e);
	assert_int_equal(explain_text(&e, s, text, n, &err), -1);
	assert_int_equal(err.code, ERR_TOO_LARGE);
	assert_int_equal(explain_pair(&p, s, "wa", 2, text, n, &err), -1);
	assert_int_equal(err.code, ERR_TOO_LARGE);
	free(text);
	embedder_free(s);
	model_release(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parts_sum_to_the_whole),
		cmocka_unit_test(by_hand),
		cmocka_unit_test(a_text_too_long_is_refused),
	};

	vec_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
