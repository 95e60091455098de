/*
 * An LSTM of every shape and pooling over a batch: as it is served, text by text; its gradients against
 * finite differences.
 */
#include "learn/lstm_net.h"

#include "base/err.h"
#include "base/random.h"
#include "math/mat.h"
#include "math/vec.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { IN = 3, D = 5, H = 4, OUTPUTS = 2 * H, WORDS = 6, TEXTS = 4, LENGTH = 12, FLOATS_MAX = 1024 };

/* Neither in order of lengths, nor without the same word twice. */
static const size_t starts[TEXTS + 1] = { 0, 3, 8, 9, LENGTH };
static const uint32_t words[LENGTH] = { 0, 4, 2, 5, 5, 1, 3, 0, 2, 4, 1, 4 };
static float inputs[WORDS * IN], rows[WORDS * D], parameters[FLOATS_MAX];
static const struct net_texts texts = { inputs, rows, words, starts, TEXTS };

static void fill(float *x, size_t n, uint64_t *random)
{
	for (size_t i = 0; i < n; i++)
		x[i] = 2 * random_unit(random) - 1;
}

static void each_shape(void (*check)(struct net *net, struct net_batch *b))
{
	for (size_t layers = 1; layers <= 2; layers++)
		for (size_t directions = 1; directions <= 2; directions++)
			for (int pooling = POOLING_MEAN; pooling < POOLING_COUNT; pooling++) {
				struct net_shape shape = { IN,
							   H,
							   layers,
							   directions,
							   (enum pooling)pooling,
							   pooling == POOLING_RESIDUAL ? D : 0 };
				struct net net;
				struct net_batch *b;
				struct err err;
				uint64_t random = 5;

				assert_true(net_floats(&shape) <= FLOATS_MAX);
				fill(parameters, FLOATS_MAX, &random);
				net_over(&net, &shape, parameters);
				b = net_batch_new(&net, TEXTS, &err);
				assert_non_null(b);
				check(&net, b);
				net_batch_free(b);
			}
}

static void check_served(struct net *net, struct net_batch *b)
{
	size_t outputs = net_vector(&net->shape);
	float vectors[TEXTS * OUTPUTS], served[OUTPUTS], x[LENGTH * IN], summed[LENGTH * D];
	float *scratch = malloc(net_serve_scratch(net, LENGTH) * sizeof(*scratch));
	struct err err;

	assert_non_null(scratch);
	assert_int_equal(net_forward(b, &texts, vectors, &err), 0);
	for (size_t k = 0; k < TEXTS; k++) {
		size_t n = starts[k + 1] - starts[k];

		for (size_t t = 0; t < n; t++) {
			memcpy(x + t * IN, inputs + words[starts[k] + t] * IN, IN * sizeof(float));
			memcpy(summed + t * D, rows + words[starts[k] + t] * D, D * sizeof(float));
		}
		net_serve(net, x, summed, n, served, scratch);
		for (size_t i = 0; i < outputs; i++)
			assert_true(fabsf(served[i] - vectors[k * outputs + i]) < 1e-6f);
	}
	free(scratch);
}

static void a_batch_is_its_texts(void **state)
{
	(void)state;
	each_shape(check_served);
}

/* A loss that sees every number differently. */
static double loss_of(const struct net *net, struct net_batch *b)
{
	float vectors[TEXTS * OUTPUTS];
	struct err err;
	double loss = 0;

	assert_int_equal(net_forward(b, &texts, vectors, &err), 0);
	for (size_t i = 0; i < TEXTS * net_vector(&net->shape); i++)
		loss += (double)vectors[i] * sin((double)(i + 1));
	return loss;
}

static double slope(const struct net *net, struct net_batch *b, float *at)
{
	const float step = 5e-4f;
	float kept = *at;
	double losses[2];

	for (int side = 0; side < 2; side++) {
		*at = kept + (side ? step : -step);
		losses[side] = loss_of(net, b);
	}
	*at = kept;
	return (losses[1] - losses[0]) / (2 * (double)step);
}

/* The gradient of number k of a word's input or row: what its places in the texts add up to. */
static double at_places(const float *d_words, uint32_t word, size_t d, size_t k)
{
	double sum = 0;

	for (size_t i = 0; i < LENGTH; i++)
		sum += words[i] == word ? (double)d_words[i * d + k] : 0;
	return sum;
}

static void check_gradient(struct net *net, struct net_batch *b)
{
	float d_vectors[TEXTS * OUTPUTS], gradient[FLOATS_MAX] = { 0 };
	float d_inputs[LENGTH * IN], d_rows[LENGTH * D] = { 0 };
	bool residual = net->shape.pooling == POOLING_RESIDUAL;

	(void)loss_of(net, b);
	for (size_t i = 0; i < sizeof(d_vectors) / sizeof(d_vectors[0]); i++)
		d_vectors[i] = (float)sin((double)(i + 1));
	net_backward(b, d_vectors, gradient, d_inputs, residual ? d_rows : NULL);
	for (size_t i = 0; i < net_floats(&net->shape); i++)
		if (fabs(slope(net, b, &parameters[i]) - (double)gradient[i]) > 2e-3)
			fail_msg("%zu layers, %zu directions, %s: number %zu", net->shape.layers,
				 net->shape.directions, pooling_names[net->shape.pooling], i);
	for (uint32_t word = 0; word < WORDS; word++)
		for (size_t k = 0; k < IN; k++)
			assert_true(fabs(slope(net, b, &inputs[word * IN + k]) -
					 at_places(d_inputs, word, IN, k)) < 2e-3);
	for (uint32_t word = 0; residual && word < WORDS; word++)
		for (size_t k = 0; k < D; k++)
			assert_true(fabs(slope(net, b, &rows[word * D + k]) - at_places(d_rows, word, D, k)) <
				    2e-3);
}

static void gradients_are_those_of_the_loss(void **state)
{
	(void)state;
	each_shape(check_gradient);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_batch_is_its_texts),
		cmocka_unit_test(gradients_are_those_of_the_loss),
	};
	uint64_t random = 9;

	vec_init();
	mat_init();
	fill(inputs, (size_t)WORDS * IN, &random);
	fill(rows, (size_t)WORDS * D, &random);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
