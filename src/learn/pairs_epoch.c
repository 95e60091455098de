/* The batches of an epoch: which pairs, in which order. */
#include "base/err.h"
#include "base/mem.h"
#include "base/random.h"
#include "learn/pairs.h"

#include <stdlib.h>
#include <string.h>

/* The pairs that a group of so many texts gives per epoch. */
static size_t group_pairs(size_t texts)
{
	return texts == 2 ? 1 : texts;
}

static size_t source_pairs(const struct pair_source *s)
{
	size_t n = s->n;

	for (size_t g = 0; g < s->groups; g++)
		n += group_pairs(s->group_starts[g + 1] - s->group_starts[g]);
	return n;
}

/* Batches of n pairs: the rest makes a batch if it is half of one, or all there is. */
static size_t batches_of(size_t n, size_t batch)
{
	size_t full = n / batch;

	return full + (2 * (n % batch) >= batch || full == 0);
}

size_t pair_epoch_batches(const struct pairs *pairs, size_t batch)
{
	size_t n = 0;

	for (size_t i = 0; i < pairs->n; i++)
		n += batches_of(source_pairs(&pairs->sources[i]), batch);
	return n;
}

/* Pairs each text of the group with the next one in a shuffled circle. */
static size_t draw_group(struct pair *to, uint32_t *members, size_t n, uint32_t group, uint64_t *random)
{
	size_t drawn = group_pairs(n);

	random_shuffle(members, n, sizeof(*members), random);
	for (size_t i = 0; i < drawn; i++)
		to[i] = (struct pair){
			.a = members[i], .b = members[(i + 1) % n], .a_key = group, .b_key = group, .gold = 1
		};
	return drawn;
}

/* Draws the source's pairs of the epoch, shuffled; returns their number.  scratch: as long as its largest
 * group. */
static size_t draw_source(struct pair *to, const struct pair_source *s, uint32_t *scratch, uint64_t random)
{
	size_t n = s->n;

	if (s->n)
		memcpy(to, s->pairs, s->n * sizeof(*to));
	for (size_t g = 0; g < s->groups; g++) {
		size_t start = s->group_starts[g];
		size_t members = s->group_starts[g + 1] - start;

		memcpy(scratch, s->members + start, members * sizeof(*scratch));
		n += draw_group(to + n, scratch, members, (uint32_t)g, &random);
	}
	random_shuffle(to, n, sizeof(*to), &random);
	return n;
}

static int make_room(struct pair_epoch *e, const struct pairs *pairs, size_t batch, struct err *err)
{
	size_t n = 0;

	if (e->pairs)
		return 0;
	for (size_t i = 0; i < pairs->n; i++)
		n += source_pairs(&pairs->sources[i]);
	e->pairs = mem_try(n, sizeof(*e->pairs), err);
	e->batches = mem_try(pair_epoch_batches(pairs, batch), sizeof(*e->batches), err);
	return e->pairs && e->batches ? 0 : -1;
}

int pair_epoch_draw(struct pair_epoch *e, const struct pairs *pairs, size_t batch, uint64_t seed,
		    uint64_t number, struct err *err)
{
	uint64_t random = random_seed(seed, number, UINT64_MAX);
	uint32_t *scratch;
	size_t most = 0;

	for (size_t i = 0; i < pairs->n; i++)
		for (size_t g = 0; g < pairs->sources[i].groups; g++) {
			const size_t *starts = pairs->sources[i].group_starts + g;

			most = starts[1] - starts[0] > most ? starts[1] - starts[0] : most;
		}
	scratch = mem_try(most, sizeof(*scratch), err);
	if (!scratch || make_room(e, pairs, batch, err)) {
		free(scratch);
		return -1;
	}
	e->n = 0;
	e->batches_n = 0;
	for (size_t i = 0; i < pairs->n; i++) {
		size_t n = draw_source(e->pairs + e->n, &pairs->sources[i], scratch,
				       random_seed(seed, number, i));
		size_t batches = batches_of(n, batch);

		for (size_t b = 0; b < batches; b++)
			e->batches[e->batches_n++] = (struct pair_batch){
				.start = e->n + b * batch,
				.n = n - b * batch < batch ? n - b * batch : batch,
				.source = i,
			};
		e->n += n;
	}
	free(scratch);
	random_shuffle(e->batches, e->batches_n, sizeof(*e->batches), &random);
	return 0;
}

void pair_epoch_free(struct pair_epoch *e)
{
	free(e->pairs);
	free(e->batches);
	memset(e, 0, sizeof(*e));
}
