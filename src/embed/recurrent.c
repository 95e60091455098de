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

struct recurrent_net recurrent_net_of(const struct model *m)
{
	return (struct recurrent_net){ m->lstm,
				       model_lstm_layers(m),
				       { m->pooling, m->lstm_h, model_lstm_sides(m), m->lstm_attention } };
}

size_t recurrent_scratch(const struct recurrent_net *net, size_t n)
{
	return n * (2 * net->pool.sides * net->pool.h + 1) + lstm_scratch(&net->lstm[0]);
}

/* y (n, sides h): what the last layer says of each word. */
static void run_layers(const struct recurrent_net *net, const float *x, size_t n, float *y, float *scratch)
{
	size_t h = net->pool.h;
	size_t sides = net->pool.sides;
	float *states = scratch;
	float *rest = states + n * sides * h;

	for (size_t layer = 0; layer < net->layers; layer++) {
		for (size_t side = 0; side < sides; side++)
			lstm_run(&net->lstm[2 * layer + side], layer ? y : x, n, side == 1,
				 states + side * n * h, rest);
		for (size_t t = 0; t < n; t++)
			for (size_t side = 0; side < sides; side++)
				memcpy(y + (t * sides + side) * h, states + (side * n + t) * h,
				       h * sizeof(*y));
	}
}

void recurrent_run(const struct recurrent_net *net, const float *x, size_t n, float *vector, float *scratch)
{
	float *y = scratch;
	float *rest = y + n * net->pool.sides * net->pool.h;

	run_layers(net, x, n, y, rest);
	pool_states(&net->pool, y, n, vector, rest);
}

/* Of pooling residual: the words' rows as they are, beside the states. */
static void run_residual(const struct model *m, const struct recurrent_net *net, const uint32_t *ids,
			 size_t n, const float *x, float *vector, float *scratch)
{
	float *y = scratch;
	float *rows = y + n * net->pool.sides * net->pool.h;
	float *rest = rows + n * m->rows.d;

	run_layers(net, x, n, y, rest);
	for (size_t t = 0; t < n; t++)
		rows_get(rows + t * m->rows.d, &m->rows, ids[t]);
	readout_run(&m->readout, rows, y, n, vector, rest);
}

int recurrent_embed(struct recurrent *r, const struct model *m, const uint32_t *ids, size_t n, float *vector,
		    struct err *err)
{
	struct recurrent_net net = recurrent_net_of(m);
	size_t in = model_lstm_inputs(m);
	float *x;

	if (n > RECURRENT_WORDS_MAX)
		n = RECURRENT_WORDS_MAX;
	if (make_room(r,
		      n * in + (n + 1) * m->rows.d + recurrent_scratch(&net, n) +
			      readout_scratch(&m->readout),
		      err))
		return -1;
	x = r->floats;
	for (size_t t = 0; t < n; t++)
		recurrent_input(m, ids[t], x + t * in, x + n * in);
	if (m->pooling == POOLING_RESIDUAL)
		run_residual(m, &net, ids, n, x, vector, x + n * in);
	else
		recurrent_run(&net, x, n, vector, x + n * in);
	return 0;
}
