/* One line of a file of pairs: its columns and what they mean. */
#include "base/number.h"
#include "learn/pairs_private.h"

#include <ctype.h>
#include <math.h>
#include <string.h>
#include <strings.h>

static const struct {
	const char *name;
	float gold;
} labels[] = {
	{ "entailment", 1 }, { "1", 1 },	 { "true", 1 },	      { "yes", 1 },
	{ "paraphrase", 1 }, { "duplicate", 1 }, { "neutral", 0.5f }, { "contradiction", 0 },
	{ "0", 0 },	     { "false", 0 },	 { "no", 0 },	      { "different", 0 },
};

bool pairs_is_whole(struct column c)
{
	c = column_trim(c);
	if (c.n && *c.at == '-') {
		c.at++;
		c.n--;
	}
	for (size_t i = 0; i < c.n; i++)
		if (!isdigit((unsigned char)c.at[i]))
			return false;
	return c.n > 0;
}

bool pairs_number(float *x, struct column c)
{
	c = column_trim(c);
	return c.n && number_get_float(c.at, c.at + c.n, x) == c.at + c.n && isfinite(*x);
}

bool pairs_label(float *gold, struct column c)
{
	c = column_trim(c);
	for (size_t i = 0; i < sizeof(labels) / sizeof(labels[0]); i++)
		if (strlen(labels[i].name) == c.n && strncasecmp(labels[i].name, c.at, c.n) == 0) {
			*gold = labels[i].gold;
			return true;
		}
	return false;
}

enum pairs_kind pairs_guess(const struct column *columns, size_t n)
{
	float x;

	if (n == 2)
		return pairs_is_whole(columns[0]) ? PAIRS_GROUPS : PAIRS_PAIRS;
	if (n == 3 && pairs_label(&x, columns[0]))
		return PAIRS_LABELLED;
	if (n == 3 && pairs_number(&x, columns[2]))
		return PAIRS_SCORED;
	return PAIRS_AUTO;
}
