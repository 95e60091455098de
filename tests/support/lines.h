/*
 * lines.h - the lines of a file of tests/data, for tests over real text.
 */
#ifndef SIFD_TESTS_SUPPORT_LINES_H
#define SIFD_TESTS_SUPPORT_LINES_H

#include <stddef.h>

struct test_lines {
	char *bytes;
	const char **at;
	size_t *lengths; /* without LF */
	size_t n;
};

/* From tests/data/NAME; the program ends where it cannot be read. */
struct test_lines test_lines_read(const char *name);
void test_lines_free(struct test_lines *lines);

#endif
