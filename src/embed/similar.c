#include "embed/similar.h"

#include "base/mem.h"
#include "math/vec.h"

#include <stdbool.h>
#include <stdlib.h>

float similar_score(const float *a, const float *b, size_t d)
{
	float dot = vec_dot(a, b, d);

	if (dot > 1.0f)
		return 1.0f;
	return dot < -1.0f ? -1.0f : dot;
}

int similar_pair(struct embedder *s, struct text a, struct text b, float *score, float *coverage,
		 struct err *err)
{
	struct text pair[2] = { a, b };
	size_t d = embedder_dimension(s);
	float *vectors = mem_try_aligned(2 * d, sizeof(*vectors), err);
	struct seen seen[2];
	int rc;

	if (!vectors)
		return -1;
	rc = embedder_embed_many(s, pair, 2, true, vectors, seen, err);
	if (rc == 0)
		*score = similar_score(vectors, vectors + d, d);
	for (int i = 0; rc == 0 && coverage && i < 2; i++)
		coverage[i] = seen_coverage(seen[i]);
	free(vectors);
	return rc;
}

/* No two rows are equal in this order, so the best are the same however they are found. */
static bool better(const struct found *a, const struct found *b)
{
	return a->score != b->score ? a->score > b->score : a->index < b->index;
}

/* Puts x where it belongs below `at` in a heap (n) whose root is the worst. */
static void sift_down(struct found *heap, size_t at, size_t n, struct found x)
{
	for (;;) {
		size_t child = 2 * at + 1;

		if (child >= n)
			break;
		if (child + 1 < n && better(&heap[child], &heap[child + 1]))
			child++;
		if (!better(&x, &heap[child]))
			break;
		heap[at] = heap[child];
		at = child;
	}
	heap[at] = x;
}

size_t similar_top(struct found *found, size_t top, const float *query, const float *rows, size_t n, size_t d)
{
	size_t held = top < n ? top : n;

	for (size_t i = 0; i < held; i++)
		found[i] = (struct found){ .index = i, .score = similar_score(query, rows + i * d, d) };
	for (size_t i = held / 2; i-- > 0;)
		sift_down(found, i, held, found[i]);
	for (size_t i = held; held > 0 && i < n; i++) {
		struct found x = { .index = i, .score = similar_score(query, rows + i * d, d) };

		if (better(&x, &found[0]))
			sift_down(found, 0, held, x);
	}
	/* The worst moves to the end, again and again, which leaves the best first. */
	for (size_t left = held; left > 1; left--) {
		struct found worst = found[0];

		sift_down(found, 0, left - 1, found[left - 1]);
		found[left - 1] = worst;
	}
	return held;
}
