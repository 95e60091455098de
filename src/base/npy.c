#include "base/npy.h"

#include "base/buf.h"

#include <inttypes.h>
#include <stdio.h>

void npy_put_header(struct buf *to, uint64_t n, size_t d)
{
	enum { PREFIX = 10 };
	char text[128];
	int used = snprintf(text, sizeof(text),
			    "{'descr': '<f4', 'fortran_order': False, 'shape': (%" PRIu64 ", %zu), }", n, d);
	size_t length = ((size_t)used + 1 + PREFIX + 63) / 64 * 64 - PREFIX;

	buf_add(to, "\x93NUMPY\x01\x00", 8);
	buf_byte(to, (char)(length & 0xFF));
	buf_byte(to, (char)(length >> 8));
	buf_printf(to, "%-*s\n", (int)length - 1, text);
}
