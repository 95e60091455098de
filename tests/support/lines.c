#include "support/lines.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct test_lines test_lines_read(const char *name)
{
	struct test_lines lines = { 0 };
	struct buf buf = { 0 };
	struct err err = { 0 };
	char path[256];

	(void)snprintf(path, sizeof(path), "tests/data/%s", name);
	if (file_read(&buf, path, 1 << 30, &err)) {
		(void)fprintf(stderr, "%s (run tests from the top folder)\n", err.text);
		exit(1);
	}
	lines.bytes = buf.data;
	lines.at = calloc(buf.len + 1, sizeof(*lines.at));
	lines.lengths = calloc(buf.len + 1, sizeof(*lines.lengths));
	if (!lines.at || !lines.lengths)
		abort();
	for (size_t at = 0; at < buf.len; lines.n++) {
		const char *lf = memchr(buf.data + at, '\n', buf.len - at);
		size_t end = lf ? (size_t)(lf - buf.data) : buf.len;

		lines.at[lines.n] = buf.data + at;
		lines.lengths[lines.n] = end - at;
		at = end + 1;
	}
	return lines;
}

void test_lines_free(struct test_lines *lines)
{
	free(lines->bytes);
	free(lines->at);
	free(lines->lengths);
}
