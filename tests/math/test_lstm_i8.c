/* LSTMs of bytes: the same by every kernel, whatever stands beside or behind; close to floats. */
#include "math/lstm_i8.h"

#include "base/random.h"
#include "math/kernels.h"
#include "math/lstm.h"
#include "math/vec.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { IN = 20, H = 12, GATES = 4 * H, T = 37 };

static const struct kernels *const sets[] = { &kernels_plain, &kernels_avx2, &kernels_avx512 };

static void fill(int8_t *to, size_t n, uint64_t *random)
{
	for (size_t i = 0; i < n; i++) /* the ends often */
		to[i] = (int8_t)(random_below(random, 4)   ? (int)random_below(random, 255) - 127
				 : random_below(random, 2) ? 127
							   : -127);
}

static void numbers_are_rounded_to_the_nearest(void **state)
{
	static const struct {
		float x;
		int rounded;
	} known[] = { { 0.0f, 0 },	 { 1.0f, 127 },	       { -1.0f, -127 },	   { 0.5f / 127, 0 },
		      { 1.5f / 127, 2 }, { -0.51f / 127, -1 }, { 0.49f / 127, 0 }, { 100.4f / 127, 100 } };

	(void)state;
	for (size_t set = 0; set < sizeof(sets) / sizeof(sets[0]); set++)
		for (size_t i = 0; i < sizeof(known) / sizeof(known[0]) && kernels_runs(sets[set]); i++) {
			float x[19];
			int8_t to[19];

			for (size_t k = 0; k < 19; k++)
				x[k] = known[i].x;
			sets[set]->i8_round(to, x, 19);
			for (size_t k = 0; k < 19; k++)
				assert_int_equal(to[k], known[i].rounded);
		}
}

/* A layer as it is stored, packed, and as floats. */
struct layer {
	int8_t input[GATES * IN], recurrent[GATES * H], x[T * IN];
	float input_scales[GATES], recurrent_scales[GATES], bias[GATES], x_scales[T];
	float input_floats[IN * GATES], recurrent_floats[H * GATES], x_floats[T * IN];
	struct lstm_i8 l;
	struct lstm exact;
	void *memory;
};

static void make(struct layer *m)
{
	struct rows input = { ROWS_I8, GATES, IN, m->input, m->input_scales };
	struct rows recurrent = { ROWS_I8, GATES, H, m->recurrent, m->recurrent_scales };
	uint64_t random = 5;

	fill(m->input, sizeof(m->input), &random);
	fill(m->recurrent, sizeof(m->recurrent), &random);
	fill(m->x, sizeof(m->x), &random);
	for (size_t g = 0; g < GATES; g++) {
		m->input_scales[g] = 0.003f * random_unit(&random);
		m->recurrent_scales[g] = 0.006f * random_unit(&random);
		m->bias[g] = random_unit(&random) - 0.5f;
		for (size_t i = 0; i < IN; i++)
			m->input_floats[i * GATES + g] = (float)m->input[g * IN + i] * m->input_scales[g];
		for (size_t i = 0; i < H; i++)
			m->recurrent_floats[i * GATES + g] =
				(float)m->recurrent[g * H + i] * m->recurrent_scales[g];
	}
	for (size_t t = 0; t < T; t++) {
		m->x_scales[t] = 0.01f + 0.01f * random_unit(&random);
		for (size_t i = 0; i < IN; i++)
			m->x_floats[t * IN + i] = (float)m->x[t * IN + i] * m->x_scales[t];
	}
	m->exact = (struct lstm){ IN, H, m->input_floats, m->recurrent_floats, m->bias };
	m->memory = aligned_alloc(64, (lstm_i8_bytes(IN, H) + 63) / 64 * 64);
	assert_non_null(m->memory);
	m->l = lstm_i8_pack(m->memory, &input, &recurrent, m->bias);
}

static void run(const struct layer *m, size_t n, bool reversed, float *states, size_t stride)
{
	void *scratch = aligned_alloc(64, (lstm_i8_scratch(&m->l) + 63) / 64 * 64);

	assert_non_null(scratch);
	lstm_i8_run(&m->l, m->x, m->x_scales, n, reversed, states, stride, scratch);
	free(scratch);
}

static void is_close_to_floats(void **state)
{
	struct layer m;
	float states[T * H], exact[T * H], scratch[10 * H];

	(void)state;
	make(&m);
	for (int reversed = 0; reversed < 2; reversed++) {
		run(&m, T, reversed, states, H);
		lstm_run(&m.exact, m.x_floats, T, reversed, exact, scratch);
		for (size_t i = 0; i < (size_t)T * H; i++)
			assert_true(fabsf(states[i] - exact[i]) < 0.02f);
	}
	free(m.memory);
}

static void kernels_give_the_same_bits(void **state)
{
	const struct kernels *kept = kernels;
	struct layer m;
	float plain[T * H], other[T * H];

	(void)state;
	make(&m);
	for (size_t set = 0; set < sizeof(sets) / sizeof(sets[0]); set++) {
		if (!kernels_runs(sets[set]))
			continue;
		kernels = sets[set];
		run(&m, T, true, set ? other : plain, H);
		if (set)
			assert_memory_equal(other, plain, sizeof(plain));
	}
	kernels = kept;
	free(m.memory);
}

/* What comes later does not change a state, wherever states are put. */
static void a_text_is_the_start_of_a_longer_one(void **state)
{
	struct layer m;
	float whole[T * H], part[T * 2 * H];

	(void)state;
	make(&m);
	run(&m, T, false, whole, H);
	for (size_t n = 1; n <= T; n += 5) {
		run(&m, n, false, part, 2 * H);
		for (size_t t = 0; t < n; t++)
			assert_memory_equal(part + t * 2 * H, whole + t * H, H * sizeof(float));
	}
	free(m.memory);
}

/* Chunks of words do not show: backwards is forwards over the words turned round. */
static void backwards_is_forwards_turned_round(void **state)
{
	struct layer m;
	float forwards[T * H], backwards[T * H], scales[T];
	int8_t turned[T * IN];

	(void)state;
	make(&m);
	for (size_t n = 1; n <= T; n += 4) {
		run(&m, n, true, backwards, H);
		memcpy(turned, m.x, sizeof(turned));
		memcpy(scales, m.x_scales, sizeof(scales));
		for (size_t t = 0; t < n; t++) {
			memcpy(m.x + t * IN, turned + (n - 1 - t) * IN, IN);
			m.x_scales[t] = scales[n - 1 - t];
		}
		run(&m, n, false, forwards, H);
		memcpy(m.x, turned, sizeof(turned));
		memcpy(m.x_scales, scales, sizeof(scales));
		for (size_t t = 0; t < n; t++)
			assert_memory_equal(forwards + t * H, backwards + (n - 1 - t) * H, H * sizeof(float));
	}
	free(m.memory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_rounded_to_the_nearest),
		cmocka_unit_test(is_close_to_floats),
		cmocka_unit_test(kernels_give_the_same_bits),
		cmocka_unit_test(a_text_is_the_start_of_a_longer_one),
		cmocka_unit_test(backwards_is_forwards_turned_round),
	};

	vec_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
