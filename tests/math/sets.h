/*
 * sets.h - for kernel tests: every set this processor runs, and inputs that tell them apart.
 */
#ifndef SIFD_TESTS_MATH_SETS_H
#define SIFD_TESTS_MATH_SETS_H

#include "math/kernels.h"

#include <stdint.h>
#include <string.h>

static const struct kernels *const all_sets[] = { &kernels_plain, &kernels_avx2, &kernels_avx512 };
enum { SETS = 3 };

static inline uint64_t random_next(void)
{
	static uint64_t state = 88172645463325252ULL;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

/* A number of any magnitude from subnormal to 2^60, of either sign; sometimes a zero of either sign. */
static inline float random_wild(void)
{
	uint64_t r = random_next();
	uint32_t bits = (uint32_t)(r >> 32);
	float x;

	if (r % 16 == 0)
		bits &= 0x80000000U;
	else if (r % 16 < 4)
		bits &= 0x807FFFFFU; /* subnormal */
	else
		bits = (bits & 0x807FFFFFU) | (uint32_t)(1 + (r >> 8) % 186) << 23;
	memcpy(&x, &bits, sizeof(x));
	return x;
}

/* In [-0.5, 0.5). */
static inline float random_tame(void)
{
	return (float)(random_next() >> 40) * 0x1p-24F - 0.5F;
}

#endif
