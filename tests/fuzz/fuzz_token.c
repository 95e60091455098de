/*
 * Any bytes as text, under all rules: the fast ways must agree with ICU, and what comes back must be in order
 * and within the text.
 *
 *	clang-14 -std=c11 -D_GNU_SOURCE -Isrc -g -O1 -fsanitize=fuzzer,address,undefined \
 *		tests/fuzz/fuzz_token.c src/text/[!c]*.c src/base/{buf,err,mem}.c -licuuc \
 *		-o build/fuzz_token && build/fuzz_token -max_total_time=60
 */
#include "base/buf.h"
#include "base/err.h"
#include "base/utf8.h"
#include "text/sentences.h"
#include "text/sentences_private.h"
#include "text/token.h"
#include "text/token_private.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { RULES = 3 * 2 * 3 * 2 };

static struct tokenizer *fast[RULES];
static struct tokenizer *slow[RULES];
static struct cutter *fast_cutter;
static struct cutter *slow_cutter;
static struct err err;

static void need(bool good)
{
	if (!good)
		abort();
}

static void set_up(void)
{
	for (int i = 0; i < RULES; i++) {
		struct token_rules rules = { .normalize = (enum token_normalize)(i % 3),
					     .strip_accents = i / 3 % 2,
					     .split = (enum token_split)(i / 6 % 3),
					     .keep_punctuation = i / 18 % 2 };

		fast[i] = tokenizer_new(&rules, &err);
		slow[i] = tokenizer_new(&rules, &err);
		need(fast[i] && slow[i]);
		tokenizer_force_icu(slow[i], true);
	}
	fast_cutter = cutter_new(&err);
	slow_cutter = cutter_new(&err);
	need(fast_cutter && slow_cutter);
	cutter_force_icu(slow_cutter, true);
}

static void check_tokens(int rules, const char *text, size_t n)
{
	const struct token *a;
	const struct token *b;
	ptrdiff_t count = tokenizer_run(fast[rules], text, n, &a, &err);

	need(count >= 0 && tokenizer_run(slow[rules], text, n, &b, &err) == count);
	for (ptrdiff_t i = 0; i < count; i++) {
		need(a[i].start == b[i].start && a[i].stop == b[i].stop && a[i].length == b[i].length);
		need(memcmp(a[i].form, b[i].form, a[i].length) == 0);
		need(a[i].start < a[i].stop && a[i].stop <= n && a[i].length > 0);
		need(i == 0 || a[i].start >= a[i - 1].stop);
		need(utf8_invalid(a[i].form, a[i].length) == a[i].length);
		need(utf8_invalid(text + a[i].start, a[i].stop - a[i].start) == a[i].stop - a[i].start);
	}
}

static void check_sentences(const char *text, size_t n)
{
	const struct span *a;
	const struct span *b;
	ptrdiff_t count = cutter_run(fast_cutter, text, n, &a, &err);

	need(count >= 0 && cutter_run(slow_cutter, text, n, &b, &err) == count);
	for (ptrdiff_t i = 0; i < count; i++) {
		need(a[i].start == b[i].start && a[i].stop == b[i].stop);
		need(a[i].start < a[i].stop && a[i].stop <= n && (i == 0 || a[i].start >= a[i - 1].stop));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf text = { 0 };
	char *exact;

	if (!fast_cutter)
		set_up();
	utf8_mend(&text, (const char *)data, size);
	need(!text.failed && utf8_invalid(text.data, text.len) == text.len);
	exact = malloc(text.len); /* so that one byte too far is seen */
	need(exact || text.len == 0);
	if (text.len)
		memcpy(exact, text.data, text.len);
	for (int i = 0; i < RULES; i++)
		check_tokens(i, exact, text.len);
	check_sentences(exact, text.len);
	free(exact);
	buf_free(&text);
	return 0;
}
