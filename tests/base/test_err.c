#include "base/err.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs those before it */
#include <cmocka.h>

static void setting_returns_minus_one_and_clears_the_field(void **state)
{
	struct err err = { 0 };

	(void)state;
	assert_int_equal(err_param(&err, "old"), -1);
	assert_int_equal(err_set(&err, ERR_INPUT, "%d is not %s", 3, "four"), -1);
	assert_int_equal(err.code, ERR_INPUT);
	assert_string_equal(err.text, "3 is not four");
	assert_string_equal(err.param, "");
}

static void a_prefix_keeps_code_and_field(void **state)
{
	struct err err = { 0 };

	(void)state;
	(void)err_set(&err, ERR_FORMAT, "line %d", 7);
	(void)err_param(&err, "input");
	assert_int_equal(err_prefix(&err, "%s", "file.txt"), -1);
	assert_string_equal(err.text, "file.txt: line 7");
	assert_string_equal(err.param, "input");
	assert_int_equal(err.code, ERR_FORMAT);
}

static void long_messages_are_cut(void **state)
{
	struct err err = { 0 };
	char text[1000];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	(void)err_set(&err, ERR_IO, "%s", text);
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
	(void)err_prefix(&err, "%s", text);
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
	(void)err_param(&err, text);
	assert_int_equal(strlen(err.param), sizeof(err.param) - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(setting_returns_minus_one_and_clears_the_field),
		cmocka_unit_test(a_prefix_keeps_code_and_field),
		cmocka_unit_test(long_messages_are_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
