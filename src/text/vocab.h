/*
 * vocab.h - words to numbers: an open-addressing table that lives in the model file.
 *
 * A slot is (tag << 32 | number + 1) of U64, 0 when empty, where tag is the upper
 * half of the word's 64-bit hash; the lower half, masked, is where probing
 * starts; probing is linear.  slots_n is a power of two, at least twice the words.
 * The hash is our own, fixed for ever by the file format; its seed is in the file.
 *
 * A struct vocab borrows its memory (a mapped file) and never changes: any thread.
 */
#ifndef SIFD_TEXT_VOCAB_H
#define SIFD_TEXT_VOCAB_H

#include <stddef.h>
#include <stdint.h>

struct err;

#define VOCAB_UNKNOWN UINT32_MAX

struct vocab {
	size_t n;		 /* words */
	const char *bytes;	 /* all words, back to back, UTF-8 */
	const uint64_t *offsets; /* (n + 1): word i is bytes[offsets[i]..offsets[i+1]) */
	const uint64_t *slots;	 /* (slots_n) */
	size_t slots_n;
	uint64_t seed;
};

uint64_t vocab_hash(const char *word, size_t n, uint64_t seed);

/* The word's number, or VOCAB_UNKNOWN. */
uint32_t vocab_find(const struct vocab *v, const char *word, size_t n);

/* The same, with the word's hash at hand. */
uint32_t vocab_find_hashed(const struct vocab *v, uint64_t hash, const char *word, size_t n);

/* Word `id`'s bytes (not 0-terminated) and length. */
const char *vocab_word(const struct vocab *v, uint32_t id, size_t *n);

/* How many slots n words take: the power of two in [2n, 4n), at least 8. */
size_t vocab_slots(size_t n);

/* Fills zeroed slots (slots_n) from words; a repeated word keeps its first number. */
void vocab_index(uint64_t *slots, size_t slots_n, const char *bytes, const uint64_t *offsets, size_t n,
		 uint64_t seed);

/*
 * Trusts nothing: offsets rising and within bytes_n, slots_n a power of two with room left, every slot's
 * number in range, and no probe run longer than VOCAB_RUN_MAX (a file made to be slow).  ERR_FORMAT.
 */
enum { VOCAB_RUN_MAX = 4096 };
int vocab_check(const struct vocab *v, size_t bytes_n, struct err *err);

#endif
