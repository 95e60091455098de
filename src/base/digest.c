#include "base/digest.h"

void digest_start(struct digest *d)
{
	sha256_init(&d->state);
}

void digest_add(struct digest *d, const void *bytes, size_t n)
{
	sha256_update(&d->state, n, bytes);
}

void digest_hex(struct digest *d, char hex[DIGEST_HEX + 1])
{
	static const char digits[] = "0123456789abcdef";
	uint8_t raw[SHA256_DIGEST_SIZE];

	sha256_digest(&d->state, sizeof(raw), raw);
	for (size_t i = 0; i < sizeof(raw); i++) {
		hex[2 * i] = digits[raw[i] >> 4];
		hex[2 * i + 1] = digits[raw[i] & 15];
	}
	hex[DIGEST_HEX] = '\0';
}

void digest_of(const void *bytes, size_t n, char hex[DIGEST_HEX + 1])
{
	struct digest d;

	digest_start(&d);
	digest_add(&d, bytes, n);
	digest_hex(&d, hex);
}
