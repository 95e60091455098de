/* The LSTM layer: PyTorch's numbers; a batch like one by one; gradients against finite differences. */
#include "base/random.h"
#include "math/kernels.h"
#include "math/lstm.h"
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

enum { IN = 3, H = 4, T = 5, GATES = 4 * H, SEQUENCES = 4, ROWS = 5 + 3 + 3 + 1, STEPS = 5 };

struct layer {
	float input[IN * GATES], recurrent[H * GATES], bias[GATES];
	struct lstm l;
};

static void point(struct layer *layer)
{
	layer->l = (struct lstm){ IN, H, layer->input, layer->recurrent, layer->bias };
}

static void read_numbers(FILE *f, float *to, size_t n)
{
	for (size_t i = 0; i < n; i++)
		assert_int_equal(fscanf(f, "%f", &to[i]), 1);
}

/* PyTorch's (4 h, n) as ours. */
static void read_layer(FILE *f, struct layer *layer)
{
	float ih[GATES * IN], hh[GATES * H], more[GATES];

	read_numbers(f, ih, GATES * IN);
	read_numbers(f, hh, GATES * H);
	read_numbers(f, layer->bias, GATES);
	read_numbers(f, more, GATES);
	for (size_t g = 0; g < GATES; g++) {
		layer->bias[g] += more[g];
		for (size_t i = 0; i < IN; i++)
			layer->input[i * GATES + g] = ih[g * IN + i];
		for (size_t i = 0; i < H; i++)
			layer->recurrent[i * GATES + g] = hh[g * H + i];
	}
	point(layer);
}

static void agrees_with_pytorch(void **state)
{
	struct layer layers[2];
	float x[T * IN], expected[T * 2 * H], states[T * H], scratch[10 * H];
	FILE *f = fopen("tests/golden/lstm.txt", "r");

	(void)state;
	assert_non_null(f);
	read_layer(f, &layers[0]);
	read_layer(f, &layers[1]);
	read_numbers(f, x, T * IN);
	read_numbers(f, expected, T * 2 * H);
	assert_int_equal(fclose(f), 0);
	assert_true(lstm_scratch(&layers[0].l) <= sizeof(scratch) / sizeof(scratch[0]));
	for (size_t side = 0; side < 2; side++) {
		lstm_run(&layers[side].l, x, T, side == 1, states, scratch);
		for (size_t t = 0; t < T; t++)
			for (size_t k = 0; k < H; k++)
				assert_true(fabsf(states[t * H + k] - expected[(t * 2 + side) * H + k]) <
					    2e-7f);
	}
}

static void fill(float *x, size_t n, uint64_t *random)
{
	for (size_t i = 0; i < n; i++)
		x[i] = 2 * random_unit(random) - 1;
}

static void make(struct layer *layer, float *x)
{
	uint64_t random = 9;

	fill(layer->input, IN * GATES, &random);
	fill(layer->recurrent, H * GATES, &random);
	fill(layer->bias, GATES, &random);
	fill(x, (size_t)ROWS * IN, &random);
	point(layer);
}

/* Lengths 5, 3, 3, 1. */
static const size_t active[STEPS] = { 4, 3, 3, 1, 1 };
static const size_t lengths[SEQUENCES] = { 5, 3, 3, 1 };

static size_t row_of(size_t sequence, size_t t)
{
	size_t row = sequence;

	for (size_t s = 0; s < t; s++)
		row += active[s];
	return row;
}

struct whole {
	float scratch[H], gates[ROWS * GATES], cells[ROWS * H], states[ROWS * H];
	struct lstm_batch b;
};

static void run(const struct layer *layer, const float *x, struct whole *w)
{
	w->b = (struct lstm_batch){ STEPS, ROWS, active, x, w->gates, w->cells, w->states };
	lstm_forward(&layer->l, &w->b, w->scratch);
}

static void a_batch_is_its_sequences(void **state)
{
	struct layer layer;
	struct whole w;
	float x[(size_t)ROWS * IN], one[T * IN], states[T * H], scratch[10 * H];

	(void)state;
	make(&layer, x);
	run(&layer, x, &w);
	for (size_t s = 0; s < SEQUENCES; s++) {
		for (size_t t = 0; t < lengths[s]; t++)
			memcpy(one + t * IN, x + row_of(s, t) * IN, IN * sizeof(float));
		lstm_run(&layer.l, one, lengths[s], false, states, scratch);
		for (size_t t = 0; t < lengths[s]; t++)
			for (size_t k = 0; k < H; k++)
				assert_true(fabsf(states[t * H + k] - w.states[row_of(s, t) * H + k]) <
					    1e-6f);
	}
}

/* A loss that sees every state differently. */
static double loss_of(const struct layer *layer, const float *x)
{
	struct whole w;
	double loss = 0;

	run(layer, x, &w);
	for (size_t i = 0; i < (size_t)ROWS * H; i++)
		loss += (double)w.states[i] * sin((double)(i + 1));
	return loss;
}

static void check_gradient(struct layer *layer, float *x, float *parameter, float gradient)
{
	const float step = 5e-3f;
	float kept = *parameter;
	double losses[2];

	for (int side = 0; side < 2; side++) {
		*parameter = kept + (side ? step : -step);
		losses[side] = loss_of(layer, x);
	}
	*parameter = kept;
	assert_true(fabs((losses[1] - losses[0]) / (2 * (double)step) - (double)gradient) < 2e-3);
}

static void gradients_are_those_of_the_loss(void **state)
{
	struct layer layer;
	struct whole w;
	float x[ROWS * IN], d_states[ROWS * H], scratch[(SEQUENCES + 1) * H];
	float input[IN * GATES] = { 0 }, recurrent[H * GATES] = { 0 }, bias[GATES] = { 0 };
	float d_x[ROWS * IN];
	struct lstm_gradient to = { input, recurrent, bias, d_x };

	(void)state;
	make(&layer, x);
	run(&layer, x, &w);
	for (size_t i = 0; i < (size_t)ROWS * H; i++)
		d_states[i] = (float)sin((double)(i + 1));
	lstm_backward(&layer.l, &w.b, d_states, &to, scratch);
	for (size_t i = 0; i < IN * GATES; i++)
		check_gradient(&layer, x, &layer.input[i], input[i]);
	for (size_t i = 0; i < H * GATES; i++)
		check_gradient(&layer, x, &layer.recurrent[i], recurrent[i]);
	for (size_t i = 0; i < GATES; i++)
		check_gradient(&layer, x, &layer.bias[i], bias[i]);
	for (size_t i = 0; i < (size_t)ROWS * IN; i++)
		check_gradient(&layer, x, &x[i], d_x[i]);
}

/* Gates that are full on or off do not give NaN. */
static void survives_large_arguments(void **state)
{
	struct layer layer;
	float x[ROWS * IN], states[T * H], scratch[10 * H];

	(void)state;
	make(&layer, x);
	for (size_t i = 0; i < IN * GATES; i++)
		layer.input[i] *= 1e6f;
	lstm_run(&layer.l, x, T, false, states, scratch);
	for (size_t i = 0; i < T * H; i++)
		assert_true(fabsf(states[i]) <= 1.0f);
}

/* 35 states: two blocks of lanes and a rest. */
static void every_kernel_gives_the_same_bits(void **state)
{
	enum { WIDE = 35, LONG = 9 };
	static const struct kernels *const sets[] = { &kernels_plain, &kernels_avx2, &kernels_avx512 };
	static float input[IN * 4 * WIDE], recurrent[WIDE * 4 * WIDE], bias[4 * WIDE];
	static float x[LONG * IN], expected[LONG * WIDE], states[LONG * WIDE], scratch[10 * WIDE];
	const struct lstm l = { IN, WIDE, input, recurrent, bias };
	const struct kernels *kept = kernels;
	uint64_t random = 4;

	(void)state;
	fill(input, IN * 4 * WIDE, &random);
	fill(recurrent, WIDE * 4 * WIDE, &random);
	fill(bias, 4 * WIDE, &random);
	fill(x, LONG * IN, &random);
	for (size_t i = 0; i < 3; i++) {
		if (!kernels_runs(sets[i]))
			continue;
		kernels = sets[i];
		lstm_run(&l, x, LONG, true, i ? states : expected, scratch);
		if (i)
			assert_memory_equal(states, expected, sizeof(expected));
	}
	kernels = kept;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_pytorch),
		cmocka_unit_test(a_batch_is_its_sequences),
		cmocka_unit_test(gradients_are_those_of_the_loss),
		cmocka_unit_test(survives_large_arguments),
		cmocka_unit_test(every_kernel_gives_the_same_bits),
	};

	vec_init();
	mat_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
