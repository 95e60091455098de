/*
 * token.h - text to tokens, by rules that are data of the model.
 *
 * The rules are in the model's metadata, so that text is cut as it was when the vectors
 * were made.  ICU does the Unicode work; ASCII, also within other text,
 * takes a fast path that gives the same tokens (a test holds the two together).
 *
 * A tokenizer holds ICU iterators and scratch: one per thread.
 */
#ifndef SIFD_TEXT_TOKEN_H
#define SIFD_TEXT_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

enum token_normalize {
	NORMALIZE_NONE,		 /* forms are the text's own bytes */
	NORMALIZE_NFKC_CASEFOLD, /* Unicode NFKC_Casefold */
	NORMALIZE_LOWER,	 /* simple lower-casing, character by character (root locale) */
};

enum token_split {
	SPLIT_WHITESPACE, /* at blanks (Unicode White_Space), nothing else; punctuation stays attached */
	SPLIT_WORDS,	  /* Unicode words (UAX 29 by ICU, dictionaries for Chinese, Japanese, Thai...); every
			     other character by itself */
	SPLIT_BERT,	  /* runs of letters and digits, with the marks on them; ideographs and every other
			     character by themselves; invisible characters (Cf) go from the forms */
};

/*
 * SPLIT_WORDS and SPLIT_BERT cut the clitics n't 's 're 've 'll 'd 'm off their words, as the GloVe and PTB
 * vocabularies have them ("can't" is "ca" "n't"), with ' or U+2019; the form has '.  An apostrophe and its
 * letters may stand alone ("1990's", "the dog 's"), unless another apostrophe follows them.
 */

/* What to try for a token, in this order, until the vocabulary has it; see lookup.h. */
enum token_unknown {
	UNKNOWN_CASED = 1,  /* as the rules normalized it */
	UNKNOWN_FOLDED = 2, /* its NFKC_Casefold */
	UNKNOWN_SPLIT = 4,  /* its parts at apostrophes, hyphens, dots and underscores */
	UNKNOWN_PIECES = 8, /* greedy longest match, "##" continuations (WordPiece) */
	UNKNOWN_LAST = 16,  /* the table's last row, the SIF reference's quirk; without it: skipped */
};

struct token_rules {
	enum token_normalize normalize;
	bool strip_accents; /* NFKD, marks (Mn) removed, after normalizing */
	enum token_split split;
	bool keep_punctuation; /* else tokens without a letter, digit, mark or symbol (So: emoji, the degree
				  sign; not $ + ^) are dropped; blanks and controls are no tokens either way
				*/
	unsigned unknown;      /* set of enum token_unknown */
};

/* The rules of imported vectors that come without any: none, words, cased+folded+split, drop. */
struct token_rules token_rules_default(void);

bool token_rules_same(const struct token_rules *a, const struct token_rules *b);

/* From the metadata's words: ("nfkc_casefold", "words", "cased folded split", "drop").  ERR_INPUT lists what
 * is known. */
int token_rules_parse(struct token_rules *rules, const char *normalize, bool strip_accents, const char *split,
		      const char *unknown, const char *punctuation, struct err *err);

/* The names back: static strings; `unknown` into to[64]. */
const char *token_normalize_name(enum token_normalize normalize);
const char *token_split_name(enum token_split split);
const char *token_unknown_names(unsigned unknown, char to[64]);

struct token {
	const char *form; /* normalized; in the tokenizer's scratch or the text itself */
	uint32_t length;  /* bytes of form */
	uint32_t start;	  /* bytes of the text this token covers: [start, stop) */
	uint32_t stop;
};

struct tokenizer;

struct tokenizer *tokenizer_new(const struct token_rules *rules, struct err *err);
void tokenizer_free(struct tokenizer *t);

/*
 * The tokens of valid UTF-8 text[0..n), n <= 1 GiB, in order; *tokens and their forms live until the next
 * call (and while `text` does).  Returns their number, or -1 (ERR_MEMORY, ERR_TOO_LARGE).
 */
ptrdiff_t tokenizer_run(struct tokenizer *t, const char *text, size_t n, const struct token **tokens,
			struct err *err);

#endif
