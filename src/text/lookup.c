#include "text/lookup.h"

#include "base/err.h"
#include "base/mem.h"
#include "text/case_fold.h"
#include "text/token_private.h"
#include "text/vocab_private.h"

#include <stdlib.h>
#include <string.h>

enum {
	BATCH = 64,		/* tokens that wait for memory together */
	PIECED_BYTES_MAX = 256, /* a longer token is not tried in pieces */
};

struct lookup {
	struct vocab vocab;
	struct tokenizer *tokenizer;
	struct case_folder *folder;
	struct case_fold fold; /* how UNKNOWN_FOLDED folds a form */
	unsigned unknown;
	bool cased, folded;
	size_t longest; /* bytes of the longest word, for pieces */
	struct word *words;
	size_t n, room;
	uint32_t *ids;
	size_t ids_room;
};

static size_t longest_word(const struct vocab *v)
{
	uint64_t longest = 0;

	for (size_t i = 0; i < v->n; i++)
		if (v->offsets[i + 1] - v->offsets[i] > longest)
			longest = v->offsets[i + 1] - v->offsets[i];
	return (size_t)longest;
}

struct lookup *lookup_new(const struct token_rules *rules, const struct vocab *vocab, struct err *err)
{
	struct lookup *l = mem_try(1, sizeof(*l), err);

	if (!l)
		return NULL;
	l->vocab = *vocab;
	l->unknown = rules->unknown;
	l->folded = rules->unknown & UNKNOWN_FOLDED;
	l->cased = rules->unknown & UNKNOWN_CASED || !l->folded;
	l->fold = (struct case_fold){ NORMALIZE_NFKC_CASEFOLD, rules->strip_accents,
				      rules->split == SPLIT_BERT };
	if (rules->unknown & UNKNOWN_PIECES)
		l->longest = longest_word(vocab);
	l->tokenizer = tokenizer_new(rules, err);
	l->folder = l->tokenizer ? case_folder_new(err) : NULL;
	if (!l->folder) {
		lookup_free(l);
		return NULL;
	}
	return l;
}

void lookup_free(struct lookup *l)
{
	if (!l)
		return;
	tokenizer_free(l->tokenizer);
	case_folder_free(l->folder);
	free(l->words);
	free(l->ids);
	free(l);
}

/* Does byte `at` of a form begin a character of the text, or end the token? */
static bool parts_text(const struct token *t, const char *text, size_t at)
{
	return t->start + at == t->stop || ((unsigned char)text[t->start + at] & 0xC0) != 0x80;
}

/*
 * Appends a word found in form[from..to) of the token.  Where the form's bytes are not those of the text, it
 * covers the whole token.
 */
static int add(struct lookup *l, const struct token *t, const char *text, size_t form_n, size_t from,
	       size_t to, uint32_t id, struct err *err)
{
	struct word word = { id, t->start, t->stop };

	if (mem_grow(&l->words, &l->room, l->n, sizeof(*l->words), err))
		return -1;
	if (form_n == t->stop - t->start && parts_text(t, text, from) && parts_text(t, text, to)) {
		word.start = t->start + (uint32_t)from;
		word.stop = t->start + (uint32_t)to;
	}
	l->words[l->n++] = word;
	return 0;
}

/* The word as it is, then folded, as the rules allow. */
static int find_whole(struct lookup *l, const char *word, size_t n, uint32_t *id, struct err *err)
{
	*id = l->cased ? vocab_find(&l->vocab, word, n) : VOCAB_UNKNOWN;
	if (*id != VOCAB_UNKNOWN || !l->folded)
		return 0;
	if (case_folder_run(l->folder, l->fold, word, n, &word, &n, err))
		return -1;
	*id = vocab_find(&l->vocab, word, n);
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

static int add_part(struct lookup *l, const struct token *t, const char *text, size_t from, size_t to,
		    bool *any, struct err *err)
{
	uint32_t id;

	if (from == to)
		return 0;
	if (find_whole(l, t->form + from, to - from, &id, err))
		return -1;
	*any |= id != VOCAB_UNKNOWN;
	return add(l, t, text, t->length, from, to, id, err);
}

/* The parts of the token, if at least one of them is known.  A clitic has none. */
static int find_parts(struct lookup *l, const struct token *t, const char *text, bool *found, struct err *err)
{
	size_t before = l->n;
	size_t from = 0;
	bool any = false;

	if (token_clitic_mark(t->form, t->length) < t->length)
		return 0;
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

/* The longest word that begins at form[from]; *to is its end.  `piece` holds "##" and the form. */
static uint32_t longest_piece(const struct lookup *l, char *piece, size_t from, size_t n, size_t *to)
{
	size_t prefix = from ? 2 : 0;
	size_t longest = l->longest > prefix ? l->longest - prefix : 0;

	if (from) /* over bytes already used */
		piece[from] = piece[from + 1] = '#';
	for (*to = n - from < longest ? n : from + longest; *to > from; --*to) {
		uint32_t id;

		if (*to < n && ((unsigned char)piece[2 + *to] & 0xC0) == 0x80)
			continue; /* inside a character */
		id = vocab_find(&l->vocab, piece + 2 + from - prefix, *to - from + prefix);
		if (id != VOCAB_UNKNOWN)
			return id;
	}
	return VOCAB_UNKNOWN;
}

/* WordPiece: the longest known beginning, then the longest known "##" continuations; all of it or nothing. */
static int find_pieces(struct lookup *l, const struct token *t, const char *text, const char *form, size_t n,
		       bool *found, struct err *err)
{
	char piece[PIECED_BYTES_MAX + 2];
	size_t before = l->n;
	size_t to;

	if (n > PIECED_BYTES_MAX)
		return 0;
	memcpy(piece + 2, form, n);
	for (size_t from = 0; from < n; from = to) {
		uint32_t id = longest_piece(l, piece, from, n, &to);

		if (id == VOCAB_UNKNOWN) {
			l->n = before;
			return 0;
		}
		if (add(l, t, text, n, from, to, id, err))
			return -1;
	}
	*found = n > 0;
	return 0;
}

static int find_pieces_folded(struct lookup *l, const struct token *t, const char *text, bool *found,
			      struct err *err)
{
	const char *form;
	size_t n;

	if (l->cased && find_pieces(l, t, text, t->form, t->length, found, err))
		return -1;
	if (*found || !l->folded)
		return 0;
	if (case_folder_run(l->folder, l->fold, t->form, t->length, &form, &n, err))
		return -1;
	return find_pieces(l, t, text, form, n, found, err);
}

/* Appends the token's words, by every rule. */
static int find_token(struct lookup *l, const struct token *t, const char *text, struct err *err)
{
	bool found = false;
	uint32_t id;

	if (find_whole(l, t->form, t->length, &id, err))
		return -1;
	if (id != VOCAB_UNKNOWN)
		return add(l, t, text, 0, 0, 0, id, err);
	if (l->unknown & UNKNOWN_SPLIT && find_parts(l, t, text, &found, err))
		return -1;
	if (!found && l->unknown & UNKNOWN_PIECES && find_pieces_folded(l, t, text, &found, err))
		return -1;
	if (found)
		return 0;
	if (l->unknown & UNKNOWN_LAST && l->vocab.n)
		id = (uint32_t)(l->vocab.n - 1);
	return add(l, t, text, 0, 0, 0, id, err);
}

/* Bit 7 of each byte that is an ASCII capital; right where all bytes are ASCII. */
static inline uint64_t capitals(uint64_t eight)
{
	return (eight + 0x3F3F3F3F3F3F3F3Fu) & ~(eight + 0x2525252525252525u) & 0x8080808080808080u;
}

struct hashes {
	uint64_t cased;
	uint64_t folded;
	bool capitals; /* the two differ */
	bool wide;     /* not ASCII: `folded` has no meaning */
};

static inline struct hashes hash_word(const char *word, size_t n, uint64_t secret)
{
	struct hashes h = { .cased = secret };
	uint64_t all = 0;
	uint64_t upper = 0;
	uint64_t eight;
	size_t i = 0;

	for (; i + 8 <= n; i += 8) {
		eight = vocab_load(word + i);
		h.cased = vocab_hash_step(h.cased, secret, eight);
		upper |= capitals(eight);
		all |= eight;
	}
	if (i < n) {
		eight = vocab_load_part(word + i, n - i);
		h.cased = vocab_hash_step(h.cased, secret, eight);
		upper |= capitals(eight);
		all |= eight;
	}
	h.cased = vocab_hash_end(h.cased, n);
	h.folded = h.cased;
	h.capitals = upper != 0;
	h.wide = (all & 0x8080808080808080u) != 0;
	return h;
}

/* The hash of an ASCII word's lower case. */
static uint64_t hash_folded(const char *word, size_t n, uint64_t secret)
{
	uint64_t h = secret;
	uint64_t eight;
	size_t i = 0;

	for (; i + 8 <= n; i += 8) {
		eight = vocab_load(word + i);
		h = vocab_hash_step(h, secret, eight | capitals(eight) >> 2);
	}
	if (i < n) {
		eight = vocab_load_part(word + i, n - i);
		h = vocab_hash_step(h, secret, eight | capitals(eight) >> 2);
	}
	return vocab_hash_end(h, n);
}

/* Is word `id` the lower case of ASCII form[0..n)? */
static bool is_folded(const struct vocab *v, uint32_t id, const char *form, size_t n)
{
	size_t length;
	const char *word = vocab_word(v, id, &length);

	if (length != n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (word[i] != (form[i] >= 'A' && form[i] <= 'Z' ? (form[i] | 32) : form[i]))
			return false;
	return true;
}

/* Up to BATCH tokens that are looked up together: ids are right, or VOCAB_UNKNOWN and left to find_token().
 */
struct batch {
	struct hashes hashes[BATCH];
	bool folded[BATCH]; /* found by its folded form */
	uint32_t ids[BATCH];
};

static void prefetch_slots(const struct lookup *l, struct batch *b, const struct token *tokens, size_t n)
{
	uint64_t secret = vocab_secret(l->vocab.seed);
	size_t mask = l->vocab.slots_n - 1;

	for (size_t i = 0; i < n; i++) {
		const char *form = tokens[i].form;
		struct hashes h = hash_word(form, tokens[i].length, secret);

		if (!l->folded || h.wide)
			h.capitals = false;
		if (h.capitals)
			h.folded = hash_folded(form, tokens[i].length, secret);
		if (l->cased || !h.capitals)
			__builtin_prefetch(&l->vocab.slots[h.cased & mask]);
		if (h.capitals)
			__builtin_prefetch(&l->vocab.slots[h.folded & mask]);
		b->hashes[i] = h;
	}
}

static void prefetch_offsets(const struct lookup *l, struct batch *b, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct hashes *h = &b->hashes[i];
		bool folds = l->folded && !h->wide && (h->capitals || !l->cased);
		uint32_t id = VOCAB_UNKNOWN;

		b->folded[i] = false;
		if (l->cased)
			id = vocab_candidate(&l->vocab, h->cased);
		if (id == VOCAB_UNKNOWN && folds) {
			id = vocab_candidate(&l->vocab, h->folded);
			b->folded[i] = true;
		}
		if (id != VOCAB_UNKNOWN)
			__builtin_prefetch(&l->vocab.offsets[id]);
		b->ids[i] = id;
	}
}

static void find_batch(const struct lookup *l, struct batch *b, const struct token *tokens, size_t n)
{
	prefetch_slots(l, b, tokens, n);
	prefetch_offsets(l, b, n);
	for (size_t i = 0; i < n; i++)
		if (b->ids[i] != VOCAB_UNKNOWN)
			__builtin_prefetch(l->vocab.bytes + l->vocab.offsets[b->ids[i]]);
	for (size_t i = 0; i < n; i++) {
		uint32_t id = b->ids[i];

		if (id == VOCAB_UNKNOWN)
			continue;
		/* Another word of the same tag is as rare as 1 in 2^32. */
		if (!(b->folded[i] ? is_folded(&l->vocab, id, tokens[i].form, tokens[i].length)
				   : vocab_is(&l->vocab, id, tokens[i].form, tokens[i].length)))
			b->ids[i] = VOCAB_UNKNOWN;
	}
}

ptrdiff_t lookup_run(struct lookup *l, const char *text, size_t n, const struct word **words, struct err *err)
{
	const struct token *tokens;
	ptrdiff_t left = tokenizer_run(l->tokenizer, text, n, &tokens, err);
	struct batch batch;

	if (left < 0)
		return -1;
	l->n = 0;
	while (left > 0) {
		size_t count = left < BATCH ? (size_t)left : BATCH;

		find_batch(l, &batch, tokens, count);
		for (size_t i = 0; i < count; i++)
			if (batch.ids[i] == VOCAB_UNKNOWN
				    ? find_token(l, &tokens[i], text, err)
				    : add(l, &tokens[i], text, 0, 0, 0, batch.ids[i], err))
				return -1;
		tokens += count;
		left -= (ptrdiff_t)count;
	}
	*words = l->words;
	return (ptrdiff_t)l->n;
}

ptrdiff_t lookup_ids(struct lookup *l, const char *text, size_t n, const uint32_t **ids, size_t *unknown,
		     struct err *err)
{
	const struct token *tokens;
	ptrdiff_t left = tokenizer_run(l->tokenizer, text, n, &tokens, err);
	struct batch batch;
	size_t known = 0;

	if (left < 0 || mem_reserve(&l->ids, &l->ids_room, (size_t)left, sizeof(*l->ids), err))
		return -1;
	*unknown = 0;
	while (left > 0) {
		size_t count = left < BATCH ? (size_t)left : BATCH;

		find_batch(l, &batch, tokens, count);
		for (size_t i = 0; i < count; i++) {
			if (batch.ids[i] != VOCAB_UNKNOWN) {
				l->ids[known++] = batch.ids[i];
				continue;
			}
			l->n = 0;
			if (find_token(l, &tokens[i], text, err) ||
			    mem_reserve(&l->ids, &l->ids_room, known + l->n + (size_t)left, sizeof(*l->ids),
					err))
				return -1;
			for (size_t k = 0; k < l->n; k++)
				if (l->words[k].id != VOCAB_UNKNOWN)
					l->ids[known++] = l->words[k].id;
				else
					++*unknown;
		}
		tokens += count;
		left -= (ptrdiff_t)count;
	}
	*ids = l->ids;
	return (ptrdiff_t)known;
}
