/* The objective of a teacher: the cosine to its vector of the text. */
#include "base/parallel_for.h"
#include "learn/objective.h"
#include "math/vec.h"

#include <string.h>

struct comparison {
	float *vectors;
	double *losses;
	const float *const *targets;
	size_t n, d;
	float share;
};

/*
 * The loss 1 - cos(s, t) for unit t; s (d) becomes its gradient times `share`:
 * (cos(s, t) s / |s| - t) / |s|.  A vector of no length has no direction, and so no gradient.
 */
static double differentiate(float *s, const float *target, size_t d, float share)
{
	float length = vec_unit(s, d);
	float cosine = vec_dot(s, target, d);

	if (!(length > 0)) {
		memset(s, 0, d * sizeof(*s));
		return 1.0;
	}
	vec_scale(s, cosine * share / length, d);
	vec_axpy(s, -share / length, target, d);
	return 1.0 - (double)cosine;
}

static void compare(void *context, size_t worker, size_t workers)
{
	const struct comparison *c = context;
	size_t start;
	size_t stop = parallel_share(c->n, 16, worker, workers, &start);

	for (size_t i = start; i < stop; i++)
		c->losses[i] = differentiate(c->vectors + i * c->d, c->targets[i], c->d, c->share);
}

void objective_teacher(float *vectors, double *losses, const float *const *targets, size_t n, size_t d,
		       float share, struct threads *threads)
{
	struct comparison c = { .targets = targets, .n = n, .d = d, .share = share };

	c.vectors = vectors;
	c.losses = losses;
	parallel_for(threads, compare, &c);
}
