#include "base/buf.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *buf_reserve(struct buf *buf, size_t n)
{
	size_t cap = buf->cap ? buf->cap : 256;
	char *data;

	if (buf->failed)
		return NULL;
	if (n <= buf->cap - buf->len && buf->data)
		return buf->data + buf->len;
	if (n > SIZE_MAX / 4 || buf->len > SIZE_MAX / 4) {
		buf->failed = true;
		return NULL;
	}
	while (cap < buf->len + n)
		cap *= 2;
	data = realloc(buf->data, cap);
	if (!data) {
		buf->failed = true;
		return NULL;
	}
	buf->data = data;
	buf->cap = cap;
	return data + buf->len;
}

void buf_add(struct buf *buf, const void *bytes, size_t n)
{
	char *at = buf_reserve(buf, n);

	if (!at || !n)
		return;
	memcpy(at, bytes, n);
	buf->len += n;
}

void buf_byte(struct buf *buf, char c)
{
	buf_add(buf, &c, 1);
}

void buf_text(struct buf *buf, const char *text)
{
	buf_add(buf, text, strlen(text));
}

void buf_printf(struct buf *buf, const char *fmt, ...)
{
	va_list args;
	char *at;
	int n;

	va_start(args, fmt);
	n = vsnprintf(NULL, 0, fmt, args);
	va_end(args);
	if (n < 0) {
		buf->failed = true;
		return;
	}
	at = buf_reserve(buf, (size_t)n + 1);
	if (!at)
		return;
	va_start(args, fmt);
	(void)vsnprintf(at, (size_t)n + 1, fmt, args);
	va_end(args);
	buf->len += (size_t)n;
}

const char *buf_string(struct buf *buf)
{
	char *at = buf_reserve(buf, 1);

	if (!at)
		return "";
	*at = '\0';
	return buf->data;
}

void buf_reset(struct buf *buf)
{
	buf->len = 0;
	buf->failed = false;
}

void buf_free(struct buf *buf)
{
	free(buf->data);
	*buf = (struct buf){ 0 };
}
