/*
 * embedder.h - from a text to its vector.
 *
 *	struct embedder *s = embedder_new(model, method, &err);      one per thread
 *	embedder_embed(s, text, n, true, vector, &seen, &err);
 *
 * The vector of a text depends only on the text, the model and the method:
 * never on other texts of the call, on threads, or on the processor (math/vec.h).
 * A text without a known word (the empty one too) gives the zero vector.
 */
#ifndef SIFD_EMBED_EMBEDDER_H
#define SIFD_EMBED_EMBEDDER_H

#include "base/params.h"
#include "model/method.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct batcher;
struct lookup;
struct model;
struct embedder;

extern const struct param_row embedder_params[]; /* of `normalize`, a bool */

struct seen {
	uint32_t words; /* of the text, by the tokenizer */
	uint32_t known; /* those that have a vector */
};

/* known / words; 0 for a text without words. */
float seen_coverage(struct seen seen);

/* Holds a reference to the model, and the scratch of one thread.  The model must have the method (asserted).
 */
struct embedder *embedder_new(struct model *m, enum method method, struct err *err);
void embedder_free(struct embedder *s);

/* Changes model and method; cheap when nothing changes.  After a failure it is as it was. */
int embedder_use(struct embedder *s, struct model *m, enum method method, struct err *err);

/* From now on its texts go through an LSTM together with those of other threads; NULL: no longer. */
void embedder_use_batcher(struct embedder *s, struct batcher *batcher);

struct model *embedder_model(const struct embedder *s);
enum method embedder_method(const struct embedder *s);
size_t embedder_dimension(const struct embedder *s);
struct lookup *embedder_lookup(struct embedder *s);

/*
 * The vector of text[0..n), valid UTF-8 (the caller checked), into vector (embedder_dimension()); unit length
 * when normalize.  *seen may be NULL.  ERR_MEMORY; ERR_FORMAT when the rows hold numbers that are not finite.
 */
int embedder_embed(struct embedder *s, const char *text, size_t n, bool normalize, float *vector,
		   struct seen *seen, struct err *err);

struct text {
	const char *at; /* valid UTF-8, not 0-terminated */
	size_t n;
};

enum { EMBEDDER_TEXTS = 64 }; /* texts per call; more gain little */

/*
 * embedder_embed() for texts (n), to vectors (n, embedder_dimension()) and seen (n; may be NULL): the same
 * bits as one by one, but faster where the method runs an LSTM.
 */
int embedder_embed_many(struct embedder *s, const struct text *texts, size_t n, bool normalize,
			float *vectors, struct seen *seen, struct err *err);

/* The same from `known` word numbers in order; for disc VOCAB_UNKNOWN may be among them. */
int embedder_embed_words(struct embedder *s, const uint32_t *ids, size_t known, bool normalize, float *vector,
			 struct err *err);

/*
 * Only the linear part: x (d, the model's) -> out (embedder_dimension()), components removed or projected.
 * They may be the same memory unless there is a projection (out of another array then).
 * Not for disc, which is not linear.  Of a word's row times its weight it gives what the word adds to an
 * unnormalized sum.
 */
void embedder_transform(const struct embedder *s, const float *x, float *out);

/* The weight the method gives a word: 1 for sum, mean, folded and trained rows. */
float embedder_weight(const struct embedder *s, uint32_t id);

/* What the sum of `known` words is multiplied by: 1 / known where the method takes a mean, else 1. */
float embedder_factor(const struct embedder *s, size_t known);

#endif
