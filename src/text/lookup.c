#include "text/lookup.h"

#include "base/err.h"
#include "base/mem.h"
#include "text/fold.h"
#include "text/utf8.h"

#include <stdlib.h>
#include <string.h>

enum { PIECE_BYTES_MAX = 512 }; /* a longer token is not a word in pieces */

struct lookup {
	struct token_rules rules;
	struct vocab vocab;
	struct tokenizer *tokenizer;
	struct folder *folder;
	uint64_t *hashes; /* of the tokens' forms, so that all slots are asked for before the first is read */
	size_t hashes_room;
	struct word *words;
	size_t n, room;
	uint32_t *ids;
	size_t ids_room;
};

struct lookup *lookup_new(const struct token_rules *rules, const struct vocab *vocab, struct err *err)
{
	struct lookup *l = mem_try(1, sizeof(*l), err);

	if (!l)
		return NULL;
	l->rules = *rules;
	l->vocab = *vocab;
	l->tokenizer = tokenizer_new(rules, err);
	l->folder = l->tokenizer ? folder_new(err) : NULL;
	if (!l->folder) {
		lookup_free(l);
		return NULL;
	}
	return l;
}

void lookup_free(struct lookup *l)
{
	if (l->tokenizer)
		tokenizer_free(l->tokenizer);
	if (l->folder)
		folder_free(l->folder);
	free(l->hashes);
	free(l->words);
	free(l->ids);
	free(l);
}

static int add(struct lookup *l, uint32_t id, size_t start, size_t stop, struct err *err)
{
	if (l->n == l->room) {
		size_t room = l->room ? 2 * l->room : 64;

		if (mem_resize(&l->words, room, sizeof(*l->words), err))
			return -1;
		l->room = room;
	}
	l->words[l->n++] = (struct word){ id, (uint32_t)start, (uint32_t)stop };
	return 0;
}

static bool has_upper_or_wide(const char *form, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)form[i] >= 0x80 || (form[i] >= 'A' && form[i] <= 'Z'))
			return true;
	return false;
}

/* The form itself, then its folded form, as the rules allow. */
static int find_whole(struct lookup *l, const char *form, size_t n, uint64_t hash, uint32_t *id,
		      struct err *err)
{
	const char *folded;
	size_t folded_n;
	bool same = !has_upper_or_wide(form, n);

	*id = VOCAB_UNKNOWN;
	if (l->rules.unknown & (UNKNOWN_CASED | UNKNOWN_LAST) || same || !(l->rules.unknown & UNKNOWN_FOLDED))
		*id = vocab_find_hashed(&l->vocab, hash, form, n);
	if (*id != VOCAB_UNKNOWN || same || !(l->rules.unknown & UNKNOWN_FOLDED))
		return 0;
	if (folder_run(l->folder, NORMALIZE_NFKC_CASEFOLD, false, form, n, &folded, &folded_n, err))
		return -1;
	*id = vocab_find(&l->vocab, folded, folded_n);
	return 0;
}

/* The bytes of a separator inside words at form[at]: ' - . _ U+2010..2015 U+2019; or 0. */
static size_t separator(const char *form, size_t at, size_t n)
{
	const unsigned char *s = (const unsigned char *)form + at;

	if (*s == '\'' || *s == '-' || *s == '.' || *s == '_')
		return 1;
	if (n - at >= 3 && s[0] == 0xE2 && s[1] == 0x80 && ((s[2] >= 0x90 && s[2] <= 0x95) || s[2] == 0x99))
		return 3;
	return 0;
}

/* Byte positions of parts only hold in the text when the form is the text itself. */
static bool is_slice(const struct token *t, const char *text)
{
	return t->form == text + t->start && t->length == t->stop - t->start;
}

static int add_part(struct lookup *l, const struct token *t, const char *text, size_t from, size_t to,
		    bool *any, struct err *err)
{
	bool slice = is_slice(t, text);
	uint32_t id;

	if (from == to)
		return 0;
	if (find_whole(l, t->form + from, to - from, vocab_hash(t->form + from, to - from, l->vocab.seed),
		       &id, err))
		return -1;
	*any |= id != VOCAB_UNKNOWN;
	return add(l, id, slice ? t->start + from : t->start, slice ? t->start + to : t->stop, err);
}

/* The parts of the token, when at least one of them is known. */
static int find_parts(struct lookup *l, const struct token *t, const char *text, bool *found, struct err *err)
{
	size_t before = l->n;
	size_t from = 0;
	bool any = false;

	for (size_t at = 0; at < t->length;) {
		size_t k = separator(t->form, at, t->length);

		if (!k) {
			at++;
			continue;
		}
		if (add_part(l, t, text, from, at, &any, err))
			return -1;
		from = at += k;
	}
	if (from > 0 && add_part(l, t, text, from, t->length, &any, err))
		return -1;
	*found = any;
	if (!any)
		l->n = before;
	return 0;
}

/* WordPiece: the longest known beginning, then the longest known "##" continuation, to the end or not at all.
 */
static int find_pieces(struct lookup *l, const struct token *t, const char *text, bool *found,
		       struct err *err)
{
	char piece[PIECE_BYTES_MAX + 2] = "##";
	size_t before = l->n;
	bool slice = is_slice(t, text);

	*found = false;
	if (t->length > PIECE_BYTES_MAX)
		return 0;
	for (size_t from = 0; from < t->length;) {
		uint32_t id = VOCAB_UNKNOWN;
		size_t to = t->length;

		for (; to > from; to--) {
			if (to < t->length && ((unsigned char)t->form[to] & 0xC0) == 0x80)
				continue; /* inside a character */
			memcpy(piece + 2, t->form + from, to - from);
			id = from ? vocab_find(&l->vocab, piece, to - from + 2)
				  : vocab_find(&l->vocab, t->form, to);
			if (id != VOCAB_UNKNOWN)
				break;
		}
		if (id == VOCAB_UNKNOWN) {
			l->n = before;
			return 0;
		}
		if (add(l, id, slice ? t->start + from : t->start, slice ? t->start + to : t->stop, err))
			return -1;
		from = to;
	}
	*found = true;
	return 0;
}

static int find_token(struct lookup *l, const struct token *t, uint64_t hash, const char *text,
		      struct err *err)
{
	bool found = false;
	uint32_t id;

	if (find_whole(l, t->form, t->length, hash, &id, err))
		return -1;
	if (id != VOCAB_UNKNOWN)
		return add(l, id, t->start, t->stop, err);
	if (l->rules.unknown & UNKNOWN_SPLIT && find_parts(l, t, text, &found, err))
		return -1;
	if (!found && l->rules.unknown & UNKNOWN_PIECES && find_pieces(l, t, text, &found, err))
		return -1;
	if (found)
		return 0;
	id = l->rules.unknown & UNKNOWN_LAST && l->vocab.n ? (uint32_t)(l->vocab.n - 1) : VOCAB_UNKNOWN;
	return add(l, id, t->start, t->stop, err);
}

ptrdiff_t lookup_run(struct lookup *l, const char *text, size_t n, const struct word **words, struct err *err)
{
	const struct token *tokens;
	ptrdiff_t count = tokenizer_run(l->tokenizer, text, n, &tokens, err);

	if (count < 0)
		return -1;
	if ((size_t)count > l->hashes_room) {
		if (mem_resize(&l->hashes, 2 * (size_t)count, sizeof(*l->hashes), err))
			return -1;
		l->hashes_room = 2 * (size_t)count;
	}
	for (ptrdiff_t i = 0; i < count; i++) {
		l->hashes[i] = vocab_hash(tokens[i].form, tokens[i].length, l->vocab.seed);
		vocab_prefetch(&l->vocab, l->hashes[i]);
	}
	l->n = 0;
	for (ptrdiff_t i = 0; i < count; i++)
		if (find_token(l, &tokens[i], l->hashes[i], text, err))
			return -1;
	*words = l->words;
	return (ptrdiff_t)l->n;
}

ptrdiff_t lookup_ids(struct lookup *l, const char *text, size_t n, const uint32_t **ids, size_t *unknown,
		     struct err *err)
{
	const struct word *words;
	ptrdiff_t count = lookup_run(l, text, n, &words, err);
	size_t known = 0;

	if (count < 0)
		return -1;
	if ((size_t)count > l->ids_room) {
		if (mem_resize(&l->ids, 2 * (size_t)count, sizeof(*l->ids), err))
			return -1;
		l->ids_room = 2 * (size_t)count;
	}
	for (ptrdiff_t i = 0; i < count; i++)
		if (words[i].id != VOCAB_UNKNOWN)
			l->ids[known++] = words[i].id;
	*ids = l->ids;
	*unknown = (size_t)count - known;
	return (ptrdiff_t)known;
}
