/*
 * lines.h - a file (base/stream.h), line by line, with numbers for messages.
 */
#ifndef SIFD_BASE_LINES_H
#define SIFD_BASE_LINES_H

#include <stddef.h>
#include <stdint.h>

struct err;
struct lines;
struct stream;

/* A line longer than max_bytes is ERR_TOO_LARGE naming file and line. */
struct lines *lines_open(const char *path, size_t max_bytes, struct err *err);

/*
 * The next line without its LF or CRLF; *line is valid until the next call.
 * 1, or 0 at the end, or -1.  A last line without LF counts; an empty rest does not.
 */
int lines_next(struct lines *lines, const char **line, size_t *n, struct err *err);

/* The number of the line last returned, from 1. */
uint64_t lines_number(const struct lines *lines);

const struct stream *lines_stream(const struct lines *lines);

void lines_free(struct lines *lines);

/* Hands every line of a file to use(), whose errors get file and line in front. */
int lines_each(const char *path, size_t max_bytes,
	       int (*use)(void *context, const char *line, size_t n, struct err *err), void *context,
	       struct err *err);

#endif
