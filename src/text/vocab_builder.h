/*
 * vocab_builder.h - a vocabulary that grows, for imports: words in, numbers out.
 *
 * The table is keyed by a random seed of its own, so that words chosen to
 * collide do not slow it down.  One thread at a time.
 */
#ifndef SIFD_TEXT_VOCAB_BUILDER_H
#define SIFD_TEXT_VOCAB_BUILDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct vocab_builder;

struct vocab_builder *vocab_builder_new(struct err *err);
void vocab_builder_free(struct vocab_builder *b);

/* The word's number in *id, and whether it is a new one in *added.  ERR_MEMORY; ERR_TOO_LARGE past 2^32 - 2
 * words. */
int vocab_builder_add(struct vocab_builder *b, const char *word, size_t n, uint32_t *id, bool *added,
		      struct err *err);

/* Its words so far: number, bytes back to back, (n + 1) offsets; valid until the next add. */
size_t vocab_builder_words(const struct vocab_builder *b, const char **bytes, const uint64_t **offsets);

/* Hands bytes and offsets over to the caller, who frees them; the builder is empty then, for adding or
 * freeing. */
void vocab_builder_take(struct vocab_builder *b, char **bytes, uint64_t **offsets);

#endif
