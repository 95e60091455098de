#include "learn/row_moves.h"

#include "base/mem.h"
#include "base/team.h"
#include "math/rows.h"
#include "math/vec.h"

#include <math.h>
#include <stdlib.h>

static const double beta1 = 0.9, beta2 = 0.99, epsilon = 1e-10;

enum { GRAIN = 16 };

struct row_moves {
	struct moved_rows of;
	struct team *team;
	float *gradients;
	struct rows by_place; /* of them */

	uint32_t *ids, *places; /* (n) as added */
	size_t n, room;

	uint32_t *count; /* (words) in this batch; all 0 between batches */
	uint32_t *words; /* (words_n) that are in it, in order of appearance */
	size_t *starts;	 /* (words_n + 1) in users */
	uint32_t *users; /* (n) places, by word */
	size_t words_n;
	float *sums; /* (members, d) */

	float rate, first, second; /* rate / (1 - b1^t); 1 - b1; 1 / (1 - b2^t) */
};

struct row_moves *row_moves_new(const struct moved_rows *of, size_t places_most, struct team *team,
				struct err *err)
{
	struct row_moves *r = mem_try(1, sizeof(*r), err);

	if (!r)
		return NULL;
	r->of = *of;
	r->team = team;
	r->gradients = mem_try_aligned(places_most, of->d * sizeof(float), err);
	r->count = mem_try(of->words + 1, sizeof(*r->count), err);
	r->words = mem_try(of->words + 1, sizeof(*r->words), err);
	r->starts = mem_try(of->words + 2, sizeof(*r->starts), err);
	r->sums = mem_try_aligned(team_members(team), of->d * sizeof(float), err);
	r->by_place = (struct rows){ ROWS_F32, places_most, of->d, r->gradients, NULL };
	if (r->gradients && r->count && r->words && r->starts && r->sums)
		return r;
	row_moves_free(r);
	return NULL;
}

void row_moves_free(struct row_moves *r)
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

float *row_moves_gradients(struct row_moves *r)
{
	return r->gradients;
}

int row_moves_add(struct row_moves *r, const uint32_t *ids, const uint32_t *places, size_t n, struct err *err)
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
static void list_users(struct row_moves *r)
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

static void move(void *context, size_t member, size_t members)
{
	struct row_moves *r = context;
	size_t d = r->of.d;
	float *sum = r->sums + member * d;
	size_t start;
	size_t stop = team_share(r->words_n, GRAIN, member, members, &start);

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

void row_moves_apply(struct row_moves *r, double rate, uint64_t step)
{
	r->rate = (float)(rate / (1.0 - pow(beta1, (double)step)));
	r->first = (float)(1.0 - beta1);
	r->second = (float)(1.0 / (1.0 - pow(beta2, (double)step)));
	list_users(r);
	team_run(r->team, move, r);
	r->n = 0;
}
