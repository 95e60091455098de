/*
 * Against the C library, bit for bit and digit for digit.  SIFD_TEST_ROUNDS (1000000) says how many
 * random floats each test takes.
 */
#include "base/number.h"

#include "support/guard.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka.h needs those before it */
#include <cmocka.h>

static uint64_t random_next(void)
{
	static uint64_t state = 88172645463325252ULL;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static long rounds(void)
{
	const char *asked = getenv("SIFD_TEST_ROUNDS");

	return asked ? strtol(asked, NULL, 10) : 1000000;
}

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

static void check_put(float x)
{
	char expected[40];
	char got[NUMBER_FLOAT_BYTES + 1];
	float back;
	size_t n;

	if (!isfinite(x))
		return;
	got[NUMBER_FLOAT_BYTES] = '#';
	n = number_put_float(got, x);
	assert_true(n <= NUMBER_FLOAT_BYTES);
	assert_int_equal(got[NUMBER_FLOAT_BYTES], '#');
	got[n] = '\0';
	(void)snprintf(expected, sizeof(expected), to_bits(x) == 0x80000000U ? "-0.0" : "%.9g", (double)x);
	assert_string_equal(got, expected);
	assert_ptr_equal(number_get_float(got, got + n, &back), got + n);
	assert_int_equal(to_bits(back), to_bits(x));
}

static void random_bits_are_written_as_printf_does(void **state)
{
	(void)state;
	for (long i = 0; i < rounds(); i++)
		check_put(from_bits((uint32_t)(random_next() >> 32)));
}

/* Numbers as in vectors. */
static void small_numbers_are_written_as_printf_does(void **state)
{
	(void)state;
	for (long i = 0; i < rounds(); i++) {
		uint64_t r = random_next();

		check_put(((float)(r >> 40) * 0x1p-23F - 1.0F) * (r & 1 ? 0.1F : r & 2 ? 10.0F : 1.0F));
	}
}

static void boundaries_are_written_as_printf_does(void **state)
{
	(void)state;
	for (uint32_t exponent = 0; exponent < 255; exponent++)
		for (uint32_t i = 0; i < 1000; i++) {
			check_put(from_bits(exponent << 23 | i));
			check_put(from_bits(exponent << 23 | (0x7FFFFF - i)));
			check_put(from_bits(0x80000000U | exponent << 23 | i << 13));
		}
	for (int k = -45; k <= 38; k++) {
		uint32_t bits = to_bits((float)pow(10.0, k));

		for (uint32_t i = bits > 1000 ? bits - 1000 : 0; i < bits + 1000; i++)
			check_put(from_bits(i));
	}
	for (uint32_t i = 0; i < 70000; i++) {
		check_put((float)i);
		check_put((float)i / 64.0F);
		check_put((float)i * 65536.0F);
	}
}

/* Nine digits leave half a unit exactly: floats above 10^9 that are odd multiples of 5, 50, ... */
static void ties_are_written_as_printf_does(void **state)
{
	(void)state;
	for (uint32_t i = 1; i < 100000; i += 2) {
		check_put((float)(1000000000.0 + 5.0 * i));
		check_put((float)(10000000000.0 + 50.0 * i));
		check_put((float)(100000000000.0 + 500.0 * i));
		check_put((float)i * 0x1p-14F); /* more than nine digits and then a 5 */
		check_put((float)i * 0x1p-20F);
		check_put(64.0F + (float)i * 0x1p-17F);
	}
}

static void zeros_and_whole_numbers(void **state)
{
	char text[NUMBER_FLOAT_BYTES];

	(void)state;
	assert_int_equal(number_put_float(text, 0.0F), 1);
	assert_memory_equal(text, "0", 1);
	assert_int_equal(number_put_float(text, -0.0F), 4);
	assert_memory_equal(text, "-0.0", 4);
	assert_int_equal(number_put_float(text, -3.0F), 2);
	assert_memory_equal(text, "-3", 2);
	assert_int_equal(number_put_float(text, 1e9F), 5);
	assert_memory_equal(text, "1e+09", 5);
	assert_int_equal(number_put_float(text, -1.17549435e-38F), 15);
	assert_memory_equal(text, "-1.17549435e-38", 15);
}

/* Reads text[0..n), once with readable bytes after it and once without. */
static void check_get_slice(const char *text, size_t n)
{
	enum { PAGE = 4096 };
	static char *page;
	char buffer[1024];
	char *guarded;
	float expected;
	float near;
	float far;
	char *stop;

	memset(buffer, 0, sizeof(buffer));
	memcpy(buffer, text, n);
	memcpy(buffer + n, " 0.125 77777777777777777777", 28);
	if (!page)
		page = guard_copy((const char[PAGE]){ 0 }, PAGE);
	guarded = page + PAGE - n;
	memcpy(guarded, text, n);
	expected = strtof(buffer, &stop);
	assert_ptr_equal(number_get_float(buffer, buffer + n + 27, &near), stop);
	assert_ptr_equal(number_get_float(guarded, guarded + n, &far), guarded + (stop - buffer));
	if (isnan(expected)) {
		assert_true(isnan(near) && isnan(far));
	} else {
		assert_int_equal(to_bits(near), to_bits(expected));
		assert_int_equal(to_bits(far), to_bits(expected));
	}
}

static void check_get(const char *text)
{
	check_get_slice(text, strlen(text));
}

static void printed_numbers_are_read_as_strtof_does(void **state)
{
	char text[400];

	(void)state;
	for (long i = 0; i < rounds() / 10; i++) {
		float x = from_bits((uint32_t)(random_next() >> 32));
		float y = (float)(random_next() >> 40) * 0x1p-22F - 2.0F;

		if (!isfinite(x))
			continue;
		(void)snprintf(text, sizeof(text), "%.*g", (int)(random_next() % 21), (double)x);
		check_get(text);
		(void)snprintf(text, sizeof(text), "%.*f", (int)(random_next() % 19), (double)y);
		check_get(text);
		(void)snprintf(text, sizeof(text), "%.*e", (int)(random_next() % 19), (double)x);
		check_get(text);
		(void)snprintf(text, sizeof(text), "%+f", (double)x);
		check_get(text);
	}
}

static void any_digits_are_read_as_strtof_does(void **state)
{
	char text[64];

	(void)state;
	for (long i = 0; i < rounds() / 10; i++) {
		(void)snprintf(text, sizeof(text), "%llu.%0*llue%d",
			       (unsigned long long)(random_next() >> (random_next() % 64)),
			       (int)(random_next() % 12),
			       (unsigned long long)(random_next() >> (random_next() % 64)),
			       (int)(random_next() % 130) - 65);
		check_get(text);
	}
}

/* The middle of two floats to its last digit, and a little to both sides. */
static void middles_are_read_as_strtof_does(void **state)
{
	char text[400];

	(void)state;
	for (long i = 0; i < rounds() / 20; i++) {
		uint32_t bits = (uint32_t)(random_next() >> 33);
		double middle = ((double)from_bits(bits) + (double)from_bits(bits + 1)) / 2.0;
		size_t n;

		if (bits >= 0x7F7FFFFF)
			continue;
		(void)snprintf(text, sizeof(text), "%.200g", middle);
		check_get(text);
		if (!strchr(text, 'e')) {
			n = strlen(text);
			(void)snprintf(text + n, sizeof(text) - n, "%s",
				       strchr(text, '.') ? "1" : ".0000000001");
			check_get(text);
		}
		(void)snprintf(text, sizeof(text), "%.*g", (int)(random_next() % 40) + 1, middle);
		check_get(text);
	}
	for (uint32_t i = 0; i < 2000; i++) { /* ties that have few digits */
		(void)snprintf(text, sizeof(text), "%.1f", 8388608.5 + i);
		check_get(text);
		(void)snprintf(text, sizeof(text), "%u", 16777217 + 2 * i);
		check_get(text);
		(void)snprintf(text, sizeof(text), "%u0e-1", 16777217 + 2 * i);
		check_get(text);
	}
}

static void odd_forms_are_read_as_strtof_does(void **state)
{
	static const char *const forms[] = {
		"0",
		"-0",
		"+0.0",
		"00000000000000000000000001.5",
		"1.",
		".5",
		"-.5e1",
		"1e",
		"1e+",
		"1e-x",
		"2E5",
		"1e400",
		"-1e400",
		"1e-400",
		"1e99999999999999999999",
		"-1e-99999999999999999999",
		"0e99999999999999999999",
		"3.4028235e38",
		"3.4028236e38",
		"340282356779733661637539395458142568447",
		"340282356779733661637539395458142568448",
		"1.4e-45",
		"7e-46",
		"7.1e-46",
		"7.006492321624085e-46",
		"7.0064923216240853546186479164495807e-46",
		"7.0064923216240853546186479164495806564013097093825788587853e-46",
		"1.1754943508222875e-38",
		"1.17549431e-38",
		"12345678",
		"123456789",
		"1234567812345678",
		"0.00000000000000000000000000000000000000000000000000000000000001e62",
		"1.5,7",
		"1.5.5",
		"1-2",
		"1+2",
		"12a",
		"inf",
		"-INF",
		"Infinity",
		"+iNfInItY",
		"infinit",
		"nan",
		"-NaN",
		"100000000000000000000000000000000000000000000000000e-50",
		"18446744073709551615",
		"9999999999999999999",
		"99999999999999999999",
		"0.3000000000000000000000000000000000000000000000000000000000000000000000001",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++)
		check_get(forms[i]);
}

static void what_is_no_number_is_refused(void **state)
{
	static const char *const forms[] = { "",    "-",   "+",	 ".",  "-.", "e5", "x",
					     "--1", "+-1", " 1", "in", "na", "/",  ":" };
	float x;

	(void)state;
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		size_t n = strlen(forms[i]);
		char *guarded = guard_copy(forms[i], n);

		assert_null(number_get_float(guarded, guarded + n, &x));
		guard_free(guarded, n);
	}
	/* Hexadecimal is not read: "0", then "x10". */
	assert_string_equal(number_get_float("0x10", &"0x10"[4], &x), "x10");
}

/* Thousands of digits, whose last one decides. */
static void very_long_numbers(void **state)
{
	enum { LONG = 900 };
	char text[LONG + 1];

	(void)state;
	memset(text, '0', LONG);
	memcpy(text, "16777217.", 9);
	text[LONG] = '\0';
	check_get(text);
	text[LONG - 1] = '1';
	check_get(text);
	memset(text, '9', LONG);
	check_get(text);
	memcpy(text, "0.", 2);
	check_get(text);
	memset(text + 2, '0', 600);
	check_get(text);
	memcpy(text + LONG - 5, "e+600", 5);
	check_get(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_bits_are_written_as_printf_does),
		cmocka_unit_test(small_numbers_are_written_as_printf_does),
		cmocka_unit_test(boundaries_are_written_as_printf_does),
		cmocka_unit_test(ties_are_written_as_printf_does),
		cmocka_unit_test(zeros_and_whole_numbers),
		cmocka_unit_test(printed_numbers_are_read_as_strtof_does),
		cmocka_unit_test(any_digits_are_read_as_strtof_does),
		cmocka_unit_test(middles_are_read_as_strtof_does),
		cmocka_unit_test(odd_forms_are_read_as_strtof_does),
		cmocka_unit_test(what_is_no_number_is_refused),
		cmocka_unit_test(very_long_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
