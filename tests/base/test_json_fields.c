#include "base/err.h"
#include "base/json_fields.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static json_t *object_of(const char *text, struct err *err)
{
	*err = (struct err){ 0 };
	return json_read(text, strlen(text), (struct json_limits){ .depth = 4, .nodes = 100 }, err);
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
	assert_int_equal(json_get_text(&t, o, "t", &err), 1);
	assert_string_equal(t, "x");
	assert_int_equal(json_get_text(&t, o, "z", &err), 0);
	assert_int_equal(json_get_text(&t, o, "absent", &err), 0);
	assert_string_equal(t, "x");
	assert_int_equal(json_get_text(&t, o, "i", &err), -1);
	assert_string_equal(err.param, "i");
	assert_non_null(strstr(err.text, "string"));

	assert_int_equal(json_get_number(&n, o, "n", 0, 3, &err), 1);
	assert_true(n == 2.5);
	assert_int_equal(json_get_number(&n, o, "i", 0, 10, &err), 1);
	assert_int_equal(json_get_number(&n, o, "n", 3, 4, &err), -1);
	assert_string_equal(err.param, "n");
	assert_int_equal(json_get_number(&n, o, "t", 0, 4, &err), -1);

	assert_int_equal(json_get_count(&i, o, "i", 1, 7, &err), 1);
	assert_int_equal(i, 7);
	assert_int_equal(json_get_count(&i, o, "i", 1, 6, &err), -1);
	assert_int_equal(json_get_count(&i, o, "i", 8, 9, &err), -1);
	assert_int_equal(json_get_count(&i, o, "n", 0, 9, &err), -1);
	assert_int_equal(json_get_count(&i, o, "neg", 0, UINT64_MAX, &err), -1);

	assert_int_equal(json_get_bool(&b, o, "b", &err), 1);
	assert_true(b);
	assert_int_equal(json_get_bool(&b, o, "z", &err), 0);
	assert_true(b);
	assert_int_equal(json_get_bool(&b, o, "i", &err), -1);
	json_decref(o);
}

static void strange_members_are_named(void **state)
{
	static const char *const known[] = { "text", "model", NULL };
	struct err err = { 0 };
	json_t *o = object_of("{\"text\":1,\"modle\":2}", &err);

	(void)state;
	assert_int_equal(json_only(o, known, &err), -1);
	assert_string_equal(err.param, "modle");
	assert_non_null(strstr(err.text, "text, model"));
	json_decref(o);
	o = object_of("{\"text\":1}", &err);
	assert_int_equal(json_only(o, known, &err), 0);
	json_decref(o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(members_are_read_or_named),
		cmocka_unit_test(strange_members_are_named),
	};

	json_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
