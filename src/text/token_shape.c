/* What both scanners share: adding tokens, and cutting clitics off. */
#include "base/err.h"
#include "base/mem.h"
#include "text/token_private.h"

#include <string.h>

int token_room(struct tokenizer *t, size_t more, struct err *err)
{
	return mem_reserve(&t->tokens, &t->room, t->n + more, sizeof(*t->tokens), err);
}

int token_add(struct tokenizer *t, const char *text, size_t start, size_t stop, struct err *err)
{
	if (token_room(t, 1, err))
		return -1;
	token_put(t, text, start, stop);
	return 0;
}

size_t token_apostrophe(const char *text, size_t at, size_t to)
{
	if (at < to && text[at] == '\'')
		return 1;
	return to - at >= 3 && memcmp(text + at, "\xE2\x80\x99", 3) == 0 ? 3 : 0;
}

size_t token_clitic_letters(const char *text, size_t at, size_t to)
{
	int a = at < to ? text[at] | 32 : 0;
	int b = to - at > 1 ? text[at + 1] | 32 : 0;

	if ((a == 'r' && b == 'e') || (a == 'v' && b == 'e') || (a == 'l' && b == 'l'))
		return 2;
	return a == 's' || a == 'd' || a == 'm';
}

/* Where the apostrophe right before text[at] begins, or `at`. */
static size_t apostrophe_before(const char *text, size_t start, size_t at)
{
	if (at > start && text[at - 1] == '\'')
		return at - 1;
	return at >= start + 3 && token_apostrophe(text, at - 3, at) == 3 ? at - 3 : at;
}

/* Where the clitic at the end of the word begins, or stop: "don't" at its second n, "it's" at the apostrophe.
 */
static size_t clitic_start(const char *text, size_t start, size_t stop)
{
	for (size_t letters = 1; letters <= 2 && start + letters < stop; letters++) {
		size_t at = stop - letters;
		size_t mark = apostrophe_before(text, start, at);

		if (mark == at)
			continue;
		if (mark > start && token_clitic_letters(text, at, stop) == letters)
			return mark;
		if (mark > start + 1 && letters == 1 && (text[at] | 32) == 't' &&
		    (text[mark - 1] | 32) == 'n')
			return mark - 1;
	}
	return stop;
}

int token_add_word(struct tokenizer *t, const char *text, size_t start, size_t stop, struct err *err)
{
	size_t first = t->n;
	size_t cut;

	while ((cut = clitic_start(text, start, stop)) < stop) {
		if (token_add(t, text, cut, stop, err))
			return -1;
		t->curly |= stop - cut > 3;
		stop = cut;
	}
	if (token_add(t, text, start, stop, err))
		return -1;
	for (size_t last = t->n - 1; first < last; first++, last--) {
		struct token swap = t->tokens[first];

		t->tokens[first] = t->tokens[last];
		t->tokens[last] = swap;
	}
	return 0;
}

size_t token_clitic_mark(const char *token, size_t n)
{
	size_t mark = n > 0 && (token[0] | 32) == 'n';
	size_t k = token_apostrophe(token, mark, n);
	size_t letters = mark + k;

	if (k == 0)
		return n;
	if (mark)
		return n - letters == 1 && (token[letters] | 32) == 't' ? mark : n;
	return n > letters && token_clitic_letters(token, letters, n) == n - letters ? mark : n;
}
