#include "embed/recurrent.h"

#include "base/mem.h"
#include "math/vec.h"
#include "model/model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct recurrent {
	float *floats;
	size_t room;
};

struct recurrent *recurrent_new(struct err *err)
{
	return mem_try(1, sizeof(struct recurrent), err);
}

void recurrent_free(struct recurrent *r)
{
	if (!r)
		return;
	free(r->floats);
	free(r);
}

void recurrent_input(const struct model *m, uint32_t id, float *to, float *scratch)
{
	size_t in = model_lstm_inputs(m);

	if (m->projection && !m->facts.folded) {
		rows_get(scratch, &m->rows, id);
		vec_times_matrix(to, scratch, m->projection, m->rows.d, in);
	} else {
		rows_get(to, &m->rows, id);
	}
	(void)vec_unit(to, in);
	vec_scale(to, sqrtf((float)in), in);
}

static int make_room(struct recurrent *r, size_t floats, struct err *err)
{
	if (floats <= r->room)
		return 0;
	if (mem_resize(&r->floats, floats, sizeof(*r->floats), err))
		return -1;
	r->room = floats;
	return 0;
}

int recurrent_embed(struct recurrent *r, const struct model *m, const uint32_t *ids, size_t n, float *vector,
		    struct err *err)
{
	size_t in = model_lstm_inputs(m);
	size_t h = m->lstm_h;
	size_t scratch_n = lstm_scratch(&m->lstm[0]);
	float *x;
	float *states;
	float *scratch;

	if (n > RECURRENT_WORDS_MAX)
		n = RECURRENT_WORDS_MAX;
	if (make_room(r, n * (in + h) + scratch_n + m->rows.d, err))
		return -1;
	x = r->floats;
	states = x + n * in;
	scratch = states + n * h;
	for (size_t t = 0; t < n; t++)
		recurrent_input(m, ids[t], x + t * in, scratch + scratch_n);
	memset(vector, 0, 2 * h * sizeof(*vector));
	for (size_t side = 0; side < 2; side++) {
		lstm_run(&m->lstm[side], x, n, side == 1, states, scratch);
		for (size_t t = 0; t < n; t++)
			vec_axpy(vector + side * h, 1.0f, states + t * h, h);
	}
	vec_scale(vector, 1.0f / (float)n, 2 * h);
	return 0;
}
