/*
 * word_places.h - the words of a batch, and for each the places that its gradient is the sum of.
 *
 * Places are numbers of the caller's: rows of a matrix of gradients, say.  Words come in order of first
 * appearance and a word's places in the order they were added, so sums over them have the same bits for any
 * number of threads.
 */
#ifndef SIFD_LEARN_WORD_PLACES_H
#define SIFD_LEARN_WORD_PLACES_H

#include <stddef.h>
#include <stdint.h>

struct err;

struct word_places {
	/* After word_places_list(): word k of words_n is words[k], at places[starts[k]..starts[k + 1]). */
	uint32_t *words, *places;
	size_t *starts;
	size_t words_n;

	/* Private. */
	uint32_t *added_words, *added_places; /* (n) */
	size_t n, room;
	uint32_t *count; /* (vocabulary) in this batch; all 0 between batches */
};

/* Words are numbers below `vocabulary`.  A failed one must be freed too. */
int word_places_init(struct word_places *w, size_t vocabulary, struct err *err);
void word_places_free(struct word_places *w);

/* Adds n words, the k-th at place first + k * step.  ERR_MEMORY. */
int word_places_add(struct word_places *w, const uint32_t *words, size_t n, uint32_t first, uint32_t step,
		    struct err *err);

/* Lists what was added since the last call, and begins anew. */
void word_places_list(struct word_places *w);

#endif
