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

/* The words' bytes, and the scales that make them as long as recurrent_input() does. */
static void take_bytes(const struct model *m, const uint32_t *ids, size_t n, int8_t *x, float *scales)
{
	size_t d = m->rows.d;

	for (size_t t = 0; t < n; t++) {
		int32_t square = 0;

		memcpy(x + t * d, (const int8_t *)m->rows.data + ids[t] * d, d);
		for (size_t k = 0; k < d; k++)
			square += x[t * d + k] * x[t * d + k];
		scales[t] = square ? sqrtf((float)d) / sqrtf((float)square) : 0.0f;
	}
}

/* As run_layers() does, by whole numbers. */
static void run_bytes(const struct model *m, const uint32_t *ids, size_t n, float *y, float *scratch)
{
	size_t sides = model_lstm_sides(m);
	float *scales = scratch;
	void *rest = scratch + n;
	int8_t *x = (int8_t *)rest + lstm_i8_scratch(&m->lstm_i8[0]);

	take_bytes(m, ids, n, x, scales);
	for (size_t side = 0; side < sides; side++)
		lstm_i8_run(&m->lstm_i8[side], x, scales, n, side == 1, y + side * m->lstm_h,
			    sides * m->lstm_h, rest);
}

/* Floats that both ways of running need beside y. */
static size_t states_scratch(const struct model *m, const struct recurrent_net *net, size_t n)
{
	if (model_lstm_of_bytes(m))
		return n + (lstm_i8_scratch(&m->lstm_i8[0]) + n * m->rows.d) / sizeof(float) + 1;
	return n * model_lstm_inputs(m) + m->rows.d + recurrent_scratch(net, n);
}

static void run_states(const struct model *m, const struct recurrent_net *net, const uint32_t *ids, size_t n,
		       float *y, float *scratch)
{
	size_t in = model_lstm_inputs(m);

	if (model_lstm_of_bytes(m)) {
		run_bytes(m, ids, n, y, scratch);
		return;
	}
	for (size_t t = 0; t < n; t++)
		recurrent_input(m, ids[t], scratch + t * in, scratch + n * in);
	run_layers(net, scratch, n, y, scratch + n * in);
}

int recurrent_embed(struct recurrent *r, const struct model *m, const uint32_t *ids, size_t n, float *vector,
		    float *mean, struct err *err)
{
	struct recurrent_net net = recurrent_net_of(m);
	struct pool evenly = { POOLING_MEAN, net.pool.h, net.pool.sides, NULL };
	size_t width = model_lstm_outputs(m);
	size_t d = m->rows.d;
	size_t reading; /* rows and scratch of the pooling */
	float *y;
	float *rest;

	n = n < RECURRENT_WORDS_MAX ? n : RECURRENT_WORDS_MAX;
	reading = m->pooling == POOLING_RESIDUAL ? n * d + readout_scratch(&m->readout) : n;
	if (make_room(r, n * width + reading + states_scratch(m, &net, n), err))
		return -1;
	y = r->floats;
	rest = y + n * width;
	run_states(m, &net, ids, n, y, rest);
	if (mean)
		pool_states(&evenly, y, n, mean, rest);
	if (m->pooling != POOLING_RESIDUAL) {
		pool_states(&net.pool, y, n, vector, rest);
		return 0;
	}
	for (size_t t = 0; t < n; t++)
		rows_get(rest + t * d, &m->rows, ids[t]);
	readout_run(&m->readout, rest, y, n, vector, rest + n * d);
	return 0;
}
