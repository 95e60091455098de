#include "base/arena.h"

#include "base/err.h"

#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
/* cmocka.h needs those before it */
#include <cmocka.h>

static void pieces_are_aligned_and_apart(void **state)
{
	struct arena arena;
	struct err err = { 0 };
	unsigned char *pieces[200];

	(void)state;
	arena_init(&arena, 10 << 20);
	for (size_t i = 0; i < 200; i++) {
		pieces[i] = arena_alloc(&arena, i * 7, 3, &err);
		assert_non_null(pieces[i]);
		assert_int_equal((uintptr_t)pieces[i] % 64, 0);
		memset(pieces[i], (int)i, i * 21);
	}
	for (size_t i = 0; i < 200; i++)
		for (size_t j = 0; j < i * 21; j++)
			assert_int_equal(pieces[i][j], i);
	arena_free(&arena);
}

static void the_limit_holds(void **state)
{
	struct arena arena;
	struct err err = { 0 };

	(void)state;
	arena_init(&arena, 1000);
	assert_non_null(arena_alloc(&arena, 640, 1, &err));
	assert_null(arena_alloc(&arena, 361, 1, &err));
	assert_int_equal(err.code, ERR_TOO_LARGE);
	assert_non_null(arena_alloc(&arena, 320, 1, &err));
	assert_null(arena_alloc(&arena, 1, 1, &err));
	arena_reset(&arena);
	assert_int_equal(arena.used, 0);
	assert_non_null(arena_alloc(&arena, 960, 1, &err));
	arena_free(&arena);
}

static void sizes_that_overflow_are_refused(void **state)
{
	struct arena arena;
	struct err err = { 0 };

	(void)state;
	arena_init(&arena, SIZE_MAX);
	assert_null(arena_alloc(&arena, SIZE_MAX / 2, 4, &err));
	assert_null(arena_alloc(&arena, SIZE_MAX, 1, &err));
	assert_null(arena_alloc(&arena, SIZE_MAX - 62, 1, &err));
	assert_int_equal(err.code, ERR_TOO_LARGE);
	arena_free(&arena);
}

static void a_reset_keeps_the_first_block(void **state)
{
	struct arena arena;
	struct err err = { 0 };
	void *first;

	(void)state;
	arena_init(&arena, 10 << 20);
	first = arena_alloc(&arena, 100, 1, &err);
	for (int i = 0; i < 10; i++)
		assert_non_null(arena_alloc(&arena, 100000, 1, &err));
	arena_reset(&arena);
	assert_ptr_equal(arena_alloc(&arena, 100, 1, &err), first);
	arena_free(&arena);
	arena_reset(&arena); /* empty: allowed */
	arena_free(&arena);
}

/* A first block larger than usual is not kept for every later request. */
static void a_reset_lets_go_of_a_large_block(void **state)
{
	struct arena arena;
	struct err err = { 0 };

	(void)state;
	arena_init(&arena, 10 << 20);
	assert_non_null(arena_alloc(&arena, 1 << 20, 1, &err));
	arena_reset(&arena);
	assert_null(arena.blocks);
	assert_non_null(arena_alloc(&arena, 0, 8, &err));
	arena_free(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_are_aligned_and_apart),
		cmocka_unit_test(the_limit_holds),
		cmocka_unit_test(sizes_that_overflow_are_refused),
		cmocka_unit_test(a_reset_keeps_the_first_block),
		cmocka_unit_test(a_reset_lets_go_of_a_large_block),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
