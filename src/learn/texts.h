/*
 * texts.h - many texts as word numbers, tokenized once and read again in every epoch.
 *
 * Texts are cut by a model's tokenizer once; unknown words are left out.
 * An equal text (the same known words in the same order) may be found again by texts_find_or_add().
 */
#ifndef SIFD_LEARN_TEXTS_H
#define SIFD_LEARN_TEXTS_H

#include <stddef.h>
#include <stdint.h>

struct err;
struct lookup;
struct model;
struct texts;

/* The model must outlive it. */
struct texts *texts_new(struct model *m, struct err *err);
void texts_free(struct texts *texts);

/* Adds text[0..n), valid UTF-8; *number is its number, from 0 on.  ERR_MEMORY, ERR_TOO_LARGE (2^32 - 1). */
int texts_add(struct texts *texts, const char *text, size_t n, uint32_t *number, struct err *err);

/* The same; a text whose words are those of an earlier one found by this call gets that number. */
int texts_find_or_add(struct texts *texts, const char *text, size_t n, uint32_t *number, struct err *err);

size_t texts_count(const struct texts *texts);

/* The word numbers of a text, and how many; valid until the next text is added. */
const uint32_t *texts_words(const struct texts *texts, uint32_t number, size_t *n);

/* Every word gets the number numbers[word]; no text can be found or added after this. */
void texts_renumber(struct texts *texts, const uint32_t *numbers);

/* Known words of all texts, and words that the model lacks. */
uint64_t texts_known(const struct texts *texts);
uint64_t texts_unknown(const struct texts *texts);

#endif
