/* What is saved is loaded; what is damaged, or of another run, is not. */
#include "learn/checkpoint.h"

#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { N = 1000 };

struct run {
	float x[N];
	uint64_t step;
	char folder[64], path[80];
	struct checkpoint_part parts[3];
};

static int setup(void **state)
{
	struct run *r = calloc(1, sizeof(*r));

	assert_non_null(r);
	(void)snprintf(r->folder, sizeof(r->folder), "/tmp/sifd-checkpoint-XXXXXX");
	assert_non_null(mkdtemp(r->folder));
	(void)snprintf(r->path, sizeof(r->path), "%s/state", r->folder);
	for (size_t i = 0; i < N; i++)
		r->x[i] = (float)i;
	r->step = 77;
	r->parts[0] = (struct checkpoint_part){ "vectors", r->x, sizeof(r->x) };
	r->parts[1] = (struct checkpoint_part){ "step", &r->step, sizeof(r->step) };
	r->parts[2] = (struct checkpoint_part){ "empty", NULL, 0 };
	*state = r;
	return 0;
}

static int teardown(void **state)
{
	struct run *r = *state;

	(void)unlink(r->path);
	(void)rmdir(r->folder);
	free(r);
	return 0;
}

static void comes_back(void **state)
{
	struct run *r = *state;
	struct err err = { 0 };

	assert_int_equal(checkpoint_load(r->path, "abc", r->parts, 3, &err), -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);
	assert_int_equal(checkpoint_save(r->path, "abc", r->parts, 3, &err), 0);
	memset(r->x, 0, sizeof(r->x));
	r->step = 0;
	assert_int_equal(checkpoint_load(r->path, "abc", r->parts, 3, &err), 0);
	assert_true(r->step == 77 && r->x[999] == 999);
}

static void another_run_is_refused(void **state)
{
	struct run *r = *state;
	struct err err = { 0 };

	assert_int_equal(checkpoint_save(r->path, "abc", r->parts, 3, &err), 0);
	r->step = 5;
	assert_int_equal(checkpoint_load(r->path, "abd", r->parts, 3, &err), -1);
	assert_int_equal(err.code, ERR_INPUT);
	assert_non_null(strstr(err.text, "another run"));
	assert_int_equal(r->step, 5);
	r->parts[0].bytes -= 4;
	assert_int_equal(checkpoint_load(r->path, "abc", r->parts, 3, &err), -1);
	assert_int_equal(err.code, ERR_FORMAT);
	r->parts[0].bytes += 4;
	r->parts[2].name = "other";
	assert_int_equal(checkpoint_load(r->path, "abc", r->parts, 3, &err), -1);
	assert_int_equal(err.code, ERR_FORMAT);
}

/* Any changed byte of the data, any shorter file. */
static void damage_is_seen(void **state)
{
	struct run *r = *state;
	struct err err = { 0 };
	FILE *f;
	long size;

	assert_int_equal(checkpoint_save(r->path, "abc", r->parts, 3, &err), 0);
	f = fopen(r->path, "r+b");
	assert_non_null(f);
	assert_int_equal(fseek(f, 0, SEEK_END), 0);
	size = ftell(f);
	assert_int_equal(fseek(f, size - 2000, SEEK_SET), 0);
	assert_int_equal(fputc(0x55, f), 0x55);
	assert_int_equal(fclose(f), 0);
	r->step = 5;
	assert_int_equal(checkpoint_load(r->path, "abc", r->parts, 3, &err), -1);
	assert_int_equal(err.code, ERR_FORMAT);
	assert_int_equal(r->step, 5);
	for (long n = 0; n < size; n += 511) {
		assert_int_equal(truncate(r->path, size - 1 - n), 0);
		assert_int_equal(checkpoint_load(r->path, "abc", r->parts, 3, &err), -1);
	}
	assert_int_equal(checkpoint_save("/nonexistent/state", "abc", r->parts, 3, &err), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(comes_back, setup, teardown),
		cmocka_unit_test_setup_teardown(another_run_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(damage_is_seen, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
