#include "base/lines.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/stream.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { BUFFER_BYTES = 256 * 1024 };

struct lines {
	struct stream *stream;
	char *bytes;
	size_t cap;
	size_t from; /* start of the line to come */
	size_t len;  /* bytes read into the buffer */
	size_t max_bytes;
	uint64_t number;
	bool ended;
};

struct lines *lines_open(const char *path, size_t max_bytes, struct err *err)
{
	struct lines *lines = mem_new(1, sizeof(*lines));

	lines->max_bytes = max_bytes;
	lines->cap = BUFFER_BYTES;
	lines->stream = stream_open(path, err);
	lines->bytes = lines->stream ? mem_try(lines->cap, 1, err) : NULL;
	if (!lines->bytes) {
		lines_free(lines);
		return NULL;
	}
	return lines;
}

static int too_long(const struct lines *lines, struct err *err)
{
	return err_set(err, ERR_TOO_LARGE, "%s: line %llu is longer than %zu bytes",
		       stream_name(lines->stream), (unsigned long long)lines->number + 1, lines->max_bytes);
}

/* Reads on after the unfinished line, making room first. */
static int read_more(struct lines *lines, struct err *err)
{
	ssize_t got;

	if (lines->from > 0) {
		memmove(lines->bytes, lines->bytes + lines->from, lines->len - lines->from);
		lines->len -= lines->from;
		lines->from = 0;
	}
	if (lines->len == lines->cap) {
		if (mem_resize(&lines->bytes, lines->cap * 2, 1, err))
			return -1;
		lines->cap *= 2;
	}
	got = stream_read(lines->stream, lines->bytes + lines->len, lines->cap - lines->len, err);
	if (got < 0)
		return -1;
	lines->len += (size_t)got;
	lines->ended = got == 0;
	return 0;
}

int lines_next(struct lines *lines, const char **line, size_t *n, struct err *err)
{
	size_t seen = 0; /* bytes of the line known to hold no LF */
	char *start;
	char *lf;

	for (;;) {
		start = lines->bytes + lines->from;
		lf = memchr(start + seen, '\n', lines->len - lines->from - seen);
		if (lf || lines->ended)
			break;
		seen = lines->len - lines->from;
		if (seen > lines->max_bytes + 1) /* one more for the CR of a CRLF */
			return too_long(lines, err);
		if (read_more(lines, err))
			return -1;
	}
	if (!lf && lines->from == lines->len)
		return 0;
	*n = lf ? (size_t)(lf - start) : lines->len - lines->from;
	lines->from += *n + (lf != NULL);
	if (lf && *n > 0 && start[*n - 1] == '\r')
		--*n;
	if (*n > lines->max_bytes)
		return too_long(lines, err);
	*line = start;
	lines->number++;
	return 1;
}

uint64_t lines_number(const struct lines *lines)
{
	return lines->number;
}

const struct stream *lines_stream(const struct lines *lines)
{
	return lines->stream;
}

void lines_free(struct lines *lines)
{
	if (!lines)
		return;
	stream_close(lines->stream);
	free(lines->bytes);
	free(lines);
}

int lines_each(const char *path, size_t max_bytes,
	       int (*use)(void *context, const char *line, size_t n, struct err *err), void *context,
	       struct err *err)
{
	struct lines *lines = lines_open(path, max_bytes, err);
	const char *line = "";
	size_t n = 0;
	int rc = -1;

	while (lines && (rc = lines_next(lines, &line, &n, err)) > 0)
		if (use(context, line, n, err)) {
			rc = err_prefix(err, "%s, line %llu", stream_name(lines->stream),
					(unsigned long long)lines->number);
			break;
		}
	lines_free(lines);
	return rc;
}
