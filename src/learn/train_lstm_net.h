/*
 * train_lstm_net.h - an LSTM of one or two layers and directions, and its pooling, over many texts at a
 * time, there and back.
 *
 * Its parameters are one array: for each layer and direction (forward first) input, recurrent and bias
 * as math/lstm.h has them; then attention's vector, where that is the pooling.
 */
#ifndef SIFD_LEARN_TRAIN_LSTM_NET_H
#define SIFD_LEARN_TRAIN_LSTM_NET_H

#include "embed/pool.h"
#include "math/lstm.h"
#include "model/model.h"

#include <stddef.h>
#include <stdint.h>

struct err;

enum { NET_WORDS_MAX = 512 }; /* of a text */

struct net_shape {
	size_t in, h, layers, sides;
	enum pooling pooling;
};

size_t net_outputs(const struct net_shape *shape);

/* What a layer reads: words, or the outputs of the layer below. */
size_t net_inputs(const struct net_shape *shape, size_t layer);

/* Floats of one layer in one direction, and of all. */
size_t net_run_floats(const struct net_shape *shape, size_t layer);
size_t net_floats(const struct net_shape *shape);

struct net {
	struct net_shape shape;
	struct lstm runs[MODEL_LSTM_RUNS]; /* 2 layer + side; over the parameters */
	struct pool pool;
};

/* Over parameters (net_floats()); both must stay where they are. */
void net_over(struct net *net, const struct net_shape *shape, const float *parameters);

/* One text alone with the bits that it will be served with: x (n, in), n > 0 -> vector (net_outputs()). */
size_t net_serve_scratch(const struct net *net, size_t n);
void net_serve(const struct net *net, const float *x, size_t n, float *vector, float *scratch);

/* Scratch of one thread, for batches of up to `texts`. */
struct net_batch;

struct net_batch *net_batch_new(const struct net *net, size_t texts, struct err *err);
void net_batch_free(struct net_batch *b);

/*
 * Text k of n > 0 has words[starts[k]..starts[k + 1]), 1 to NET_WORDS_MAX of them: rows of inputs.  Fills
 * vectors (n, net_outputs()).  words and starts must stay for the way back.  ERR_MEMORY.
 */
int net_forward(struct net_batch *b, const float *inputs, const uint32_t *words, const size_t *starts,
		size_t n, float *vectors, struct err *err);

/* From the loss's gradient by the vectors that by the parameters, added to gradient (net_floats()). */
void net_backward(struct net_batch *b, const float *d_vectors, float *gradient);

#endif
