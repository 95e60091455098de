#include "learn/train_lstm_net.h"

#include "base/mem.h"
#include "math/vec.h"

#include <stdlib.h>
#include <string.h>

size_t net_outputs(const struct net_shape *shape)
{
	return shape->sides * shape->h;
}

size_t net_inputs(const struct net_shape *shape, size_t layer)
{
	return layer ? net_outputs(shape) : shape->in;
}

size_t net_run_floats(const struct net_shape *shape, size_t layer)
{
	return 4 * shape->h * (net_inputs(shape, layer) + shape->h + 1);
}

size_t net_floats(const struct net_shape *shape)
{
	size_t n = shape->pooling == POOLING_ATTENTION ? net_outputs(shape) : 0;

	for (size_t layer = 0; layer < shape->layers; layer++)
		n += shape->sides * net_run_floats(shape, layer);
	return n;
}

void net_over(struct net *net, const struct net_shape *shape, const float *parameters)
{
	const float *at = parameters;

	*net = (struct net){ .shape = *shape };
	for (size_t layer = 0; layer < shape->layers; layer++)
		for (size_t side = 0; side < shape->sides; side++) {
			size_t in = net_inputs(shape, layer);

			net->runs[2 * layer + side] = (struct lstm){ in, shape->h, at, at + 4 * shape->h * in,
								     at + 4 * shape->h * (in + shape->h) };
			at += net_run_floats(shape, layer);
		}
	net->pool = (struct pool){ shape->pooling, shape->h, shape->sides,
				   shape->pooling == POOLING_ATTENTION ? at : NULL };
}

size_t net_serve_scratch(const struct net *net, size_t n)
{
	return n * (2 * net_outputs(&net->shape) + 1) + lstm_scratch(&net->runs[0]);
}

void net_serve(const struct net *net, const float *x, size_t n, float *vector, float *scratch)
{
	size_t h = net->shape.h;
	size_t sides = net->shape.sides;
	float *y = scratch; /* (n, sides h): what a layer says of each word */
	float *states = y + n * sides * h;
	float *rest = states + n * sides * h;

	for (size_t layer = 0; layer < net->shape.layers; layer++) {
		for (size_t side = 0; side < sides; side++)
			lstm_run(&net->runs[2 * layer + side], layer ? y : x, n, side == 1,
				 states + side * n * h, rest);
		for (size_t t = 0; t < n; t++)
			for (size_t side = 0; side < sides; side++)
				memcpy(y + (t * sides + side) * h, states + (side * n + t) * h,
				       h * sizeof(*y));
	}
	pool_states(&net->pool, y, n, vector, states);
}

/*
 * "Rows" are words in order of steps, longest text first, as struct lstm_batch has them; all else is
 * in the words' own order.
 */
struct net_batch {
	const struct net *net;
	const size_t *starts;
	size_t n, rows, steps, room;

	size_t *order;	/* (texts) the longest first */
	size_t *active; /* (NET_WORDS_MAX) */
	size_t *at[2];	/* (room) the word that is a row, by direction */
	float *x[MODEL_LSTM_RUNS], *gates[MODEL_LSTM_RUNS], *cells[MODEL_LSTM_RUNS], *states[MODEL_LSTM_RUNS];
	float *y[MODEL_LSTM_LAYERS], *d_y[MODEL_LSTM_LAYERS]; /* (room, outputs) */
	float *d_states;				      /* (room, h) */
	float *d_x;					      /* (room, outputs) */
	float *scratch;
};

struct net_batch *net_batch_new(const struct net *net, size_t texts, struct err *err)
{
	struct net_batch *b = mem_try(1, sizeof(*b), err);
	size_t floats = (texts + 1) * net->shape.h;

	if (!b)
		return NULL;
	b->net = net;
	b->order = mem_try(texts, sizeof(*b->order), err);
	b->active = mem_try(NET_WORDS_MAX, sizeof(*b->active), err);
	b->scratch = mem_try_aligned(floats + NET_WORDS_MAX, sizeof(float), err);
	if (b->order && b->active && b->scratch)
		return b;
	net_batch_free(b);
	return NULL;
}

void net_batch_free(struct net_batch *b)
{
	if (!b)
		return;
	for (size_t run = 0; run < MODEL_LSTM_RUNS; run++) {
		free(b->x[run]);
		free(b->gates[run]);
		free(b->cells[run]);
		free(b->states[run]);
	}
	for (size_t layer = 0; layer < MODEL_LSTM_LAYERS; layer++) {
		free(b->y[layer]);
		free(b->d_y[layer]);
	}
	free(b->order);
	free(b->active);
	free(b->at[0]);
	free(b->at[1]);
	free(b->d_states);
	free(b->d_x);
	free(b->scratch);
	free(b);
}

/* Room for `rows` words; what was there is lost. */
static int make_room(struct net_batch *b, size_t rows, struct err *err)
{
	const struct net_shape *shape = &b->net->shape;
	size_t outputs = net_outputs(shape);
	size_t h = shape->h;
	size_t room = rows + rows / 4;

	if (rows <= b->room)
		return 0;
	b->room = 0;
	for (size_t layer = 0; layer < shape->layers; layer++) {
		size_t in = net_inputs(shape, layer);

		for (size_t run = 2 * layer; run < 2 * layer + shape->sides; run++)
			if (mem_resize(&b->x[run], room * in, sizeof(float), err) ||
			    mem_resize(&b->gates[run], room * 4 * h, sizeof(float), err) ||
			    mem_resize(&b->cells[run], room * h, sizeof(float), err) ||
			    mem_resize(&b->states[run], room * h, sizeof(float), err))
				return -1;
		if (mem_resize(&b->y[layer], room * outputs, sizeof(float), err) ||
		    mem_resize(&b->d_y[layer], room * outputs, sizeof(float), err))
			return -1;
	}
	if (mem_resize(&b->at[0], room, sizeof(size_t), err) ||
	    mem_resize(&b->at[1], room, sizeof(size_t), err) ||
	    mem_resize(&b->d_states, room * h, sizeof(float), err) ||
	    mem_resize(&b->d_x, room * outputs, sizeof(float), err))
		return -1;
	b->room = room;
	return 0;
}

static size_t length_of(const struct net_batch *b, size_t k)
{
	return b->starts[k + 1] - b->starts[k];
}

/* Longest first; counting sort, so that equal ones keep their order. */
static void sort_by_length(struct net_batch *b)
{
	size_t at[NET_WORDS_MAX + 2] = { 0 };

	for (size_t k = 0; k < b->n; k++)
		at[NET_WORDS_MAX - length_of(b, k) + 1]++;
	for (size_t i = 1; i <= NET_WORDS_MAX; i++)
		at[i] += at[i - 1];
	for (size_t k = 0; k < b->n; k++)
		b->order[at[NET_WORDS_MAX - length_of(b, k)]++] = k;
}

/* Which word is which row; the reverse direction reads from a text's end. */
static void find_rows(struct net_batch *b)
{
	size_t active = b->n;
	size_t row = 0;

	b->steps = length_of(b, b->order[0]);
	for (size_t step = 0; step < b->steps; step++) {
		while (length_of(b, b->order[active - 1]) <= step)
			active--;
		b->active[step] = active;
		for (size_t i = 0; i < active; i++, row++) {
			size_t k = b->order[i];

			b->at[0][row] = b->starts[k] + step;
			b->at[1][row] = b->starts[k + 1] - 1 - step;
		}
	}
	b->rows = row;
}

static struct lstm_batch batch_of(const struct net_batch *b, size_t run)
{
	return (struct lstm_batch){ b->steps,	   b->rows,	  b->active,	 b->x[run],
				    b->gates[run], b->cells[run], b->states[run] };
}

/* One layer in one direction: its inputs in order of rows, its states into y. */
static void run_forward(struct net_batch *b, size_t layer, size_t side, const float *inputs,
			const uint32_t *words)
{
	const struct net_shape *shape = &b->net->shape;
	size_t run = 2 * layer + side;
	size_t in = net_inputs(shape, layer);
	size_t h = shape->h;
	size_t outputs = net_outputs(shape);
	struct lstm_batch batch = batch_of(b, run);

	for (size_t row = 0; row < b->rows; row++) {
		size_t word = b->at[side][row];
		const float *from = layer ? b->y[layer - 1] + word * outputs : inputs + words[word] * in;

		memcpy(b->x[run] + row * in, from, in * sizeof(float));
	}
	lstm_forward(&b->net->runs[run], &batch, b->scratch);
	for (size_t row = 0; row < b->rows; row++)
		memcpy(b->y[layer] + b->at[side][row] * outputs + side * h, b->states[run] + row * h,
		       h * sizeof(float));
}

int net_forward(struct net_batch *b, const float *inputs, const uint32_t *words, const size_t *starts,
		size_t n, float *vectors, struct err *err)
{
	const struct net_shape *shape = &b->net->shape;
	size_t outputs = net_outputs(shape);

	if (make_room(b, starts[n], err))
		return -1;
	b->starts = starts;
	b->n = n;
	sort_by_length(b);
	find_rows(b);
	for (size_t layer = 0; layer < shape->layers; layer++)
		for (size_t side = 0; side < shape->sides; side++)
			run_forward(b, layer, side, inputs, words);
	for (size_t k = 0; k < n; k++)
		pool_states(&b->net->pool, b->y[shape->layers - 1] + starts[k] * outputs, length_of(b, k),
			    vectors + k * outputs, b->scratch);
	return 0;
}

/* One layer in one direction: d_y's share of it into `to`, and, above others, into the d_y below. */
static void run_backward(struct net_batch *b, size_t layer, size_t side, struct lstm_gradient *to)
{
	size_t h = b->net->shape.h;
	size_t outputs = net_outputs(&b->net->shape);
	struct lstm_batch batch = batch_of(b, 2 * layer + side);

	for (size_t row = 0; row < b->rows; row++)
		memcpy(b->d_states + row * h, b->d_y[layer] + b->at[side][row] * outputs + side * h,
		       h * sizeof(float));
	lstm_backward(&b->net->runs[2 * layer + side], &batch, b->d_states, to, b->scratch);
	for (size_t row = 0; layer && row < b->rows; row++)
		vec_axpy(b->d_y[layer - 1] + b->at[side][row] * outputs, 1.0f, b->d_x + row * outputs,
			 outputs);
}

void net_backward(struct net_batch *b, const float *d_vectors, float *gradient)
{
	const struct net_shape *shape = &b->net->shape;
	size_t outputs = net_outputs(shape);
	size_t top = shape->layers - 1;
	float *end = gradient + net_floats(shape);
	bool attends = shape->pooling == POOLING_ATTENTION;

	for (size_t k = 0; k < b->n; k++)
		pool_back(&b->net->pool, b->y[top] + b->starts[k] * outputs, length_of(b, k),
			  d_vectors + k * outputs, b->d_y[top] + b->starts[k] * outputs,
			  attends ? end - outputs : NULL, b->scratch);
	if (attends)
		end -= outputs;
	for (size_t layer = shape->layers; layer-- > 0;) {
		end -= shape->sides * net_run_floats(shape, layer);
		if (layer)
			memset(b->d_y[layer - 1], 0, b->rows * outputs * sizeof(float));
		for (size_t side = 0; side < shape->sides; side++) {
			float *at = end + side * net_run_floats(shape, layer);
			float *recurrent = at + 4 * shape->h * net_inputs(shape, layer);
			struct lstm_gradient to = { at, recurrent, recurrent + 4 * shape->h * shape->h,
						    layer ? b->d_x : NULL };

			run_backward(b, layer, side, &to);
		}
	}
}
