#include "text/sentences.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "text/sentences_private.h"
#include "text/utf16.h"

#include <stdlib.h>
#include <string.h>
#include <unicode/ubrk.h>
#include <unicode/uchar.h>

enum { LINE_BYTES_MAX = 1 << 30 }; /* ICU counts in int32 */

struct cutter {
	UBreakIterator *sentences;
	bool force_icu;
	struct span *spans;
	size_t n, room;
	size_t base; /* where the line that is being cut begins in the text */
	struct utf16 wide;
};

struct cutter *cutter_new(struct err *err)
{
	struct cutter *c = mem_try(1, sizeof(*c), err);
	UErrorCode status = U_ZERO_ERROR;

	if (!c)
		return NULL;
	c->sentences = ubrk_open(UBRK_SENTENCE, "", NULL, 0, &status);
	if (U_FAILURE(status)) {
		(void)err_set(err, ERR_IO, "ICU has no sentence rules: %s", u_errorName(status));
		free(c);
		return NULL;
	}
	return c;
}

void cutter_free(struct cutter *c)
{
	if (!c)
		return;
	ubrk_close(c->sentences);
	free(c->spans);
	utf16_free(&c->wide);
	free(c);
}

void cutter_force_icu(struct cutter *c, bool force)
{
	c->force_icu = force;
}

/* Trims Unicode blanks at both ends; an empty rest is no sentence. */
static int add(struct cutter *c, const char *text, size_t start, size_t stop, struct err *err)
{
	while (start < stop) {
		size_t next = start;

		if (!u_isUWhiteSpace((UChar32)utf8_next(text, stop, &next)))
			break;
		start = next;
	}
	while (stop > start) {
		size_t last = stop - 1;
		size_t at;

		while (last > start && ((unsigned char)text[last] & 0xC0) == 0x80)
			last--;
		at = last;
		if (!u_isUWhiteSpace((UChar32)utf8_next(text, stop, &at)))
			break;
		stop = last;
	}
	if (start == stop)
		return 0;
	if (mem_grow(&c->spans, &c->room, c->n, sizeof(*c->spans), err))
		return -1;
	c->spans[c->n++] = (struct span){ c->base + start, c->base + stop };
	return 0;
}

static bool is_upper(char c)
{
	return c >= 'A' && c <= 'Z';
}

static bool is_lower(char c)
{
	return c >= 'a' && c <= 'z';
}

static bool is_end(char c)
{
	return c == '.' || c == '?' || c == '!';
}

static bool is_close(char c)
{
	return c == '"' || c == '\'' || c == '(' || c == ')' || c == '[' || c == ']' || c == '{' || c == '}';
}

static bool is_paragraph(char c)
{
	return c == '\n' || c == '\r';
}

/* UAX 29 SB8: after a full stop, does a lower-case letter follow before anything that starts a sentence? */
static bool goes_on_lower(const char *text, size_t at, size_t n)
{
	for (; at < n; at++) {
		if (is_lower(text[at]))
			return true;
		if (is_upper(text[at]) || is_paragraph(text[at]) || is_end(text[at]))
			return false;
	}
	return false;
}

/* text[at] may end a sentence: returns where the next one begins (SB6 to SB11), or 0; *on: where to go on. */
static size_t ascii_break(const char *text, size_t at, size_t n, size_t *on)
{
	size_t p = at + 1;
	bool stop = text[at] == '.';

	while (p < n && is_close(text[p]))
		p++;
	while (p < n && utf8_is_blank(text[p]) && !is_paragraph(text[p]))
		p++;
	*on = p;
	if (p >= n)
		return n;
	if (is_paragraph(text[p]))
		return p + 1 + (text[p] == '\r' && p + 1 < n && text[p + 1] == '\n');
	if (is_end(text[p]) || text[p] == ',' || text[p] == '-' || text[p] == ':')
		return 0;
	if (stop && p == at + 1 && text[p] >= '0' && text[p] <= '9')
		return 0;
	if (stop && p == at + 1 && is_upper(text[p]) && at > 0 &&
	    (is_upper(text[at - 1]) || is_lower(text[at - 1])))
		return 0;
	return stop && goes_on_lower(text, p, n) ? 0 : p;
}

static int cut_ascii(struct cutter *c, const char *text, size_t n, struct err *err)
{
	size_t start = 0;
	size_t at = 0;

	while (at < n) {
		size_t next = 0;
		size_t on = at + 1;

		if (is_end(text[at]))
			next = ascii_break(text, at, n, &on);
		else if (is_paragraph(text[at]))
			next = at + 1;
		if (next) {
			if (add(c, text, start, next, err))
				return -1;
			start = on = next;
		}
		at = on;
	}
	return add(c, text, start, n, err);
}

static int cut_icu(struct cutter *c, const char *text, size_t n, struct err *err)
{
	UErrorCode status = U_ZERO_ERROR;
	int32_t from;

	if (utf16_fill(&c->wide, text, 0, n, err))
		return -1;
	ubrk_setText(c->sentences, c->wide.units, c->wide.n, &status);
	if (U_FAILURE(status))
		return err_set(err, ERR_MEMORY, "ICU could not read a line of %zu bytes: %s", n,
			       u_errorName(status));
	from = ubrk_first(c->sentences);
	for (int32_t to = ubrk_next(c->sentences); to != UBRK_DONE; from = to, to = ubrk_next(c->sentences))
		if (add(c, text, c->wide.offset[from], c->wide.offset[to], err))
			return -1;
	return 0;
}

/* Every LF ends a sentence, so each line is cut separately, the faster way where it is ASCII. */
ptrdiff_t cutter_run(struct cutter *c, const char *text, size_t n, const struct span **spans, struct err *err)
{
	size_t next;

	c->n = 0;
	c->base = 0;
	if (c->force_icu && n <= LINE_BYTES_MAX) {
		if (cut_icu(c, text, n, err))
			return -1;
		*spans = c->spans;
		return (ptrdiff_t)c->n;
	}
	for (c->base = 0; c->base < n; c->base = next) {
		const char *line = text + c->base;
		const char *lf = memchr(line, '\n', n - c->base);
		size_t k = lf ? (size_t)(lf - line) : n - c->base;

		next = c->base + k + 1;
		if (k > LINE_BYTES_MAX)
			return err_set(err, ERR_TOO_LARGE, "a line of %zu bytes is longer than %d", k,
				       LINE_BYTES_MAX);
		if (utf8_ascii(line, k) == k ? cut_ascii(c, line, k, err) : cut_icu(c, line, k, err))
			return -1;
	}
	*spans = c->spans;
	return (ptrdiff_t)c->n;
}
