/*
 * lookup_cache.h - the lookups (text/lookup.h) of the few models that a thread switches between.
 *
 * A lookup depends only on rules and vocabulary, so overlays of one vectors file share one.  It holds no
 * reference to a model: a replaced model must be free to go.
 */
#ifndef SIFD_EMBED_LOOKUP_CACHE_H
#define SIFD_EMBED_LOOKUP_CACHE_H

#include "base/digest.h"
#include "text/token.h"
#include "text/vocab.h"

#include <stdint.h>

struct err;
struct lookup;
struct model;

enum { LOOKUP_CACHE_KEPT = 4 };

/* Zeroed at first. */
struct lookup_cache {
	struct {
		struct lookup *lookup; /* NULL: an empty place */
		struct token_rules rules;
		struct vocab vocab;
		char fingerprint[DIGEST_HEX + 1]; /* of the file with the vocabulary: another one may come
						     to be at the same addresses */
		uint64_t used;
	} kept[LOOKUP_CACHE_KEPT];
	uint64_t clock;
};

/*
 * The model's lookup: a kept one, or a new one in the place unused for longest other than that of `stays`
 * (may be NULL).  NULL with ERR_MEMORY.
 */
struct lookup *lookup_cache_find(struct lookup_cache *cache, const struct lookup *stays,
				 const struct model *m, struct err *err);

void lookup_cache_free(struct lookup_cache *cache);

#endif
