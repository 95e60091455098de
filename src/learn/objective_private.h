/* Private to src/learn/objective*.c: the scratch of a batch, and the losses over unit vectors. */
#ifndef SIFD_LEARN_OBJECTIVE_PRIVATE_H
#define SIFD_LEARN_OBJECTIVE_PRIVATE_H

#include "learn/objective.h"

/* A batch is cut into a fixed number of parts, so that the number of threads changes no bit. */
enum { OBJECTIVE_PARTS = 4 };

struct collision {
	uint32_t key, pair;
};

struct objective {
	struct objective_options options;
	struct threads *threads;
	size_t n_max, d;

	float *unit;		      /* (2n, d): u then v, each of length 1 */
	float *norm;		      /* (2n) */
	float *d_unit;		      /* (2n, d): the gradient to unit */
	float *similar;		      /* infonce (n, n), margin (2n, 2n) */
	float *by_column;	      /* infonce (n, n) */
	float *row_scale;	      /* (n) 1 / sum of the row */
	float *column_max;	      /* (parts, n), then the first row: of all */
	float *column_sum;	      /* (parts, n) */
	double *loss;		      /* (parts) */
	uint32_t *negative;	      /* margin (2n) */
	double *cosine, *slope;	      /* scored (n) */
	struct collision *collisions; /* (2n) */

	const struct objective_batch *batch; /* now at work */
	float *du, *dv;
};

/* Each: unit, norm and batch are there; fills d_unit, gives the loss. */
double objective_infonce(struct objective *o);
double objective_margin(struct objective *o);
double objective_pearson(struct objective *o);
double objective_cosent(struct objective *o);

/* May the pairs i and j not be each other's negatives? */
bool objective_collide(const struct objective_batch *b, size_t i, size_t j);

#endif
