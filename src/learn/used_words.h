/*
 * used_words.h - the words that some texts use, numbered from 0 in the order of the model's numbers.
 *
 * Training that touches only the words of its data keeps rows for those words, not for all of the model.
 */
#ifndef SIFD_LEARN_USED_WORDS_H
#define SIFD_LEARN_USED_WORDS_H

#include <stddef.h>
#include <stdint.h>

struct err;
struct texts;

struct used_words {
	uint32_t *ids;	   /* (n) the model's number of each */
	uint32_t *numbers; /* (vocabulary) the new number of each of the model's words, or VOCAB_UNKNOWN */
	size_t n;
};

/*
 * Numbers the words of `texts` (texts_n sets; NULL ones are skipped) and puts the new numbers into them, in
 * place of the model's.  A failed one must be freed too.  ERR_MEMORY.
 */
int used_words_number(struct used_words *u, size_t vocabulary, struct texts *const *texts, size_t texts_n,
		      struct err *err);

/* The same for all words of the model: each keeps its number. */
int used_words_all(struct used_words *u, size_t vocabulary, struct err *err);

void used_words_free(struct used_words *u);

#endif
