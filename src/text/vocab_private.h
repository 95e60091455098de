/*
 * vocab_private.h - the hash and the steps of a lookup, for code that runs many lookups at once.
 */
#ifndef SIFD_TEXT_VOCAB_PRIVATE_H
#define SIFD_TEXT_VOCAB_PRIVATE_H

#include "text/vocab.h"

#include <stdbool.h>
#include <string.h>

/*
 * Fixed for ever by the file format: multiply-and-fold (after wyhash, Wang Yi, public domain) over the word's
 * bytes eight by eight, little-endian, the last ones padded with zeros:
 *
 *	secret = mix(seed ^ K0, K1)
 *	h = secret;  h = mix(eight ^ secret, h ^ K2) for each eight;  hash = mix(h ^ length, K1)
 *
 * The secret is in both factors, so that no seed of few bits and no choice of bytes makes a product vanish.
 */
#define VOCAB_K0 0xA0761D6478BD642Fu
#define VOCAB_K1 0xE7037ED1A0B428DBu
#define VOCAB_K2 0x8EBC6AF09C88C6E3u

static inline uint64_t vocab_mix(uint64_t a, uint64_t b)
{
	__extension__ unsigned __int128 product = (unsigned __int128)a * b;

	return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static inline uint64_t vocab_secret(uint64_t seed)
{
	return vocab_mix(seed ^ VOCAB_K0, VOCAB_K1);
}

static inline uint64_t vocab_hash_step(uint64_t h, uint64_t secret, uint64_t eight)
{
	return vocab_mix(eight ^ secret, h ^ VOCAB_K2);
}

static inline uint64_t vocab_hash_end(uint64_t h, size_t n)
{
	return vocab_mix(h ^ n, VOCAB_K1);
}

/* p[0..8) as a number. */
static inline uint64_t vocab_load(const char *p)
{
	uint64_t x;

	memcpy(&x, p, 8);
	return x;
}

/* p[0..n), 0 < n < 8, as a number, in few loads: where they overlap they agree. */
static inline uint64_t vocab_load_part(const char *p, size_t n)
{
	const unsigned char *u = (const unsigned char *)p;

	if (n >= 4) {
		uint32_t low;
		uint32_t high;

		memcpy(&low, p, 4);
		memcpy(&high, p + n - 4, 4);
		return low | (uint64_t)high << (8 * (n - 4));
	}
	return u[0] | (uint64_t)u[n / 2] << (8 * (n / 2)) | (uint64_t)u[n - 1] << (8 * (n - 1));
}

/* The number in the first slot from the hash's own on that may be the word's, or VOCAB_UNKNOWN. */
static inline uint32_t vocab_candidate(const struct vocab *v, uint64_t hash)
{
	size_t mask = v->slots_n - 1;

	for (size_t i = hash & mask;; i = (i + 1) & mask) {
		uint64_t slot = v->slots[i];

		if (slot == 0)
			return VOCAB_UNKNOWN;
		if (slot >> 32 == hash >> 32)
			return (uint32_t)slot - 1;
	}
}

/* Takes the first free slot for a word that is not there yet. */
static inline void vocab_insert(uint64_t *slots, size_t slots_n, uint64_t hash, size_t id)
{
	size_t i = hash & (slots_n - 1);

	while (slots[i])
		i = (i + 1) & (slots_n - 1);
	slots[i] = (hash >> 32) << 32 | (id + 1);
}

/* Is word `id` the bytes word[0..n)? */
static inline bool vocab_is(const struct vocab *v, uint32_t id, const char *word, size_t n)
{
	const char *p = v->bytes + v->offsets[id];
	size_t i = 0;

	if (v->offsets[id + 1] - v->offsets[id] != n)
		return false;
	for (; i + 8 <= n; i += 8)
		if (vocab_load(p + i) != vocab_load(word + i))
			return false;
	return i == n || vocab_load_part(p + i, n - i) == vocab_load_part(word + i, n - i);
}

#endif
