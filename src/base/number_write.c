/* Floats to decimal text (number.h). */
#include "base/number.h"
#include "base/number_powers.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

enum { DIGITS = 9, LEAST_THRESHOLD = -45 };

/* The bits of the smallest float that is at least 10^j, at j - LEAST_THRESHOLD. */
static const uint32_t thresholds[] = {
	0x00000001, 0x00000008, 0x00000048, 0x000002CA, 0x00001BE1, 0x000116C3, 0x000AE398, 0x006CE3EF,
	0x02081CEB, 0x03AA2425, 0x0554AD2E, 0x0704EC3D, 0x08A6274C, 0x0A4FB11F, 0x0C01CEB4, 0x0DA24260,
	0x0F4AD2F8, 0x10FD87B6, 0x129E74D2, 0x14461207, 0x15F79688, 0x179ABE15, 0x19416D9B, 0x1AF1C901,
	0x1C971DA1, 0x1E3CE509, 0x1FEC1E4B, 0x219392EF, 0x233877AB, 0x24E69595, 0x26901D7D, 0x283424DD,
	0x29E12E14, 0x2B8CBCCD, 0x2D2FEC00, 0x2EDBE6FF, 0x30897060, 0x322BCC78, 0x33D6BF95, 0x358637BE,
	0x3727C5AD, 0x38D1B718, 0x3A83126F, 0x3C23D70B, 0x3DCCCCCD, 0x3F800000, 0x41200000, 0x42C80000,
	0x447A0000, 0x461C4000, 0x47C35000, 0x49742400, 0x4B189680, 0x4CBEBC20, 0x4E6E6B28, 0x501502F9,
	0x51BA43B8, 0x5368D4A6, 0x551184E8, 0x56B5E621, 0x58635FAA, 0x5A0E1BCA, 0x5BB1A2BD, 0x5D5E0B6C,
	0x5F0AC724, 0x60AD78EC, 0x6258D727, 0x64078679, 0x65A96817, 0x6753C21C, 0x69045952, 0x6AA56FA6,
	0x6C4ECB90, 0x6E013F3A, 0x6FA18F08, 0x7149F2CA, 0x72FC6F7D, 0x749DC5AE, 0x7645371A, 0x77F684E0,
	0x799A130C, 0x7B4097CF, 0x7CF0BDC3, 0x7E96769A, 0x7F800000,
};

/* The exponent of the first decimal digit of the positive finite float with these bits. */
static int decimal_exponent(uint32_t bits)
{
	int b = bits >= 0x00800000U ? (int)(bits >> 23) - 127 : -118 - __builtin_clz(bits);
	int k = (b * 315653) >> 20; /* floor(b log10(2)) */

	return k + (bits >= thresholds[k + 1 - LEAST_THRESHOLD]);
}

/*
 * x = m 2^e times 10^s, rounded to the nearest integer, ties to even.  The product with the cut-off
 * power is less than m too small: false when that leaves the rounding open.
 */
static bool scale_to_integer(uint32_t m, int e, int s, uint32_t *digits)
{
	wide product = (wide)powers[s - LEAST_POWER] * m;
	int shift = 63 - e - log2_power(s);
	uint64_t whole = (uint64_t)product >> shift | (uint64_t)(product >> 64) << (64 - shift);
	uint64_t rest = (uint64_t)product & ((1ULL << shift) - 1);
	uint64_t half = 1ULL << (shift - 1);

	if (!exact_power(s) && rest <= half && rest + m > half)
		return false;
	/* No branch: it would be guessed wrong every other time.  A tie is left only by exact powers. */
	whole += rest + (whole & 1) > half;
	*digits = (uint32_t)whole;
	return true;
}

#define TEN(TENS) TENS "0" TENS "1" TENS "2" TENS "3" TENS "4" TENS "5" TENS "6" TENS "7" TENS "8" TENS "9"

/* The two digits of n < 100, the first in the lower byte. */
static uint64_t two_digits(uint64_t n)
{
	static const char digits[] =
		TEN("0") TEN("1") TEN("2") TEN("3") TEN("4") TEN("5") TEN("6") TEN("7") TEN("8") TEN("9");
	uint16_t pair;

	memcpy(&pair, digits + 2 * n, sizeof(pair));
	return pair;
}

/*
 * The text of nine digits: the first, and the other eight with the earliest in the lowest byte.
 * value / 10^8 as a number with 57 bits after the point, a little too large (by less than 2e-9): each
 * multiplication by 100 brings two more digits before the point, sooner than divisions would.
 */
static char split_digits(uint32_t value, uint64_t *eight)
{
	const uint64_t fraction = (1ULL << 57) - 1;
	uint64_t one = value * 1441151881ULL; /* 2^57 / 10^8, rounded up */
	uint64_t two = (one & fraction) * 100;
	uint64_t four = (two & fraction) * 100;
	uint64_t six = (four & fraction) * 100;
	uint64_t last = (six & fraction) * 100;

	*eight = two_digits(two >> 57) | two_digits(four >> 57) << 16 | two_digits(six >> 57) << 32 |
		 two_digits(last >> 57) << 48;
	return (char)('0' + (one >> 57));
}

static const char zeros[5] = { '0', '.', '0', '0', '0' };

/* After d.ddd: e+XX */
static size_t put_exponent(char *at, int k)
{
	unsigned magnitude = (unsigned)(k < 0 ? -k : k);

	at[0] = 'e';
	at[1] = k < 0 ? '-' : '+';
	at[2] = (char)('0' + magnitude / 10);
	at[3] = (char)('0' + magnitude % 10);
	return 4;
}

/* As put_decimal(), for magnitudes above 1 or below 1e-4; `text` has the eight digits after the first. */
__attribute__((noinline)) static size_t put_large(char *at, char first, uint64_t text, size_t n, int k)
{
	at[0] = first;
	if (k > 0 && k < DIGITS) {
		size_t whole = (size_t)k + 1;

		memcpy(at + 1, &text, sizeof(text));
		if (n <= whole)
			return whole;
		memmove(at + whole + 1, at + whole, DIGITS - whole);
		at[whole] = '.';
		return n + 1;
	}
	at[1] = '.';
	memcpy(at + 2, &text, sizeof(text));
	n += n > 1;
	return k == 0 ? n : n + put_exponent(at + n, k);
}

/* value * 10^(k - 8), value having nine digits, as %g: without trailing zeros. */
static size_t put_decimal(char *at, uint32_t value, int k)
{
	uint64_t text;
	char first = split_digits(value, &text);
	uint64_t zeroed = text ^ 0x3030303030303030U;
	size_t n = zeroed ? (size_t)(71 - __builtin_clzll(zeroed)) / 8 + 1 : 1;

	if (k >= 0 || k < -4)
		return put_large(at, first, text, n, k);
	memcpy(at, zeros, sizeof(zeros));
	at[1 - k] = first;
	memcpy(at + 2 - k, &text, sizeof(text));
	return (size_t)(1 - k) + n;
}

/* The C library decides what the table cannot: one value in 2^33 at random. */
__attribute__((noinline, cold)) static size_t put_by_library(char *at, uint32_t bits)
{
	char text[NUMBER_FLOAT_BYTES + 1];
	float x;
	int n;

	memcpy(&x, &bits, sizeof(x));
	n = snprintf(text, sizeof(text), "%.9g", (double)x);
	memcpy(at, text, (size_t)n);
	return (size_t)n;
}

size_t number_put_float(char *at, float x)
{
	uint32_t bits;
	uint32_t value;
	size_t sign;
	int k;

	memcpy(&bits, &x, sizeof(bits));
	sign = bits >> 31;
	*at = '-';
	at += sign;
	bits &= 0x7FFFFFFFU;
	assert(bits < 0x7F800000U);
	if (bits == 0) {
		memcpy(at, zeros, 3);
		return sign ? 4 : 1;
	}
	k = decimal_exponent(bits);
	if (!scale_to_integer(bits >= 0x00800000U ? (bits & 0x007FFFFFU) | 0x00800000U : bits,
			      bits >= 0x00800000U ? (int)(bits >> 23) - 150 : -149, DIGITS - 1 - k, &value))
		return sign + put_by_library(at, bits);
	if (value == 1000000000) {
		value = 100000000;
		k++;
	}
	return sign + put_decimal(at, value, k);
}
