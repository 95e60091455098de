/*
 * sentence.h - from a text to its vector.
 *
 *	struct sentence *s = sentence_new(model, method, &err);      one a thread
 *	sentence_embed(s, text, n, true, vector, &seen, &err);
 *
 * The vector of a text depends on the text, the model and the method alone:
 * never on other texts of the call, on threads, or on the processor (math/vec.h).
 * A text without a known word (the empty one too) gives the zero vector.
 */
#ifndef SIFD_EMBED_SENTENCE_H
#define SIFD_EMBED_SENTENCE_H

#include "model/method.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct gather;
struct lookup;
struct model;
struct sentence;

struct seen {
	uint32_t words; /* of the text, as its tokenizer cuts them */
	uint32_t known; /* those that have a vector */
};

/* known / words; 0 for a text without words. */
float seen_coverage(struct seen seen);

/* Holds a reference to the model, and the scratch of one thread.  The method must be held by the model
 * (asserted). */
struct sentence *sentence_new(struct model *m, enum method method, struct err *err);
void sentence_free(struct sentence *s);

/* Changes model and method, keeping what can be kept; cheap when nothing changes.  For servers' threads. */
int sentence_use(struct sentence *s, struct model *m, enum method method, struct err *err);

/* From now on its LSTM runs together with those of other threads' sentences; borrowed, NULL: no more. */
void sentence_gather(struct sentence *s, struct gather *gather);

struct model *sentence_model(const struct sentence *s);
enum method sentence_method(const struct sentence *s);
size_t sentence_dimension(const struct sentence *s);
struct lookup *sentence_lookup(struct sentence *s);

/*
 * The vector of text[0..n), valid UTF-8 (the caller checked), into vector (sentence_dimension()); unit length
 * when normalize.  *seen may be NULL.  ERR_MEMORY; ERR_FORMAT when the rows hold numbers that are not finite.
 */
int sentence_embed(struct sentence *s, const char *text, size_t n, bool normalize, float *vector,
		   struct seen *seen, struct err *err);

struct text {
	const char *at; /* valid UTF-8, not 0-terminated */
	size_t n;
};

enum { SENTENCE_MANY = 64 }; /* texts: more a call gain little */

/*
 * The same of texts (n), to vectors (n, sentence_dimension()) and seen (n; may be NULL): the same bits as one
 * by one, but sooner where the method runs an LSTM.
 */
int sentence_embed_many(struct sentence *s, const struct text *texts, size_t n, bool normalize,
			float *vectors, struct seen *seen, struct err *err);

/* The same from word numbers, e.g. of a fit: `known` ids in order; for disc and alacarte VOCAB_UNKNOWN may be
 * among them.
 */
int sentence_of_words(struct sentence *s, const uint32_t *ids, size_t known, bool normalize, float *vector,
		      struct err *err);

/*
 * The linear part alone: x (d, the model's) -> out (sentence_dimension()): components removed or projected.
 * They may be the same memory unless there is a projection (out of another array then).
 * Not for disc, which is not linear, nor for alacarte, where words count for others too.
 * What one word, taken by itself with its weight, adds to an unnormalized sentence sum.
 */
void sentence_transform(const struct sentence *s, const float *x, float *out);

/* The weight the method gives a word: 1 for sum, mean, folded and trained rows. */
float sentence_weight(const struct sentence *s, uint32_t id);

/* What the sum of `known` words is multiplied by: 1 / known where the method takes a mean, else 1. */
float sentence_factor(const struct sentence *s, size_t known);

#endif
