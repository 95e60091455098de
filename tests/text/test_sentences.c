#include "text/sentences.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/utf8.h"
#include "support/guard.h"
#include "support/lines.h"
#include "text/sentences_private.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
/* cmocka.h needs those before it */
#include <cmocka.h>

struct cutters {
	struct cutter *fast;
	struct cutter *slow;
};

static struct cutters new_cutters(void)
{
	struct err err = { 0 };
	struct cutters c = { cutter_new(&err), cutter_new(&err) };

	assert_non_null(c.fast);
	assert_non_null(c.slow);
	cutter_force_icu(c.slow, true);
	return c;
}

static void free_cutters(struct cutters *c)
{
	cutter_free(c->fast);
	cutter_free(c->slow);
}

static ptrdiff_t run(struct cutter *c, const char *text, size_t n, const struct span **spans)
{
	struct err err = { 0 };
	ptrdiff_t count = cutter_run(c, text, n, spans, &err);

	if (count < 0)
		fail_msg("%s", err.text);
	return count;
}

static void agree(const struct cutters *c, const char *text, size_t n)
{
	const struct span *a;
	const struct span *b;
	ptrdiff_t count = run(c->fast, text, n, &a);

	if (count != run(c->slow, text, n, &b))
		fail_msg("%zd sentences in '%.*s'", count, (int)n, text);
	for (ptrdiff_t i = 0; i < count; i++)
		if (a[i].start != b[i].start || a[i].stop != b[i].stop)
			fail_msg("sentence %zd in '%.*s'", i, (int)n, text);
}

/* Sentences separated by |, by the fast path and by ICU. */
static void check(const char *text, const char *expected)
{
	struct cutters c = new_cutters();
	size_t n = strlen(text);
	char *copy = guard_copy(text, n);
	const struct span *spans;
	ptrdiff_t count = run(c.fast, copy, n, &spans);
	struct buf got = { 0 };

	for (ptrdiff_t i = 0; i < count; i++)
		buf_printf(&got, "%s%.*s", i ? "|" : "", (int)(spans[i].stop - spans[i].start),
			   copy + spans[i].start);
	assert_string_equal(buf_string(&got), expected);
	agree(&c, copy, n);
	buf_free(&got);
	guard_free(copy, n);
	free_cutters(&c);
}

static void sentences(void **state)
{
	(void)state;
	check("", "");
	check("  \n \t ", "");
	check("One. Two!  Three? (Four.) \"Five.\" six", "One.|Two!|Three?|(Four.)|\"Five.\" six");
	check("It is 3.14. e.g. this goes on. U.S. Army", "It is 3.14. e.g. this goes on.|U.S.|Army");
	check("etc., and so on... but here... Now", "etc., and so on... but here...|Now");
	check("Two\nlines and\r\na third\ra fourth", "Two|lines and|a third|a fourth");
	check("a.B C.d", "a.B C.d");
	check("Caf\xC3\xA9. \xC3\x89t\xC3\xA9\xE3\x80\x82\xE4\xB8\xAD\xE6\x96\x87\xE2\x80\xA8z",
	      "Caf\xC3\xA9.|\xC3\x89t\xC3\xA9\xE3\x80\x82|\xE4\xB8\xAD\xE6\x96\x87|z");
	check("\xC2\xA0 x. \xE3\x80\x80", "x.");
}

static void the_fast_cutter_agrees_with_icu(void **state)
{
	static const char often[] = "abzABZ0199....,,;'':-_\"!?() )]  \n\t\r";
	struct cutters c = new_cutters();

	(void)state;
	srand(2);
	for (int round = 0; round < 1500000; round++) {
		char text[64];
		size_t n = (size_t)rand() % (rand() % 8 ? 16 : sizeof(text));

		for (size_t i = 0; i < n; i++)
			text[i] = rand() % 12 ? often[(size_t)rand() % (sizeof(often) - 1)]
					      : (char)(rand() & 127);
		agree(&c, text, n);
	}
	free_cutters(&c);
}

/* Lines of one text are cut apart from each other, whichever is ASCII. */
static void mixed_text_agrees_with_icu(void **state)
{
	static const uint32_t some[] = { ' ',	 ' ',	 'a',	 'A',	 '.',	  '.',	 '!',
					 '1',	 ')',	 '"',	 ',',	 0xE9,	  0xC9,	 0x301,
					 0x3002, 0x4E2D, 0x2019, 0x200D, 0x2028,  '\n',	 '\n',
					 '\r',	 0x85,	 0xAD,	 0xA0,	 0x1F600, 0x661, 0xFEFF };
	struct cutters c = new_cutters();

	(void)state;
	srand(3);
	for (int round = 0; round < 300000; round++) {
		char text[160];
		size_t n = 0;

		for (int k = rand() % 40; k > 0; k--)
			n += utf8_put(text + n, some[(size_t)rand() % (sizeof(some) / sizeof(some[0]))]);
		agree(&c, text, n);
	}
	free_cutters(&c);
}

static void real_text_agrees_with_icu(void **state)
{
	static const char *const names[] = { "enwiki-lines.txt", "tatoeba-pairs.tsv" };
	struct cutters c = new_cutters();

	(void)state;
	for (int k = 0; k < 2; k++) {
		struct test_lines lines = test_lines_read(names[k]);

		for (size_t i = 0; i < lines.n; i++)
			agree(&c, lines.at[i], lines.lengths[i]);
		agree(&c, lines.bytes,
		      (size_t)(lines.at[lines.n - 1] + lines.lengths[lines.n - 1] - lines.bytes));
		test_lines_free(&lines);
	}
	free_cutters(&c);
}

static void monstrous_texts(void **state)
{
	static const char *const units[] = { "a",  ".",	 ". ",	".)",	      "? ",	  "1. ",
					     "\n", "A.", "a. ", "\xC3\xA9. ", "\xCC\x81", ".\xCC\x81" };
	enum { BYTES = 1 << 20 };
	char *text = malloc(BYTES + 8);
	struct cutters c = new_cutters();

	(void)state;
	assert_non_null(text);
	for (size_t k = 0; k < sizeof(units) / sizeof(units[0]); k++) {
		size_t unit = strlen(units[k]);
		size_t n = BYTES / unit * unit;

		for (size_t at = 0; at < n; at += unit)
			memcpy(text + at, units[k], unit);
		agree(&c, text, n);
	}
	free_cutters(&c);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sentences),
		cmocka_unit_test(the_fast_cutter_agrees_with_icu),
		cmocka_unit_test(mixed_text_agrees_with_icu),
		cmocka_unit_test(real_text_agrees_with_icu),
		cmocka_unit_test(monstrous_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
