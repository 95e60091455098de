#include "base/columns.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { NUMBER_BYTES = 64 };

size_t columns_cut(struct column *columns, size_t most, const char *line, size_t n)
{
	const char *end = line + n;
	size_t found = 0;

	for (;;) {
		const char *tab = memchr(line, '\t', (size_t)(end - line));
		const char *stop = tab ? tab : end;

		if (found < most)
			columns[found] = (struct column){ line, (size_t)(stop - line) };
		found++;
		if (!tab)
			return found;
		line = tab + 1;
	}
}

struct column column_trim(struct column c)
{
	for (; c.n && isspace((unsigned char)*c.at); c.at++)
		c.n--;
	while (c.n && isspace((unsigned char)c.at[c.n - 1]))
		c.n--;
	return c;
}

bool column_number(double *x, struct column c)
{
	char text[NUMBER_BYTES];
	char *end;

	c = column_trim(c);
	if (c.n == 0 || c.n >= sizeof(text))
		return false;
	memcpy(text, c.at, c.n);
	text[c.n] = '\0';
	*x = strtod(text, &end);
	return end == text + c.n && isfinite(*x);
}
