/*
 * random.h - pseudo-random numbers that are the same everywhere: splitmix64.
 *
 * Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014.  The state is one
 * number; random_seed() makes one from several (seed, epoch, source).
 */
#ifndef SIFD_BASE_RANDOM_H
#define SIFD_BASE_RANDOM_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { RANDOM_ITEM_BYTES = 64 };

static inline uint64_t random_next(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

/* A state of its own for each (seed, a, b). */
static inline uint64_t random_seed(uint64_t seed, uint64_t a, uint64_t b)
{
	uint64_t state = seed;

	state = random_next(&state) ^ a;
	state = random_next(&state) ^ b;
	return random_next(&state);
}

/* In [0, n); n in (0, 2^32].  The bias is below n / 2^32. */
static inline uint64_t random_below(uint64_t *state, uint64_t n)
{
	return ((random_next(state) >> 32) * n) >> 32;
}

/* In [0, 1): 24 bits. */
static inline float random_unit(uint64_t *state)
{
	return (float)(random_next(state) >> 40) * 0x1p-24f;
}

/* Fisher-Yates shuffle of n items of `size` bytes each, at most RANDOM_ITEM_BYTES. */
static inline void random_shuffle(void *items, size_t n, size_t size, uint64_t *state)
{
	char *at = items;
	char kept[RANDOM_ITEM_BYTES];

	for (size_t i = n; i > 1; i--) {
		size_t j = (size_t)random_below(state, i);

		memcpy(kept, at + j * size, size);
		memmove(at + j * size, at + (i - 1) * size, size);
		memcpy(at + (i - 1) * size, kept, size);
	}
}

#endif
