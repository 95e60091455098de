/* Objectives of scored pairs: Pearson and CoSENT. */
#include "learn/objective_private.h"
#include "math/vec.h"

#include <math.h>
#include <string.h>

static void compare(struct objective *o)
{
	size_t n = o->batch->n;

	for (size_t i = 0; i < n; i++) {
		o->cosine[i] = (double)vec_dot(o->unit + i * o->d, o->unit + (n + i) * o->d, o->d);
		o->slope[i] = 0;
	}
}

/* From the gradient by the cosines to that by the unit vectors. */
static void spread(struct objective *o)
{
	size_t n = o->batch->n;

	memset(o->d_unit, 0, 2 * n * o->d * sizeof(*o->d_unit));
	for (size_t i = 0; i < n; i++) {
		vec_axpy(o->d_unit + i * o->d, (float)o->slope[i], o->unit + (n + i) * o->d, o->d);
		vec_axpy(o->d_unit + (n + i) * o->d, (float)o->slope[i], o->unit + i * o->d, o->d);
	}
}

/* r = sum x y / (|x| |y|) of the centred series; dr/dx = (y / |y| - r x / |x|) / |x|. */
static double correlate(struct objective *o)
{
	const struct objective_batch *b = o->batch;
	double x_mean = 0;
	double y_mean = 0;
	double xx = 0;
	double yy = 0;
	double xy = 0;
	double r;

	for (size_t i = 0; i < b->n; i++) {
		x_mean += o->cosine[i] / (double)b->n;
		y_mean += (double)b->gold[i] / (double)b->n;
	}
	for (size_t i = 0; i < b->n; i++) {
		double x = o->cosine[i] - x_mean;
		double y = (double)b->gold[i] - y_mean;

		xx += x * x;
		yy += y * y;
		xy += x * y;
	}
	if (xx <= 0 || yy <= 0)
		return 0;
	r = xy / sqrt(xx * yy);
	for (size_t i = 0; i < b->n; i++)
		o->slope[i] =
			-(((double)b->gold[i] - y_mean) / sqrt(xx * yy) - r * (o->cosine[i] - x_mean) / xx);
	return r;
}

double objective_pearson(struct objective *o)
{
	double r;

	compare(o);
	r = correlate(o);
	spread(o);
	return 1 - r;
}

/* The largest exponent over wrongly ordered pairs, at least 0. */
static double worst(const struct objective *o)
{
	const struct objective_batch *b = o->batch;
	double most = 0;

	for (size_t i = 0; i < b->n; i++)
		for (size_t j = 0; j < b->n; j++)
			if (b->gold[i] > b->gold[j])
				most = fmax(most,
					    (o->cosine[j] - o->cosine[i]) / (double)o->options.temperature);
	return most;
}

double objective_cosent(struct objective *o)
{
	const struct objective_batch *b = o->batch;
	double t = (double)o->options.temperature;
	double most;
	double sum;

	compare(o);
	most = worst(o);
	sum = exp(-most);
	for (size_t i = 0; i < b->n; i++)
		for (size_t j = 0; j < b->n; j++)
			if (b->gold[i] > b->gold[j]) {
				double e = exp((o->cosine[j] - o->cosine[i]) / t - most);

				sum += e;
				o->slope[j] += e;
				o->slope[i] -= e;
			}
	for (size_t i = 0; i < b->n; i++)
		o->slope[i] /= t * sum;
	spread(o);
	return log(sum) + most;
}
