#include "embed/around.h"

#include "base/mem.h"
#include "math/rows.h"
#include "math/vec.h"
#include "model/model.h"

#include <stdlib.h>

void around_free(struct around *a)
{
	free(a->ids);
	free(a->near);
	free(a->rows);
}

static int make_room(struct around *a, size_t n, struct err *err)
{
	if (n <= a->cap)
		return 0;
	a->cap = 0;
	if (mem_resize(&a->ids, n, sizeof(*a->ids), err) || mem_resize(&a->near, n, sizeof(*a->near), err))
		return -1;
	a->cap = n;
	return 0;
}

int around_read(struct around *a, const uint32_t *ids, size_t n, size_t window, struct err *err)
{
	size_t words = 0; /* of the window around i, it included */
	size_t unknown = 0;

	if (make_room(a, n, err))
		return -1;
	a->known = a->filled = 0;
	for (size_t i = 0; i < n && i < window; i++, words++)
		unknown += ids[i] == VOCAB_UNKNOWN;
	for (size_t i = 0; i < n; i++) {
		if (i + window < n) {
			words++;
			unknown += ids[i + window] == VOCAB_UNKNOWN;
		}
		if (i > window) {
			words--;
			unknown -= ids[i - window - 1] == VOCAB_UNKNOWN;
		}
		if (ids[i] == VOCAB_UNKNOWN) {
			a->filled += unknown < words;
			continue;
		}
		a->ids[a->known] = ids[i];
		a->near[a->known++] = (float)unknown;
	}
	return 0;
}

int around_add(struct around *a, float *sum, const struct model *m, float weight, struct err *err)
{
	size_t d = m->rows.d;

	if (a->filled == 0)
		return 0;
	if (d > a->rows_cap) {
		if (mem_resize(&a->rows, d, 2 * sizeof(*a->rows), err))
			return -1;
		a->rows_cap = d;
	}
	rows_sum(a->rows, &m->rows, a->ids, a->near, a->known);
	vec_times_matrix(a->rows + d, a->rows, m->alacarte, d, d);
	vec_axpy(sum, weight, a->rows + d, d);
	return 0;
}
