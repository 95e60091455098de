#include "base/buf.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs those before it */
#include <cmocka.h>

static void bytes_are_appended(void **state)
{
	struct buf buf = { 0 };

	(void)state;
	assert_string_equal(buf_string(&buf), "");
	buf_add(&buf, "abc", 2);
	buf_byte(&buf, 'X');
	buf_text(&buf, "yz");
	buf_printf(&buf, " %d %s", 42, "ok");
	buf_add(&buf, "", 0);
	assert_string_equal(buf_string(&buf), "abXyz 42 ok");
	assert_int_equal(buf.len, 11);
	buf_reset(&buf);
	assert_int_equal(buf.len, 0);
	buf_free(&buf);
	assert_null(buf.data);
}

static void it_grows(void **state)
{
	struct buf buf = { 0 };

	(void)state;
	for (int i = 0; i < 100000; i++)
		buf_byte(&buf, (char)i);
	assert_int_equal(buf.len, 100000);
	for (int i = 0; i < 100000; i++)
		assert_int_equal(buf.data[i], (char)i);
	assert_non_null(buf_reserve(&buf, 1 << 20));
	assert_true(buf.cap - buf.len >= 1 << 20);
	buf_free(&buf);
}

static void a_failure_stays_until_reset(void **state)
{
	struct buf buf = { 0 };

	(void)state;
	buf_text(&buf, "abc");
	assert_null(buf_reserve(&buf, SIZE_MAX - 1));
	assert_true(buf.failed);
	buf_text(&buf, "def");
	buf_printf(&buf, "%d", 1);
	assert_int_equal(buf.len, 3);
	assert_string_equal(buf_string(&buf), "");
	buf_reset(&buf);
	buf_text(&buf, "ghi");
	assert_string_equal(buf_string(&buf), "ghi");
	buf_free(&buf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_are_appended),
		cmocka_unit_test(it_grows),
		cmocka_unit_test(a_failure_stays_until_reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
