#include "math/rows.h"

#include "math/vec.h"
#include "sets.h"
#include "support/guard.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
/* cmocka.h needs those before it */
#include <cmocka.h>

enum { MOST = 131, TABLE = 7, WORDS = 9 };

static float from_bits(uint32_t bits)
{
	float x;

	memcpy(&x, &bits, sizeof(x));
	return x;
}

static uint32_t to_bits(float x)
{
	uint32_t bits;

	memcpy(&bits, &x, sizeof(bits));
	return bits;
}

/* Any bytes are a table, but for those that are not finite. */
static void fill_table(unsigned char *data, enum rows_type type, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint16_t h = (uint16_t)random_next();
		float x = random_wild();

		if (type == ROWS_F16 && (h & 0x7C00) == 0x7C00)
			h &= 0x83FF;
		if (type == ROWS_F32)
			memcpy(data + 4 * i, &x, 4);
		else if (type == ROWS_F16)
			memcpy(data + 2 * i, &h, 2);
		else if (type == ROWS_BF16)
			memcpy(data + 2 * i, (const char *)&x + 2, 2);
		else
			data[i] = (unsigned char)h;
	}
}

static void compare_sum(const struct kernels *set, enum rows_type type, size_t d, size_t n)
{
	static unsigned char data[TABLE * 1200 * 4];
	static float expected[1200];
	static float out[1200 + 1];
	size_t bytes = TABLE * d * rows_type_size(type);
	struct rows rows = { .type = type, .n = TABLE, .d = d };
	float scales[TABLE];
	uint32_t ids[WORDS];
	float weights[WORDS];
	char *table;

	fill_table(data, type, TABLE * d);
	for (int i = 0; i < TABLE; i++)
		scales[i] = random_tame();
	for (int i = 0; i < WORDS; i++) {
		ids[i] = (uint32_t)(random_next() % TABLE);
		weights[i] = random_tame();
	}
	table = guard_copy(data, bytes); /* its start, and every row, lies at any address */
	rows.data = table;
	rows.scales = scales;
	out[d] = 42.0F;
	kernels_plain.rows_sum[type](expected, &rows, ids, weights, n);
	set->rows_sum[type](out, &rows, ids, weights, n);
	assert_memory_equal(out, expected, d * sizeof(float));
	kernels_plain.rows_sum[type](expected, &rows, ids, NULL, n);
	set->rows_sum[type](out, &rows, ids, NULL, n);
	assert_memory_equal(out, expected, d * sizeof(float));
	kernels_plain.rows_sum[type](expected, &rows, NULL, weights, TABLE);
	set->rows_sum[type](out, &rows, NULL, weights, TABLE);
	assert_memory_equal(out, expected, d * sizeof(float));
	assert_true(out[d] == 42.0F);
	guard_free(table, bytes);
}

static void kernels_agree_with_plain(void **state)
{
	static const size_t large[] = { 255, 256, 300, 383, 384, 385, 400, 512, 640, 641, 768, 1024, 1199 };

	(void)state;
	for (size_t s = 0; s < SETS; s++) {
		if (!kernels_runs(all_sets[s])) {
			print_message("%s: not on this processor\n", all_sets[s]->name);
			continue;
		}
		for (enum rows_type type = ROWS_F32; type <= ROWS_I8; type++) {
			for (size_t d = 0; d <= MOST; d++)
				for (size_t n = 0; n <= WORDS; n++)
					compare_sum(all_sets[s], type, d, n);
			for (size_t i = 0; i < sizeof(large) / sizeof(large[0]); i++)
				compare_sum(all_sets[s], type, large[i], WORDS);
		}
	}
}

static void the_sum_is_one_fma_a_word(void **state)
{
	float table[2][3] = { { 0.1F, -0.2F, 0.3F }, { 1e-3F, 2e8F, -3.0F } };
	struct rows rows = { .type = ROWS_F32, .n = 2, .d = 3, .data = table };
	uint32_t ids[3] = { 1, 0, 1 };
	float weights[3] = { 0.7F, 0.9F, -0.3F };
	float out[3];

	(void)state;
	rows_sum(out, &rows, ids, weights, 3);
	for (int j = 0; j < 3; j++) {
		float sum = fmaf(0.7F, table[1][j], 0.0F);

		sum = fmaf(0.9F, table[0][j], sum);
		sum = fmaf(-0.3F, table[1][j], sum);
		assert_true(out[j] == sum);
	}
	rows_sum(out, &rows, NULL, NULL, 0);
	assert_true(out[0] == 0.0F && out[1] == 0.0F && out[2] == 0.0F);
}

/* The 65536 numbers, by the definition of the format. */
static float f16_by_definition(uint32_t h)
{
	int exponent = (int)(h >> 10 & 31);
	double fraction = (double)(h & 0x3FF);
	double x = exponent ? ldexp(1024.0 + fraction, exponent - 25) : ldexp(fraction, -24);

	return (float)(h & 0x8000 ? -x : x);
}

static void every_f16_reads_exactly_and_writes_back(void **state)
{
	(void)state;
	for (uint32_t i = 0; i <= 0xFFFF; i++) {
		uint16_t h = (uint16_t)i;
		uint16_t back;
		struct rows rows = { .type = ROWS_F16, .n = 1, .d = 1, .data = &h };
		float x;

		rows_get(&x, &rows, 0);
		if ((h & 0x7C00) != 0x7C00)
			assert_int_equal(to_bits(x), to_bits(f16_by_definition(h)));
		else if ((h & 0x3FF) == 0)
			assert_true(isinf(x) && !!signbit(x) == !!(h & 0x8000));
		else
			assert_true(isnan(x));
		rows_encode(&back, NULL, ROWS_F16, &x, 1);
		if (!isnan(x))
			assert_int_equal(back, h);
	}
}

static uint16_t encode_16(enum rows_type type, float x)
{
	uint16_t h;

	rows_encode(&h, NULL, type, &x, 1);
	return h;
}

/* Between two neighbours: below the middle down, above it up, on it to the even one. */
static void f16_rounds_to_nearest_even(void **state)
{
	(void)state;
	for (uint16_t h = 0; h < 0x7BFF; h++) {
		float middle = (f16_by_definition(h) + f16_by_definition(h + 1U)) / 2.0F;
		uint16_t even = h & 1 ? (uint16_t)(h + 1) : h;

		assert_int_equal(encode_16(ROWS_F16, middle), even);
		assert_int_equal(encode_16(ROWS_F16, nextafterf(middle, 0.0F)), h);
		assert_int_equal(encode_16(ROWS_F16, nextafterf(middle, 1e9F)), h + 1);
		assert_int_equal(encode_16(ROWS_F16, -middle), even | 0x8000);
	}
	assert_int_equal(encode_16(ROWS_F16, 65519.996F), 0x7BFF);
	assert_int_equal(encode_16(ROWS_F16, 65520.0F), 0x7C00);
	assert_int_equal(encode_16(ROWS_F16, -1e30F), 0xFC00);
	assert_int_equal(encode_16(ROWS_F16, INFINITY), 0x7C00);
	assert_true((encode_16(ROWS_F16, NAN) & 0x7FFF) > 0x7C00);
}

static void bf16_rounds_to_nearest_even(void **state)
{
	(void)state;
	assert_int_equal(encode_16(ROWS_BF16, 1.0F), 0x3F80);
	assert_int_equal(encode_16(ROWS_BF16, from_bits(0x3F808000)), 0x3F80);
	assert_int_equal(encode_16(ROWS_BF16, from_bits(0x3F808001)), 0x3F81);
	assert_int_equal(encode_16(ROWS_BF16, from_bits(0x3F818000)), 0x3F82);
	assert_int_equal(encode_16(ROWS_BF16, from_bits(0x00000001)), 0x0000);
	assert_int_equal(encode_16(ROWS_BF16, from_bits(0x7F7FFFFF)), 0x7F80);
	assert_true((encode_16(ROWS_BF16, from_bits(0x7F800001)) & 0x7FFF) > 0x7F80);
	for (uint32_t h = 0; h < 0x7F80; h++)
		assert_int_equal(encode_16(ROWS_BF16, from_bits(h << 16)), h);
}

static void i8_rounds_to_nearest_even(void **state)
{
	float x[6] = { 127.0F, -127.0F, 0.5F, 1.5F, -2.5F, 0.0F };
	signed char q[6];
	struct rows rows = { .type = ROWS_I8, .n = 1, .d = 6, .data = q };
	float scale = -1.0F;
	float out[6];

	(void)state;
	rows_encode(q, &scale, ROWS_I8, x, 6);
	assert_true(scale == 1.0F);
	assert_int_equal(q[0], 127);
	assert_int_equal(q[1], -127);
	assert_int_equal(q[2], 0);
	assert_int_equal(q[3], 2);
	assert_int_equal(q[4], -2);
	assert_int_equal(q[5], 0);
	rows.scales = &scale;
	rows_get(out, &rows, 0);
	assert_true(out[0] == 127.0F && out[1] == -127.0F && out[3] == 2.0F);
	memset(x, 0, sizeof(x));
	rows_encode(q, &scale, ROWS_I8, x, 6);
	assert_true(scale == 0.0F);
	for (int i = 0; i < 6; i++)
		assert_int_equal(q[i], 0);
	x[0] = -1e-44F; /* its scale is rounded to 0 or to a subnormal */
	rows_encode(q, &scale, ROWS_I8, x, 6);
	assert_true(q[0] >= -127 && q[0] <= 0 && q[1] == 0);
}

static void i8_errs_by_half_a_step_at_most(void **state)
{
	(void)state;
	for (int round = 0; round < 1000; round++) {
		float x[20];
		signed char q[20];
		float scale;

		for (int i = 0; i < 20; i++)
			x[i] = random_tame();
		rows_encode(q, &scale, ROWS_I8, x, 20);
		for (int i = 0; i < 20; i++)
			assert_true(fabsf((float)q[i] * scale - x[i]) <= 0.50001F * scale);
	}
}

static void f32_is_kept_as_it_is(void **state)
{
	float x[4] = { -0.0F, 1e-45F, 3.0F, -2.0F };
	float copy[4];
	float out[4];
	struct rows rows = { .type = ROWS_F32, .n = 1, .d = 4, .data = copy };

	(void)state;
	rows_encode(copy, NULL, ROWS_F32, x, 4);
	rows_get(out, &rows, 0);
	assert_memory_equal(out, x, sizeof(x));
	rows_prefetch(&rows, 0);
}

static void only_f16_has_a_largest_number(void **state)
{
	const enum rows_type types[] = { ROWS_F32, ROWS_F16, ROWS_BF16, ROWS_I8 };

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		float row[] = { 1.0f, -65504.0f, 0.0f };

		assert_true(rows_fit(types[i], row, 3));
		row[1] = -65505.0f;
		assert_int_equal(rows_fit(types[i], row, 3), types[i] != ROWS_F16);
		row[1] = -INFINITY;
		assert_false(rows_fit(types[i], row, 3));
		row[1] = NAN;
		assert_false(rows_fit(types[i], row, 3));
		assert_true(rows_fit(types[i], row, 1));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kernels_agree_with_plain),
		cmocka_unit_test(the_sum_is_one_fma_a_word),
		cmocka_unit_test(every_f16_reads_exactly_and_writes_back),
		cmocka_unit_test(f16_rounds_to_nearest_even),
		cmocka_unit_test(bf16_rounds_to_nearest_even),
		cmocka_unit_test(i8_rounds_to_nearest_even),
		cmocka_unit_test(i8_errs_by_half_a_step_at_most),
		cmocka_unit_test(f32_is_kept_as_it_is),
		cmocka_unit_test(only_f16_has_a_largest_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
