/* The ASCII fast paths of tokenizer and cutter against ICU, over random text made of what their rules turn
 * on. */
#include "base/err.h"
#include "text/sentences.h"
#include "text/sentences_private.h"
#include "text/token.h"
#include "text/token_private.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ROUNDS = 300000, LENGTH = 40 };

static size_t random_text(char *text)
{
	static const char often[] = "aabzABZ0199..,,;'':-_\"!?() \n\t\r";
	size_t n = (size_t)rand() % LENGTH;

	for (size_t i = 0; i < n; i++)
		text[i] = rand() % 12 ? often[(size_t)rand() % (sizeof(often) - 1)] : (char)(rand() % 128);
	if (n > 8 && rand() % 4 == 0) {
		static const char *const clitics[] = { "don't", "it's", "we'll", "CAN'T", "I'd've", "'tis" };

		memcpy(text, clitics[rand() % 6], 5);
	}
	return n;
}

static void tokens_agree(void **state)
{
	(void)state;
	srand(1);
	for (int keep = 0; keep < 2; keep++) {
		struct err err = { 0 };
		struct token_rules rules = token_rules_default();
		struct tokenizer *fast;
		struct tokenizer *slow;

		rules.keep_punctuation = keep;
		fast = tokenizer_new(&rules, &err);
		slow = tokenizer_new(&rules, &err);
		tokenizer_force_icu(slow, true);
		for (int round = 0; round < ROUNDS; round++) {
			char text[LENGTH];
			size_t n = random_text(text);
			const struct token *a;
			const struct token *b;
			ptrdiff_t count = tokenizer_run(fast, text, n, &a, &err);

			if (count != tokenizer_run(slow, text, n, &b, &err))
				fail_msg("'%.*s': %zd tokens", (int)n, text, count);
			for (ptrdiff_t i = 0; i < count; i++)
				if (a[i].start != b[i].start || a[i].stop != b[i].stop ||
				    a[i].length != b[i].length)
					fail_msg("'%.*s': token %zd", (int)n, text, i);
		}
		tokenizer_free(fast);
		tokenizer_free(slow);
	}
}

static void sentences_agree(void **state)
{
	struct err err = { 0 };
	struct cutter *fast = cutter_new(&err);
	struct cutter *slow = cutter_new(&err);

	(void)state;
	srand(2);
	cutter_force_icu(slow, true);
	for (int round = 0; round < ROUNDS; round++) {
		char text[LENGTH];
		size_t n = random_text(text);
		const struct span *a;
		const struct span *b;
		ptrdiff_t count = cutter_run(fast, text, n, &a, &err);

		if (count != cutter_run(slow, text, n, &b, &err))
			fail_msg("'%.*s': %zd sentences", (int)n, text, count);
		for (ptrdiff_t i = 0; i < count; i++)
			if (a[i].start != b[i].start || a[i].stop != b[i].stop)
				fail_msg("'%.*s': sentence %zd", (int)n, text, i);
	}
	cutter_free(fast);
	cutter_free(slow);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tokens_agree),
		cmocka_unit_test(sentences_agree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
