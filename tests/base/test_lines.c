#include "base/lines.h"

#include "base/err.h"
#include "base/stream.h"
#include "support/memory_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <setjmp.h>
#include <stdarg.h>
/* cmocka.h needs those before it */
#include <cmocka.h>

static struct lines *lines_of(const char *text, size_t n, size_t max_bytes)
{
	struct err err = { 0 };
	struct lines *lines = lines_open(memory_file(text, n), max_bytes, &err);

	assert_non_null(lines);
	return lines;
}

/* `expected`: the lines, each ended by '|'. */
static void check(const char *text, const char *expected)
{
	struct lines *lines = lines_of(text, strlen(text), 100);
	struct err err = { 0 };
	const char *line;
	char got[200] = "";
	uint64_t number = 0;
	size_t n;
	int r;

	while ((r = lines_next(lines, &line, &n, &err)) > 0) {
		(void)snprintf(got + strlen(got), sizeof(got) - strlen(got), "%.*s|", (int)n, line);
		assert_int_equal(lines_number(lines), ++number);
	}
	assert_int_equal(r, 0);
	assert_int_equal(lines_next(lines, &line, &n, &err), 0); /* and stays so */
	assert_string_equal(got, expected);
	lines_free(lines);
}

static void lines_end_in_lf_or_crlf(void **state)
{
	(void)state;
	check("", "");
	check("\n", "|");
	check("a", "a|");
	check("a\n", "a|");
	check("a\nb", "a|b|");
	check("a\r\nb\r\n", "a|b|");
	check("\r\n\n\r\n", "|||");
	check("a\rb\n\r\r\n", "a\rb|\r|");
	check("a\r", "a\r|"); /* no LF: the CR is a byte like others */
	check("a\n\nb\n\n", "a||b||");
}

static void long_lines_are_refused_with_their_place(void **state)
{
	static const char text[] = "12345\n1234567\r\n12345678\n1\n";
	struct lines *lines = lines_of(text, sizeof(text) - 1, 7);
	struct err err = { 0 };
	const char *line;
	size_t n;

	(void)state;
	assert_int_equal(lines_next(lines, &line, &n, &err), 1);
	assert_int_equal(lines_next(lines, &line, &n, &err), 1);
	assert_int_equal(n, 7);
	assert_int_equal(lines_next(lines, &line, &n, &err), -1);
	assert_int_equal(err.code, ERR_TOO_LARGE);
	assert_non_null(strstr(err.text, ": line 3 is longer than 7 bytes"));
	lines_free(lines);
}

/* A line without end does not fill the memory first. */
static void an_endless_line_is_refused_early(void **state)
{
	size_t size = 64 << 20;
	char *text = malloc(size);
	struct lines *lines;
	struct err err = { 0 };
	const char *line;
	size_t n;

	(void)state;
	memset(text, 'x', size);
	lines = lines_of(text, size, 1 << 20);
	assert_int_equal(lines_next(lines, &line, &n, &err), -1);
	assert_int_equal(err.code, ERR_TOO_LARGE);
	assert_true(stream_taken(lines_stream(lines)) < (4 << 20));
	lines_free(lines);
	free(text);
}

/* Lines of every length around the buffer's, so that ends fall on every edge of it. */
static void lines_cross_the_buffer(void **state)
{
	static const size_t lengths[] = { 262143, 1,	  262144, 0, 262145, 3,
					  700000, 262142, 524288, 7, 131072, 131071 };
	enum { LINES = sizeof(lengths) / sizeof(lengths[0]) };

	(void)state;
	for (size_t ending = 1; ending <= 2; ending++) {
		char *text = malloc(4 << 20);
		struct lines *lines;
		struct err err = { 0 };
		const char *line;
		size_t at = 0;
		size_t n;

		for (size_t i = 0; i < LINES; i++) {
			memset(text + at, 'a' + (int)i, lengths[i]);
			at += lengths[i];
			memcpy(text + at, "\r\n" + 2 - ending, ending);
			at += ending;
		}
		lines = lines_of(text, at, 1 << 20);
		for (size_t i = 0; i < LINES; i++) {
			assert_int_equal(lines_next(lines, &line, &n, &err), 1);
			assert_int_equal(n, lengths[i]);
			for (size_t j = 0; j < n; j++)
				assert_int_equal(line[j], 'a' + (int)i);
		}
		assert_int_equal(lines_next(lines, &line, &n, &err), 0);
		lines_free(lines);
		free(text);
	}
}

static void a_failing_stream_fails_the_line(void **state)
{
	struct lines *lines = lines_of("\x1F\x8B\x08", 3, 100);
	struct err err = { 0 };
	const char *line;
	size_t n;

	(void)state;
	assert_int_equal(lines_next(lines, &line, &n, &err), -1);
	assert_int_equal(err.code, ERR_FORMAT);
	lines_free(lines);
	lines_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_end_in_lf_or_crlf),
		cmocka_unit_test(long_lines_are_refused_with_their_place),
		cmocka_unit_test(an_endless_line_is_refused_early),
		cmocka_unit_test(lines_cross_the_buffer),
		cmocka_unit_test(a_failing_stream_fails_the_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
