/* The scanner for any text, by ICU. */
#include "base/err.h"
#include "base/utf8.h"
#include "text/token_private.h"

#include <unicode/uchar.h>

/* What a character is to the scanners. */
enum kind {
	BLANK,	   /* also controls: never a token */
	FORMAT,	   /* invisible: soft hyphens, joiners, byte order marks; never a token, but inside one */
	RUN,	   /* letters and digits */
	MARK,	   /* belongs to what is before it */
	IDEOGRAPH, /* a letter that is a word */
	SYMBOL,	   /* emoji and the like: a word too */
	PUNCTUATION,
};

static enum kind kind_of(uint32_t character)
{
	UChar32 c = (UChar32)character;
	uint32_t category = U_GET_GC_MASK(c);

	if (u_isUWhiteSpace(c) || category & U_GC_CC_MASK)
		return BLANK;
	if (category & (U_GC_LO_MASK | U_GC_NL_MASK))
		return c >= 0x2E80 && u_hasBinaryProperty(c, UCHAR_IDEOGRAPHIC) ? IDEOGRAPH : RUN;
	if (category & (U_GC_L_MASK | U_GC_ND_MASK | U_GC_NO_MASK))
		return RUN;
	if (category & U_GC_M_MASK)
		return MARK;
	if (category & U_GC_SO_MASK)
		return SYMBOL;
	return category & U_GC_CF_MASK ? FORMAT : PUNCTUATION;
}

static bool is_wordly(enum kind k)
{
	return k == RUN || k == MARK || k == IDEOGRAPH || k == SYMBOL;
}

static bool has_wordly(const char *text, size_t start, size_t stop)
{
	while (start < stop)
		if (is_wordly(kind_of(utf8_next(text, stop, &start))))
			return true;
	return false;
}

/* The kind of the character at `at`, and where the next one begins; BLANK at the end. */
static enum kind look(const char *text, size_t at, size_t to, size_t *next)
{
	*next = at;
	return at < to ? kind_of(utf8_next(text, to, next)) : BLANK;
}

static int split_blanks(struct tokenizer *t, const char *text, size_t from, size_t to, struct err *err)
{
	size_t start = from;

	for (size_t at = from, next = from; start < to; at = next) {
		bool blank = at >= to || u_isUWhiteSpace((UChar32)utf8_next(text, to, &next));

		if (!blank)
			continue;
		if (at > start && (t->rules.keep_punctuation || has_wordly(text, start, at)) &&
		    token_add(t, text, start, at, err))
			return -1;
		if (at >= to)
			break;
		start = next;
	}
	return 0;
}

/* Each character of text[start..stop) as a token, where punctuation is kept. */
static int add_punctuation(struct tokenizer *t, const char *text, size_t start, size_t stop, struct err *err)
{
	size_t next;

	for (size_t at = start; at < stop && t->rules.keep_punctuation; at = next) {
		enum kind k = look(text, at, stop, &next);

		if (k != BLANK && k != FORMAT && token_add(t, text, at, next, err))
			return -1;
	}
	return 0;
}

/* The end of the marks (and invisible characters before marks) that belong to what ends at `at`. */
static size_t marks_end(const char *text, size_t at, size_t to)
{
	size_t end = at;
	size_t next;
	enum kind k;

	while ((k = look(text, at, to, &next)) == MARK || k == FORMAT) {
		at = next;
		if (k == MARK)
			end = next;
	}
	return end;
}

/* The end of the letters, digits and marks from `at` on. */
static size_t run_end(const char *text, size_t at, size_t to)
{
	size_t end = at;
	size_t next;
	enum kind k;

	while ((k = look(text, at, to, &next)) == RUN || k == MARK || k == FORMAT) {
		at = next;
		if (k != FORMAT)
			end = next;
	}
	return end;
}

static bool ends_run(const char *text, size_t at, size_t to)
{
	size_t next;
	enum kind k = look(text, at, to, &next);

	return k != RUN && k != MARK;
}

/* Where the "'t" at `at` ends, or 0. */
static size_t negation(const char *text, size_t at, size_t to)
{
	size_t letter = at + token_apostrophe(text, at, to);

	return letter > at && letter < to && (text[letter] | 32) == 't' && ends_run(text, letter + 1, to)
		       ? letter + 1
		       : 0;
}

static int add_run(struct tokenizer *t, const char *text, size_t at, size_t to, size_t *stop, struct err *err)
{
	size_t n;

	*stop = run_end(text, at, to);
	n = (text[*stop - 1] | 32) == 'n' ? *stop - 1 : *stop;
	if (n < *stop) {
		size_t end = negation(text, *stop, to);

		if (end) { /* "don't" is "do" "n't" */
			t->curly |= end - *stop > 2;
			*stop = end;
			if (n > at && token_add(t, text, at, n, err))
				return -1;
			return token_add(t, text, n, end, err);
		}
	}
	return token_add(t, text, at, *stop, err);
}

static int split_bert(struct tokenizer *t, const char *text, size_t from, size_t to, struct err *err)
{
	bool attached = false; /* a letter or digit is before `at` */

	for (size_t at = from, stop = from; at < to; at = stop) {
		enum kind k = look(text, at, to, &stop);
		size_t mark = token_apostrophe(text, at, to);
		size_t clitic = mark ? at + mark + token_clitic_letters(text, at + mark, to) : 0;

		if (clitic > at + mark && ends_run(text, clitic, to) &&
		    (attached || !token_apostrophe(text, clitic, to))) {
			stop = clitic;
			attached = true;
			t->curly |= mark > 1;
			if (token_add(t, text, at, stop, err))
				return -1;
			continue;
		}
		attached = k == RUN || k == MARK;
		if (attached) {
			if (add_run(t, text, at, to, &stop, err))
				return -1;
		} else if (k != BLANK && k != FORMAT) {
			size_t end = marks_end(text, stop, to);
			bool keep = is_wordly(k) || end > stop || t->rules.keep_punctuation;

			stop = end;
			if (keep && token_add(t, text, at, stop, err))
				return -1;
		}
	}
	return 0;
}

static int add_segment(struct tokenizer *t, const char *text, size_t start, size_t stop, struct err *err)
{
	size_t next;

	if (!has_wordly(text, start, stop))
		return add_punctuation(t, text, start, stop, err);
	while (look(text, start, stop, &next) == BLANK)
		start = next;
	return token_add_word(t, text, start, stop, err);
}

/*
 * A segment may be held back: an apostrophe outside words, which makes a clitic with the letters after it
 * ("1990's", "the dog 's") unless another apostrophe after those shows a quotation.
 */
struct segments {
	struct tokenizer *t;
	const char *text;
	size_t to;
	size_t held; /* where the apostrophe is, or SIZE_MAX */
	bool attached;
};

static int release(struct segments *s, size_t stop, struct err *err)
{
	size_t start = s->held;

	s->held = SIZE_MAX;
	return start == SIZE_MAX ? 0 : add_punctuation(s->t, s->text, start, stop, err);
}

static int take_segment(struct segments *s, size_t start, size_t stop, bool attached, struct err *err)
{
	if (s->held != SIZE_MAX && token_clitic_letters(s->text, start, stop) == stop - start &&
	    (s->attached || !token_apostrophe(s->text, stop, s->to))) {
		size_t mark = s->held;

		s->held = SIZE_MAX;
		s->t->curly |= start - mark > 1;
		return token_add(s->t, s->text, mark, stop, err);
	}
	if (release(s, start, err))
		return -1;
	if (token_apostrophe(s->text, start, stop) == stop - start) {
		s->held = start;
		s->attached = attached;
		return 0;
	}
	return add_segment(s->t, s->text, start, stop, err);
}

static int split_words(struct tokenizer *t, const char *text, size_t from, size_t to, struct err *err)
{
	struct segments s = { .t = t, .text = text, .to = to, .held = SIZE_MAX };
	struct utf16 *u = &t->wide;
	UErrorCode status = U_ZERO_ERROR;
	int32_t first;

	if (utf16_fill(u, text, from, to, err))
		return -1;
	/* Whether these two join words changed between versions of ICU; here they never do. */
	for (int32_t i = 0; i < u->n; i++)
		if (u->units[i] == '@' || u->units[i] == ':')
			u->units[i] = '!';
	ubrk_setText(t->words, u->units, u->n, &status);
	if (U_FAILURE(status))
		return err_set(err, ERR_MEMORY, "ICU could not read a text of %zu bytes: %s", to - from,
			       u_errorName(status));
	first = ubrk_first(t->words);
	for (int32_t last = ubrk_next(t->words); last != UBRK_DONE; last = ubrk_next(t->words)) {
		bool attached = first > 0 && u_isalnum(u->units[first - 1]);

		if (take_segment(&s, u->offset[first], u->offset[last], attached, err))
			return -1;
		first = last;
	}
	return release(&s, to, err);
}

int token_scan_unicode(struct tokenizer *t, const char *text, size_t from, size_t to, struct err *err)
{
	switch (t->rules.split) {
	case SPLIT_WHITESPACE:
		return split_blanks(t, text, from, to, err);
	case SPLIT_WORDS:
		return split_words(t, text, from, to, err);
	case SPLIT_BERT:
		break;
	}
	return split_bert(t, text, from, to, err);
}
