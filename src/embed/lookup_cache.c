#include "embed/lookup_cache.h"

#include "model/model.h"
#include "text/lookup.h"

#include <stdbool.h>
#include <string.h>

static const struct model *vocabulary_owner(const struct model *m)
{
	return m->base ? m->base : m;
}

static bool same_rules(const struct token_rules *a, const struct token_rules *b)
{
	return a->normalize == b->normalize && a->strip_accents == b->strip_accents && a->split == b->split &&
	       a->keep_punctuation == b->keep_punctuation && a->unknown == b->unknown;
}

static bool same_vocab(const struct vocab *a, const struct vocab *b)
{
	return a->n == b->n && a->bytes == b->bytes && a->offsets == b->offsets && a->slots == b->slots &&
	       a->slots_n == b->slots_n && a->seed == b->seed;
}

static bool fits(const struct lookup_cache *all, size_t i, const struct model *m)
{
	return all->kept[i].lookup && same_vocab(&all->kept[i].vocab, &m->vocab) &&
	       same_rules(&all->kept[i].rules, &m->rules) &&
	       strcmp(all->kept[i].fingerprint, vocabulary_owner(m)->fingerprint) == 0;
}

/* Unused for longest, empty ones before all. */
static size_t choose_place(const struct lookup_cache *all, const struct lookup *stays)
{
	size_t place = LOOKUP_CACHE_KEPT;

	for (size_t i = 0; i < LOOKUP_CACHE_KEPT; i++)
		if ((!stays || all->kept[i].lookup != stays) &&
		    (place == LOOKUP_CACHE_KEPT || all->kept[i].used < all->kept[place].used))
			place = i;
	return place;
}

struct lookup *lookup_cache_find(struct lookup_cache *all, const struct lookup *stays, const struct model *m,
				 struct err *err)
{
	struct lookup *lookup;
	size_t i;

	all->clock++;
	for (i = 0; i < LOOKUP_CACHE_KEPT; i++)
		if (fits(all, i, m)) {
			all->kept[i].used = all->clock;
			return all->kept[i].lookup;
		}
	lookup = lookup_new(&m->rules, &m->vocab, err);
	if (!lookup)
		return NULL;
	i = choose_place(all, stays);
	if (all->kept[i].lookup)
		lookup_free(all->kept[i].lookup);
	all->kept[i].lookup = lookup;
	all->kept[i].rules = m->rules;
	all->kept[i].vocab = m->vocab;
	all->kept[i].used = all->clock;
	memcpy(all->kept[i].fingerprint, vocabulary_owner(m)->fingerprint, sizeof(all->kept[i].fingerprint));
	return lookup;
}

void lookup_cache_free(struct lookup_cache *all)
{
	for (size_t i = 0; i < LOOKUP_CACHE_KEPT; i++)
		if (all->kept[i].lookup)
			lookup_free(all->kept[i].lookup);
}
