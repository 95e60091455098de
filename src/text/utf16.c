#include "text/utf16.h"

#include "base/mem.h"
#include "base/utf8.h"

#include <stdlib.h>

int utf16_fill(struct utf16 *u, const char *text, size_t from, size_t to, struct err *err)
{
	size_t n = to - from + 1;

	if (mem_reserve(&u->units, &u->room, n, sizeof(*u->units), err) ||
	    mem_reserve(&u->offset, &u->offset_room, n, sizeof(*u->offset), err))
		return -1;
	u->n = 0;
	for (size_t at = from; at < to;) {
		uint32_t start = (uint32_t)at;
		int32_t k = utf16_put(u->units + u->n, utf8_next(text, to, &at));

		u->offset[u->n] = u->offset[u->n + k - 1] = start;
		u->n += k;
	}
	u->offset[u->n] = (uint32_t)to;
	return 0;
}

void utf16_free(struct utf16 *u)
{
	free(u->units);
	free(u->offset);
}
