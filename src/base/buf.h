/*
 * buf.h - bytes that grow: replies, log lines, files being written.
 *
 * Appending cannot be checked at every step without drowning the caller, so
 * a buf remembers: once an allocation fails, `failed` is set, later appends
 * do nothing, and whoever uses the bytes looks at `failed` once at the end.
 * One thread at a time.
 */
#ifndef SIFD_BASE_BUF_H
#define SIFD_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>

struct buf {
	char *data; /* len bytes, not 0-terminated; NULL while empty */
	size_t len;
	size_t cap;
	bool failed;
};

/* Room for n more bytes at data + len, or NULL (then failed is set).  Add to len what was used. */
char *buf_reserve(struct buf *buf, size_t n);

void buf_add(struct buf *buf, const void *bytes, size_t n);
void buf_byte(struct buf *buf, char c);
void buf_text(struct buf *buf, const char *text);
void buf_printf(struct buf *buf, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* 0-terminates, without counting the 0 in len; returns data, or "" when it failed. */
const char *buf_string(struct buf *buf);

/* Empties but keeps the memory; clears failed. */
void buf_reset(struct buf *buf);

void buf_free(struct buf *buf);

#endif
