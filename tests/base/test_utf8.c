#include "base/utf8.h"

#include "base/buf.h"
#include "support/guard.h"

#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
/* cmocka.h needs those before it */
#include <cmocka.h>

/*
 * What the standard says, said another way: well-formed sequences are what encoding every character gives.
 * A bit for each of the 2^8, 2^16, 2^24 sequences of one, two, three bytes.
 */
static unsigned char *well_formed[4];

static bool is_set(size_t length, const unsigned char *s)
{
	size_t i = 0;

	for (size_t k = 0; k < length; k++)
		i = i << 8 | s[k];
	return well_formed[length][i / 8] >> (i % 8) & 1;
}

static int setup(void **state)
{
	(void)state;
	for (size_t length = 1; length <= 3; length++) {
		well_formed[length] = calloc((size_t)1 << (8 * length), 1);
		if (!well_formed[length])
			return -1;
	}
	for (uint32_t c = 0; c < 0x10000; c++) {
		char s[4];
		size_t n;
		size_t i = 0;

		if (c >= 0xD800 && c <= 0xDFFF)
			continue;
		/* Not utf8_put(), which is under test too. */
		if (c < 0x80) {
			n = 1;
			s[0] = (char)c;
		} else if (c < 0x800) {
			n = 2;
			s[0] = (char)(0xC0 + c / 64);
			s[1] = (char)(0x80 + c % 64);
		} else {
			n = 3;
			s[0] = (char)(0xE0 + c / 4096);
			s[1] = (char)(0x80 + c / 64 % 64);
			s[2] = (char)(0x80 + c % 64);
		}
		for (size_t k = 0; k < n; k++)
			i = i << 8 | (unsigned char)s[k];
		well_formed[n][i / 8] |= (unsigned char)(1u << (i % 8));
	}
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	for (size_t length = 1; length <= 3; length++)
		free(well_formed[length]);
	return 0;
}

/* Where three bytes stop being UTF-8, by the table; none begins with F0 to F4. */
static size_t expected_invalid(const unsigned char *s, size_t n)
{
	size_t at = 0;

	while (at < n) {
		size_t k = 1;

		while (k <= n - at && k <= 3 && !is_set(k, s + at))
			k++;
		if (k > n - at || k > 3)
			return at;
		at += k;
	}
	return n;
}

static void every_sequence_of_three_bytes(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 1u << 24; i++) {
		unsigned char s[3] = { (unsigned char)(i >> 16), (unsigned char)(i >> 8), (unsigned char)i };
		size_t invalid = utf8_invalid((const char *)s, 3);

		if (invalid != expected_invalid(s, 3))
			fail_msg("%06x: %zu", i, invalid);
		if ((i & 0xFFFF) == 0 && utf8_invalid((const char *)s, 1) != expected_invalid(s, 1))
			fail_msg("%02x", s[0]);
		if ((i & 0xFF) == 0 && utf8_invalid((const char *)s, 2) != expected_invalid(s, 2))
			fail_msg("%02x %02x", s[0], s[1]);
	}
}

static void every_character_there_and_back(void **state)
{
	(void)state;
	for (uint32_t c = 0; c <= 0x10FFFF; c++) {
		char s[4];
		size_t n;
		size_t at = 0;

		if (c >= 0xD800 && c <= 0xDFFF)
			continue;
		n = utf8_put(s, c);
		assert_true(n <= 3 ? is_set(n, (unsigned char *)s) : n == 4);
		assert_true(utf8_invalid(s, n) == n);
		assert_true(utf8_next(s, n, &at) == c && at == n);
		for (size_t cut = 1; cut < n; cut++)
			assert_true(utf8_invalid(s, cut) == 0);
	}
}

/* Four bytes: F0 90 to F4 8F begin characters, the rest of F0 to FF nothing. */
static void four_bytes(void **state)
{
	(void)state;
	for (unsigned first = 0xF0; first <= 0xFF; first++)
		for (unsigned second = 0; second <= 0xFF; second++) {
			char s[4] = { (char)first, (char)second, (char)0x80, (char)0xBF };
			uint32_t c = (first & 7) << 18 | (second & 0x3F) << 12 | 0x3F;
			bool good = first < 0xF8 && second >> 6 == 2 && c >= 0x10000 && c <= 0x10FFFF;

			assert_true(utf8_invalid(s, 4) == (good ? 4 : 0));
			s[3] = 'a';
			assert_true(utf8_invalid(s, 4) == 0);
		}
}

/* The examples of Unicode 15, tables 3-8 to 3-11, and truncations; from before a guard page. */
static void mended(void **state)
{
	static const struct {
		const char *from;
		const char *to; /* ? for U+FFFD */
	} cases[] = {
		{ "\xC0\xAF\xE0\x80\xBF\xF0\x81\x82\x41", "????????A" },
		{ "\xED\xA0\x80\xED\xBF\xBF\xED\xAF\x41", "????????A" },
		{ "\xF4\x91\x92\x93\xFF\x41\x80\xBF\x42", "?????A??B" },
		{ "\xE1\x80\xE2\xF0\x91\x92\xF1\xBF\x41", "????A" },
		{ "", "" },
		{ "plain", "plain" },
		{ "a\xF0\x9F\x98", "a?" },
		{ "a\xF0\x9F", "a?" },
		{ "a\xE4", "a?" },
		{ "\xEF\xBF", "?" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t n = strlen(cases[i].from);
		char *copy = guard_copy(cases[i].from, n);
		struct buf expected = { 0 };
		struct buf got = { 0 };

		for (const char *p = cases[i].to; *p; p++)
			if (*p == '?')
				buf_text(&expected, "\xEF\xBF\xBD");
			else
				buf_byte(&expected, *p);
		utf8_mend(&got, copy, n);
		assert_int_equal(got.len, expected.len);
		assert_string_equal(buf_string(&got), buf_string(&expected));
		assert_int_equal(utf8_invalid(got.data, got.len), got.len);
		buf_free(&got);
		buf_free(&expected);
		guard_free(copy, n);
	}
}

/* A byte that is not ASCII at every place of texts around the eight bytes that are looked at together. */
static void ascii(void **state)
{
	(void)state;
	for (size_t n = 0; n < 40; n++)
		for (size_t at = 0; at <= n; at++) {
			char text[40];
			char *copy;

			memset(text, 0x7F, sizeof(text));
			if (at < n)
				text[at] = (char)0x80;
			copy = guard_copy(text, n);
			assert_int_equal(utf8_ascii(copy, n), at);
			assert_int_equal(utf8_invalid(copy, n), at);
			guard_free(copy, n);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_sequence_of_three_bytes),
		cmocka_unit_test(every_character_there_and_back),
		cmocka_unit_test(four_bytes),
		cmocka_unit_test(mended),
		cmocka_unit_test(ascii),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
