/*
 * utf8.h - UTF-8: checked, mended, decoded and encoded.
 *
 * UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing above
 * U+10FFFF.  Pure; any thread.
 */
#ifndef SIFD_BASE_UTF8_H
#define SIFD_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

/* The offset of the first byte that does not belong to a valid sequence, or n when all is well. */
size_t utf8_invalid(const char *text, size_t n);

/* Whether it is one of ASCII's blanks. */
static inline bool utf8_is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* The number of leading bytes below 0x80. */
size_t utf8_ascii(const char *text, size_t n);

/*
 * Appends the text with each maximal invalid part replaced by U+FFFD (Unicode 15, section 3.9,
 * "substitution of maximal subparts"); what --lossy does.
 */
void utf8_mend(struct buf *to, const char *text, size_t n);

enum { UTF8_REPLACEMENT = 0xFFFD };

/* Decodes the character at text[*at], *at < n, and steps over it; an invalid byte gives U+FFFD and one step.
 */
uint32_t utf8_next(const char *text, size_t n, size_t *at);

/* Writes the character in 1 to 4 bytes and returns how many; c must be one. */
size_t utf8_put(char to[4], uint32_t c);

#endif
