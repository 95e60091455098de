#include "text/token.h"

#include "base/err.h"
#include "base/mem.h"
#include "text/fold.h"
#include "text/token_private.h"
#include "text/utf8.h"

#include <stdlib.h>
#include <string.h>
#include <unicode/ubrk.h>
#include <unicode/uchar.h>
#include <unicode/ustring.h>

enum { TEXT_BYTES_MAX = 1 << 30 }; /* ICU counts in int32 */

struct tokenizer {
	struct token_rules rules;
	struct folder *folder;
	UBreakIterator *words; /* SPLIT_WORDS only */
	bool force_icu;
	struct token *tokens;
	size_t n, room;
	char *forms; /* folded forms, back to back; a token's form is an offset until the end of the run */
	size_t forms_n, forms_room;
	UChar *units;	  /* the text in UTF-16 */
	uint32_t *offset; /* (units + 1) byte of the text where each unit's character starts */
	size_t units_room;
};

/* What a character is to the scanners. */
enum kind { OTHER, BLANK, LETTER, DIGIT, JOINER };

/* enum kind of each ASCII character, 16 a row. */
// clang-format off
static const unsigned char ascii_kind[128] = {
	0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 0, 0, 0, 0, 0, 0,
	0, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2,
	2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 0, 0, 0, 0, 4,
	0, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2,
	2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 0, 0, 0, 0, 0,
};
// clang-format on

/* Of any character: letters, digits, marks and symbols like emoji are what words are made of. */
static enum kind kind_of(uint32_t c)
{
	if (c < 128)
		return (enum kind)ascii_kind[c];
	if (u_isUWhiteSpace((UChar32)c))
		return BLANK;
	switch (u_charType((UChar32)c)) {
	case U_DECIMAL_DIGIT_NUMBER:
	case U_LETTER_NUMBER:
	case U_OTHER_NUMBER:
		return DIGIT;
	case U_UPPERCASE_LETTER:
	case U_LOWERCASE_LETTER:
	case U_TITLECASE_LETTER:
	case U_MODIFIER_LETTER:
	case U_OTHER_LETTER:
	case U_NON_SPACING_MARK:
	case U_ENCLOSING_MARK:
	case U_COMBINING_SPACING_MARK:
		return LETTER;
	default:
		return OTHER;
	}
}

static bool is_word_character(uint32_t c)
{
	enum kind k = kind_of(c);

	return k == LETTER || k == DIGIT || (c >= 128 && u_charType((UChar32)c) == U_OTHER_SYMBOL);
}

static bool has_word_character(const char *text, size_t start, size_t stop)
{
	for (size_t at = start; at < stop;)
		if (is_word_character(utf8_next(text, stop, &at)))
			return true;
	return false;
}

static int add(struct tokenizer *t, const char *text, size_t start, size_t stop, struct err *err)
{
	if (t->n == t->room) {
		size_t room = t->room ? 2 * t->room : 64;

		if (mem_resize(&t->tokens, room, sizeof(*t->tokens), err))
			return -1;
		t->room = room;
	}
	t->tokens[t->n++] =
		(struct token){ text + start, (uint32_t)(stop - start), (uint32_t)start, (uint32_t)stop };
	return 0;
}

/* The bytes of an apostrophe (' or U+2019) at text[at], or 0. */
static size_t apostrophe(const char *text, size_t at, size_t stop)
{
	if (at < stop && text[at] == '\'')
		return 1;
	return at + 3 <= stop && memcmp(text + at, "\xE2\x80\x99", 3) == 0 ? 3 : 0;
}

static bool is_letters(const char *text, size_t n, const char *letters)
{
	if (strlen(letters) != n)
		return false;
	for (size_t i = 0; i < n; i++)
		if ((text[i] | 32) != letters[i])
			return false;
	return true;
}

/* Is what follows an apostrophe, text[0..n), one of the clitics 's 're 've 'll 'd 'm 't? */
static bool is_clitic(const char *text, size_t n)
{
	static const char *const clitics[] = { "s", "re", "ve", "ll", "d", "m", "t" };

	for (size_t i = 0; i < sizeof(clitics) / sizeof(clitics[0]); i++)
		if (is_letters(text, n, clitics[i]))
			return true;
	return false;
}

/* Where the clitic at the end of word [start, stop) begins, or stop: "don't" at the n, "it's" at the '. */
static size_t clitic_start(const char *text, size_t start, size_t stop)
{
	size_t at = stop;
	size_t mark;

	while (at > start && stop - at < 6 && !apostrophe(text, at - 1, stop) &&
	       !(at >= start + 3 && apostrophe(text, at - 3, stop) == 3))
		at--;
	if (at == start || at == stop)
		return stop;
	mark = text[at - 1] == '\'' ? at - 1 : at - 3;
	if (!apostrophe(text, mark, stop) || !is_clitic(text + at, stop - at))
		return stop;
	if ((text[at] | 32) == 't' && stop - at == 1) {
		if (mark == start || (text[mark - 1] | 32) != 'n')
			return stop;
		mark--;
	}
	return mark > start ? mark : stop;
}

/* A word with its clitics cut off from the end: "wouldn't've" is "would" "n't" "'ve". */
static int add_word(struct tokenizer *t, const char *text, size_t start, size_t stop, struct err *err)
{
	size_t cut = clitic_start(text, start, stop);

	if (cut < stop) {
		if (add_word(t, text, start, cut, err))
			return -1;
		start = cut;
	}
	return add(t, text, start, stop, err);
}

static int add_punctuation(struct tokenizer *t, const char *text, size_t start, size_t stop, struct err *err)
{
	for (size_t at = start; at < stop && t->rules.keep_punctuation;) {
		size_t from = at;
		uint32_t c = utf8_next(text, stop, &at);

		if (kind_of(c) != BLANK && !u_iscntrl((UChar32)c) && add(t, text, from, at, err))
			return -1;
	}
	return 0;
}

/* May c stand between two letters, or two digits, inside a word?  UAX 29 MidNumLet, MidNum, Single_Quote. */
static bool joins(char c, enum kind both)
{
	return c == '.' || c == '\'' || (both == DIGIT && (c == ',' || c == ';'));
}

static size_t ascii_word_end(const char *text, size_t at, size_t n)
{
	while (at < n) {
		enum kind k = (enum kind)ascii_kind[(unsigned char)text[at]];

		if (k == LETTER || k == DIGIT || k == JOINER) {
			at++;
			continue;
		}
		if (at + 1 >= n)
			return at;
		k = (enum kind)ascii_kind[(unsigned char)text[at - 1]];
		if ((k != LETTER && k != DIGIT) || (enum kind)ascii_kind[(unsigned char)text[at + 1]] != k ||
		    !joins(text[at], k))
			return at;
		at += 2;
	}
	return at;
}

static int ascii_words(struct tokenizer *t, const char *text, size_t n, struct err *err)
{
	size_t at = 0;

	while (at < n) {
		enum kind k = (enum kind)ascii_kind[(unsigned char)text[at]];
		size_t end = at + 1;

		if (k == LETTER || k == DIGIT || k == JOINER) {
			end = ascii_word_end(text, at, n);
			if (k == JOINER && !has_word_character(text, at, end)
				    ? add_punctuation(t, text, at, end, err)
				    : add_word(t, text, at, end, err))
				return -1;
		} else if (k == OTHER && add_punctuation(t, text, at, end, err)) {
			return -1;
		}
		at = end;
	}
	return 0;
}

static int split_blanks(struct tokenizer *t, const char *text, size_t n, struct err *err)
{
	size_t start = 0;

	for (size_t at = 0; start < n;) {
		size_t end = at;
		bool blank = at >= n || kind_of(utf8_next(text, n, &at)) == BLANK;

		if (!blank)
			continue;
		if (end > start && (t->rules.keep_punctuation || has_word_character(text, start, end)) &&
		    add(t, text, start, end, err))
			return -1;
		if (end >= n)
			break;
		start = at;
	}
	return 0;
}

/* In SPLIT_BERT, the end of the clitic that begins with the apostrophe at `at`, or 0. */
static size_t bert_clitic(const char *text, size_t at, size_t n)
{
	size_t start = at + apostrophe(text, at, n);
	size_t end = start;

	if (start == at)
		return 0;
	while (end < n && ascii_kind[(unsigned char)text[end] & 127] == LETTER &&
	       (unsigned char)text[end] < 128)
		end++;
	if (end < n) {
		size_t next = end;
		enum kind k = kind_of(utf8_next(text, n, &next));

		if (k == LETTER || k == DIGIT)
			return 0;
	}
	return is_clitic(text + start, end - start) ? end : 0;
}

static size_t run_end(const char *text, size_t at, size_t n)
{
	while (at < n) {
		size_t next = at;
		enum kind k = kind_of(utf8_next(text, n, &next));

		if (k != LETTER && k != DIGIT)
			break;
		at = next;
	}
	return at;
}

static int split_bert(struct tokenizer *t, const char *text, size_t n, struct err *err)
{
	size_t at = 0;

	while (at < n) {
		size_t end = run_end(text, at, n);
		size_t clitic = bert_clitic(text, end, n);

		if (end > at && clitic && (text[clitic - 1] | 32) == 't') {
			if ((text[end - 1] | 32) == 'n') { /* "don't" is "do" "n't" */
				if ((end - 1 > at && add(t, text, at, end - 1, err)) ||
				    add(t, text, end - 1, clitic, err))
					return -1;
				at = clitic;
				continue;
			}
			clitic = 0;
		}
		if (end > at && add(t, text, at, end, err))
			return -1;
		if (end > at && clitic) {
			if (add(t, text, end, clitic, err))
				return -1;
			end = clitic;
		}
		if (end == at) {
			(void)utf8_next(text, n, &end);
			if (add_punctuation(t, text, at, end, err))
				return -1;
		}
		at = end;
	}
	return 0;
}

static int to_utf16(struct tokenizer *t, const char *text, size_t n, int32_t *units, struct err *err)
{
	size_t k = 0;

	if (n + 1 > t->units_room) {
		if (mem_resize(&t->units, n + 1, sizeof(*t->units), err) ||
		    mem_resize(&t->offset, n + 1, sizeof(*t->offset), err))
			return -1;
		t->units_room = n + 1;
	}
	for (size_t at = 0; at < n;) {
		uint32_t from = (uint32_t)at;
		uint32_t c = utf8_next(text, n, &at);

		/* Whether these two join words changed between versions of ICU; here they never do. */
		if (c == '@' || c == ':')
			c = ' ';
		t->offset[k] = from;
		if (c > 0xFFFF) {
			t->units[k++] = U16_LEAD(c);
			t->offset[k] = from;
			c = U16_TRAIL(c);
		}
		t->units[k++] = (UChar)c;
	}
	t->offset[k] = (uint32_t)n;
	*units = (int32_t)k;
	return 0;
}

static int icu_words(struct tokenizer *t, const char *text, size_t n, struct err *err)
{
	UErrorCode status = U_ZERO_ERROR;
	int32_t units;
	int32_t from;

	if (to_utf16(t, text, n, &units, err))
		return -1;
	ubrk_setText(t->words, t->units, units, &status);
	if (U_FAILURE(status))
		return err_set(err, ERR_MEMORY, "ICU could not read a text of %zu bytes: %s", n,
			       u_errorName(status));
	from = ubrk_first(t->words);
	for (int32_t to = ubrk_next(t->words); to != UBRK_DONE; from = to, to = ubrk_next(t->words)) {
		size_t start = t->offset[from];
		size_t stop = t->offset[to];

		if (has_word_character(text, start, stop) ? add_word(t, text, start, stop, err)
							  : add_punctuation(t, text, start, stop, err))
			return -1;
	}
	return 0;
}

/* Rewrites the forms by the rules.  Forms grow in one block, which may move, so offsets stand in until all
 * are there. */
static int normalize(struct tokenizer *t, struct err *err)
{
	t->forms_n = 0;
	for (size_t i = 0; i < t->n; i++) {
		struct token *token = &t->tokens[i];
		const char *form;
		size_t n;

		if (folder_run(t->folder, t->rules.normalize, t->rules.strip_accents, token->form,
			       token->length, &form, &n, err))
			return -1;
		if (t->forms_n + n > t->forms_room) {
			size_t room = 2 * (t->forms_n + n) + 256;

			if (mem_resize(&t->forms, room, 1, err))
				return -1;
			t->forms_room = room;
		}
		memcpy(t->forms + t->forms_n, form, n);
		t->forms_n += n;
		token->length = (uint32_t)n;
	}
	t->forms_n = 0;
	for (size_t i = 0; i < t->n; i++) {
		t->tokens[i].form = t->forms + t->forms_n;
		t->forms_n += t->tokens[i].length;
	}
	return 0;
}

/* A clitic's typographic apostrophe becomes ', the one that vocabularies have. */
static void plain_apostrophes(struct tokenizer *t)
{
	static const char *const forms[] = { "'s", "'re", "'ve", "'ll", "'d", "'m", "n't" };

	for (size_t i = 0; i < t->n; i++) {
		struct token *token = &t->tokens[i];
		const char *f = token->form;
		size_t n = token->length;

		if (n < 4 || n > 6)
			continue;
		for (size_t k = 0; k < sizeof(forms) / sizeof(forms[0]); k++) {
			size_t before = forms[k][0] == 'n';

			if (strlen(forms[k]) + 2 == n && apostrophe(f, before, n) == 3 &&
			    is_letters(f + before + 3, n - before - 3, forms[k] + before + 1) &&
			    (!before || (f[0] | 32) == 'n')) {
				token->form = forms[k];
				token->length = (uint32_t)(n - 2);
			}
		}
	}
}

ptrdiff_t tokenizer_run(struct tokenizer *t, const char *text, size_t n, const struct token **tokens,
			struct err *err)
{
	bool ascii = utf8_ascii(text, n) == n;
	int failed;

	if (n > TEXT_BYTES_MAX)
		return err_set(err, ERR_TOO_LARGE, "a text of %zu bytes is longer than %d", n,
			       TEXT_BYTES_MAX);
	t->n = 0;
	if (t->rules.split == SPLIT_WHITESPACE)
		failed = split_blanks(t, text, n, err);
	else if (t->rules.split == SPLIT_BERT)
		failed = split_bert(t, text, n, err);
	else
		failed = ascii && !t->force_icu ? ascii_words(t, text, n, err) : icu_words(t, text, n, err);
	if (failed)
		return -1;
	if ((t->rules.normalize != NORMALIZE_NONE || t->rules.strip_accents) && normalize(t, err))
		return -1;
	if (!ascii)
		plain_apostrophes(t);
	*tokens = t->tokens;
	return (ptrdiff_t)t->n;
}

struct tokenizer *tokenizer_new(const struct token_rules *rules, struct err *err)
{
	struct tokenizer *t = mem_try(1, sizeof(*t), err);
	UErrorCode status = U_ZERO_ERROR;

	if (!t)
		return NULL;
	t->rules = *rules;
	t->folder = folder_new(err);
	if (!t->folder) {
		free(t);
		return NULL;
	}
	if (rules->split == SPLIT_WORDS)
		t->words = ubrk_open(UBRK_WORD, "", NULL, 0, &status);
	if (U_FAILURE(status)) {
		(void)err_set(err, ERR_IO, "ICU has no word rules: %s", u_errorName(status));
		t->words = NULL;
		tokenizer_free(t);
		return NULL;
	}
	return t;
}

void tokenizer_free(struct tokenizer *t)
{
	if (t->words)
		ubrk_close(t->words);
	folder_free(t->folder);
	free(t->tokens);
	free(t->forms);
	free(t->units);
	free(t->offset);
	free(t);
}

void tokenizer_force_icu(struct tokenizer *t, bool force)
{
	t->force_icu = force;
}
