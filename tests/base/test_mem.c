#include "base/mem.h"

#include "base/err.h"

#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs those before it */
#include <cmocka.h>

static void memory_comes_zeroed(void **state)
{
	struct err err = { 0 };
	char *a = mem_new(100, 10);
	char *b = mem_try(100, 10, &err);
	char *c = mem_try_aligned(100, 10, &err);

	(void)state;
	assert_non_null(b);
	assert_non_null(c);
	assert_int_equal((uintptr_t)c % 64, 0);
	for (int i = 0; i < 1000; i++)
		assert_true(a[i] == 0 && b[i] == 0 && c[i] == 0);
	free(a);
	free(b);
	free(c);
}

static void nothing_is_a_pointer_too(void **state)
{
	struct err err = { 0 };
	void *a = mem_new(0, 8);
	void *b = mem_try(0, 8, &err);
	void *c = mem_try_aligned(0, 8, &err);

	(void)state;
	assert_non_null(a);
	assert_non_null(b);
	assert_non_null(c);
	free(a);
	free(b);
	free(c);
}

static void sizes_that_overflow_are_refused(void **state)
{
	struct err err = { 0 };
	char *p = mem_new(10, 1);

	(void)state;
	assert_null(mem_try(SIZE_MAX / 2, 4, &err));
	assert_int_equal(err.code, ERR_MEMORY);
	err.code = ERR_NONE;
	assert_null(mem_try_aligned(SIZE_MAX / 2, 4, &err));
	assert_int_equal(err.code, ERR_MEMORY);
	assert_null(mem_try_aligned(SIZE_MAX - 10, 1, &err));
	strcpy(p, "kept");
	err.code = ERR_NONE;
	assert_int_equal(mem_resize(&p, SIZE_MAX / 2, 4, &err), -1);
	assert_int_equal(err.code, ERR_MEMORY);
	assert_string_equal(p, "kept");
	assert_int_equal(mem_resize(&p, 100000, 1, &err), 0);
	assert_string_equal(p, "kept");
	assert_int_equal(mem_resize(&p, 0, 0, &err), 0);
	assert_non_null(p);
	free(p);
}

static void text_is_copied_and_ended(void **state)
{
	char *copy = mem_text("abcdef", 3);

	(void)state;
	assert_string_equal(copy, "abc");
	free(copy);
	copy = mem_text("", 0);
	assert_string_equal(copy, "");
	free(copy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_comes_zeroed),
		cmocka_unit_test(nothing_is_a_pointer_too),
		cmocka_unit_test(sizes_that_overflow_are_refused),
		cmocka_unit_test(text_is_copied_and_ended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
