#include "base/json.h"

#include "base/buf.h"
#include "base/err.h"
#include "support/guard.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs those before it */
#include <cmocka.h>

static const struct json_limits plenty = { 64, 100000 };

static json_t *read_guarded(const char *text, size_t n, struct json_limits limits, struct err *err)
{
	char *guarded = guard_copy(text, n);
	json_t *value = json_read(guarded, n, limits, err);

	guard_free(guarded, n);
	return value;
}

static void refuse(const char *text, struct json_limits limits, enum err_code code, const char *part)
{
	struct err err = { 0 };

	assert_null(read_guarded(text, strlen(text), limits, &err));
	assert_int_equal(err.code, code);
	if (!strstr(err.text, part))
		fail_msg("\"%s\" is not in \"%s\"", part, err.text);
}

static void check_round_trip(const char *text)
{
	struct err err = { 0 };
	struct buf buf = { 0 };
	json_t *value = read_guarded(text, strlen(text), plenty, &err);

	assert_non_null(value);
	json_put(&buf, value);
	assert_string_equal(buf_string(&buf), text);
	json_decref(value);
	buf_free(&buf);
}

static void values_come_back(void **state)
{
	(void)state;
	check_round_trip("{\"a\":[1,-2.5,true,false,null],\"b\":{\"c\":\"x\\\"y\"}}");
	check_round_trip("\"alone\"");
	check_round_trip("17");
	check_round_trip("null");
	check_round_trip("[]");
	check_round_trip("[0.100000001,1e-20]");
}

static void what_is_no_json_is_refused_with_its_place(void **state)
{
	(void)state;
	refuse("", plenty, ERR_INPUT, "byte 0");
	refuse("[1,\n2,x]", plenty, ERR_INPUT, "line 2");
	refuse("{\"a\":1,\"a\":2}", plenty, ERR_INPUT, "duplicate");
	refuse("[1] 2", plenty, ERR_INPUT, "byte 5");
	refuse("\"\xC0\x80\"", plenty, ERR_INPUT, "decode byte");
	refuse("\"\xED\xA0\x80\"", plenty, ERR_INPUT, "decode byte");
	refuse("\"\\ud800\"", plenty, ERR_INPUT, "nvalid Unicode");
	refuse("[01]", plenty, ERR_INPUT, "byte");
	refuse("[1,]", plenty, ERR_INPUT, "byte");
	refuse("{\"a\":\"", plenty, ERR_INPUT, "byte");
	refuse("\"\\", plenty, ERR_INPUT, "byte");
	refuse("NaN", plenty, ERR_INPUT, "byte");
}

/* A message goes to logs, the text does not. */
static void messages_do_not_quote_the_text(void **state)
{
	const char *text = "{\"password\": secret}";
	struct err err = { 0 };

	(void)state;
	assert_null(json_read(text, strlen(text), plenty, &err));
	assert_null(strstr(err.text, "secret"));
	assert_non_null(strstr(err.text, "byte"));
}

static void limits_are_exact(void **state)
{
	struct err err = { 0 };
	json_t *value;

	(void)state;
	value = json_read("[[[1]]]", 7, (struct json_limits){ 3, 4 }, &err);
	assert_non_null(value);
	json_decref(value);
	refuse("[[[1]]]", (struct json_limits){ 2, 100 }, ERR_TOO_LARGE, "2 levels");
	refuse("[[[1]]]", (struct json_limits){ 3, 3 }, ERR_TOO_LARGE, "3 values");
	refuse("[]", (struct json_limits){ 0, 100 }, ERR_TOO_LARGE, "nested");
	/* Brackets in strings are text. */
	value = json_read("[\"[[[[\\\"[[[\",\"]\"]", 17, (struct json_limits){ 1, 3 }, &err);
	assert_non_null(value);
	json_decref(value);
}

/* 4 MB of "[],": refused before the library makes 180 MB of it. */
static void bombs_are_refused(void **state)
{
	static const char *const pieces[] = { "[],", "{},", "1,", "\"\",", "[", "{\"a\":", "a ", "\"a\"" };
	size_t n = 4 << 20;
	char *text = malloc(n);

	(void)state;
	for (size_t p = 0; p < sizeof(pieces) / sizeof(pieces[0]); p++) {
		struct err err = { 0 };

		for (size_t i = 0; i < n; i++)
			text[i] = pieces[p][i % strlen(pieces[p])];
		text[0] = '[';
		assert_null(json_read(text, n, plenty, &err));
		assert_int_equal(err.code, ERR_TOO_LARGE);
	}
	free(text);
}

static unsigned roll(unsigned n)
{
	static uint64_t state = 88172645463325252ULL;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (unsigned)(state >> 33) % n;
}

/* Writes a random value; returns how many nodes it has, keys included. */
static size_t draw_value(struct buf *buf, unsigned depth)
{
	static const char *const leaves[] = { "1",    "-2.5e3",	   "true",    "null",
					      "\"\"", "\"a\\\\\"", "\"[,]\"", "\"\\\"{\"" };
	unsigned kind = roll(depth ? 4 : 2);
	unsigned n = roll(4);
	size_t nodes = 1;

	if (kind < 2) {
		buf_text(buf, leaves[roll(8)]);
		return 1;
	}
	buf_byte(buf, kind == 2 ? '[' : '{');
	for (unsigned i = 0; i < n; i++) {
		buf_text(buf, i ? " ,\n" : "");
		if (kind == 3)
			buf_printf(buf, "\"k%u\" : ", i);
		nodes += (kind == 3) + draw_value(buf, depth - 1);
	}
	buf_byte(buf, kind == 2 ? ']' : '}');
	return nodes;
}

static void nodes_are_counted_as_they_are(void **state)
{
	(void)state;
	for (int round = 0; round < 2000; round++) {
		struct buf buf = { 0 };
		struct err err = { 0 };
		size_t nodes = draw_value(&buf, 6);
		json_t *value = read_guarded(buf.data, buf.len, (struct json_limits){ 6, nodes }, &err);

		assert_non_null(value);
		json_decref(value);
		assert_null(read_guarded(buf.data, buf.len, (struct json_limits){ 6, nodes - 1 }, &err));
		assert_int_equal(err.code, ERR_TOO_LARGE);
		buf_free(&buf);
	}
}

static void check_string(const char *text, size_t n, const char *expected)
{
	struct buf buf = { 0 };
	char *guarded = guard_copy(text, n);

	json_put_string(&buf, guarded, n);
	assert_string_equal(buf_string(&buf), expected);
	guard_free(guarded, n);
	buf_free(&buf);
}

static void strings_are_escaped(void **state)
{
	(void)state;
	check_string("", 0, "\"\"");
	check_string("plain", 5, "\"plain\"");
	check_string("a\"b\\c", 5, "\"a\\\"b\\\\c\"");
	check_string("\b\t\n\f\r", 5, "\"\\b\\t\\n\\f\\r\"");
	check_string("\0\x1B\x7F", 3, "\"\\u0000\\u001b\\u007f\"");
	check_string("\xC2\x85\xE2\x80\xA8\xE2\x80\xA9", 8, "\"\\u0085\\u2028\\u2029\"");
	check_string("\xC3\xA9\xE4\xB8\xAD\xF0\x9F\x98\x80", 9, "\"\xC3\xA9\xE4\xB8\xAD\xF0\x9F\x98\x80\"");
}

#define BAD "\xEF\xBF\xBD"

static void invalid_utf8_becomes_the_replacement(void **state)
{
	(void)state;
	check_string("\x80", 1, "\"" BAD "\"");
	check_string("a\xFFz", 3, "\"a" BAD "z\"");
	check_string("\xC0\x80", 2, "\"" BAD BAD "\""); /* overlong */
	check_string("\xE0\x80\x80", 3, "\"" BAD BAD BAD "\"");
	check_string("\xED\xA0\x80", 3, "\"" BAD BAD BAD "\"");		/* surrogate */
	check_string("\xF4\x90\x80\x80", 4, "\"" BAD BAD BAD BAD "\""); /* above U+10FFFF */
	check_string("\xF5\x80\x80\x80", 4, "\"" BAD BAD BAD BAD "\"");
	check_string("x\xE4\xB8", 3, "\"x" BAD BAD "\""); /* cut off */
	check_string("\xC3(", 2, "\"" BAD "(\"");
}

/* Any bytes read back as they were put. */
static void any_bytes_make_valid_json(void **state)
{
	(void)state;
	for (int round = 0; round < 5000; round++) {
		struct buf buf = { 0 };
		struct err err = { 0 };
		char bytes[12];
		json_t *value;

		for (size_t i = 0; i < sizeof(bytes); i++)
			bytes[i] = (char)(1 + roll(255));
		json_put_string(&buf, bytes, sizeof(bytes));
		value = json_read(buf.data, buf.len, plenty, &err);
		assert_non_null(value);
		json_decref(value);
		buf_free(&buf);
	}
}

static void floats_read_back_to_the_same(void **state)
{
	float x[200];
	struct buf buf = { 0 };
	const char *at;

	(void)state;
	srand(1);
	for (size_t i = 0; i < 200; i++)
		x[i] = ((float)rand() / (float)RAND_MAX - 0.5f) * powf(10.0f, (float)(rand() % 20 - 10));
	json_put_floats(&buf, "", x, 200);
	at = buf_string(&buf);
	for (size_t i = 0; i < 200; i++) {
		char *end;

		assert_int_equal(*at, i ? ',' : '[');
		assert_true(strtof(at + 1, &end) == x[i]);
		at = end;
	}
	assert_string_equal(at, "]");
	buf_reset(&buf);
	json_put_floats(&buf, "", x, 0);
	assert_string_equal(buf_string(&buf), "[]");
	x[1] = NAN;
	json_put_floats(&buf, "", x, 2);
	assert_true(buf.failed);
	buf_reset(&buf);
	json_put_float(&buf, "", INFINITY);
	assert_true(buf.failed);
	buf_free(&buf);
}

/* RFC 4648, section 10 */
static void base64_is_standard_and_padded(void **state)
{
	static const char *const pairs[][2] = {
		{ "", "\"\"" },
		{ "f", "\"Zg==\"" },
		{ "fo", "\"Zm8=\"" },
		{ "foo", "\"Zm9v\"" },
		{ "foob", "\"Zm9vYg==\"" },
		{ "fooba", "\"Zm9vYmE=\"" },
		{ "foobar", "\"Zm9vYmFy\"" },
		{ "\xFB\xFF\xFE", "\"+//+\"" },
	};
	struct buf buf = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		buf_reset(&buf);
		json_put_base64(&buf, pairs[i][0], strlen(pairs[i][0]));
		assert_string_equal(buf_string(&buf), pairs[i][1]);
	}
	buf_free(&buf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_come_back),
		cmocka_unit_test(what_is_no_json_is_refused_with_its_place),
		cmocka_unit_test(messages_do_not_quote_the_text),
		cmocka_unit_test(limits_are_exact),
		cmocka_unit_test(bombs_are_refused),
		cmocka_unit_test(nodes_are_counted_as_they_are),
		cmocka_unit_test(strings_are_escaped),
		cmocka_unit_test(invalid_utf8_becomes_the_replacement),
		cmocka_unit_test(any_bytes_make_valid_json),
		cmocka_unit_test(floats_read_back_to_the_same),
		cmocka_unit_test(base64_is_standard_and_padded),
	};

	json_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
