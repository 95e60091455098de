/*
 * fold.h - forms of words: case folded, lowered, without accents.
 *
 * ASCII is done by hand; the rest by ICU (NFKC_Casefold of Unicode 15, u_tolower, NFKD).
 * A folder holds scratch: one a thread.
 */
#ifndef SIFD_TEXT_FOLD_H
#define SIFD_TEXT_FOLD_H

#include "text/token.h"

struct folder;

struct folder *folder_new(struct err *err);
void folder_free(struct folder *f);

/*
 * The form of valid UTF-8 word[0..n) under `how`; *form may be the word itself, or memory that
 * lives until the next call.  0 or -1 (ERR_MEMORY).
 */
int folder_run(struct folder *f, enum token_normalize how, bool strip_accents, const char *word, size_t n,
	       const char **form, size_t *form_n, struct err *err);

#endif
