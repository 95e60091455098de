/*
 * LSTMs over many texts at a time: with floats the same as one by one, with bytes close to that; the same
 * with every kernel, whatever the other texts are.
 */
#include "math/lstm_serve.h"

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

/* More words than have their input products made at once. */
enum { IN = 20, H = 17, GATES = 4 * H, TEXTS = 7, T = 100 + 30 + 30 + 3 + 2 + 1 + 1 };

static const uint32_t lengths[TEXTS] = { 100, 30, 30, 3, 2, 1, 1 };

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

/* A layer as it is stored, packed both ways, and in training's layout; words of TEXTS texts. */
struct layer {
	int8_t input[GATES * IN], recurrent[GATES * H], q[T * IN];
	float input_scales[GATES], recurrent_scales[GATES], bias[GATES], x_scales[T];
	float input_floats[IN * GATES], recurrent_floats[H * GATES], x[T * IN];
	size_t starts[TEXTS];
	struct lstm_served served[2]; /* of floats, of bytes */
	struct lstm exact;
	void *memory[2];
};

static void make(struct layer *m)
{
	struct rows input = { ROWS_I8, GATES, IN, m->input, m->input_scales };
	struct rows recurrent = { ROWS_I8, GATES, H, m->recurrent, m->recurrent_scales };
	float row[IN > H ? IN : H];
	uint64_t random = 5;

	fill(m->input, sizeof(m->input), &random);
	fill(m->recurrent, sizeof(m->recurrent), &random);
	fill(m->q, sizeof(m->q), &random);
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
			m->x[t * IN + i] = (float)m->q[t * IN + i] * m->x_scales[t];
	}
	for (size_t k = 0, at = 0; k < TEXTS; at += lengths[k++])
		m->starts[k] = at;
	m->exact = (struct lstm){ IN, H, m->input_floats, m->recurrent_floats, m->bias };
	for (int bytes = 0; bytes < 2; bytes++) {
		m->memory[bytes] = aligned_alloc(64, lstm_serve_bytes(IN, H, bytes));
		assert_non_null(m->memory[bytes]);
		m->served[bytes] = lstm_serve_pack(m->memory[bytes], &input, &recurrent, m->bias, bytes, row);
	}
}

static void drop(struct layer *m)
{
	free(m->memory[0]);
	free(m->memory[1]);
}

/* Texts from..from + n of the layer's. */
static void run(const struct layer *m, bool bytes, size_t from, size_t n, bool reversed, float *y,
		size_t stride)
{
	struct lstm_words words = { .x = bytes ? NULL : m->x,
				    .q = bytes ? m->q : NULL,
				    .scales = bytes ? m->x_scales : NULL,
				    .texts = n,
				    .starts = m->starts + from,
				    .lengths = lengths + from };
	void *scratch = aligned_alloc(64, lstm_serve_scratch(&m->served[bytes]));

	assert_non_null(scratch);
	lstm_serve(&m->served[bytes], &words, reversed, y, stride, scratch);
	free(scratch);
}

/* To the bit: what training scores is what is served. */
static void floats_are_lstm_run(void **state)
{
	struct layer m;
	float y[T * H], exact[T * H], scratch[10 * H];

	(void)state;
	make(&m);
	for (int reversed = 0; reversed < 2; reversed++) {
		run(&m, false, 0, TEXTS, reversed, y, H);
		for (size_t k = 0; k < TEXTS; k++)
			lstm_run(&m.exact, m.x + m.starts[k] * IN, lengths[k], reversed,
				 exact + m.starts[k] * H, scratch);
		assert_memory_equal(y, exact, sizeof(y));
	}
	drop(&m);
}

static void bytes_are_close_to_floats(void **state)
{
	struct layer m;
	float y[T * H], exact[T * H];

	(void)state;
	make(&m);
	for (int reversed = 0; reversed < 2; reversed++) {
		run(&m, true, 0, TEXTS, reversed, y, H);
		run(&m, false, 0, TEXTS, reversed, exact, H);
		for (size_t i = 0; i < (size_t)T * H; i++)
			assert_true(fabsf(y[i] - exact[i]) < 0.025f);
	}
	drop(&m);
}

static void kernels_give_the_same_bits(void **state)
{
	const struct kernels *kept = kernels;
	struct layer m;
	float plain[T * H], other[T * H];

	(void)state;
	make(&m);
	for (int bytes = 0; bytes < 2; bytes++)
		for (size_t set = 0; set < sizeof(sets) / sizeof(sets[0]); set++) {
			if (!kernels_runs(sets[set]))
				continue;
			kernels = sets[set];
			run(&m, bytes, 0, TEXTS, true, set ? other : plain, H);
			if (set)
				assert_memory_equal(other, plain, sizeof(plain));
		}
	kernels = kept;
	drop(&m);
}

/* Alone, or with some of the others; wherever states are put. */
static void others_do_not_show(void **state)
{
	struct layer m;
	float all[T * H], some[T * 2 * H];

	(void)state;
	make(&m);
	for (int way = 0; way < 4; way++) {
		run(&m, way % 2, 0, TEXTS, way / 2, all, H);
		for (size_t from = 0; from < TEXTS; from++)
			for (size_t n = 1; n <= TEXTS - from; n++) {
				run(&m, way % 2, from, n, way / 2, some, 2 * H);
				for (size_t r = m.starts[from];
				     r < m.starts[from + n - 1] + lengths[from + n - 1]; r++)
					assert_memory_equal(some + r * 2 * H, all + r * H, H * sizeof(float));
			}
	}
	drop(&m);
}

/* Backwards is forwards over the words turned round. */
static void backwards_is_forwards_turned_round(void **state)
{
	struct layer m, turned;
	float forwards[T * H], backwards[T * H];

	(void)state;
	make(&m);
	make(&turned);
	for (size_t k = 0; k < TEXTS; k++)
		for (size_t t = 0; t < lengths[k]; t++) {
			size_t to = m.starts[k] + t;
			size_t from = m.starts[k] + lengths[k] - 1 - t;

			memcpy(turned.q + to * IN, m.q + from * IN, IN);
			memcpy(turned.x + to * IN, m.x + from * IN, IN * sizeof(float));
			turned.x_scales[to] = m.x_scales[from];
		}
	for (int bytes = 0; bytes < 2; bytes++) {
		run(&m, bytes, 0, TEXTS, true, backwards, H);
		run(&turned, bytes, 0, TEXTS, false, forwards, H);
		for (size_t k = 0; k < TEXTS; k++)
			for (size_t t = 0; t < lengths[k]; t++)
				assert_memory_equal(forwards + (m.starts[k] + t) * H,
						    backwards + (m.starts[k] + lengths[k] - 1 - t) * H,
						    H * sizeof(float));
	}
	drop(&m);
	drop(&turned);
}

static void sizes_out_of_range_have_no_packing(void **state)
{
	(void)state;
	assert_int_equal(lstm_serve_bytes(SIZE_MAX / 64, 16, false), 0);
	assert_int_equal(lstm_serve_bytes(I8_INPUTS_MAX + 1, 16, true), 0);
	assert_int_equal(lstm_serve_bytes(IN, H, false), ((IN + H) * 128 * 4 + GATES * 4 + 63) / 64 * 64);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_rounded_to_the_nearest),
		cmocka_unit_test(floats_are_lstm_run),
		cmocka_unit_test(bytes_are_close_to_floats),
		cmocka_unit_test(kernels_give_the_same_bits),
		cmocka_unit_test(others_do_not_show),
		cmocka_unit_test(backwards_is_forwards_turned_round),
		cmocka_unit_test(sizes_out_of_range_have_no_packing),
	};

	vec_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
