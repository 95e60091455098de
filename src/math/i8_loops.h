/*
 * Private to src/math/i8*.c: the layout that i8_pack() writes.
 *
 * Panels of PANEL rows of b, the last filled up with zeros.  A panel is (groups, PANEL, GROUP): inputs go by
 * groups of GROUP.  A byte is b + 128, since vpdpbusd takes unsigned times signed bytes.  That adds 128 times
 * the sum of a's row to every sum, so sums start at minus that.
 */
#ifndef SIFD_MATH_I8_LOOPS_H
#define SIFD_MATH_I8_LOOPS_H

#include "math/i8.h"

#include <string.h>

enum { I8_PANEL = 64, I8_GROUP = 4, I8_GROUP_BYTES = I8_PANEL * I8_GROUP, I8_BIAS = 128 };

static inline size_t i8_groups(size_t k)
{
	return k / I8_GROUP + (k % I8_GROUP != 0);
}

/* The group's inputs of a row of k as one number, with zeros after the end. */
static inline int32_t i8_group(const int8_t *a, size_t group, size_t k)
{
	int32_t four = 0;
	size_t at = group * I8_GROUP;

	if (at + I8_GROUP <= k)
		memcpy(&four, a + at, I8_GROUP);
	else
		memcpy(&four, a + at, k - at);
	return four;
}

/* The number that the sums of row a start at. */
static inline int32_t i8_start(const int8_t *a, size_t k)
{
	int32_t sum = 0;

	for (size_t i = 0; i < k; i++)
		sum += a[i];
	return -I8_BIAS * sum;
}

#endif
