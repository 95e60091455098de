#include "base/arena.h"
#include "base/err.h"
#include "embed/embedder.h"
#include "routes/request.h"
#include "routes/routes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static json_t *object_of(const char *text, struct err *err)
{
	struct request request = { .body = text, .body_n = strlen(text) };

	*err = (struct err){ 0 };
	return request_object(&request, 100, err);
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

static void texts_are_borrowed(void **state)
{
	struct err err = { 0 };
	json_t *o = object_of("{\"a\":[\"x\",\"\",\"\\u00e9\"],\"e\":[],\"m\":[\"x\",1],\"s\":\"x\"}", &err);
	struct arena arena;
	const struct text *texts;

	(void)state;
	arena_init(&arena, 1 << 20);
	assert_int_equal(request_texts(&texts, o, "a", 3, &arena, &err), 3);
	assert_int_equal(texts[0].n, 1);
	assert_int_equal(texts[1].n, 0);
	assert_int_equal(texts[2].n, 2);
	assert_memory_equal(texts[2].at, "\xC3\xA9", 2);
	assert_int_equal(request_texts(&texts, o, "a", 2, &arena, &err), -1);
	assert_non_null(strstr(err.text, "3 texts"));
	assert_int_equal(request_texts(&texts, o, "e", 2, &arena, &err), -1);
	assert_int_equal(request_texts(&texts, o, "s", 2, &arena, &err), -1);
	assert_int_equal(request_texts(&texts, o, "absent", 2, &arena, &err), -1);
	assert_int_equal(request_texts(&texts, o, "m", 2, &arena, &err), -1);
	assert_non_null(strstr(err.text, "`m[1]`"));
	arena_free(&arena);
	json_decref(o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bodies_that_are_no_objects_are_refused),
		cmocka_unit_test(bytes_that_are_not_utf8_are_named),
		cmocka_unit_test(texts_are_borrowed),
	};

	json_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
