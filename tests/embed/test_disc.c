#include "embed/disc.h"

#include "base/err.h"
#include "embed/embedder.h"
#include "embed/explain.h"
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

enum { N = 6, D = 5, WORDS = 50, TOY_D = 33 };

/* numpy, in doubles, with rows sin(7 i + 3 j + 1), unit, and the n-grams written out. */
static void numbers_are_numpys(void **state)
{
	static const uint32_t ids[] = { 0, 2, VOCAB_UNKNOWN, 1, 3, 3, 5 };
	static const double golden[] = { 0.860293951,  -1.262626040, 1.639686661, -1.983928942, 2.288462872,
					 0.224406893,  0.265513445,  0.379029615, 0.555912770,	0.782072499,
					 -0.000008876, 0.000958515,  0.000362936, -0.010531159, 0.034371053 };
	float data[N * D];
	float out[3 * D];
	float scratch[4 * D];
	struct rows rows = { .type = ROWS_F32, .n = N, .d = D, .data = data };

	(void)state;
	for (size_t i = 0; i < N; i++)
		for (size_t j = 0; j < D; j++)
			data[i * D + j] = (float)sin((double)(7 * i + 3 * j + 1));
	disc_sum(out, scratch, &rows, ids, sizeof(ids) / sizeof(ids[0]));
	for (size_t j = 0; j < 3 * (size_t)D; j++)
		assert_true(fabs((double)out[j] - golden[j]) < 2e-6);
}

/* The definition, by its sums over n-grams, in doubles. */
static void define(double *out, const struct model *m, const struct word *words, size_t n)
{
	for (size_t k = 0; k < 3; k++)
		for (size_t j = 0; j < TOY_D; j++) {
			double sum = 0.0;

			for (size_t i = 0; i + k < n; i++) {
				double product = pow(sqrt((double)TOY_D), (double)k);

				for (size_t l = i; l <= i + k; l++) {
					float row[TOY_D];

					if (words[l].id == VOCAB_UNKNOWN) {
						product = 0.0;
						break;
					}
					rows_get(row, &m->rows, words[l].id);
					product *= (double)row[j] / (double)vec_norm(row, TOY_D);
				}
				sum += product;
			}
			out[k * TOY_D + j] = sum / (double)(k + 1);
		}
}

static void check_texts(enum rows_type type)
{
	struct model *m = toy_model(
		(struct toy){ .n = WORDS, .d = TOY_D, .type = type, .method = METHOD_MEAN, .seed = 3 });
	struct err err = { 0 };
	struct embedder *s = embedder_new(m, METHOD_DISC, &err);
	uint64_t seed = 4;

	assert_int_equal(embedder_dimension(s), 3 * TOY_D);
	assert_int_equal(model_dimension(m, METHOD_DISC), 3 * TOY_D);
	for (size_t t = 0; t < 30; t++) {
		char *text = toy_text(&seed, WORDS, t);
		const struct word *words;
		ptrdiff_t n = lookup_run(embedder_lookup(s), text, strlen(text), &words, &err);
		double expected[3 * TOY_D];
		float vector[3 * TOY_D];
		struct seen seen;
		size_t known = 0;

		assert_true(n >= 0);
		define(expected, m, words, (size_t)n);
		for (ptrdiff_t i = 0; i < n; i++)
			known += words[i].id != VOCAB_UNKNOWN;
		assert_int_equal(embedder_embed(s, text, strlen(text), false, vector, &seen, &err), 0);
		assert_true(seen.words == t && seen.known == known);
		for (size_t j = 0; j < 3 * (size_t)TOY_D; j++)
			assert_true(fabs((double)vector[j] - expected[j]) < 1e-5);
		assert_int_equal(embedder_embed(s, text, strlen(text), true, vector, NULL, &err), 0);
		assert_true(known == 0 || fabsf(vec_norm(vector, 3 * (size_t)TOY_D) - 1.0F) < 1e-5F);
		free(text);
	}
	embedder_free(s);
	model_release(m);
}

static void texts_are_as_defined(void **state)
{
	(void)state;
	check_texts(ROWS_F32);
	check_texts(ROWS_I8);
}

static void a_sentence_changes_to_it_and_back(void **state)
{
	struct model *small = toy_model((struct toy){ .n = WORDS, .d = 3, .method = METHOD_MEAN, .seed = 3 });
	struct model *big = toy_model((struct toy){ .n = WORDS, .d = 70, .method = METHOD_MEAN, .seed = 3 });
	struct err err = { 0 };
	struct embedder *s = embedder_new(small, METHOD_DISC, &err);
	struct embedder *fresh = embedder_new(big, METHOD_DISC, &err);
	float a[210];
	float b[210];

	(void)state;
	assert_int_equal(embedder_use(s, big, METHOD_MEAN, &err), 0);
	assert_int_equal(embedder_use(s, big, METHOD_DISC, &err), 0);
	assert_int_equal(embedder_embed(s, "wa wb wc wd", 11, true, a, NULL, &err), 0);
	assert_int_equal(embedder_embed(fresh, "wa wb wc wd", 11, true, b, NULL, &err), 0);
	assert_memory_equal(a, b, sizeof(a));
	embedder_free(s);
	embedder_free(fresh);
	model_release(small);
	model_release(big);
	assert_int_equal(toy_alive(), 0);
}

static void it_is_not_explained_nor_folded(void **state)
{
	struct model *m = toy_model((struct toy){ .n = WORDS, .d = TOY_D, .method = METHOD_MEAN, .seed = 3 });
	struct model *folded = toy_folded(m, METHOD_MEAN);
	struct err err = { 0 };
	struct embedder *s = embedder_new(m, METHOD_DISC, &err);
	struct explained e;
	struct explained_pair p;

	(void)state;
	assert_int_equal(explain_text(&e, s, "wa wb", 5, &err), -1);
	assert_int_equal(err.code, ERR_INPUT);
	assert_non_null(strstr(err.text, "disc"));
	assert_int_equal(explain_pair(&p, s, "wa", 2, "wb", 2, &err), -1);
	assert_true(model_has(m, METHOD_DISC) && !model_has(folded, METHOD_DISC));
	embedder_free(s);
	model_release(m);
	model_release(folded);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_numpys),
		cmocka_unit_test(texts_are_as_defined),
		cmocka_unit_test(a_sentence_changes_to_it_and_back),
		cmocka_unit_test(it_is_not_explained_nor_folded),
	};

	vec_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
