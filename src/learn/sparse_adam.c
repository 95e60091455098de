#include "learn/sparse_adam.h"

#include "base/parallel_for.h"
#include "learn/word_places.h"
#include "math/rows.h"
#include "math/vec.h"

#include <math.h>

static const double beta1 = 0.9, beta2 = 0.99, epsilon = 1e-10;

enum { GRAIN = 16 };

struct update {
	const struct sparse_adam *adam;
	const struct word_places *at;
	struct rows gradients;
	float rate, second_scale; /* rate / (1 - b1^t); 1 / (1 - b2^t) */
	float *scratch;
};

static void update_words(void *context, size_t worker, size_t workers)
{
	const struct update *u = context;
	const struct word_places *at = u->at;
	size_t d = u->adam->d;
	float *sum = u->scratch + worker * d;
	size_t start;
	size_t stop = parallel_share(at->words_n, GRAIN, worker, workers, &start);

	for (size_t k = start; k < stop; k++) {
		size_t word = at->words[k];
		float *first = u->adam->first + word * d;
		float *second = &u->adam->second[word];

		rows_sum(sum, &u->gradients, at->places + at->starts[k], NULL,
			 at->starts[k + 1] - at->starts[k]);
		*second = (float)beta2 * *second + (float)(1.0 - beta2) * (vec_dot(sum, sum, d) / (float)d);
		vec_scale(first, (float)beta1, d);
		vec_axpy(first, (float)(1.0 - beta1), sum, d);
		vec_axpy(u->adam->rows + word * d,
			 -u->rate / (sqrtf(*second * u->second_scale) + (float)epsilon), first, d);
	}
}

void sparse_adam_update(const struct sparse_adam *a, const struct word_places *at, const float *gradients,
			double rate, uint64_t step, float *scratch, struct threads *threads)
{
	struct update u = {
		.adam = a,
		.at = at,
		.gradients = { ROWS_F32, SIZE_MAX, a->d, gradients, NULL },
		.rate = (float)(rate / (1.0 - pow(beta1, (double)step))),
		.second_scale = (float)(1.0 / (1.0 - pow(beta2, (double)step))),
	};

	u.scratch = scratch;
	parallel_for(threads, update_words, &u);
}
