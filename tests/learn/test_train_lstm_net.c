/*
 * An LSTM of every shape and pooling over a batch: as it is served, text by text; its gradients against
 * finite differences.
 */
#include "learn/train_lstm_net.h"

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

enum { IN = 3, H = 4, OUTPUTS = 2 * H, WORDS = 6, TEXTS = 4, LENGTH = 12, FLOATS_MAX = 1024 };

/* Neither in order of lengths, nor without the same word twice. */
static const size_t starts[TEXTS + 1] = { 0, 3, 8, 9, LENGTH };
static const uint32_t words[LENGTH] = { 0, 4, 2, 5, 5, 1, 3, 0, 2, 4, 1, 4 };
static float inputs[WORDS * IN], parameters[FLOATS_MAX];

static void fill(float *x, size_t n, uint64_t *random)
{
	for (size_t i = 0; i < n; i++)
		x[i] = 2 * random_unit(random) - 1;
}

static void each_shape(void (*check)(struct net *net, struct net_batch *b))
{
	for (size_t layers = 1; layers <= 2; layers++)
		for (size_t sides = 1; sides <= 2; sides++)
			for (int pooling = POOLING_MEAN; pooling <= POOLING_ATTENTION; pooling++) {
				struct net_shape shape = { IN, H, layers, sides, (enum pooling)pooling };
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
	size_t outputs = net_outputs(&net->shape);
	float vectors[TEXTS * OUTPUTS], served[OUTPUTS], x[LENGTH * IN];
	float *scratch = malloc(net_serve_scratch(net, LENGTH) * sizeof(*scratch));
	struct err err;

	assert_non_null(scratch);
	assert_int_equal(net_forward(b, inputs, words, starts, TEXTS, vectors, &err), 0);
	for (size_t k = 0; k < TEXTS; k++) {
		size_t n = starts[k + 1] - starts[k];

		for (size_t t = 0; t < n; t++)
			memcpy(x + t * IN, inputs + words[starts[k] + t] * IN, IN * sizeof(float));
		net_serve(net, x, n, served, scratch);
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

	assert_int_equal(net_forward(b, inputs, words, starts, TEXTS, vectors, &err), 0);
	for (size_t i = 0; i < TEXTS * net_outputs(&net->shape); i++)
		loss += (double)vectors[i] * sin((double)(i + 1));
	return loss;
}

static void check_gradient(struct net *net, struct net_batch *b)
{
	const float step = 5e-4f;
	float d_vectors[TEXTS * OUTPUTS], gradient[FLOATS_MAX] = { 0 };

	(void)loss_of(net, b);
	for (size_t i = 0; i < sizeof(d_vectors) / sizeof(d_vectors[0]); i++)
		d_vectors[i] = (float)sin((double)(i + 1));
	net_backward(b, d_vectors, gradient);
	for (size_t i = 0; i < net_floats(&net->shape); i++) {
		float kept = parameters[i];
		double losses[2];

		for (int side = 0; side < 2; side++) {
			parameters[i] = kept + (side ? step : -step);
			losses[side] = loss_of(net, b);
		}
		parameters[i] = kept;
		if (fabs((losses[1] - losses[0]) / (2 * (double)step) - (double)gradient[i]) > 2e-3)
			fail_msg("%zu layers, %zu sides, %s: number %zu", net->shape.layers, net->shape.sides,
				 pooling_name(net->shape.pooling), i);
	}
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
	return cmocka_run_group_tests(tests, NULL, NULL);
}
