#include "embed/lookup_cache.h"

#include "model/model.h"
#include "text/lookup.h"

#include <stdbool.h>
#include <string.h>

static const struct model *vocabulary_owner(const struct model *m)
{
	return m->base ? m->base : m;
}

static bool same_vocab(const struct vocab *a, const struct vocab *b)
{
	return a->n == b->n && a->bytes == b->bytes && a->offsets == b->offsets && a->slots == b->slots &&
	       a->slots_n == b->slots_n && a->seed == b->seed;
}

static bool fits(const struct lookup_cache *cache, size_t i, const struct model *m)
{
	return cache->kept[i].lookup && same_vocab(&cache->kept[i].vocab, &m->vocab) &&
	       token_rules_same(&cache->kept[i].rules, &m->rules) &&
	       strcmp(cache->kept[i].fingerprint, vocabulary_owner(m)->fingerprint) == 0;
}

/* The place unused for longest, an empty one first. */
static size_t choose_place(const struct lookup_cache *cache, const struct lookup *stays)
{
	size_t place = LOOKUP_CACHE_KEPT;

	for (size_t i = 0; i < LOOKUP_CACHE_KEPT; i++)
		if ((!stays || cache->kept[i].lookup != stays) &&
		    (place == LOOKUP_CACHE_KEPT || cache->kept[i].used < cache->kept[place].used))
			place = i;
	return place;
}

struct lookup *lookup_cache_find(struct lookup_cache *cache, const struct lookup *stays,
				 const struct model *m, struct err *err)
{
	struct lookup *lookup;
	size_t i;

	cache->clock++;
	for (i = 0; i < LOOKUP_CACHE_KEPT; i++)
		if (fits(cache, i, m)) {
			cache->kept[i].used = cache->clock;
			return cache->kept[i].lookup;
		}
	lookup = lookup_new(&m->rules, &m->vocab, err);
	if (!lookup)
		return NULL;
	i = choose_place(cache, stays);
	lookup_free(cache->kept[i].lookup);
	cache->kept[i].lookup = lookup;
	cache->kept[i].rules = m->rules;
	cache->kept[i].vocab = m->vocab;
	cache->kept[i].used = cache->clock;
	memcpy(cache->kept[i].fingerprint, vocabulary_owner(m)->fingerprint,
	       sizeof(cache->kept[i].fingerprint));
	return lookup;
}

void lookup_cache_free(struct lookup_cache *cache)
{
	for (size_t i = 0; i < LOOKUP_CACHE_KEPT; i++)
		lookup_free(cache->kept[i].lookup);
}
