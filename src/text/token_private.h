/*
 * token_private.h - what the tokenizer's own files share: token.c joins the scanners, token_ascii.c is the
 * fast one, token_unicode.c the one for everything, token_shape.c what both need for clitics.
 */
#ifndef SIFD_TEXT_TOKEN_PRIVATE_H
#define SIFD_TEXT_TOKEN_PRIVATE_H

#include "text/token.h"
#include "text/utf16.h"

#include <unicode/ubrk.h>

struct err;
struct case_folder;

struct tokenizer {
	struct token_rules rules;
	struct case_folder *folder;
	UBreakIterator *words; /* SPLIT_WORDS only */
	bool force_icu;
	bool curly; /* a clitic of this text has U+2019 */
	struct token *tokens;
	size_t n, room;
	char *forms; /* those that are not the text itself, back to back */
	size_t forms_n, forms_room;
	struct utf16 wide;
};

/* For tests: sends ASCII text through the Unicode scanner too, to compare the fast one with it. */
void tokenizer_force_icu(struct tokenizer *t, bool force);

/*
 * The tokens of text[from..to), appended.  What is around it must be blank or the text's end.
 * token_scan_ascii() wants ASCII.
 */
int token_scan_ascii(struct tokenizer *t, const char *text, size_t from, size_t to, struct err *err);
int token_scan_unicode(struct tokenizer *t, const char *text, size_t from, size_t to, struct err *err);

/* Room for `more` tokens. */
int token_room(struct tokenizer *t, size_t more, struct err *err);

/* Appends text[start..stop) as a token; the first of the two where there is room. */
static inline void token_put(struct tokenizer *t, const char *text, size_t start, size_t stop)
{
	t->tokens[t->n++] =
		(struct token){ text + start, (uint32_t)(stop - start), (uint32_t)start, (uint32_t)stop };
}

int token_add(struct tokenizer *t, const char *text, size_t start, size_t stop, struct err *err);

/* The same with its clitics cut off from the end: "wouldn't've" is "would" "n't" "'ve". */
int token_add_word(struct tokenizer *t, const char *text, size_t start, size_t stop, struct err *err);

/* The bytes of an apostrophe (' or U+2019) at text[at], or 0. */
size_t token_apostrophe(const char *text, size_t at, size_t to);

/* How many of text[at..to) are the letters of a clitic after its apostrophe: s re ve ll d m; or 0. */
size_t token_clitic_letters(const char *text, size_t at, size_t to);

/* Where the apostrophe of "'s" or "n't" is in a token that is just that, or n. */
size_t token_clitic_mark(const char *token, size_t n);

#endif
