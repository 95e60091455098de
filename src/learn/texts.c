#include "learn/texts.h"

#include "base/err.h"
#include "base/mem.h"
#include "model/model.h"
#include "text/lookup.h"

#include <stdlib.h>
#include <string.h>

enum { TEXTS_AT_FIRST = 1024, WORDS_A_TEXT = 16 };

struct texts {
	struct lookup *lookup;
	uint32_t *words; /* of all texts */
	size_t words_n, words_cap;
	size_t *starts; /* (n + 1) */
	size_t n, cap;
	uint32_t *slots; /* text number + 1, or 0; by the hash of its words; at most half full */
	size_t slots_n, found;
	uint64_t unknown;
};

struct texts *texts_new(struct model *m, struct err *err)
{
	struct texts *t = mem_try(1, sizeof(*t), err);

	if (!t)
		return NULL;
	t->cap = TEXTS_AT_FIRST;
	t->words_cap = (size_t)TEXTS_AT_FIRST * WORDS_A_TEXT;
	t->slots_n = (size_t)4 * TEXTS_AT_FIRST;
	t->lookup = lookup_new(&m->rules, &m->vocab, err);
	t->starts = mem_try(t->cap + 1, sizeof(*t->starts), err);
	t->words = mem_try(t->words_cap, sizeof(*t->words), err);
	t->slots = mem_try(t->slots_n, sizeof(*t->slots), err);
	if (!t->lookup || !t->starts || !t->words || !t->slots) {
		texts_free(t);
		return NULL;
	}
	return t;
}

void texts_free(struct texts *t)
{
	if (!t)
		return;
	lookup_free(t->lookup);
	free(t->words);
	free(t->starts);
	free(t->slots);
	free(t);
}

/* Appends words after those of the last text; they belong to no text yet. */
static int append_words(struct texts *t, const char *text, size_t n, size_t *unknown, struct err *err)
{
	const uint32_t *ids;
	ptrdiff_t known = lookup_ids(t->lookup, text, n, &ids, unknown, err);
	size_t needed = t->words_n + (size_t)known;

	if (known < 0)
		return -1;
	if (needed > t->words_cap) {
		size_t cap = needed > 2 * t->words_cap ? needed : 2 * t->words_cap;

		if (mem_resize(&t->words, cap, sizeof(*t->words), err))
			return -1;
		t->words_cap = cap;
	}
	if (known)
		memcpy(t->words + t->words_n, ids, (size_t)known * sizeof(*ids));
	t->words_n = needed;
	return 0;
}

static int close_text(struct texts *t, size_t unknown, uint32_t *number, struct err *err)
{
	if (t->n == t->cap) {
		if (t->cap >= UINT32_MAX / 2)
			return err_set(err, ERR_TOO_LARGE, "more than 2^31 texts");
		if (mem_resize(&t->starts, 2 * t->cap + 1, sizeof(*t->starts), err))
			return -1;
		t->cap *= 2;
	}
	t->unknown += unknown;
	*number = (uint32_t)t->n;
	t->starts[++t->n] = t->words_n;
	return 0;
}

int texts_add(struct texts *t, const char *text, size_t n, uint32_t *number, struct err *err)
{
	size_t unknown;

	return append_words(t, text, n, &unknown, err) || close_text(t, unknown, number, err) ? -1 : 0;
}

static uint64_t hash_words(const uint32_t *words, size_t n)
{
	return vocab_hash((const char *)words, n * sizeof(*words), 0);
}

/* Finds the slot of the text with these words, or the empty slot where it would go. */
static size_t find_slot(const struct texts *t, const uint32_t *words, size_t n)
{
	size_t at = (size_t)hash_words(words, n) & (t->slots_n - 1);

	for (; t->slots[at]; at = (at + 1) & (t->slots_n - 1)) {
		size_t length;
		const uint32_t *other = texts_words(t, t->slots[at] - 1, &length);

		if (length == n && (n == 0 || memcmp(other, words, n * sizeof(*words)) == 0))
			break;
	}
	return at;
}

static int grow_slots(struct texts *t, struct err *err)
{
	uint32_t *old = t->slots;
	size_t old_n = t->slots_n;
	uint32_t *slots = mem_try(2 * old_n, sizeof(*slots), err);

	if (!slots)
		return -1;
	t->slots = slots;
	t->slots_n = 2 * old_n;
	for (size_t i = 0; i < old_n; i++) {
		size_t n;
		const uint32_t *words;

		if (!old[i])
			continue;
		words = texts_words(t, old[i] - 1, &n);
		t->slots[find_slot(t, words, n)] = old[i];
	}
	free(old);
	return 0;
}

int texts_find_or_add(struct texts *t, const char *text, size_t n, uint32_t *number, struct err *err)
{
	size_t start = t->words_n;
	size_t unknown;
	size_t slot;

	if (2 * (t->found + 1) > t->slots_n && grow_slots(t, err))
		return -1;
	if (append_words(t, text, n, &unknown, err))
		return -1;
	slot = find_slot(t, t->words + start, t->words_n - start);
	if (t->slots[slot]) {
		*number = t->slots[slot] - 1;
		t->words_n = start;
		return 0;
	}
	if (close_text(t, unknown, number, err))
		return -1;
	t->slots[slot] = *number + 1;
	t->found++;
	return 0;
}

size_t texts_count(const struct texts *t)
{
	return t->n;
}

const uint32_t *texts_words(const struct texts *t, uint32_t number, size_t *n)
{
	*n = t->starts[number + 1] - t->starts[number];
	return t->words + t->starts[number];
}

void texts_renumber(struct texts *t, const uint32_t *numbers)
{
	for (size_t i = 0; i < t->words_n; i++)
		t->words[i] = numbers[t->words[i]];
}

uint64_t texts_known(const struct texts *t)
{
	return t->words_n;
}

uint64_t texts_unknown(const struct texts *t)
{
	return t->unknown;
}
