#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "routes/routes.h"
#include "routes/wire.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static json_t *object_of(const char *text, struct err *err)
{
	struct request request = { .body = text, .body_n = strlen(text) };

	*err = (struct err){ 0 };
	return wire_object(&request, 100, err);
}

static void refused(const char *body, const char *says)
{
	struct err err;

	assert_null(object_of(body, &err));
	if (!strstr(err.text, says))
		fail_msg("%s: said `%s`, expected `%s`", body, err.text, says);
}

static void bodies_that_are_no_objects_are_refused(void **state)
{
	(void)state;
	refused("", "empty");
	refused("[1]", "must be a JSON object");
	refused("\"a\"", "must be a JSON object");
	refused("{", "not valid JSON at byte");
	refused("{\"a\":1,}", "not valid JSON at byte");
	refused("{\"a\":1}x", "not valid JSON at byte");
	refused("{\"a\":1,\"a\":2}", "not valid JSON at byte");
	refused("{\"a\":\"\\u0000\"}", "character \\u0000 at byte");
	refused("{\"a\":\"\\ud800\"}", "not valid JSON at byte");
	refused("{\"a\":NaN}", "not valid JSON at byte");
	refused("{\"a\":1e999}", "not valid JSON at byte");
	refused("{\"a\":[[[[[[[[[1]]]]]]]]]}", "deep");
}

/* The offset is that of the first byte that is wrong. */
static void bytes_that_are_not_utf8_are_named(void **state)
{
	(void)state;
	refused("{\"a\":\"xy\xFF\"}", "byte 8");
	refused("{\"a\":\"\xC3\"}", "byte 6");
	refused("{\"a\":\"\xED\xA0\x80\"}", "byte 6");
}

static void members_are_read_or_named(void **state)
{
	struct err err = { 0 };
	json_t *o = object_of("{\"t\":\"x\",\"n\":2.5,\"i\":7,\"b\":true,\"z\":null,\"neg\":-1}", &err);
	const char *t = "was";
	double n = 0;
	uint64_t i = 0;
	bool b = false;

	(void)state;
	assert_non_null(o);
	assert_int_equal(wire_text(&t, o, "t", &err), 1);
	assert_string_equal(t, "x");
	assert_int_equal(wire_text(&t, o, "z", &err), 0);
	assert_int_equal(wire_text(&t, o, "absent", &err), 0);
	assert_string_equal(t, "x");
	assert_int_equal(wire_text(&t, o, "i", &err), -1);
	assert_string_equal(err.param, "i");
	assert_non_null(strstr(err.text, "string"));

	assert_int_equal(wire_number(&n, o, "n", 0, 3, &err), 1);
	assert_true(n == 2.5);
	assert_int_equal(wire_number(&n, o, "i", 0, 10, &err), 1);
	assert_int_equal(wire_number(&n, o, "n", 3, 4, &err), -1);
	assert_string_equal(err.param, "n");
	assert_int_equal(wire_number(&n, o, "t", 0, 4, &err), -1);

	assert_int_equal(wire_count(&i, o, "i", 1, 7, &err), 1);
	assert_int_equal(i, 7);
	assert_int_equal(wire_count(&i, o, "i", 1, 6, &err), -1);
	assert_int_equal(wire_count(&i, o, "i", 8, 9, &err), -1);
	assert_int_equal(wire_count(&i, o, "n", 0, 9, &err), -1);
	assert_int_equal(wire_count(&i, o, "neg", 0, UINT64_MAX, &err), -1);

	assert_int_equal(wire_bool(&b, o, "b", &err), 1);
	assert_true(b);
	assert_int_equal(wire_bool(&b, o, "z", &err), 0);
	assert_true(b);
	assert_int_equal(wire_bool(&b, o, "i", &err), -1);
	json_decref(o);
}

static void texts_are_borrowed(void **state)
{
	struct err err = { 0 };
	json_t *o = object_of("{\"a\":[\"x\",\"\",\"\\u00e9\"],\"e\":[],\"m\":[\"x\",1],\"s\":\"x\"}", &err);
	struct arena arena;
	const struct text *texts;

	(void)state;
	arena_init(&arena, 1 << 20);
	assert_int_equal(wire_texts(&texts, o, "a", 3, &arena, &err), 3);
	assert_int_equal(texts[0].n, 1);
	assert_int_equal(texts[1].n, 0);
	assert_int_equal(texts[2].n, 2);
	assert_memory_equal(texts[2].at, "\xC3\xA9", 2);
	assert_int_equal(wire_texts(&texts, o, "a", 2, &arena, &err), -1);
	assert_non_null(strstr(err.text, "3 texts"));
	assert_int_equal(wire_texts(&texts, o, "e", 2, &arena, &err), -1);
	assert_int_equal(wire_texts(&texts, o, "s", 2, &arena, &err), -1);
	assert_int_equal(wire_texts(&texts, o, "absent", 2, &arena, &err), -1);
	assert_int_equal(wire_texts(&texts, o, "m", 2, &arena, &err), -1);
	assert_non_null(strstr(err.text, "`m[1]`"));
	arena_free(&arena);
	json_decref(o);
}

static void strange_members_are_named(void **state)
{
	static const char *const known[] = { "text", "model", NULL };
	struct err err = { 0 };
	json_t *o = object_of("{\"text\":1,\"modle\":2}", &err);

	(void)state;
	assert_int_equal(wire_only(o, known, &err), -1);
	assert_string_equal(err.param, "modle");
	assert_non_null(strstr(err.text, "text, model"));
	json_decref(o);
	o = object_of("{\"text\":1}", &err);
	assert_int_equal(wire_only(o, known, &err), 0);
	json_decref(o);
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
	wire_put_floats(&buf, x, 200);
	at = buf_string(&buf);
	for (size_t i = 0; i < 200; i++) {
		char *end;

		assert_int_equal(*at, i ? ',' : '[');
		assert_true(strtof(at + 1, &end) == x[i]);
		at = end;
	}
	assert_string_equal(at, "]");
	buf_reset(&buf);
	wire_put_floats(&buf, x, 0);
	assert_string_equal(buf_string(&buf), "[]");
	x[1] = NAN;
	wire_put_floats(&buf, x, 2);
	assert_true(buf.failed);
	buf_reset(&buf);
	wire_put_float(&buf, INFINITY);
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
		wire_put_base64(&buf, pairs[i][0], strlen(pairs[i][0]));
		assert_string_equal(buf_string(&buf), pairs[i][1]);
	}
	buf_free(&buf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bodies_that_are_no_objects_are_refused),
		cmocka_unit_test(bytes_that_are_not_utf8_are_named),
		cmocka_unit_test(members_are_read_or_named),
		cmocka_unit_test(texts_are_borrowed),
		cmocka_unit_test(strange_members_are_named),
		cmocka_unit_test(floats_read_back_to_the_same),
		cmocka_unit_test(base64_is_standard_and_padded),
	};

	json_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
