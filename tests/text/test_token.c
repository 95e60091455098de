#include "text/token.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/utf8.h"
#include "support/guard.h"
#include "support/lines.h"
#include "text/token_private.h"

#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
/* cmocka.h needs those before it */
#include <cmocka.h>

enum { RULES = 3 * 2 * 3 * 2 };

/* The i-th of all rules that change tokens. */
static struct token_rules rules_of(int i)
{
	return (struct token_rules){
		.normalize = (enum token_normalize)(i % 3),
		.strip_accents = i / 3 % 2,
		.split = (enum token_split)(i / 6 % 3),
		.keep_punctuation = i / 18 % 2,
	};
}

static struct tokenizer *new_tokenizer(struct token_rules rules)
{
	struct err err = { 0 };
	struct tokenizer *t = tokenizer_new(&rules, &err);

	if (!t)
		fail_msg("%s", err.text);
	return t;
}

static ptrdiff_t run(struct tokenizer *t, const char *text, size_t n, const struct token **tokens)
{
	struct err err = { 0 };
	ptrdiff_t count = tokenizer_run(t, text, n, tokens, &err);

	if (count < 0)
		fail_msg("%s", err.text);
	return count;
}

/* Tokens as form@start-stop, separated by blanks; from a copy that ends where memory ends. */
static void check(struct token_rules rules, const char *text, const char *expected)
{
	struct tokenizer *t = new_tokenizer(rules);
	size_t n = strlen(text);
	char *copy = guard_copy(text, n);
	const struct token *tokens;
	ptrdiff_t count = run(t, copy, n, &tokens);
	struct buf got = { 0 };

	for (ptrdiff_t i = 0; i < count; i++)
		buf_printf(&got, "%s%.*s@%u-%u", i ? " " : "", (int)tokens[i].length, tokens[i].form,
			   tokens[i].start, tokens[i].stop);
	assert_string_equal(buf_string(&got), expected);
	buf_free(&got);
	guard_free(copy, n);
	tokenizer_free(t);
}

static const struct token_rules glove = { NORMALIZE_NONE, false, SPLIT_WORDS, false, 0 };
static const struct token_rules glove_keep = { NORMALIZE_NONE, false, SPLIT_WORDS, true, 0 };
static const struct token_rules folded = { NORMALIZE_NFKC_CASEFOLD, false, SPLIT_WORDS, false, 0 };
static const struct token_rules bert = { NORMALIZE_LOWER, true, SPLIT_BERT, true, 0 };
static const struct token_rules bert_drop = { NORMALIZE_LOWER, true, SPLIT_BERT, false, 0 };
static const struct token_rules blanks = { NORMALIZE_NONE, false, SPLIT_WHITESPACE, true, 0 };

static void words(void **state)
{
	(void)state;
	check(glove, "", "");
	check(glove, " \t\n", "");
	check(glove, "Hello, World!", "Hello@0-5 World@7-12");
	check(glove_keep, "Hello, World!", "Hello@0-5 ,@5-6 World@7-12 !@12-13");
	check(glove, "3.14 1,000;2 a.b U.S. e-mail x_y __ a:b me@x.org",
	      "3.14@0-4 1,000;2@5-12 a.b@13-16 U.S@17-20 e@22-23 mail@24-28 x_y@29-32 a@36-37 b@38-39 "
	      "me@40-42 x.org@43-48");
	check(glove_keep, "__ $5 ...", "_@0-1 _@1-2 $@3-4 5@4-5 .@6-7 .@7-8 .@8-9");
	check(glove, "$ % & + ~ ` ^", "");
	check(glove, "\xC2\xA9 \xE2\x82\xAC \xC2\xB0 \xF0\x9F\x98\x80!",
	      "\xC2\xA9@0-2 \xC2\xB0@7-9 \xF0\x9F\x98\x80@10-14");
	/* A family, joined by ZWJ, is one symbol; so is a flag. */
	check(glove, "\xF0\x9F\x91\xA8\xE2\x80\x8D\xF0\x9F\x91\xA9 \xF0\x9F\x87\xA9\xF0\x9F\x87\xAA",
	      "\xF0\x9F\x91\xA8\xE2\x80\x8D\xF0\x9F\x91\xA9@0-11 \xF0\x9F\x87\xA9\xF0\x9F\x87\xAA@12-20");
	check(folded,
	      "Stra\xC3\x9F"
	      "E \xEF\xBC\xA1\xEF\xBC\xA2 \xC4\xB0",
	      "strasse@0-7 ab@8-14 i\xCC\x87@15-17");
	/* A soft hyphen is nothing to NFKC_Casefold. */
	check(folded, "co\xC2\xADoperate", "cooperate@0-11");
	check(glove, "\xE6\x88\x91\xE7\x88\xB1\xE5\x8C\x97\xE4\xBA\xAC\xE3\x80\x82",
	      "\xE6\x88\x91@0-3 \xE7\x88\xB1@3-6 \xE5\x8C\x97\xE4\xBA\xAC@6-12");
}

static void clitics(void **state)
{
	(void)state;
	check(glove, "don't can't won't N'T n't",
	      "do@0-2 n't@2-5 ca@6-8 n't@8-11 wo@12-14 n't@14-17 "
	      "N'T@18-21 n't@22-25");
	check(glove, "it's I'd've WE'LL you're I'm",
	      "it@0-2 's@2-4 I@5-6 'd@6-8 've@8-11 WE@12-14 'LL@14-17 "
	      "you@18-21 're@21-24 I@25-26 'm@26-28");
	check(glove, "shouldn't've 't isn'ts rock'n'roll o'clock",
	      "should@0-6 n't@6-9 've@9-12 t@14-15 isn'ts@16-22 rock'n'roll@23-34 o'clock@35-42");
	check(glove, "it\xE2\x80\x99s don\xE2\x80\x99T", "it@0-2 's@2-6 do@7-9 n'T@9-14");
	check(folded, "don\xE2\x80\x99T caf\xC3\xA9\xE2\x80\x99S",
	      "do@0-2 n't@2-7 caf\xC3\xA9@8-13 's@13-17");
	/* Alone: after a digit or a quotation, in text already split; but not in a quotation of one letter.
	 */
	check(glove, "1990's \"X\"'s the dog 's",
	      "1990@0-4 's@4-6 X@8-9 's@10-12 the@13-16 dog@17-20 's@21-23");
	check(glove, "the letter 's'", "the@0-3 letter@4-10 s@12-13");
	check(glove, "1990\xE2\x80\x99s \xE2\x80\x98s\xE2\x80\x99", "1990@0-4 's@4-8 s@12-13");
	check(bert, "Don't it\xE2\x80\x99s N't O'Clock 's",
	      "do@0-2 n't@2-5 it@6-8 's@8-12 n't@13-16 o@17-18 '@18-19 clock@19-24 's@25-27");
	check(bert, "shouldn't've 'tis don'tx",
	      "should@0-6 n't@6-9 've@9-12 '@13-14 tis@14-17 don@18-21 '@21-22 tx@22-24");
	check(blanks, "don't it\xE2\x80\x99s", "don't@0-5 it\xE2\x80\x99s@6-12");
}

static void bert_split(void **state)
{
	(void)state;
	check(bert, "Caf\xC3\xA9-bar, 3.5\xE2\x82\xAC a_b",
	      "cafe@0-5 -@5-6 bar@6-9 ,@9-10 3@11-12 .@12-13 5@13-14 "
	      "\xE2\x82\xAC@14-17 a@18-19 _@19-20 b@20-21");
	check(bert_drop, "Caf\xC3\xA9-bar, 3.5\xE2\x82\xAC a_b",
	      "cafe@0-5 bar@6-9 3@11-12 5@13-14 a@18-19 b@20-21");
	check(bert, "e\xCC\x81t\xC3\xA9 \xC3\x85\xCC\x8A", "ete@0-6 a@7-11");
	check(bert, "co\xC2\xADop\xE2\x80\x8B x", "coop@0-6 x@10-11");
	check(bert,
	      "\xE4\xB8\xAD\xE6\x96\x87"
	      "ab",
	      "\xE4\xB8\xAD@0-3 \xE6\x96\x87@3-6 ab@6-8");
	check(bert, "\xE2\x9D\xA4\xEF\xB8\x8F \xCC\x81",
	      "\xE2\x9D\xA4@0-6"); /* a lone accent leaves nothing */
	check(bert,
	      "\x01 a\x7F"
	      "b",
	      "a@2-3 b@4-5");
}

static void whitespace(void **state)
{
	struct token_rules drop = blanks;

	(void)state;
	drop.keep_punctuation = false;
	check(blanks,
	      " a,b\t--  c\xE3\x80\x80"
	      "d\xC2\xA0",
	      "a,b@1-4 --@5-7 c@9-10 d@13-14");
	check(drop,
	      " a,b\t--  c\xE3\x80\x80"
	      "d\xC2\xA0",
	      "a,b@1-4 c@9-10 d@13-14");
	check(drop, "-- __ -a \xE2\x80\xA6", "-a@6-8");
}

static void agree(struct tokenizer *a, struct tokenizer *b, const char *text, size_t n)
{
	const struct token *x;
	const struct token *y;
	ptrdiff_t count = run(a, text, n, &x);

	if (run(b, text, n, &y) != count)
		fail_msg("%zd tokens in '%.*s' by rules %d %d %d %d", count, (int)n, text, a->rules.normalize,
			 a->rules.strip_accents, a->rules.split, a->rules.keep_punctuation);
	for (ptrdiff_t i = 0; i < count; i++)
		if (x[i].start != y[i].start || x[i].stop != y[i].stop || x[i].length != y[i].length ||
		    memcmp(x[i].form, y[i].form, x[i].length) != 0)
			fail_msg("token %zd is '%.*s' or '%.*s' in '%.*s' by rules %d %d %d %d", i,
				 (int)x[i].length, x[i].form, (int)y[i].length, y[i].form, (int)n, text,
				 a->rules.normalize, a->rules.strip_accents, a->rules.split,
				 a->rules.keep_punctuation);
}

/* Text made of what the rules turn on, mostly ASCII; now and then longer than a scanner's block. */
static size_t random_ascii(char *text, size_t room)
{
	static const char often[] = "aabstdmrevlnNTSABZ0199..,,;'''':-_\"!?() \n\t\r  ";
	size_t n = (size_t)rand() % (rand() % 8 ? 24 : room);

	for (size_t i = 0; i < n; i++)
		text[i] = rand() % 12 ? often[(size_t)rand() % (sizeof(often) - 1)] : (char)(rand() & 127);
	for (size_t at = (size_t)rand() % 64; at + 8 < n; at += 1 + (size_t)rand() % 64) {
		static const char *const clitics[] = { "don't", "it's.", "we'll", "CAN'T", "d've ", "'tis " };

		memcpy(text + at, clitics[rand() % 6], 5);
	}
	return n;
}

static void the_fast_scanner_agrees_with_icu(void **state)
{
	enum { ROUNDS = 80000 };

	(void)state;
	srand(1);
	for (int i = 0; i < RULES; i++) {
		struct tokenizer *fast = new_tokenizer(rules_of(i));
		struct tokenizer *slow = new_tokenizer(rules_of(i));
		char text[200];

		tokenizer_force_icu(slow, true);
		for (int round = 0; round < ROUNDS; round++)
			agree(fast, slow, text, random_ascii(text, sizeof(text)));
		tokenizer_free(fast);
		tokenizer_free(slow);
	}
}

/* Characters of every class and script that the word rules tell apart. */
static uint32_t random_character(void)
{
	static const uint32_t some[] = { ' ',	  ' ',	  ' ',	  'a',	 'n',	 't',	  's',	   '\'',
					 0x2019,  '.',	  0xE9,	  0x301, 0x200D, 0x1F468, 0x1F469, 0x1F1E9,
					 0x1F1EA, 0x4E2D, 0x6587, 0xAD,	 0x2003, 0x3042,  0x30A2,  0xE01,
					 0xE01,	  0xE32,  0x5D0,  '"',	 0x5F4,	 0x627,	  0x661,   0xFE0F,
					 0x2764,  0xAC00, 0x1100, 0xA0,	 0x85,	 0x2028,  '\n',	   0xFEFF,
					 ':',	  '@',	  '_',	  '1',	 0xFF11, 0x1780,  0x17D2,  0xBD };
	uint32_t c;

	if (rand() % 8)
		return some[(size_t)rand() % (sizeof(some) / sizeof(some[0]))];
	do
		c = (uint32_t)rand() % (rand() % 2 ? 0x3000 : 0x20000);
	while (c >= 0xD800 && c <= 0xDFFF);
	return c;
}

/* ASCII fields within other text take the fast scanner too: the tokens are those of the whole text. */
static void mixed_text_agrees_with_icu(void **state)
{
	enum { ROUNDS = 20000, CHARACTERS = 40 };

	(void)state;
	srand(2);
	for (int i = 0; i < RULES; i++) {
		struct tokenizer *fast = new_tokenizer(rules_of(i));
		struct tokenizer *slow = new_tokenizer(rules_of(i));
		char text[4 * CHARACTERS];

		tokenizer_force_icu(slow, true);
		for (int round = 0; round < ROUNDS; round++) {
			size_t n = 0;

			for (int k = rand() % CHARACTERS; k > 0; k--)
				n += utf8_put(text + n, random_character());
			agree(fast, slow, text, n);
		}
		tokenizer_free(fast);
		tokenizer_free(slow);
	}
}

static void real_text_agrees_with_icu(void **state)
{
	static const char *const names[] = { "enwiki-lines.txt", "tatoeba-pairs.tsv" };

	(void)state;
	for (int k = 0; k < 2; k++) {
		struct test_lines lines = test_lines_read(names[k]);

		for (int i = 0; i < RULES; i++) {
			struct tokenizer *fast = new_tokenizer(rules_of(i));
			struct tokenizer *slow = new_tokenizer(rules_of(i));

			tokenizer_force_icu(slow, true);
			for (size_t j = 0; j < lines.n; j++)
				agree(fast, slow, lines.at[j], lines.lengths[j]);
			tokenizer_free(fast);
			tokenizer_free(slow);
		}
		test_lines_free(&lines);
	}
}

/* Every length and end around the scanner's blocks of 64, read from before a guard page. */
static void no_byte_behind_the_end_is_read(void **state)
{
	static const char text[] =
		"Tom's dog didn't bark at 3.14 o'clock, e.g. on U.S. soil; it's \"1990's\" "
		"news_paper that can't be read, or so they say, isn't it 5,000.00 caf\xC3\xA9s? ";

	(void)state;
	for (int i = 0; i < RULES; i++) {
		struct tokenizer *fast = new_tokenizer(rules_of(i));
		struct tokenizer *slow = new_tokenizer(rules_of(i));

		tokenizer_force_icu(slow, true);
		for (size_t from = 0; from < 16; from++)
			for (size_t n = 0; from + n < sizeof(text); n++) {
				char *copy;

				if (utf8_invalid(text + from, n) < n)
					continue;
				copy = guard_copy(text + from, n);
				agree(fast, slow, copy, n);
				guard_free(copy, n);
			}
		tokenizer_free(fast);
		tokenizer_free(slow);
	}
}

/* One unit repeated to a megabyte: no stack, no square of time. */
static void monstrous_texts(void **state)
{
	static const char *const units[] = { "a",
					     "a's",
					     "n't",
					     "'",
					     "_",
					     ".",
					     "\xCC\x81",
					     "\xC3\xA9",
					     "\xF0\x9F\x98\x80",
					     "a.",
					     "'s'",
					     "\xE2\x80\x8D",
					     "\xE2\x80\x99s",
					     "\xC2\xAD",
					     "1,",
					     "\xEF\xBB\xBF",
					     "\xE2\x80\xAE" };
	enum { BYTES = 1 << 20 };
	char *text = malloc(BYTES + 8);

	(void)state;
	assert_non_null(text);
	for (size_t k = 0; k < sizeof(units) / sizeof(units[0]); k++) {
		size_t unit = strlen(units[k]);
		size_t n = BYTES / unit * unit;

		for (size_t at = 0; at < n; at += unit)
			memcpy(text + at, units[k], unit);
		for (int i = 0; i < RULES; i += 5) {
			struct tokenizer *t = new_tokenizer(rules_of(i));
			const struct token *tokens;
			ptrdiff_t count = run(t, text, n, &tokens);

			for (ptrdiff_t j = 0; j < count; j++)
				assert_true(tokens[j].start < tokens[j].stop && tokens[j].stop <= n &&
					    (j == 0 || tokens[j].start >= tokens[j - 1].stop));
			tokenizer_free(t);
		}
	}
	free(text);
}

static void a_tokenizer_may_be_used_again(void **state)
{
	struct tokenizer *t = new_tokenizer(bert);
	const struct token *tokens;

	(void)state;
	assert_int_equal(run(t, "Un \xC3\xA9t\xC3\xA9 \xC3\xA0 Paris", 16, &tokens), 4);
	assert_int_equal(run(t, "", 0, &tokens), 0);
	assert_int_equal(run(t, "HELLO", 5, &tokens), 1);
	assert_memory_equal(tokens[0].form, "hello", 5);
	tokenizer_free(t);
	tokenizer_free(NULL);
}

static void rules_by_name(void **state)
{
	struct token_rules rules = token_rules_default();
	struct err err = { 0 };
	char names[64];

	(void)state;
	assert_string_equal(token_normalize_name(rules.normalize), "none");
	assert_string_equal(token_split_name(rules.split), "words");
	assert_string_equal(token_unknown_names(rules.unknown, names), "cased folded split");
	assert_false(rules.keep_punctuation || rules.strip_accents);
	assert_int_equal(token_rules_parse(&rules, "lower", true, "bert", "cased pieces last", "keep", &err),
			 0);
	assert_string_equal(token_unknown_names(rules.unknown, names), "cased pieces last");
	assert_true(rules.keep_punctuation && rules.strip_accents);
	assert_int_equal(rules.split, SPLIT_BERT);
	assert_int_equal(token_rules_parse(&rules, "upper", true, "bert", "cased", "keep", &err), -1);
	assert_non_null(strstr(err.text, "none, nfkc_casefold or lower"));
	assert_int_equal(token_rules_parse(&rules, "none", true, "chars", "cased", "keep", &err), -1);
	assert_int_equal(token_rules_parse(&rules, "none", true, "words", "cased,folded", "keep", &err), -1);
	assert_int_equal(token_rules_parse(&rules, "none", true, "words", "cased", "some", &err), -1);
	assert_int_equal(err.code, ERR_INPUT);
	for (unsigned set = 1; set < 32; set++) {
		assert_int_equal(token_rules_parse(&rules, "none", false, "words",
						   token_unknown_names(set, names), "drop", &err),
				 0);
		assert_int_equal(rules.unknown, set);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words),
		cmocka_unit_test(clitics),
		cmocka_unit_test(bert_split),
		cmocka_unit_test(whitespace),
		cmocka_unit_test(the_fast_scanner_agrees_with_icu),
		cmocka_unit_test(mixed_text_agrees_with_icu),
		cmocka_unit_test(real_text_agrees_with_icu),
		cmocka_unit_test(no_byte_behind_the_end_is_read),
		cmocka_unit_test(monstrous_texts),
		cmocka_unit_test(a_tokenizer_may_be_used_again),
		cmocka_unit_test(rules_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
