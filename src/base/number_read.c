/* Decimal text to floats (number.h). */
#include "base/number.h"
#include "base/number_powers.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const uint32_t tens[] = { 1, 10, 100, 1000, 10000, 100000, 1000000, 10000000 };

/* A number as it is being read: digits * 10^exponent. */
struct reading {
	uint64_t digits; /* right for up to 19 of them */
	size_t n;	 /* digits seen, leading zeros included */
	long exponent;
};

/*
 * Eight bytes of text: digits become 0 to 9 in their bytes, and the top bit is set in each byte of
 * *others whose character is not a digit.
 */
static uint64_t load_digits(const char *at, uint64_t *others)
{
	uint64_t bytes;

	memcpy(&bytes, at, sizeof(bytes));
	bytes ^= 0x3030303030303030U;
	*others = (((bytes & 0x7F7F7F7F7F7F7F7FU) + 0x7676767676767676U) | bytes) & 0x8080808080808080U;
	return bytes;
}

/* The number of eight digits, the first in the lowest byte. */
static uint64_t join_digits(uint64_t bytes)
{
	bytes = bytes * 10 + (bytes >> 8);
	return ((bytes & 0x000000FF000000FFU) * 0x000F424000000064U +
		(bytes >> 16 & 0x000000FF000000FFU) * 0x0000271000000001U) >>
	       32;
}

/* The first n < 8 of them. */
static uint64_t join_some(uint64_t bytes, unsigned n)
{
	return join_digits(bytes << (56 - 8 * n) << 8);
}

static const char *read_digits(const char *at, const char *end, struct reading *r)
{
	const char *from = at;

	while (end - at >= 8) {
		uint64_t others;
		uint64_t bytes = load_digits(at, &others);
		unsigned n = (unsigned)__builtin_ctzll(others | 1ULL << 63) / 8;

		if (others == 0) {
			r->digits = r->digits * 100000000 + join_digits(bytes);
			at += 8;
			continue;
		}
		r->digits = r->digits * tens[n] + join_some(bytes, n);
		at += n;
		r->n += (size_t)(at - from);
		return at;
	}
	for (; at < end && *at >= '0' && *at <= '9'; at++)
		r->digits = r->digits * 10 + (uint64_t)(*at - '0');
	r->n += (size_t)(at - from);
	return at;
}

/* What follows the 'e'; NULL when that is no exponent.  Far beyond every float it stops growing. */
static const char *read_exponent(const char *at, const char *end, long *exponent)
{
	bool minus = at < end && *at == '-';
	long n = 0;

	at += at < end && (*at == '-' || *at == '+');
	if (at == end || *at < '0' || *at > '9')
		return NULL;
	for (; at < end && *at >= '0' && *at <= '9'; at++)
		if (n < 1000000000000)
			n = n * 10 + (*at - '0');
	*exponent += minus ? -n : n;
	return at;
}

/*
 * digits * 10^s as the bits of a float; false when the table does not decide it: far exponents,
 * subnormals, and products too near the middle of two floats.
 */
static bool to_float(uint64_t digits, long s, uint32_t *bits)
{
	int lead = __builtin_clzll(digits);
	wide product;
	uint64_t high;
	uint64_t rest;
	uint64_t half;
	unsigned top;
	int biased;

	if (s < LEAST_POWER || s > 38)
		return false;
	product = (wide)powers[s - LEAST_POWER] * (digits << lead);
	high = (uint64_t)(product >> 64);
	top = (unsigned)(high >> 63); /* 1: the first bit of the product is 127, else 126 */
	half = 1ULL << (38 + top);
	rest = high & (2 * half - 1);
	biased = 63 + (int)top + log2_power((int)s) - lead + 127;
	if (biased < 1 || biased > 254)
		return false;
	*bits = ((uint32_t)biased - 1) << 23;
	*bits += (uint32_t)(high >> (39 + top));
	/* A truncated power makes the product too small, by less than 1 in `high`. */
	if (!exact_power((int)s)) {
		*bits += rest >= half;
		return rest != half - 1;
	}
	if (rest == half && (uint64_t)product == 0)
		*bits += *bits & 1;
	else
		*bits += rest >= half;
	return true;
}

/*
 * By the C library: from a copy without a point, whose meaning the locale could change.  The middle
 * of two floats has at most 113 digits: after those it only matters whether all are zeros.
 */
__attribute__((noinline, cold)) static float read_by_library(const char *at, const char *stop, long exponent)
{
	char text[160];
	size_t n = 0;
	bool more = false;

	for (; at < stop && *at != 'e' && *at != 'E'; at++) {
		if (*at == '.' || (*at == '0' && n == 0))
			continue;
		if (n < 120) {
			text[n++] = *at;
			continue;
		}
		more = more || *at != '0';
		exponent++;
	}
	if (n == 0)
		return 0.0F;
	if (more) {
		text[n++] = '1';
		exponent--;
	}
	exponent = exponent < -100000 ? -100000 : exponent > 100000 ? 100000 : exponent;
	(void)snprintf(text + n, sizeof(text) - n, "e%ld", exponent);
	return strtof(text, NULL);
}

static const char *read_word(const char *at, const char *end, float *x)
{
	if (end - at >= 8 && strncasecmp(at, "infinity", 8) == 0) {
		*x = INFINITY;
		return at + 8;
	}
	if (end - at >= 3 && strncasecmp(at, "inf", 3) == 0) {
		*x = INFINITY;
		return at + 3;
	}
	if (end - at >= 3 && strncasecmp(at, "nan", 3) == 0) {
		*x = NAN;
		return at + 3;
	}
	return NULL;
}

static const char *read_positive(const char *at, const char *end, float *x)
{
	struct reading r = { 0 };
	const char *stop = read_digits(at, end, &r);
	const char *after;
	uint32_t bits = 0;

	if (stop < end && *stop == '.') {
		size_t whole = r.n;

		stop = read_digits(stop + 1, end, &r);
		r.exponent = -(long)(r.n - whole);
	}
	if (r.n == 0)
		return read_word(at, end, x);
	after = stop;
	if (stop < end && (*stop == 'e' || *stop == 'E'))
		after = read_exponent(stop + 1, end, &r.exponent);
	if (!after)
		after = stop;
	if (r.n <= 19 && (r.digits == 0 || to_float(r.digits, r.exponent, &bits)))
		memcpy(x, &bits, sizeof(bits));
	else
		*x = read_by_library(at, stop, r.exponent);
	return after;
}

/*
 * [-]d.ddd with at most seven digits after the point, as files of vectors have: a quotient of two
 * doubles that are exact.  It is rounded twice, which is harmless: q = m / 10^7 in [2^t, 2^(t+1))
 * lies at least 2^(t-24) / 10^7, more than 2^-49 of itself, from the middle of two floats, and its
 * double within 2^-53.  NULL for every other form; at[0..11) is readable.
 */
static inline const char *read_usual(const char *at, float *x)
{
	uint32_t minus = *at == '-';
	uint64_t others;
	uint64_t bytes;
	uint32_t bits;
	double quotient;
	unsigned whole;
	unsigned n;
	char stop;

	at += minus;
	whole = (unsigned char)*at - (unsigned)'0';
	bytes = load_digits(at + 2, &others);
	if (whole > 9 || at[1] != '.' || others == 0)
		return NULL;
	n = (unsigned)__builtin_ctzll(others) / 8;
	at += 2 + n;
	stop = *at;
	quotient = (double)(int64_t)(whole * (uint64_t)tens[n] + join_some(bytes, n)) / tens[n];
	if (stop == 'e' || stop == 'E')
		return NULL;
	*x = (float)quotient;
	memcpy(&bits, x, sizeof(bits));
	bits |= minus << 31;
	memcpy(x, &bits, sizeof(bits));
	return at;
}

__attribute__((noinline)) static const char *read_any(const char *at, const char *end, float *x)
{
	bool minus = at < end && *at == '-';

	at += at < end && (*at == '-' || *at == '+');
	at = read_positive(at, end, x);
	if (at && minus)
		*x = -*x;
	return at;
}

const char *number_get_float(const char *at, const char *end, float *x)
{
	const char *after = end - at >= 11 ? read_usual(at, x) : NULL;

	return after ? after : read_any(at, end, x);
}
