#include "learn/sparse_adam.h"

#include "base/mem.h"
#include "base/parallel_for.h"
#include "math/rows.h"
#include "math/vec.h"

#include <math.h>
#include <stdlib.h>

static const double beta1 = 0.9, beta2 = 0.99, epsilon = 1e-10;

enum { GRAIN = 16 };

struct sparse_adam {
	struct sparse_adam_rows of;
	struct threads *threads;
	float *gradients;
	struct rows by_place; /* of them */

	uint32_t *ids, *places; /* (n) as added */
	size_t n, room;

	uint32_t *count; /* (words) in this batch; all 0 between batches */
	uint32_t *words; /* (words_n) that are in it, in order of appearance */
	size_t *starts;	 /* (words_n + 1) in users */
	uint32_t *users; /* (n) places, by word */
	size_t words_n;
	float *sums; /* (workers, d) */

	float rate, first, second; /* rate / (1 - b1^t); 1 - b1; 1 / (1 - b2^t) */
};

struct sparse_adam *sparse_adam_new(const struct sparse_adam_rows *of, size_t places_most,
				    struct threads *threads, struct err *err)
{
	struct sparse_adam *r = mem_try(1, sizeof(*r), err);

	if (!r)
		return NULL;
	r->of = *of;
	r->threads = threads;
	r->gradients = mem_try_aligned(places_most, of->d * sizeof(float), err);
	r->count = mem_try(of->words + 1, sizeof(*r->count), err);
	r->words = mem_try(of->words + 1, sizeof(*r->words), err);
	r->starts = mem_try(of->words + 2, sizeof(*r->starts), err);
	r->sums = mem_try_aligned(threads_count(threads), of->d * sizeof(float), err);
	r->by_place = (struct rows){ ROWS_F32, places_most, of->d, r->gradients, NULL };
	if (r->gradients && r->count && r->words && r->starts && r->sums)
		return r;
	sparse_adam_free(r);
	return NULL;
}

void sparse_adam_free(struct sparse_adam *r)
{
	if (!r)
		return;
	free(r->gradients);
	free(r->ids);
	free(r->places);
	free(r->count);
	free(r->words);
	free(r->starts);
	free(r->users);
	free(r->sums);
	free(r);
}

float *sparse_adam_gradients(struct sparse_adam *r)
{
	return r->gradients;
}

int sparse_adam_add(struct sparse_adam *r, const uint32_t *ids, const uint32_t *places, size_t n,
		    struct err *err)
{
	if (r->n + n > r->room) {
		size_t room = (r->n + n) * 2;

		if (mem_resize(&r->ids, room, sizeof(*r->ids), err) ||
		    mem_resize(&r->places, room, sizeof(*r->places), err) ||
		    mem_resize(&r->users, room, sizeof(*r->users), err))
			return -1;
		r->room = room;
	}
	for (size_t k = 0; k < n; k++) {
		r->ids[r->n] = ids[k];
		r->places[r->n++] = places[k];
	}
	return 0;
}

/* The places of each word, together. */
static void list_users(struct sparse_adam *r)
{
	size_t at = 0;

	r->words_n = 0;
	for (size_t k = 0; k < r->n; k++)
		if (r->count[r->ids[k]]++ == 0)
			r->words[r->words_n++] = r->ids[k];
	for (size_t w = 0; w < r->words_n; w++) {
		r->starts[w] = at;
		at += r->count[r->words[w]];
		r->count[r->words[w]] = (uint32_t)r->starts[w]; /* where its next user goes */
	}
	r->starts[r->words_n] = at;
	for (size_t k = 0; k < r->n; k++)
		r->users[r->count[r->ids[k]]++] = r->places[k];
	for (size_t w = 0; w < r->words_n; w++)
		r->count[r->words[w]] = 0;
}

static void move(void *context, size_t worker, size_t workers)
{
	struct sparse_adam *r = context;
	size_t d = r->of.d;
	float *sum = r->sums + worker * d;
	size_t start;
	size_t stop = parallel_share(r->words_n, GRAIN, worker, workers, &start);

	for (size_t w = start; w < stop; w++) {
		size_t id = r->words[w];
		float *first = r->of.first + id * d;
		float *second = &r->of.second[id];

		rows_sum(sum, &r->by_place, r->users + r->starts[w], NULL, r->starts[w + 1] - r->starts[w]);
		*second = (float)beta2 * *second + (float)(1.0 - beta2) * (vec_dot(sum, sum, d) / (float)d);
		vec_scale(first, (float)beta1, d);
		vec_axpy(first, r->first, sum, d);
		vec_axpy(r->of.rows + id * d, -r->rate / (sqrtf(*second * r->second) + (float)epsilon), first,
			 d);
	}
}

void sparse_adam_apply(struct sparse_adam *r, double rate, uint64_t step)
{
	r->rate = (float)(rate / (1.0 - pow(beta1, (double)step)));
	r->first = (float)(1.0 - beta1);
	r->second = (float)(1.0 / (1.0 - pow(beta2, (double)step)));
	list_users(r);
	parallel_for(r->threads, move, r);
	r->n = 0;
}
