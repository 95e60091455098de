/* The fast scanner, for ASCII: the same tokens as token_unicode.c finds. */
#include "text/token_private.h"

#include <string.h>

/*
 * The text is taken 64 characters at a time, as sets of bits, one per character: which are letters, digits...
 * The words are then the runs of one bits in a set, found without looking at characters again.
 */
struct classes {
	uint64_t letters;
	uint64_t digits;
	uint64_t underscores;
	uint64_t stops;	 /* . ' belong to a word between two letters or two digits */
	uint64_t commas; /* , ; between two digits */
	uint64_t quotes; /* ' */
	uint64_t blanks;
	uint64_t controls; /* blanks may be among them */
};

typedef char bytes16 __attribute__((vector_size(16)));
typedef signed char mask16 __attribute__((vector_size(16)));

/* One bit for each byte of the mask, which is all ones or all zeros. */
static uint64_t bits_of(mask16 mask)
{
#ifdef __SSE2__
	return (uint64_t)__builtin_ia32_pmovmskb128((bytes16)mask);
#else
	uint64_t bits = 0;

	for (int i = 0; i < 16; i++)
		bits |= (uint64_t)(mask[i] & 1) << i;
	return bits;
#endif
}

/* The characters are ASCII, so that signed comparison is right whatever char is. */
static inline void classify(struct classes *c, const char *text)
{
	*c = (struct classes){ 0 };
	for (int i = 0; i < 64; i += 16) {
		mask16 b;
		mask16 lower;
		mask16 quote;

		memcpy(&b, text + i, 16);
		lower = b | 32;
		quote = b == '\'';
		c->letters |= bits_of((lower >= 'a') & (lower <= 'z')) << i;
		c->digits |= bits_of((b >= '0') & (b <= '9')) << i;
		c->underscores |= bits_of(b == '_') << i;
		c->stops |= bits_of(quote | (b == '.')) << i;
		c->commas |= bits_of((b == ',') | (b == ';')) << i;
		c->quotes |= bits_of(quote) << i;
		c->blanks |= bits_of((b == ' ') | ((b >= '\t') & (b <= '\r'))) << i;
		c->controls |= bits_of((b < ' ') | (b == 127)) << i;
	}
}

static bool is_letter(char c)
{
	return (c | 32) >= 'a' && (c | 32) <= 'z';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

enum { BLOCK_TOKENS = 64 + 2 }; /* of 64 characters, and of a word begun before them */

struct scan {
	struct tokenizer *t;
	const char *text;
	size_t from, to;
	size_t done;		/* what is before it is tokens already */
	size_t open;		/* a word that began in an earlier block, or SIZE_MAX */
	uint64_t letter, digit; /* 1: the last character of the block before was one */
};

/* Where words are: UAX 29 for SPLIT_WORDS, where WB5 to WB13b are all that ASCII needs. */
static uint64_t word_bits(struct scan *s, const struct classes *c, size_t next)
{
	uint64_t letters = c->letters;
	uint64_t digits = c->digits;
	uint64_t joins;

	if (s->t->rules.split == SPLIT_WHITESPACE)
		return ~c->blanks;
	if (s->t->rules.split == SPLIT_BERT)
		return letters | digits;
	joins = (digits << 1 | s->digit) &
		(digits >> 1 | (uint64_t)(next < s->to && is_digit(s->text[next])) << 63);
	joins = (joins & (c->stops | c->commas)) |
		(c->stops & (letters << 1 | s->letter) &
		 (letters >> 1 | (uint64_t)(next < s->to && is_letter(s->text[next])) << 63));
	s->letter = letters >> 63;
	s->digit = digits >> 63;
	return letters | digits | c->underscores | joins;
}

static bool has_alnum(const char *text, size_t start, size_t stop)
{
	for (; start < stop; start++)
		if (is_letter(text[start]) || is_digit(text[start]))
			return true;
	return false;
}

/* Does a word that has letters up to `at` end there? */
static bool ends_word(const struct scan *s, size_t at)
{
	char c = at < s->to ? s->text[at] : ' ';

	if (is_letter(c) || is_digit(c))
		return false;
	if (s->t->rules.split == SPLIT_BERT)
		return true;
	return c != '_' && !((c == '.' || c == '\'') && at + 1 < s->to && is_letter(s->text[at + 1]));
}

/* "don" before "'t" in SPLIT_BERT: "do" "n't", if it is that. */
static bool put_negation(struct scan *s, size_t start, size_t stop)
{
	const char *text = s->text;

	if ((text[stop - 1] | 32) != 'n' || stop + 1 >= s->to || text[stop] != '\'' ||
	    (text[stop + 1] | 32) != 't' || !ends_word(s, stop + 2))
		return false;
	if (stop - 1 > start)
		token_put(s->t, text, start, stop - 1);
	token_put(s->t, text, stop - 1, stop + 2);
	s->done = stop + 2;
	return true;
}

/* A run without letter or digit. */
static int add_marks(struct scan *s, size_t start, size_t stop, struct err *err)
{
	struct tokenizer *t = s->t;

	if (!t->rules.keep_punctuation)
		return 0;
	if (t->rules.split == SPLIT_WHITESPACE) {
		token_put(t, s->text, start, stop);
		return 0;
	}
	for (; start < stop; start++)
		if (token_add(t, s->text, start, start + 1, err))
			return -1;
	return token_room(t, BLOCK_TOKENS, err);
}

/* A run of word characters, with what its clitic takes from the bytes after it.  There is room for a block's
 * tokens, before and after. */
static int add_run(struct scan *s, size_t start, size_t stop, struct err *err)
{
	struct tokenizer *t = s->t;
	const char *text = s->text;

	s->done = stop;
	if (t->rules.split == SPLIT_BERT) {
		if (!put_negation(s, start, stop))
			token_put(t, text, start, stop);
		return 0;
	}
	if (!is_letter(text[start]) && !is_digit(text[start]) && !has_alnum(text, start, stop))
		return add_marks(s, start, stop, err);
	if (t->rules.split == SPLIT_WORDS && stop - start > 2 &&
	    (text[stop - 2] == '\'' || text[stop - 3] == '\''))
		return token_add_word(t, text, start, stop, err) || token_room(t, BLOCK_TOKENS, err) ? -1 : 0;
	token_put(t, text, start, stop);
	return 0;
}

/* An apostrophe outside words: a clitic that stands alone ("1990's", "the dog 's"), or punctuation. */
static void put_quote(struct scan *s, size_t at)
{
	const char *text = s->text;
	size_t stop = at + 1 + token_clitic_letters(text, at + 1, s->to);
	bool attached = at > s->from && (is_letter(text[at - 1]) || is_digit(text[at - 1]));

	if (stop > at + 1 && ends_word(s, stop) && (attached || stop == s->to || text[stop] != '\'')) {
		s->done = stop;
		token_put(s->t, text, at, stop);
	} else if (s->t->rules.keep_punctuation) {
		token_put(s->t, text, at, at + 1);
	}
}

/* The bits from `at` on. */
static uint64_t bits_from(size_t at)
{
	return at < 64 ? ~(uint64_t)0 << at : 0;
}

static int scan_block(struct scan *s, size_t base, uint64_t words, uint64_t singles, uint64_t quotes,
		      struct err *err)
{
	uint64_t left = words | singles | quotes;

	if (token_room(s->t, BLOCK_TOKENS, err))
		return -1;
	if (s->open != SIZE_MAX) {
		size_t n = ~words ? (size_t)__builtin_ctzll(~words) : 64;

		if (n == 64)
			return 0;
		if (add_run(s, s->open, base + n, err))
			return -1;
		s->open = SIZE_MAX;
		left &= bits_from(n);
	}
	if (s->done > base)
		left &= bits_from(s->done - base);
	while (left) {
		size_t i = (size_t)__builtin_ctzll(left);
		uint64_t rest = ~(words >> i);
		size_t n = rest ? (size_t)__builtin_ctzll(rest) : 64;

		if (n == 0) {
			left &= left - 1;
			if (quotes >> i & 1) {
				put_quote(s, base + i);
				if (s->done > base)
					left &= bits_from(s->done - base);
			} else {
				token_put(s->t, s->text, base + i, base + i + 1);
			}
			continue;
		}
		if (i + n >= 64) {
			s->open = base + i;
			return 0;
		}
		if (add_run(s, base + i, base + i + n, err))
			return -1;
		left &= bits_from(s->done - base);
	}
	return 0;
}

int token_scan_ascii(struct tokenizer *t, const char *text, size_t from, size_t to, struct err *err)
{
	struct scan s = { .t = t, .text = text, .from = from, .to = to, .open = SIZE_MAX };

	for (size_t base = from; base < to; base += 64) {
		size_t n = to - base < 64 ? to - base : 64;
		uint64_t valid = n < 64 ? ((uint64_t)1 << n) - 1 : ~(uint64_t)0;
		char padded[64];
		const char *block = text + base;
		struct classes c;
		uint64_t words;
		uint64_t singles = 0;
		uint64_t quotes = 0;

		if (n < 64) {
			memset(padded, 0, sizeof(padded));
			memcpy(padded, block, n);
			block = padded;
		}
		classify(&c, block);
		words = word_bits(&s, &c, base + 64) & valid;
		if (t->rules.split != SPLIT_WHITESPACE) {
			quotes = c.quotes & ~words & valid;
			if (t->rules.keep_punctuation)
				singles = ~(words | c.blanks | c.controls) & valid;
		}
		if (scan_block(&s, base, words, singles, quotes, err))
			return -1;
	}
	if (s.open == SIZE_MAX)
		return 0;
	return token_room(t, BLOCK_TOKENS, err) || add_run(&s, s.open, to, err) ? -1 : 0;
}
