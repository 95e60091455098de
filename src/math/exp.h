/*
 * exp.h - e^x in a form that compilers turn into vector instructions; the same bits everywhere.
 */
#ifndef SIFD_MATH_EXP_H
#define SIFD_MATH_EXP_H

#include <math.h>
#include <stdint.h>
#include <string.h>

/*
 * e^x for x <= 0, within 2 units of the last place; 0 below -87, where floats lose digits.
 * e^x = 2^k e^r, |r| <= ln 2 / 2; ln 2 in two parts, e^r by its Taylor polynomial of degree 7.
 */
static inline float exp_nonpositive(float x)
{
	static const float log2e = 1.44269504f, ln2_high = 0.693145752f, ln2_low = 1.42860677e-6f;
	static const uint32_t lowest = 0xc2ae0000; /* -87; further from 0 is a larger pattern of bits */
	uint32_t bits;
	uint32_t power_bits;
	uint32_t kept;
	float y;
	float r;
	float p = 1.0f / 5040;
	int32_t k;

	/* No comparison of floats: it would keep compilers from vector instructions. */
	memcpy(&bits, &x, sizeof(bits));
	kept = bits > lowest ? 0 : UINT32_MAX;
	bits = bits > lowest ? lowest : bits;
	memcpy(&y, &bits, sizeof(y));
	k = (int32_t)(y * log2e - 0.5f); /* rounds, for y <= 0 */
	r = y - (float)k * ln2_high - (float)k * ln2_low;
	p = p * r + 1.0f / 720;
	p = p * r + 1.0f / 120;
	p = p * r + 1.0f / 24;
	p = p * r + 1.0f / 6;
	p = p * r + 0.5f;
	p = p * r + 1.0f;
	p = p * r + 1.0f;
	/* 2^k by adding k to the exponent; p is in [0.7, 1.42]. */
	memcpy(&power_bits, &p, sizeof(power_bits));
	power_bits = (power_bits + ((uint32_t)k << 23)) & kept;
	memcpy(&p, &power_bits, sizeof(p));
	return p;
}

/* tanh z, without a comparison of floats for the same reason. */
static inline float exp_tanh(float z)
{
	float e = exp_nonpositive(-2.0f * fabsf(z));

	return copysignf((1.0f - e) / (1.0f + e), z);
}

#endif
