/*
 * lookup.h - text to word numbers: the tokenizer and the vocabulary joined by
 * the rules for unknown words.
 *
 *	struct lookup *l = lookup_new(&model->rules, &model->vocab, &err);   one per thread
 *	n = lookup_run(l, text, length, &words, &err);
 *
 * A token gives one word, or several when it was found by its parts or pieces
 * (parts that stay unknown among them are words with id VOCAB_UNKNOWN), or one unknown word.
 * A word covers exactly its bytes where the token's form is as long as its text; else the whole token.
 * Clitics and tokens of no known part have no parts; UNKNOWN_LAST stands for whole tokens only.
 * Lookups wait for memory together: tokens first, then slots, then words.
 */
#ifndef SIFD_TEXT_LOOKUP_H
#define SIFD_TEXT_LOOKUP_H

#include "text/token.h"
#include "text/vocab.h"

struct word {
	uint32_t id;	/* VOCAB_UNKNOWN when no rule found it */
	uint32_t start; /* bytes of the text it covers: [start, stop) */
	uint32_t stop;
};

struct lookup;

/* Copies the rules and the struct vocab (whose memory must outlive it). */
struct lookup *lookup_new(const struct token_rules *rules, const struct vocab *vocab, struct err *err);
void lookup_free(struct lookup *l);

/* The words of valid UTF-8 text in order; *words lives until the next call.  Their number, or -1
 * (ERR_MEMORY). */
ptrdiff_t lookup_run(struct lookup *l, const char *text, size_t n, const struct word **words,
		     struct err *err);

/*
 * For readers that only want numbers: *ids are the known words' numbers in order, *unknown how
 * many words were not known.  The fast path of embedding.  Returns the number of ids, or -1.
 */
ptrdiff_t lookup_ids(struct lookup *l, const char *text, size_t n, const uint32_t **ids, size_t *unknown,
		     struct err *err);

#endif
