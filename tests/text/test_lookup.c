#include "text/lookup.h"

#include "base/buf.h"
#include "base/err.h"
#include "support/guard.h"
#include "support/lines.h"
#include "text/case_fold.h"
#include "text/vocab_builder.h"

#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
/* cmocka.h needs those before it */
#include <cmocka.h>

struct words {
	char *bytes;
	uint64_t *offsets;
	uint64_t *slots;
	struct vocab v;
};

static struct words finish(struct vocab_builder *b)
{
	struct words w = { 0 };
	const char *bytes;
	const uint64_t *offsets;
	size_t n = vocab_builder_words(b, &bytes, &offsets);

	vocab_builder_take(b, &w.bytes, &w.offsets);
	vocab_builder_free(b);
	w.slots = calloc(vocab_slots(n), sizeof(*w.slots));
	assert_non_null(w.slots);
	w.v = (struct vocab){ n, w.bytes, w.offsets, w.slots, vocab_slots(n), 3 };
	vocab_index(w.slots, w.v.slots_n, w.bytes, w.offsets, n, 3);
	return w;
}

/* Words separated by blanks. */
static struct words new_words(const char *list)
{
	struct err err = { 0 };
	struct vocab_builder *b = vocab_builder_new(&err);

	while (*list) {
		size_t n = strcspn(list, " ");
		uint32_t id;
		bool added;

		assert_int_equal(vocab_builder_add(b, list, n, &id, &added, &err), 0);
		list += n + (list[n] == ' ');
	}
	return finish(b);
}

static void free_words(struct words *w)
{
	free(w->bytes);
	free(w->offsets);
	free(w->slots);
}

/* The numbers must be the known words of lookup_run() in order, whatever the way. */
static void check_ids(struct lookup *l, const char *text, size_t n, const struct word *words, ptrdiff_t count)
{
	struct err err = { 0 };
	struct word *kept = malloc(((size_t)count + 1) * sizeof(*kept));
	const uint32_t *ids;
	size_t unknown;
	size_t known = 0;
	ptrdiff_t ids_n;

	assert_non_null(kept);
	for (ptrdiff_t i = 0; i < count; i++)
		if (words[i].id != VOCAB_UNKNOWN)
			kept[known++] = words[i];
	ids_n = lookup_ids(l, text, n, &ids, &unknown, &err);
	assert_int_equal(ids_n, known);
	assert_int_equal(unknown, (size_t)count - known);
	for (size_t i = 0; i < known; i++)
		assert_int_equal(ids[i], kept[i].id);
	free(kept);
}

/* Words as WORD@start-stop, ? for an unknown one. */
static void check(const char *list, struct token_rules rules, const char *text, const char *expected)
{
	struct err err = { 0 };
	struct words w = new_words(list);
	struct lookup *l = lookup_new(&rules, &w.v, &err);
	size_t n = strlen(text);
	char *copy = guard_copy(text, n);
	struct buf got = { 0 };
	const struct word *words;
	ptrdiff_t count;

	assert_non_null(l);
	count = lookup_run(l, copy, n, &words, &err);
	for (ptrdiff_t i = 0; i < count; i++) {
		size_t length = 1;
		const char *word = "?";

		if (words[i].id != VOCAB_UNKNOWN)
			word = vocab_word(&w.v, words[i].id, &length);
		buf_printf(&got, "%s%.*s@%u-%u", i ? " " : "", (int)length, word, words[i].start,
			   words[i].stop);
	}
	assert_string_equal(buf_string(&got), expected);
	check_ids(l, copy, n, words, count);
	buf_free(&got);
	guard_free(copy, n);
	lookup_free(l);
	free_words(&w);
}

static struct token_rules with(unsigned unknown)
{
	struct token_rules rules = token_rules_default();

	rules.unknown = unknown;
	return rules;
}

static void cased_and_folded(void **state)
{
	static const char list[] = "the The cat strasse \xC3\xA9t\xC3\xA9 averyverylongword";
	unsigned both = UNKNOWN_CASED | UNKNOWN_FOLDED;

	(void)state;
	check(list, with(both), "The the CAT. THE dog AVeryVeryLongWord",
	      "The@0-3 the@4-7 cat@8-11 the@13-16 ?@17-20 averyverylongword@21-38");
	check(list, with(UNKNOWN_CASED), "The the CAT", "The@0-3 the@4-7 ?@8-11");
	check(list, with(UNKNOWN_FOLDED), "The the CAT", "the@0-3 the@4-7 cat@8-11");
	check(list, with(both),
	      "Stra\xC3\x9F"
	      "e \xC3\x89T\xC3\x89 E\xCC\x81T\xC3\xA9",
	      "strasse@0-7 \xC3\xA9t\xC3\xA9@8-13 \xC3\xA9t\xC3\xA9@14-20");
	check(list, with(0), "The CAT", "The@0-3 ?@4-7");
	check("", with(both), "The CAT", "?@0-3 ?@4-7");
	check(list, with(both), "", "");
}

static void parts(void **state)
{
	static const char list[] = "new york o'clock neil s t can e.g mail caf\xC3\xA9 au lait";
	unsigned set = UNKNOWN_CASED | UNKNOWN_FOLDED | UNKNOWN_SPLIT;
	struct token_rules blanks = { NORMALIZE_NONE, false, SPLIT_WHITESPACE, true, set };

	(void)state;
	check(list, with(set), "O'Neil o'clock New_York e.g. x.mail",
	      "?@0-1 neil@2-6 o'clock@7-14 new@15-18 york@19-23 e.g@24-27 ?@29-30 mail@31-35");
	check(list, with(set), "x_y a.b", "?@0-3 ?@4-7"); /* of no known part: one unknown word */
	check(list, with(set), "can't it's", "?@0-2 ?@2-5 ?@6-8 ?@8-10"); /* clitics have no parts */
	check(list, blanks,
	      "New-York -e.g- caf\xC3\xA9\xE2\x80\x93"
	      "AU\xE2\x80\x99lait ---",
	      "new@0-3 york@4-8 ?@9-14 "
	      "caf\xC3\xA9@15-20 au@23-25 lait@28-32 ?@33-36");
	check(list, with(UNKNOWN_CASED | UNKNOWN_SPLIT), "New_york", "?@0-3 york@4-8");
}

static void pieces(void **state)
{
	static const char list[] = "un un## ##aff ##able able ##a ##b a caf ##\xC3\xA9 ##s , \xE4\xB8\xAD";
	struct token_rules bert = { NORMALIZE_LOWER, false, SPLIT_BERT, true,
				    UNKNOWN_CASED | UNKNOWN_PIECES };
	struct token_rules cased = bert;

	(void)state;
	cased.normalize = NORMALIZE_NONE;
	check(list, bert, "Unaffable, able", "un@0-2 ##aff@2-5 ##able@5-9 ,@9-10 able@11-15");
	check(list, bert, "unaffablex aab", "?@0-10 a@11-12 ##a@12-13 ##b@13-14");
	check(list, bert, "CAF\xC3\xA9S \xE4\xB8\xAD\xE6\x96\x87",
	      "caf@0-3 ##\xC3\xA9@3-5 ##s@5-6 \xE4\xB8\xAD@7-10 ?@10-13");
	check(list, cased, "Unable unable", "?@0-6 un@7-9 ##able@9-13");
	cased.unknown |= UNKNOWN_FOLDED;
	check(list, cased, "Unable", "un@0-2 ##able@2-6");
	/* Where the form is of another length than the text, a piece covers all of it. */
	cased.unknown = UNKNOWN_FOLDED | UNKNOWN_PIECES;
	check("strass ##e", cased,
	      "Stra\xE1\xBA\x9E"
	      "e",
	      "strass@0-8 ##e@0-8");
}

static void last(void **state)
{
	static const char list[] = "a b zzz";
	struct token_rules reference = { NORMALIZE_LOWER, false, SPLIT_WHITESPACE, true,
					 UNKNOWN_CASED | UNKNOWN_LAST };

	(void)state;
	check(list, reference, "A c B . b", "a@0-1 zzz@2-3 b@4-5 zzz@6-7 b@8-9");
	check("", reference, "a", "?@0-1");
	reference.unknown |= UNKNOWN_SPLIT;
	check(list, reference, "a-c c-c", "a@0-1 ?@2-3 zzz@4-7");
}

/* A slot that another word's tag leads to: its bytes decide, and the search goes on. */
static void a_tag_is_not_the_word(void **state)
{
	struct words w = new_words("dog cat");
	struct token_rules rules = with(UNKNOWN_CASED | UNKNOWN_FOLDED);
	struct err err = { 0 };
	struct lookup *l = lookup_new(&rules, &w.v, &err);
	uint64_t hash = vocab_hash("cat", 3, 3);
	size_t mask = w.v.slots_n - 1;
	const struct word *words;

	(void)state;
	memset(w.slots, 0, w.v.slots_n * sizeof(*w.slots));
	w.slots[hash & mask] = hash >> 32 << 32 | 1; /* dog */
	assert_int_equal(lookup_run(l, "cat Cat", 7, &words, &err), 2);
	assert_int_equal(words[0].id, VOCAB_UNKNOWN);
	assert_int_equal(words[1].id, VOCAB_UNKNOWN);
	check_ids(l, "cat Cat", 7, words, 2);
	w.slots[(hash + 1) & mask] = hash >> 32 << 32 | 2; /* cat */
	assert_int_equal(lookup_run(l, "cat Cat", 7, &words, &err), 2);
	assert_int_equal(words[0].id, 1);
	assert_int_equal(words[1].id, 1);
	lookup_free(l);
	free_words(&w);
}

/* The rules once more, word by word, without batches. */
static void slow_ids(struct tokenizer *t, struct case_folder *f, const struct words *w, const char *text,
		     size_t n, struct buf *to)
{
	struct case_fold fold = { NORMALIZE_NFKC_CASEFOLD, false, false };
	struct err err = { 0 };
	const struct token *tokens;
	ptrdiff_t count = tokenizer_run(t, text, n, &tokens, &err);

	for (ptrdiff_t i = 0; i < count; i++) {
		const char *form = tokens[i].form;
		size_t length = tokens[i].length;
		uint32_t id = vocab_find(&w->v, form, length);

		if (id == VOCAB_UNKNOWN) {
			assert_int_equal(case_folder_run(f, fold, form, length, &form, &length, &err), 0);
			id = vocab_find(&w->v, form, length);
		}
		buf_add(to, &id, sizeof(id));
	}
}

static struct words half_the_words_of(const struct test_lines *lines)
{
	struct err err = { 0 };
	struct token_rules rules = token_rules_default();
	struct tokenizer *t = tokenizer_new(&rules, &err);
	struct vocab_builder *b = vocab_builder_new(&err);

	for (size_t i = 0; i < lines->n; i++) {
		const struct token *tokens;
		ptrdiff_t count = tokenizer_run(t, lines->at[i], lines->lengths[i], &tokens, &err);
		uint32_t id;
		bool added;

		for (ptrdiff_t k = 0; k < count; k++) {
			char lower[4096];

			if (tokens[k].length > sizeof(lower) || tokens[k].form[tokens[k].length / 2] & 1)
				continue;
			memcpy(lower, tokens[k].form, tokens[k].length);
			if (lower[0] >= 'A' && lower[0] <= 'Z' && lower[tokens[k].length - 1] & 2)
				lower[0] |= 32;
			assert_int_equal(vocab_builder_add(b, lower, tokens[k].length, &id, &added, &err), 0);
		}
	}
	tokenizer_free(t);
	return finish(b);
}

static void batches_agree_with_single_words(void **state)
{
	struct test_lines lines = test_lines_read("enwiki-lines.txt");
	struct words w = half_the_words_of(&lines);
	struct token_rules rules = with(UNKNOWN_CASED | UNKNOWN_FOLDED);
	struct err err = { 0 };
	struct tokenizer *t = tokenizer_new(&rules, &err);
	struct case_folder *f = case_folder_new(&err);
	struct lookup *l = lookup_new(&rules, &w.v, &err);
	struct buf expected = { 0 };
	size_t known = 0;

	(void)state;
	for (size_t i = 0; i <= lines.n; i++) {
		const char *text = i < lines.n ? lines.at[i] : lines.bytes;
		size_t n = i < lines.n ? lines.lengths[i] : (size_t)(lines.at[lines.n - 1] - lines.bytes);
		const struct word *words;
		ptrdiff_t count;

		buf_reset(&expected);
		slow_ids(t, f, &w, text, n, &expected);
		count = lookup_run(l, text, n, &words, &err);
		assert_int_equal((size_t)count * sizeof(uint32_t), expected.len);
		for (ptrdiff_t k = 0; k < count; k++) {
			uint32_t id;

			memcpy(&id, expected.data + (size_t)k * sizeof(id), sizeof(id));
			assert_int_equal(words[k].id, id);
			known += id != VOCAB_UNKNOWN;
		}
		check_ids(l, text, n, words, count);
	}
	assert_true(known > 2000);
	buf_free(&expected);
	lookup_free(l);
	lookup_free(NULL);
	case_folder_free(f);
	tokenizer_free(t);
	free_words(&w);
	test_lines_free(&lines);
}

/* Every rule on one unit repeated to a megabyte: neither time nor memory runs away. */
static void monstrous_texts(void **state)
{
	static const char *const units[] = { "a",	 "a_",	 "A.", "a's", "\xC3\xA9",
					     "\xCC\x81", "a b ", "-",  "ab " };
	struct words w = new_words("a b ##a ##b \xC3\xA9 a_a ##aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
	enum { BYTES = 1 << 20 };
	char *text = malloc(BYTES + 8);

	(void)state;
	assert_non_null(text);
	for (size_t k = 0; k < sizeof(units) / sizeof(units[0]); k++) {
		size_t unit = strlen(units[k]);
		size_t n = BYTES / unit * unit;

		for (size_t at = 0; at < n; at += unit)
			memcpy(text + at, units[k], unit);
		for (int split = 0; split < 3; split++) {
			struct token_rules rules = { NORMALIZE_LOWER, true, (enum token_split)split, true,
						     31 };
			struct err err = { 0 };
			struct lookup *l = lookup_new(&rules, &w.v, &err);
			const struct word *words;
			ptrdiff_t count = lookup_run(l, text, n, &words, &err);

			assert_true(count >= 0);
			for (ptrdiff_t i = 0; i < count; i++)
				assert_true(words[i].start < words[i].stop && words[i].stop <= n);
			check_ids(l, text, n, words, count);
			lookup_free(l);
		}
	}
	free(text);
	free_words(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cased_and_folded),
		cmocka_unit_test(parts),
		cmocka_unit_test(pieces),
		cmocka_unit_test(last),
		cmocka_unit_test(a_tag_is_not_the_word),
		cmocka_unit_test(batches_agree_with_single_words),
		cmocka_unit_test(monstrous_texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
