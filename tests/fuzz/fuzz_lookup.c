/*
 * Any vocabulary and any text, under any rules: "RULES word word word\ntext".  Both readings must agree, and
 * words must lie in order within the text.
 *
 *	clang-14 -std=c11 -D_GNU_SOURCE -Isrc -g -O1 -fsanitize=fuzzer,address,undefined \
 *		tests/fuzz/fuzz_lookup.c src/text/[!c]*.c src/base/{buf,err,mem}.c -licuuc \
 *		-o build/fuzz_lookup && build/fuzz_lookup -max_total_time=60
 */
#include "base/buf.h"
#include "base/err.h"
#include "base/utf8.h"
#include "text/lookup.h"
#include "text/vocab_builder.h"

#include <stdlib.h>
#include <string.h>

static struct err err;

static void need(bool good)
{
	if (!good)
		abort();
}

/* Words parted by blanks; the index is the caller's to free. */
static struct vocab build(struct vocab_builder *b, const char *list, size_t n, uint64_t **slots)
{
	struct vocab v = { .seed = n };

	for (size_t at = 0; at < n;) {
		const char *blank = memchr(list + at, ' ', n - at);
		size_t end = blank ? (size_t)(blank - list) : n;
		uint32_t id;
		bool added;

		need(vocab_builder_add(b, list + at, end - at, &id, &added, &err) == 0);
		at = end + 1;
	}
	v.n = vocab_builder_words(b, &v.bytes, &v.offsets);
	v.slots_n = vocab_slots(v.n);
	*slots = calloc(v.slots_n, sizeof(**slots));
	need(*slots);
	vocab_index(*slots, v.slots_n, v.bytes, v.offsets, v.n, v.seed);
	v.slots = *slots;
	need(vocab_check(&v, v.offsets[v.n], &err) == 0);
	return v;
}

static void check(struct lookup *l, const struct vocab *v, const char *text, size_t n)
{
	const struct word *words;
	const uint32_t *ids;
	size_t unknown;
	size_t at = 0;
	ptrdiff_t known = lookup_ids(l, text, n, &ids, &unknown, &err);
	uint32_t *copy = malloc(((size_t)known + 1) * sizeof(*copy));
	ptrdiff_t count;

	need(copy && known >= 0);
	if (known)
		memcpy(copy, ids, (size_t)known * sizeof(*copy));
	count = lookup_run(l, text, n, &words, &err);
	need(count == known + (ptrdiff_t)unknown);
	for (ptrdiff_t i = 0; i < count; i++) {
		need(words[i].start < words[i].stop && words[i].stop <= n);
		need(i == 0 || words[i].start >= words[i - 1].start);
		if (words[i].id != VOCAB_UNKNOWN)
			need(words[i].id < v->n && words[i].id == copy[at++]);
	}
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf all = { 0 };
	struct vocab_builder *b = vocab_builder_new(&err);
	struct token_rules rules;
	struct lookup *l;
	struct vocab v;
	uint64_t *slots;
	const char *lf;
	size_t head;

	need(b);
	if (size >= 2) {
		rules = (struct token_rules){ (enum token_normalize)(data[0] % 3), data[0] / 3 % 2,
					      (enum token_split)(data[0] / 6 % 3), data[0] / 18 % 2,
					      data[1] % 32 };
		utf8_mend(&all, (const char *)data + 2, size - 2);
		lf = all.len ? memchr(all.data, '\n', all.len) : NULL;
		head = lf ? (size_t)(lf - all.data) : all.len;
		v = build(b, all.data, head, &slots);
		l = lookup_new(&rules, &v, &err);
		need(l);
		if (lf)
			check(l, &v, lf + 1, all.len - head - 1);
		lookup_free(l);
		free(slots);
	}
	vocab_builder_free(b);
	buf_free(&all);
	return 0;
}
