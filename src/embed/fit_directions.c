/*
 * The second half of a fit: the second moment of the sentences' vectors, and components and whitening of it.
 */
#include "base/err.h"
#include "base/mem.h"
#include "base/progress.h"
#include "embed/fit_private.h"
#include "math/mat.h"
#include "math/sif.h"
#include "text/corpus.h"

#include <math.h>
#include <stdlib.h>

/* Eigenvalues below this part of the largest are rounding: no direction of the corpus. */
static const double least_part = 1e-7;

/*
 * sum <- (sum + mass * prior's mean) / (n + mass).  A moment of uSIF's weights is 4 times one of SIF's:
 * a / (a/2 + p) = 2 * (a/2) / (a/2 + p).
 */
static void mix_moment(struct fit *f, double *sum, float *moment)
{
	double total = (double)f->totals.sentences + f->mass;
	bool was = model_sums(f->m) == METHOD_USIF;
	bool is = f->o.method == METHOD_USIF;
	double scale = was == is || model_learned(f->m) ? 1.0 : is ? 4.0 : 0.25;

	for (size_t i = 0; i < f->d * f->d; i++) {
		double prior = f->mass > 0.0 ? f->mass * scale * (double)f->m->moment[i] : 0.0;

		sum[i] = (sum[i] + prior) / total;
		moment[i] = (float)sum[i];
	}
}

/* The first components, and for uSIF how much of each is taken out. */
static int take_components(struct fit *f, const double *values, const double *vectors, struct err *err)
{
	double trace = 0.0;
	double held = 0.0;
	float *components;
	float *scales;
	size_t k = 0;

	for (size_t i = 0; i < f->d; i++)
		trace += fmax(values[i], 0.0);
	while (k < f->o.components && values[k] > least_part * values[0])
		held += values[k++];
	f->totals.explained = held / trace;
	f->parts.k = k;
	if (k == 0)
		return 0;
	f->parts.components = components = fit_floats(f, k * f->d, err);
	if (!components)
		return -1;
	for (size_t i = 0; i < k * f->d; i++)
		components[i] = (float)vectors[i];
	if (f->o.method != METHOD_USIF)
		return 0;
	f->parts.component_scales = scales = fit_floats(f, k, err);
	if (!scales)
		return -1;
	for (size_t i = 0; i < k; i++)
		scales[i] = (float)(values[i] / held);
	return 0;
}

/* Components and whitening of the mean second moment, which is overwritten. */
static int take_directions(struct fit *f, double *moment, struct err *err)
{
	size_t d = f->d;
	double *values = mem_try(d, sizeof(*values), err);
	double *vectors = values ? mem_try(d * d, sizeof(*vectors), err) : NULL;
	float *projection;
	int failed = -1;

	if (!vectors)
		goto out;
	if (mat_eigen(values, vectors, moment, d, err)) {
		(void)err_prefix(err, "the second moment of the corpus's sentence vectors");
		goto out;
	}
	if (!(values[0] > 0.0)) {
		(void)err_set(err, ERR_INPUT, "every sentence of the corpus has the zero vector");
		goto out;
	}
	if (take_components(f, values, vectors, err))
		goto out;
	if (f->o.method != METHOD_USIF) {
		f->parts.projection = projection = fit_floats(f, d * d, err);
		if (!projection)
			goto out;
		sif_whitening(projection, values, vectors, d, f->o.power);
	}
	failed = 0;
out:
	free(vectors);
	free(values);
	return failed;
}

int fit_directions(struct fit *f, const struct fit_source *source, struct err *err)
{
	double *sum = mem_try_aligned(f->d * f->d, sizeof(*sum), err);
	float *moment;
	int failed = -1;

	if (!sum || fit_sum(source, f->weights, sum, &f->totals, err))
		goto out;
	if (f->totals.known == 0) {
		(void)fit_no_words(f, err);
		goto out;
	}
	progress_phase(source->progress, "finding components", "bytes", corpus_size(source->corpus));
	progress_set(source->progress, corpus_size(source->corpus));
	f->parts.moment = moment = fit_floats(f, f->d * f->d, err);
	if (!moment)
		goto out;
	mix_moment(f, sum, moment);
	failed = take_directions(f, sum, err);
out:
	free(sum);
	return failed;
}
