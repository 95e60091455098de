/*
 * utf16.h - text as ICU wants it, and where each unit is in the UTF-8.
 */
#ifndef SIFD_TEXT_UTF16_H
#define SIFD_TEXT_UTF16_H

#include <stddef.h>
#include <stdint.h>
#include <unicode/umachine.h>

struct err;

/* Zeroed at first; may be filled many times, and is freed once. */
struct utf16 {
	UChar *units;
	uint32_t *offset; /* (n + 1) byte of the text where each unit's character starts; the last is `to` */
	int32_t n;
	size_t room, offset_room;
};

/* Valid UTF-8 text[from..to), less than 2^31 bytes of it.  0 or -1 (ERR_MEMORY). */
int utf16_fill(struct utf16 *u, const char *text, size_t from, size_t to, struct err *err);

void utf16_free(struct utf16 *u);

/* Decodes the character at units[*at] of n and steps *at over it. */
static inline uint32_t utf16_next(const UChar *units, int32_t n, int32_t *at)
{
	uint32_t c = units[(*at)++];

	if ((c & 0xFC00) == 0xD800 && *at < n && (units[*at] & 0xFC00) == 0xDC00)
		c = 0x10000 + ((c & 0x3FF) << 10) + (units[(*at)++] & 0x3FFu);
	return c;
}

/* Writes the character and returns how many units it took. */
static inline int32_t utf16_put(UChar *to, uint32_t c)
{
	if (c <= 0xFFFF) {
		to[0] = (UChar)c;
		return 1;
	}
	to[0] = (UChar)(0xD7C0 + (c >> 10));
	to[1] = (UChar)(0xDC00 | (c & 0x3FF));
	return 2;
}

#endif
