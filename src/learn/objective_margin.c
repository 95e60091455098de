/* The objective of a margin between a text's pair and its negative. */
#include "base/parallel_for.h"
#include "base/random.h"
#include "learn/objective_private.h"
#include "math/mat.h"
#include "math/vec.h"

#include <math.h>
#include <string.h>

enum { DRAWS = 64 }; /* tries; after them a text has no negative */

static const uint32_t none = UINT32_MAX;

/* Text s of the 2n belongs to pair s mod n. */
static bool allowed(const struct objective *o, size_t s, size_t other)
{
	size_t n = o->batch->n;

	return s % n != other % n && !objective_collide(o->batch, s % n, other % n);
}

static uint32_t nearest(const struct objective *o, size_t s)
{
	size_t n = o->batch->n;
	const float *row = o->similar + s * 2 * n;
	uint32_t best = none;

	for (size_t i = 0; i < 2 * n; i++)
		if ((best == none || row[i] > row[best]) && allowed(o, s, i))
			best = (uint32_t)i;
	return best;
}

static uint32_t any(const struct objective *o, size_t s, uint64_t *random)
{
	for (int i = 0; i < DRAWS; i++) {
		uint32_t other = (uint32_t)random_below(random, 2 * o->batch->n);

		if (allowed(o, s, other))
			return other;
	}
	return none;
}

static void choose(void *context, size_t part, size_t parts)
{
	struct objective *o = context;
	size_t n = o->batch->n;
	enum negatives which = o->options.negatives;
	size_t start;
	size_t stop = parallel_share(2 * n, 1, part, parts, &start);

	if (which != NEGATIVES_RANDOM && start < stop)
		mat_mul(o->similar + start * 2 * n, o->unit + start * o->d, o->unit, stop - start, 2 * n,
			o->d, 0, 1, 1, 0);
	for (size_t s = start; s < stop; s++) {
		uint64_t random = random_seed(o->batch->random, s, 0);
		bool at_random =
			which == NEGATIVES_RANDOM || (which == NEGATIVES_MIX && (random_next(&random) & 1));

		o->negative[s] = at_random ? any(o, s, &random) : nearest(o, s);
	}
}

/* The loss of text s against its negative; adds the gradients when it is above 0. */
static double push(struct objective *o, size_t s, size_t partner, float together)
{
	size_t d = o->d;
	size_t other = o->negative[s];
	float share = 1 / (float)o->batch->n;
	float loss;

	if (other == none)
		return 0;
	loss = o->options.margin - together + vec_dot(o->unit + s * d, o->unit + other * d, d);
	if (loss <= 0)
		return 0;
	vec_axpy(o->d_unit + s * d, share, o->unit + other * d, d);
	vec_axpy(o->d_unit + other * d, share, o->unit + s * d, d);
	vec_axpy(o->d_unit + s * d, -share, o->unit + partner * d, d);
	vec_axpy(o->d_unit + partner * d, -share, o->unit + s * d, d);
	return (double)loss;
}

double objective_margin(struct objective *o)
{
	size_t n = o->batch->n;
	double loss = 0;

	parallel_parts(o->threads, OBJECTIVE_PARTS, choose, o);
	memset(o->d_unit, 0, 2 * n * o->d * sizeof(*o->d_unit));
	for (size_t i = 0; i < n; i++) {
		float together = vec_dot(o->unit + i * o->d, o->unit + (n + i) * o->d, o->d);

		loss += push(o, i, n + i, together);
		loss += push(o, n + i, i, together);
	}
	return loss / (double)n;
}
