#include "base/utf8.h"

#include "base/buf.h"

#include <string.h>

static uint64_t high_bits(const char *eight)
{
	uint64_t x;

	memcpy(&x, eight, 8);
	return x & 0x8080808080808080u;
}

size_t utf8_ascii(const char *text, size_t n)
{
	size_t i = 0;

	for (; i + 16 <= n; i += 16)
		if (high_bits(text + i) | high_bits(text + i + 8))
			break;
	if (i + 16 > n && n >= 16 && !(high_bits(text + n - 16) | high_bits(text + n - 8)))
		return n;
	while (i < n && (unsigned char)text[i] < 0x80)
		i++;
	return i;
}

/*
 * The length of the well-formed sequence at s[0..n), or minus the length of the
 * maximal ill-formed part there (Unicode 15, table 3-7).
 */
static int sequence(const unsigned char *s, size_t n)
{
	unsigned char low = 0x80; /* bounds of the second byte, the one that depends on the first */
	unsigned char high = 0xBF;
	int length;

	if (s[0] < 0x80)
		return 1;
	if (s[0] < 0xC2 || s[0] > 0xF4)
		return -1;
	length = s[0] < 0xE0 ? 2 : s[0] < 0xF0 ? 3 : 4;
	if (s[0] == 0xE0)
		low = 0xA0;
	else if (s[0] == 0xED)
		high = 0x9F;
	else if (s[0] == 0xF0)
		low = 0x90;
	else if (s[0] == 0xF4)
		high = 0x8F;
	for (int i = 1; i < length; i++) {
		if ((size_t)i >= n || s[i] < low || s[i] > high)
			return -i;
		low = 0x80;
		high = 0xBF;
	}
	return length;
}

size_t utf8_invalid(const char *text, size_t n)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t i = 0;

	for (;;) {
		int k;

		i += utf8_ascii(text + i, n - i);
		if (i >= n)
			return n;
		k = sequence(s + i, n - i);
		if (k < 0)
			return i;
		i += (size_t)k;
	}
}

void utf8_mend(struct buf *to, const char *text, size_t n)
{
	size_t i = 0;

	while (i < n) {
		size_t good = utf8_invalid(text + i, n - i);

		buf_add(to, text + i, good);
		i += good;
		if (i < n) {
			buf_add(to, "\xEF\xBF\xBD", 3);
			i += (size_t)-sequence((const unsigned char *)text + i, n - i);
		}
	}
}

uint32_t utf8_next(const char *text, size_t n, size_t *at)
{
	const unsigned char *s = (const unsigned char *)text + *at;
	int k = sequence(s, n - *at);
	uint32_t c;

	if (k <= 1) {
		*at += 1;
		return k == 1 ? s[0] : UTF8_REPLACEMENT;
	}
	c = s[0] & (0x7Fu >> k);
	for (int i = 1; i < k; i++)
		c = c << 6 | (s[i] & 0x3F);
	*at += (size_t)k;
	return c;
}

size_t utf8_put(char to[4], uint32_t c)
{
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

	if (n == 1) {
		to[0] = (char)c;
		return 1;
	}
	for (size_t i = n - 1; i > 0; i--, c >>= 6)
		to[i] = (char)(0x80 | (c & 0x3F));
	to[0] = (char)((0xF00u >> n & 0xFF) | c);
	return n;
}
