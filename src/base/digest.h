/*
 * digest.h - SHA-256 (FIPS 180-4), by nettle.
 */
#ifndef SIFD_BASE_DIGEST_H
#define SIFD_BASE_DIGEST_H

#include <nettle/sha2.h>
#include <stddef.h>

enum { DIGEST_HEX = 64 };

struct digest {
	struct sha256_ctx state;
};

void digest_start(struct digest *d);
void digest_add(struct digest *d, const void *bytes, size_t n);

/* The digest in lower-case hex, 0-terminated; the state starts anew. */
void digest_hex(struct digest *d, char hex[DIGEST_HEX + 1]);

/* All three at once. */
void digest_of(const void *bytes, size_t n, char hex[DIGEST_HEX + 1]);

#endif
