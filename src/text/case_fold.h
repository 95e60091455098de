/*
 * case_fold.h - forms of words: case folded, lowered, without accents.
 *
 * ASCII is done by hand; the rest by ICU (NFKC_Casefold, u_tolower, NFKD).
 * A folder holds scratch: one per thread.
 */
#ifndef SIFD_TEXT_CASE_FOLD_H
#define SIFD_TEXT_CASE_FOLD_H

#include "text/token.h"

struct case_folder;

struct case_fold {
	enum token_normalize normalize;
	bool strip_accents; /* NFKD without Mn */
	bool strip_format;  /* without Cf: soft hyphens, zero-width blanks and joiners */
};

struct case_folder *case_folder_new(struct err *err);
void case_folder_free(struct case_folder *f);

/*
 * The form of valid UTF-8 word[0..n) under `fold`; *form may be the word itself, or memory that
 * lives until the next call; *form_n may be 0.  0 or -1 (ERR_MEMORY).
 */
int case_folder_run(struct case_folder *f, struct case_fold fold, const char *word, size_t n,
		    const char **form, size_t *form_n, struct err *err);

/* Lower case of ASCII from[0..n). */
void case_fold_ascii(char *to, const char *from, size_t n);

#endif
