#include "learn/objective.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/parallel_for.h"
#include "learn/objective_private.h"
#include "math/vec.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

const char *const objective_names[OBJECTIVES] = {
	[OBJECTIVE_INFONCE] = "infonce",
	[OBJECTIVE_MARGIN] = "margin",
	[OBJECTIVE_PEARSON] = "pearson",
	[OBJECTIVE_COSENT] = "cosent",
};

const char *const negatives_names[NEGATIVES] = {
	[NEGATIVES_MAX] = "max",
	[NEGATIVES_MIX] = "mix",
	[NEGATIVES_RANDOM] = "random",
};

bool objective_scored(enum objective_kind kind)
{
	return kind == OBJECTIVE_PEARSON || kind == OBJECTIVE_COSENT;
}

static int allocate(struct objective *o, struct err *err)
{
	size_t n = o->n_max;
	size_t d = o->d;
	size_t wide = o->options.kind == OBJECTIVE_MARGIN ? 2 * n : n;
	bool pairwise = !objective_scored(o->options.kind);
	bool infonce = o->options.kind == OBJECTIVE_INFONCE;

	return (o->unit = mem_try_aligned(2 * n, d * sizeof(float), err)) &&
			       (o->d_unit = mem_try_aligned(2 * n, d * sizeof(float), err)) &&
			       (o->norm = mem_try(2 * n, sizeof(float), err)) &&
			       (o->similar =
					mem_try_aligned(pairwise ? wide : 1, wide * sizeof(float), err)) &&
			       (o->by_column = mem_try_aligned(infonce ? n : 1, n * sizeof(float), err)) &&
			       (o->row_scale = mem_try(n, sizeof(float), err)) &&
			       (o->column_max = mem_try_aligned(OBJECTIVE_PARTS, n * sizeof(float), err)) &&
			       (o->column_sum = mem_try_aligned(OBJECTIVE_PARTS, n * sizeof(float), err)) &&
			       (o->loss = mem_try(OBJECTIVE_PARTS, sizeof(double), err)) &&
			       (o->negative = mem_try(2 * n, sizeof(*o->negative), err)) &&
			       (o->cosine = mem_try(n, sizeof(double), err)) &&
			       (o->slope = mem_try(n, sizeof(double), err)) &&
			       (o->collisions = mem_try(2 * n, sizeof(*o->collisions), err))
		       ? 0
		       : -1;
}

struct objective *objective_new(const struct objective_options *options, size_t n, size_t d,
				struct threads *threads, struct err *err)
{
	struct objective *o = mem_try(1, sizeof(*o), err);

	if (!o)
		return NULL;
	o->options = *options;
	o->threads = threads;
	o->n_max = n;
	o->d = d;
	if (allocate(o, err)) {
		objective_free(o);
		return NULL;
	}
	return o;
}

void objective_free(struct objective *o)
{
	if (!o)
		return;
	free(o->unit);
	free(o->d_unit);
	free(o->norm);
	free(o->similar);
	free(o->by_column);
	free(o->row_scale);
	free(o->column_max);
	free(o->column_sum);
	free(o->loss);
	free(o->negative);
	free(o->cosine);
	free(o->slope);
	free(o->collisions);
	free(o);
}

bool objective_collide(const struct objective_batch *b, size_t i, size_t j)
{
	return b->u_keys && (b->u_keys[i] == b->u_keys[j] || b->v_keys[i] == b->v_keys[j] ||
			     b->u_keys[i] == b->v_keys[j] || b->v_keys[i] == b->u_keys[j]);
}

static void normalize(void *context, size_t worker, size_t workers)
{
	struct objective *o = context;
	const struct objective_batch *b = o->batch;
	size_t start;
	size_t stop = parallel_share(2 * b->n, 1, worker, workers, &start);

	for (size_t i = start; i < stop; i++) {
		const float *from = i < b->n ? b->u + i * o->d : b->v + (i - b->n) * o->d;
		float *to = o->unit + i * o->d;

		memcpy(to, from, o->d * sizeof(*to));
		o->norm[i] = vec_unit(to, o->d);
	}
}

/* d|x|^-1 x: g <- (g - (g . unit) unit) / norm. */
static void denormalize(void *context, size_t worker, size_t workers)
{
	struct objective *o = context;
	size_t n = o->batch->n;
	size_t start;
	size_t stop = parallel_share(2 * n, 1, worker, workers, &start);

	for (size_t i = start; i < stop; i++) {
		const float *g = o->d_unit + i * o->d;
		const float *unit = o->unit + i * o->d;
		float *to = i < n ? o->du + i * o->d : o->dv + (i - n) * o->d;
		float along = vec_dot(g, unit, o->d);
		float scale = o->norm[i] > 0 ? 1 / o->norm[i] : 0;

		for (size_t k = 0; k < o->d; k++)
			to[k] = scale * (g[k] - along * unit[k]);
	}
}

double objective_run(struct objective *o, const struct objective_batch *batch, float *du, float *dv)
{
	static double (*const losses[OBJECTIVES])(struct objective *) = {
		[OBJECTIVE_INFONCE] = objective_infonce,
		[OBJECTIVE_MARGIN] = objective_margin,
		[OBJECTIVE_PEARSON] = objective_pearson,
		[OBJECTIVE_COSENT] = objective_cosent,
	};
	double loss;

	assert(batch->n <= o->n_max && batch->d == o->d && batch->n > 0);
	assert((batch->u_keys != NULL) == (batch->v_keys != NULL));
	o->batch = batch;
	o->du = du;
	o->dv = dv;
	parallel_for(o->threads, normalize, o);
	loss = losses[o->options.kind](o);
	parallel_for(o->threads, denormalize, o);
	return loss;
}
