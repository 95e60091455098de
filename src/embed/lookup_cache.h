/*
 * lookup_cache.h - the lookups (text/lookup.h) of the few models that a thread goes back and forth between.
 *
 * A lookup depends on the rules and the vocabulary alone, so overlays of one vectors file share one, and no
 * reference to a model is held for it: a replaced model must be free to go.
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

/* All zeros is none. */
struct lookup_cache {
	struct {
		struct lookup *lookup; /* NULL: an empty place */
		struct token_rules rules;
		struct vocab vocab;
		char fingerprint[DIGEST_HEX + 1]; /* of the file that holds the vocabulary, lest another one
						     be at the same addresses */
		uint64_t used;
	} kept[LOOKUP_CACHE_KEPT];
	uint64_t clock;
};

/*
 * The lookup of the model: a kept one, or a new one in the place unused for longest, but never in that of
 * `stays` (may be NULL).  NULL: ERR_MEMORY.
 */
struct lookup *lookup_cache_find(struct lookup_cache *all, const struct lookup *stays, const struct model *m,
				 struct err *err);

void lookup_cache_free(struct lookup_cache *all);

#endif
