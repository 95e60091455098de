/*
 * lstm_net.h - an LSTM of one or two layers and directions and its pooling, over a batch of texts: the
 * forward and the backward pass.
 *
 * The parameters are one array: for each layer and direction (forward first) input, recurrent and bias as
 * math/lstm.h has them; then of attention v (outputs), of the pooling residual W (outputs, d) and v
 * (outputs).
 */
#ifndef SIFD_LEARN_LSTM_NET_H
#define SIFD_LEARN_LSTM_NET_H

#include "embed/pool.h"
#include "math/lstm.h"
#include "math/readout.h"
#include "model/model.h"

#include <stddef.h>
#include <stdint.h>

struct err;

enum { NET_WORDS_MAX = 512, NET_LAYERS_MAX = 2, NET_DIRECTIONS_MAX = 2 };

struct net_shape {
	size_t in, h, layers, directions;
	enum pooling pooling;
	size_t d; /* of a row: pooling residual only */
};

/* The length of a layer's outputs; of the vector that the pooling makes of the last ones. */
size_t net_outputs(const struct net_shape *shape);
size_t net_vector(const struct net_shape *shape);

/* The length of what a layer reads: a word's input, or the outputs of the layer below. */
size_t net_inputs(const struct net_shape *shape, size_t layer);

/* Numbers of one layer in one direction, and of all parameters. */
size_t net_layer_floats(const struct net_shape *shape, size_t layer);
size_t net_floats(const struct net_shape *shape);

struct net {
	struct net_shape shape;
	struct lstm layers[NET_LAYERS_MAX][NET_DIRECTIONS_MAX]; /* over the parameters */
	struct pool pool;					/* attention's v is over them */
	const float *mix;					/* W transposed, of the pooling residual */
	struct readout readout;					/* likewise */
};

/* Over parameters (net_floats()), which must stay where they are. */
void net_over(struct net *net, const struct net_shape *shape, const float *parameters);

/* The words of n texts: text k has words[starts[k]..starts[k + 1]), from 1 to NET_WORDS_MAX of them. */
struct net_texts {
	const float *inputs;   /* (.., in) */
	const float *rows;     /* (.., d) as they are summed: pooling residual only */
	const uint32_t *words; /* which input and row a word is; NULL: word i is the i-th */
	const size_t *starts;  /* (n + 1) */
	size_t n;
};

/* One text with the bits that it will be served with: inputs (n, in), rows (n, d), n > 0 -> vector. */
size_t net_serve_scratch(const struct net *net, size_t n);
void net_serve(const struct net *net, const float *inputs, const float *rows, size_t n, float *vector,
	       float *scratch);

/* Scratch of one thread for batches of up to `texts`. */
struct net_batch;

struct net_batch *net_batch_new(const struct net *net, size_t texts, struct err *err);
void net_batch_free(struct net_batch *b);

/*
 * The forward pass: fills vectors (n, net_vector()).  What `texts` points to must stay until the backward
 * pass.  ERR_MEMORY.
 */
int net_forward(struct net_batch *b, const struct net_texts *texts, float *vectors, struct err *err);

/*
 * The backward pass: from the loss's gradient by the vectors to that by the parameters, which is added to
 * `gradient` (net_floats()); where not NULL, d_inputs (words of the batch, in) is overwritten with that by
 * the inputs and d_rows (words of the batch, d) is added that by the rows.
 */
void net_backward(struct net_batch *b, const float *d_vectors, float *gradient, float *d_inputs,
		  float *d_rows);

#endif
