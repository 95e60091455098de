/* Texts as word numbers: kept in order, found again, grown far beyond the first room. */
#include "learn/texts.h"

#include "base/err.h"
#include "model/model.h"
#include "support/toy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { WORDS = 300, TEXTS = 6000 };

static struct model *model;

static void kept_in_order(void **state)
{
	struct err err = { 0 };
	struct texts *t = texts_new(model, &err);
	char a[8], b[8], text[40];
	uint32_t number;

	(void)state;
	for (uint32_t i = 0; i < TEXTS; i++) {
		(void)snprintf(text, sizeof(text), "%s zzz9 %s", toy_word(a, i % WORDS),
			       toy_word(b, i / WORDS));
		assert_int_equal(texts_add(t, text, strlen(text), &number, &err), 0);
		assert_int_equal(number, i);
	}
	assert_int_equal(texts_count(t), TEXTS);
	assert_int_equal(texts_known(t), 2 * TEXTS);
	assert_int_equal(texts_unknown(t), TEXTS);
	for (uint32_t i = 0; i < TEXTS; i++) {
		size_t n;
		const uint32_t *words = texts_words(t, i, &n);

		assert_int_equal(n, 2);
		assert_true(words[0] == i % WORDS && words[1] == i / WORDS);
	}
	texts_free(t);
}

static void equal_texts_are_found(void **state)
{
	struct err err = { 0 };
	struct texts *t = texts_new(model, &err);
	char a[8], b[8], text[40];
	uint32_t number;
	uint64_t known;

	(void)state;
	for (int pass = 0; pass < 2; pass++)
		for (uint32_t i = 0; i < TEXTS; i++) {
			(void)snprintf(text, sizeof(text), "%s, %s!", toy_word(a, i / WORDS),
				       toy_word(b, i % WORDS));
			assert_int_equal(texts_find_or_add(t, text, strlen(text), &number, &err), 0);
			assert_int_equal(number, i);
		}
	assert_int_equal(texts_count(t), TEXTS);
	known = texts_known(t);
	/* Texts without known words are one text. */
	assert_int_equal(texts_find_or_add(t, "zzz", 3, &number, &err), 0);
	assert_int_equal(number, TEXTS);
	assert_int_equal(texts_find_or_add(t, "", 0, &number, &err), 0);
	assert_int_equal(number, TEXTS);
	assert_int_equal(texts_known(t), known);
	/* One that was only added is not found. */
	assert_int_equal(texts_add(t, "wab", 3, &number, &err), 0);
	assert_int_equal(texts_find_or_add(t, "wab", 3, &number, &err), 0);
	assert_int_equal(number, TEXTS + 2);
	texts_free(t);
}

static int setup(void **state)
{
	(void)state;
	model = toy_model((struct toy){ .n = WORDS, .d = 3, .method = METHOD_SUM, .seed = 1 });
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	model_release(model);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kept_in_order),
		cmocka_unit_test(equal_texts_are_found),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
