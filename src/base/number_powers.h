/*
 * number_powers.h - powers of ten in 64 bits, for number_write.c and number_read.c.
 */
#ifndef SIFD_BASE_NUMBER_POWERS_H
#define SIFD_BASE_NUMBER_POWERS_H

#include <stdbool.h>
#include <stdint.h>

__extension__ typedef unsigned __int128 wide;

enum { LEAST_POWER = -65, MOST_POWER = 53, LAST_EXACT_POWER = 27 };

/*
 * powers[s - LEAST_POWER] is 10^s cut off: 10^s = (powers + less than 1) * 2^(log2_power(s) - 63).
 * From s = 0 to 27 (5^27 < 2^64) it is exact.
 */
extern const uint64_t powers[MOST_POWER - LEAST_POWER + 1];

/* floor(log2(10^s)), for |s| <= 342 (Lemire, "Number Parsing at a Gigabyte per Second", 2021). */
static inline int log2_power(int s)
{
	return (217706 * s) >> 16;
}

static inline bool exact_power(int s)
{
	return s >= 0 && s <= LAST_EXACT_POWER;
}

#endif
