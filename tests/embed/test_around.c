#include "embed/around.h"

#include "base/err.h"
#include "embed/embedder.h"
#include "embed/explain.h"
#include "math/sif.h"
#include "math/vec.h"
#include "model/model.h"
#include "support/toy.h"
#include "text/lookup.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
/* cmocka.h needs those before it */
#include <cmocka.h>

enum { WORDS = 40, D = 7, TEXT_WORDS = 24, TEXTS = 200 };

/*
 * Two words (1, 2) and (3, -1), a window of 1, A' = (1 0; 10 1), weights 1/2 and 1/4.  "a zz b zz zz": the
 * first unknown word has both beside it, the second has b, the third none.  Known (1/2, 1) + (3/4, -1/4) =
 * (1.25, .75); around a + 2 b = (7, 0), times A' (7, 0): 8.25, .75 over the 4 words that have a vector.
 */
static void a_text_by_hand(void **state)
{
	static const float rows[] = { 1, 2, 3, -1 }, weights[] = { 0.5F, 0.25F }, matrix[] = { 1, 0, 10, 1 };
	static const char *const words[] = { "a", "b" };
	struct model *toy =
		toy_model((struct toy){ .n = 2, .d = 2, .method = METHOD_WEIGHTED, .words = words });
	struct model parts = *toy;
	struct err err = { 0 };
	struct seen seen;
	float vector[2];
	struct model *m;
	struct embedder *s;

	(void)state;
	parts.rows.data = rows;
	parts.weights = weights;
	parts.alacarte = matrix;
	parts.alacarte_window = 1;
	m = model_of_parts(&parts, NULL, &err);
	s = embedder_new(m, METHOD_ALACARTE, &err);
	assert_int_equal(embedder_embed(s, "a zz b zz zz", 12, false, vector, &seen, &err), 0);
	assert_true(seen.words == 5 && seen.known == 2);
	assert_true(vector[0] == 8.25F / 4 && vector[1] == 0.75F / 4);
	assert_int_equal(embedder_embed(s, "zz zz", 5, true, vector, &seen, &err), 0);
	assert_true(vector[0] == 0.0F && vector[1] == 0.0F);
	embedder_free(s);
	model_release(m);
	model_release(toy);
}

/* The definition, word by word, in doubles; unnormalized and before components and projection. */
static void define(double out[D], const struct model *m, const struct word *words, size_t n, bool weighted,
		   bool mean)
{
	size_t window = m->alacarte_window;
	size_t counted = 0;
	float row[D];

	memset(out, 0, D * sizeof(*out));
	for (size_t i = 0; i < n; i++) {
		double around[D] = { 0 };
		bool any = false;

		if (words[i].id != VOCAB_UNKNOWN) {
			rows_get(row, &m->rows, words[i].id);
			for (size_t j = 0; j < D; j++)
				out[j] += (weighted ? (double)m->weights[words[i].id] : 1.0) * (double)row[j];
			counted++;
			continue;
		}
		for (size_t k = i > window ? i - window : 0; k < n && k <= i + window; k++) {
			if (words[k].id == VOCAB_UNKNOWN)
				continue;
			any = true;
			rows_get(row, &m->rows, words[k].id);
			for (size_t j = 0; j < D; j++)
				around[j] += (double)row[j];
		}
		for (size_t a = 0; a < D; a++)
			for (size_t b = 0; b < D; b++)
				out[b] += (weighted && model_sums(m) == METHOD_USIF ? 2.0 : 1.0) * around[a] *
					  (double)m->alacarte[a * D + b];
		counted += any;
	}
	for (size_t j = 0; mean && counted && j < D; j++)
		out[j] /= (double)counted;
}

/* Against components and projection as the method itself applies them. */
static void check_method(struct toy toy)
{
	struct model *m = toy_model(toy);
	bool weighted = toy.method != METHOD_SUM && toy.method != METHOD_MEAN;
	bool mean = toy.method != METHOD_SUM && toy.method != METHOD_LEARNED;
	struct err err = { 0 };
	struct embedder *plain = embedder_new(m, toy.method, &err);
	struct embedder *s = embedder_new(m, METHOD_ALACARTE, &err);
	struct lookup *lookup = lookup_new(&m->rules, &m->vocab, &err);
	uint64_t seed = 3;

	assert_int_equal(embedder_dimension(s), embedder_dimension(plain));
	for (size_t t = 0; t < TEXTS; t++) {
		char *text = toy_text(&seed, WORDS, t % TEXT_WORDS);
		size_t d = embedder_dimension(s);
		float got[D], same[D], expected[D], sum[D];
		const struct word *words;
		double defined[D];
		struct seen seen;
		ptrdiff_t n = lookup_run(lookup, text, strlen(text), &words, &err);

		assert_int_equal(embedder_embed(s, text, strlen(text), false, got, &seen, &err), 0);
		define(defined, m, words, (size_t)n, weighted, mean);
		for (size_t j = 0; j < D; j++)
			sum[j] = (float)defined[j];
		embedder_transform(plain, sum, expected);
		for (size_t j = 0; j < d; j++)
			assert_true(fabs((double)got[j] - (double)expected[j]) < 1e-4);
		if (seen.words == seen.known) { /* nothing to fill in: the method itself, to the bit */
			assert_int_equal(embedder_embed(plain, text, strlen(text), false, same, NULL, &err),
					 0);
			assert_memory_equal(got, same, d * sizeof(*got));
		}
		free(text);
	}
	lookup_free(lookup);
	embedder_free(plain);
	embedder_free(s);
	model_release(m);
	assert_int_equal(toy_alive(), 0);
}

static void texts_are_as_defined(void **state)
{
	(void)state;
	for (size_t window = 1; window <= 9; window += 4) {
		check_method((struct toy){
			.n = WORDS, .d = D, .window = window, .method = METHOD_SUM, .seed = 1 });
		check_method((struct toy){
			.n = WORDS, .d = D, .window = window, .method = METHOD_MEAN, .seed = 2 });
		check_method((struct toy){
			.n = WORDS, .d = D, .window = window, .method = METHOD_LEARNED, .seed = 3 });
		check_method((struct toy){
			.n = WORDS, .d = D, .k = 2, .window = window, .method = METHOD_SIF, .seed = 4 });
		check_method((struct toy){
			.n = WORDS, .d = D, .k = 2, .window = window, .method = METHOD_USIF, .seed = 5 });
		check_method((struct toy){ .n = WORDS,
					   .d = D,
					   .d_out = 4,
					   .window = window,
					   .method = METHOD_WHITEN,
					   .seed = 6 });
	}
}

static void a_method_like_any_other(void **state)
{
	struct model *without = toy_model((struct toy){ .n = WORDS, .d = D, .method = METHOD_MEAN });
	struct model *m = toy_model((struct toy){ .n = WORDS, .d = D, .window = 2, .method = METHOD_MEAN });
	struct err err = { 0 };
	struct embedder *s = embedder_new(m, METHOD_ALACARTE, &err);
	struct model parts = *m;
	struct model *other;
	struct explained e;
	enum method method;
	float matrix[D * D];

	(void)state;
	assert_false(model_has(without, METHOD_ALACARTE));
	assert_int_equal(method_choose(&method, m, "alacarte", &err), 0);
	assert_int_equal(method, METHOD_ALACARTE);
	assert_int_equal(explain_text(&e, s, "wa zz", 5, &err), -1);
	assert_string_equal(err.param, "method");
	assert_string_not_equal(m->fingerprint, without->fingerprint);
	memcpy(matrix, m->alacarte, sizeof(matrix));
	matrix[D] += 1.0F;
	parts.alacarte = matrix;
	other = model_of_parts(&parts, NULL, &err);
	assert_string_not_equal(m->fingerprint, other->fingerprint);
	model_release(other);
	parts.alacarte = m->alacarte;
	parts.alacarte_window++;
	other = model_of_parts(&parts, NULL, &err);
	assert_string_not_equal(m->fingerprint, other->fingerprint);
	model_release(other);
	embedder_free(s);
	model_release(m);
	model_release(without);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_text_by_hand),
		cmocka_unit_test(texts_are_as_defined),
		cmocka_unit_test(a_method_like_any_other),
	};

	vec_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
