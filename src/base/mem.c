#include "base/mem.h"

#include "base/err.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGNMENT = 64 };

static int refuse(size_t n, size_t size, struct err *err)
{
	return err_set(err, ERR_MEMORY, "not enough memory for %zu x %zu bytes", n, size);
}

void *mem_new(size_t n, size_t size)
{
	void *p = calloc(n ? n : 1, size ? size : 1);

	if (!p) {
		(void)fputs("sifd: out of memory\n", stderr);
		abort();
	}
	return p;
}

void *mem_try(size_t n, size_t size, struct err *err)
{
	void *p = calloc(n ? n : 1, size ? size : 1);

	if (!p)
		(void)refuse(n, size, err);
	return p;
}

void *mem_try_aligned(size_t n, size_t size, struct err *err)
{
	size_t bytes;
	void *p;

	if (__builtin_mul_overflow(n, size, &bytes) || bytes > SIZE_MAX - ALIGNMENT) {
		(void)refuse(n, size, err);
		return NULL;
	}
	bytes = (bytes + ALIGNMENT) / ALIGNMENT * ALIGNMENT;
	p = aligned_alloc(ALIGNMENT, bytes);
	if (!p) {
		(void)refuse(n, size, err);
		return NULL;
	}
	memset(p, 0, bytes);
	return p;
}

int mem_resize(void *at, size_t n, size_t size, struct err *err)
{
	size_t bytes;
	void *old;
	void *p;

	memcpy(&old, at, sizeof(old));
	if (__builtin_mul_overflow(n ? n : 1, size ? size : 1, &bytes))
		return refuse(n, size, err);
	p = realloc(old, bytes);
	if (!p)
		return refuse(n, size, err);
	memcpy(at, &p, sizeof(p));
	/* cppcheck-suppress memleak ; the caller's pointer has it now */
	return 0;
}

char *mem_text(const char *s, size_t n)
{
	char *copy = mem_new(n + 1, 1);

	if (n)
		memcpy(copy, s, n);
	return copy;
}
