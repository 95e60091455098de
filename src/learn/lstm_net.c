#include "learn/lstm_net.h"

#include "base/mem.h"
#include "math/mat.h"
#include "math/vec.h"

#include <stdlib.h>
#include <string.h>

size_t net_outputs(const struct net_shape *shape)
{
	return shape->directions * shape->h;
}

size_t net_vector(const struct net_shape *shape)
{
	return shape->pooling == POOLING_RESIDUAL ? shape->d : net_outputs(shape);
}

size_t net_inputs(const struct net_shape *shape, size_t layer)
{
	return layer ? net_outputs(shape) : shape->in;
}

size_t net_layer_floats(const struct net_shape *shape, size_t layer)
{
	return 4 * shape->h * (net_inputs(shape, layer) + shape->h + 1);
}

static size_t pooling_floats(const struct net_shape *shape)
{
	size_t outputs = net_outputs(shape);

	if (shape->pooling == POOLING_RESIDUAL)
		return outputs * (shape->d + 1);
	return shape->pooling == POOLING_ATTENTION ? outputs : 0;
}

size_t net_floats(const struct net_shape *shape)
{
	size_t n = pooling_floats(shape);

	for (size_t layer = 0; layer < shape->layers; layer++)
		n += shape->directions * net_layer_floats(shape, layer);
	return n;
}

void net_over(struct net *net, const struct net_shape *shape, const float *parameters)
{
	const float *at = parameters;
	size_t outputs = net_outputs(shape);

	*net = (struct net){ .shape = *shape };
	for (size_t layer = 0; layer < shape->layers; layer++)
		for (size_t direction = 0; direction < shape->directions; direction++) {
			size_t in = net_inputs(shape, layer);

			net->layers[layer][direction] =
				(struct lstm){ in, shape->h, at, at + 4 * shape->h * in,
					       at + 4 * shape->h * (in + shape->h) };
			at += net_layer_floats(shape, layer);
		}
	net->pool = (struct pool){ shape->pooling, shape->h, shape->directions,
				   shape->pooling == POOLING_ATTENTION ? at : NULL };
	if (shape->pooling != POOLING_RESIDUAL)
		return;
	net->mix = at;
	net->readout = (struct readout){ shape->d, outputs, at + outputs * shape->d };
}

/* ---- one text, as it is served ---- */

size_t net_serve_scratch(const struct net *net, size_t n)
{
	return n * (2 * net_outputs(&net->shape) + 1) + lstm_scratch(&net->layers[0][0]) + net->shape.d;
}

void net_serve(const struct net *net, const float *inputs, const float *rows, size_t n, float *vector,
	       float *scratch)
{
	size_t h = net->shape.h;
	size_t directions = net->shape.directions;
	float *y = scratch; /* (n, outputs) of a layer */
	float *states = y + n * directions * h;
	float *rest = states + n * directions * h;

	for (size_t layer = 0; layer < net->shape.layers; layer++) {
		for (size_t k = 0; k < directions; k++)
			lstm_run(&net->layers[layer][k], layer ? y : inputs, n, k == 1, states + k * n * h,
				 rest);
		for (size_t t = 0; t < n; t++)
			for (size_t k = 0; k < directions; k++)
				memcpy(y + (t * directions + k) * h, states + (k * n + t) * h,
				       h * sizeof(*y));
	}
	if (net->shape.pooling == POOLING_RESIDUAL)
		readout_run(&net->readout, net->mix, rows, y, n, vector, states);
	else
		pool_states(&net->pool, y, n, vector, states);
}

/* ---- a batch ---- */

/*
 * "Rows" are words in order of steps, longest text first, as struct lstm_batch has them; everything else is
 * in the words' own order.
 */
struct net_batch {
	const struct net *net;
	struct net_texts texts;
	size_t rows, steps, room;

	size_t *order;			/* (texts) the longest first */
	size_t *active;			/* (NET_WORDS_MAX) */
	size_t *at[NET_DIRECTIONS_MAX]; /* (room) the word that a row is */
	struct {
		float *x, *gates, *cells, *states;
	} layers[NET_LAYERS_MAX][NET_DIRECTIONS_MAX];
	float *y[NET_LAYERS_MAX], *d_y[NET_LAYERS_MAX]; /* (room, outputs) */
	float *d_states;				/* (room, h) */
	float *d_x;					/* (room, the longest inputs) */
	float *gates, *d_gates;				/* (room) residual: a_t; the gradient by v . y_t */
	float *sums, *d_sums;				/* (texts, outputs) residual: sum of a_t y_t */
	float *scratch;
};

struct net_batch *net_batch_new(const struct net *net, size_t texts, struct err *err)
{
	struct net_batch *b = mem_try(1, sizeof(*b), err);
	size_t outputs = net->shape.pooling == POOLING_RESIDUAL ? net_outputs(&net->shape) : 1;
	size_t floats = (texts + 1) * net->shape.h;

	if (!b)
		return NULL;
	b->net = net;
	b->order = mem_try(texts, sizeof(*b->order), err);
	b->active = mem_try(NET_WORDS_MAX, sizeof(*b->active), err);
	b->scratch = mem_try_aligned(floats + NET_WORDS_MAX, sizeof(float), err);
	b->sums = mem_try_aligned(texts, outputs * sizeof(float), err);
	b->d_sums = mem_try_aligned(texts, outputs * sizeof(float), err);
	if (b->order && b->active && b->scratch && b->sums && b->d_sums)
		return b;
	net_batch_free(b);
	return NULL;
}

void net_batch_free(struct net_batch *b)
{
	if (!b)
		return;
	for (size_t layer = 0; layer < NET_LAYERS_MAX; layer++) {
		for (size_t k = 0; k < NET_DIRECTIONS_MAX; k++) {
			free(b->layers[layer][k].x);
			free(b->layers[layer][k].gates);
			free(b->layers[layer][k].cells);
			free(b->layers[layer][k].states);
		}
		free(b->y[layer]);
		free(b->d_y[layer]);
	}
	free(b->order);
	free(b->active);
	free(b->at[0]);
	free(b->at[1]);
	free(b->d_states);
	free(b->d_x);
	free(b->gates);
	free(b->d_gates);
	free(b->sums);
	free(b->d_sums);
	free(b->scratch);
	free(b);
}

static int resize_layer(struct net_batch *b, size_t layer, size_t room, struct err *err)
{
	const struct net_shape *shape = &b->net->shape;
	size_t outputs = net_outputs(shape);
	size_t h = shape->h;

	for (size_t k = 0; k < shape->directions; k++)
		if (mem_resize(&b->layers[layer][k].x, room * net_inputs(shape, layer), sizeof(float), err) ||
		    mem_resize(&b->layers[layer][k].gates, room * 4 * h, sizeof(float), err) ||
		    mem_resize(&b->layers[layer][k].cells, room * h, sizeof(float), err) ||
		    mem_resize(&b->layers[layer][k].states, room * h, sizeof(float), err))
			return -1;
	return mem_resize(&b->y[layer], room * outputs, sizeof(float), err) ||
			       mem_resize(&b->d_y[layer], room * outputs, sizeof(float), err)
		       ? -1
		       : 0;
}

/* Room for `rows` words; what was there is lost. */
static int make_room(struct net_batch *b, size_t rows, struct err *err)
{
	const struct net_shape *shape = &b->net->shape;
	size_t outputs = net_outputs(shape);
	size_t longest = outputs > shape->in ? outputs : shape->in;
	size_t room = rows + rows / 4;

	if (rows <= b->room)
		return 0;
	b->room = 0;
	for (size_t layer = 0; layer < shape->layers; layer++)
		if (resize_layer(b, layer, room, err))
			return -1;
	if (mem_resize(&b->at[0], room, sizeof(size_t), err) ||
	    mem_resize(&b->at[1], room, sizeof(size_t), err) ||
	    mem_resize(&b->d_states, room * shape->h, sizeof(float), err) ||
	    mem_resize(&b->d_x, room * longest, sizeof(float), err) ||
	    mem_resize(&b->gates, room, sizeof(float), err) ||
	    mem_resize(&b->d_gates, room, sizeof(float), err))
		return -1;
	b->room = room;
	return 0;
}

static size_t length_of(const struct net_batch *b, size_t k)
{
	return b->texts.starts[k + 1] - b->texts.starts[k];
}

/* Longest first; counting sort, so that equal ones keep their order. */
static void sort_by_length(struct net_batch *b)
{
	size_t at[NET_WORDS_MAX + 2] = { 0 };

	for (size_t k = 0; k < b->texts.n; k++)
		at[NET_WORDS_MAX - length_of(b, k) + 1]++;
	for (size_t i = 1; i <= NET_WORDS_MAX; i++)
		at[i] += at[i - 1];
	for (size_t k = 0; k < b->texts.n; k++)
		b->order[at[NET_WORDS_MAX - length_of(b, k)]++] = k;
}

/* Which word is which row; the reverse direction reads from a text's end. */
static void find_rows(struct net_batch *b)
{
	const size_t *starts = b->texts.starts;
	size_t active = b->texts.n;
	size_t row = 0;

	b->steps = length_of(b, b->order[0]);
	for (size_t step = 0; step < b->steps; step++) {
		while (length_of(b, b->order[active - 1]) <= step)
			active--;
		b->active[step] = active;
		for (size_t i = 0; i < active; i++, row++) {
			size_t k = b->order[i];

			b->at[0][row] = starts[k] + step;
			b->at[1][row] = starts[k + 1] - 1 - step;
		}
	}
	b->rows = row;
}

static struct lstm_batch batch_of(const struct net_batch *b, size_t layer, size_t direction)
{
	return (struct lstm_batch){ b->steps,
				    b->rows,
				    b->active,
				    b->layers[layer][direction].x,
				    b->layers[layer][direction].gates,
				    b->layers[layer][direction].cells,
				    b->layers[layer][direction].states };
}

/* The input, or row, of a word of the batch: number `word` of an array of vectors of d. */
static const float *vector_of(const struct net_batch *b, const float *vectors, size_t word, size_t d)
{
	return vectors + (b->texts.words ? b->texts.words[word] : word) * d;
}

/* ---- forward ---- */

/* One layer in one direction: its inputs in order of rows, its states into y. */
static void forward_layer(struct net_batch *b, size_t layer, size_t direction)
{
	const struct net_shape *shape = &b->net->shape;
	size_t in = net_inputs(shape, layer);
	size_t h = shape->h;
	size_t outputs = net_outputs(shape);
	const size_t *at = b->at[direction];
	struct lstm_batch batch = batch_of(b, layer, direction);
	float *x = b->layers[layer][direction].x;

	for (size_t row = 0; row < b->rows; row++)
		memcpy(x + row * in,
		       layer ? b->y[layer - 1] + at[row] * outputs
			     : vector_of(b, b->texts.inputs, at[row], in),
		       in * sizeof(float));
	lstm_forward(&b->net->layers[layer][direction], &batch, b->scratch);
	for (size_t row = 0; row < b->rows; row++)
		memcpy(b->y[layer] + at[row] * outputs + direction * h, batch.states + row * h,
		       h * sizeof(float));
}

/* e = sum_t a_t x_t + W sum_t a_t y_t (math/readout.h), W for all texts together. */
static void read_residual(struct net_batch *b, const float *y, float *vectors)
{
	const struct net *net = b->net;
	size_t d = net->shape.d;
	size_t width = net->readout.width;

	memset(b->sums, 0, b->texts.n * width * sizeof(float));
	memset(vectors, 0, b->texts.n * d * sizeof(float));
	for (size_t k = 0; k < b->texts.n; k++)
		for (size_t w = b->texts.starts[k]; w < b->texts.starts[k + 1]; w++) {
			float a = readout_gate(vec_dot(net->readout.gate, y + w * width, width));

			b->gates[w] = a;
			vec_axpy(b->sums + k * width, a, y + w * width, width);
			vec_axpy(vectors + k * d, a, vector_of(b, b->texts.rows, w, d), d);
		}
	mat_mul(vectors, b->sums, net->mix, b->texts.n, d, width, 0, 0, 1.0f, 1.0f);
}

int net_forward(struct net_batch *b, const struct net_texts *texts, float *vectors, struct err *err)
{
	const struct net_shape *shape = &b->net->shape;
	size_t outputs = net_outputs(shape);
	const float *y;

	if (make_room(b, texts->starts[texts->n], err))
		return -1;
	b->texts = *texts;
	sort_by_length(b);
	find_rows(b);
	for (size_t layer = 0; layer < shape->layers; layer++)
		for (size_t direction = 0; direction < shape->directions; direction++)
			forward_layer(b, layer, direction);
	y = b->y[shape->layers - 1];
	if (shape->pooling == POOLING_RESIDUAL)
		read_residual(b, y, vectors);
	else
		for (size_t k = 0; k < texts->n; k++)
			pool_states(&b->net->pool, y + texts->starts[k] * outputs, length_of(b, k),
				    vectors + k * outputs, b->scratch);
	return 0;
}

/* ---- backward ---- */

/* Through the residual pooling, to d_y; the gradients of W and v; and of the rows as they are summed. */
static void residual_backward(struct net_batch *b, const float *d_vectors, float *d_mix, float *d_rows)
{
	const struct net *net = b->net;
	const float *y = b->y[net->shape.layers - 1];
	float *d_y = b->d_y[net->shape.layers - 1];
	size_t d = net->shape.d;
	size_t width = net->readout.width;
	float *d_gate = d_mix + width * d;

	mat_mul(b->d_sums, d_vectors, net->mix, b->texts.n, width, d, 0, 1, 1.0f, 0.0f);
	mat_mul(d_mix, b->sums, d_vectors, width, d, b->texts.n, 1, 0, 1.0f, 1.0f);
	for (size_t k = 0; k < b->texts.n; k++)
		for (size_t w = b->texts.starts[k]; w < b->texts.starts[k + 1]; w++) {
			const float *d_vector = d_vectors + k * d;
			const float *d_sum = b->d_sums + k * width;
			const float *row = vector_of(b, b->texts.rows, w, d);
			float a = b->gates[w];
			float slope = vec_dot(d_vector, row, d) + vec_dot(d_sum, y + w * width, width);
			float d_z = slope * a * (1.0f - 0.5f * a);

			vec_axpy(d_gate, d_z, y + w * width, width);
			memset(d_y + w * width, 0, width * sizeof(float));
			vec_axpy(d_y + w * width, a, d_sum, width);
			vec_axpy(d_y + w * width, d_z, net->readout.gate, width);
			if (d_rows)
				vec_axpy(d_rows + w * d, a, d_vector, d);
		}
}

/* One layer in one direction: from its part of d_y to `to`; to->d_x is added to d_below, by words. */
static void backward_layer(struct net_batch *b, size_t layer, size_t direction, struct lstm_gradient *to,
			   float *d_below)
{
	const struct net_shape *shape = &b->net->shape;
	size_t h = shape->h;
	size_t in = net_inputs(shape, layer);
	size_t outputs = net_outputs(shape);
	const size_t *at = b->at[direction];
	struct lstm_batch batch = batch_of(b, layer, direction);

	for (size_t row = 0; row < b->rows; row++)
		memcpy(b->d_states + row * h, b->d_y[layer] + at[row] * outputs + direction * h,
		       h * sizeof(float));
	lstm_backward(&b->net->layers[layer][direction], &batch, b->d_states, to, b->scratch);
	for (size_t row = 0; d_below && row < b->rows; row++)
		vec_axpy(d_below + at[row] * in, 1.0f, b->d_x + row * in, in);
}

static void pooling_backward(struct net_batch *b, const float *d_vectors, float *gradient, float *d_rows)
{
	const struct net_shape *shape = &b->net->shape;
	size_t outputs = net_outputs(shape);
	size_t top = shape->layers - 1;

	if (shape->pooling == POOLING_RESIDUAL) {
		residual_backward(b, d_vectors, gradient, d_rows);
		return;
	}
	for (size_t k = 0; k < b->texts.n; k++)
		pool_back(&b->net->pool, b->y[top] + b->texts.starts[k] * outputs, length_of(b, k),
			  d_vectors + k * outputs, b->d_y[top] + b->texts.starts[k] * outputs,
			  shape->pooling == POOLING_ATTENTION ? gradient : NULL, b->scratch);
}

void net_backward(struct net_batch *b, const float *d_vectors, float *gradient, float *d_inputs,
		  float *d_rows)
{
	const struct net_shape *shape = &b->net->shape;
	float *end = gradient + net_floats(shape) - pooling_floats(shape);

	pooling_backward(b, d_vectors, end, d_rows);
	for (size_t layer = shape->layers; layer-- > 0;) {
		size_t in = net_inputs(shape, layer);
		float *d_below = layer ? b->d_y[layer - 1] : d_inputs;

		end -= shape->directions * net_layer_floats(shape, layer);
		if (d_below)
			memset(d_below, 0, b->rows * in * sizeof(float));
		for (size_t direction = 0; direction < shape->directions; direction++) {
			float *at = end + direction * net_layer_floats(shape, layer);
			float *recurrent = at + 4 * shape->h * in;
			struct lstm_gradient to = { at, recurrent, recurrent + 4 * shape->h * shape->h,
						    d_below ? b->d_x : NULL };

			backward_layer(b, layer, direction, &to, d_below);
		}
	}
}
