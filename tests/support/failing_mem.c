#include "support/failing_mem.h"

#include "base/err.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

long failing_mem_left = -1;

static int fails(struct err *err)
{
	if (failing_mem_left < 0 || failing_mem_left-- > 0)
		return 0;
	failing_mem_left = 0; /* once gone, memory stays gone until the call is over */
	(void)err_set(err, ERR_MEMORY, "not enough memory, says the test");
	return 1;
}

void *mem_new(size_t n, size_t size)
{
	void *p = calloc(n ? n : 1, size ? size : 1);

	if (!p)
		abort();
	return p;
}

void *mem_try(size_t n, size_t size, struct err *err)
{
	return fails(err) ? NULL : mem_new(n, size);
}

void *mem_try_aligned(size_t n, size_t size, struct err *err)
{
	size_t bytes = (n * size + 64) / 64 * 64;
	void *p = fails(err) ? NULL : aligned_alloc(64, bytes);

	return p ? memset(p, 0, bytes) : NULL;
}

int mem_resize(void *at, size_t n, size_t size, struct err *err)
{
	void *p;

	if (fails(err))
		return -1;
	memcpy(&p, at, sizeof(p));
	p = realloc(p, (n ? n : 1) * size);
	if (!p)
		abort();
	memcpy(at, &p, sizeof(p));
	return 0;
}

char *mem_text(const char *s, size_t n)
{
	char *copy = mem_new(n + 1, 1);

	if (n)
		memcpy(copy, s, n);
	return copy;
}
