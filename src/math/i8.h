/*
 * i8.h - exact products of matrices of bytes: the same on every machine and for any batch.
 *
 * Pure arithmetic: no allocation, no errors, any thread.
 */
#ifndef SIFD_MATH_I8_H
#define SIFD_MATH_I8_H

#include <stddef.h>
#include <stdint.h>

/* The most inputs whose sums of products fit into 32 bits: 255 * 128 * 2^16 < 2^31. */
enum { I8_INPUTS_MAX = 1 << 16 };

/* b (m, k) as the kernels read it (i8_pack()), one layout for all; k <= I8_INPUTS_MAX. */
struct i8_matrix {
	size_t m, k;
	const uint8_t *packed; /* i8_packed_size() bytes; faster when aligned to 64 */
};

/* Bytes of the packed copy of a matrix (m, k); 0 when they do not fit in a size_t or k > I8_INPUTS_MAX. */
size_t i8_packed_size(size_t m, size_t k);

/* b (m, k) row-major -> packed, i8_packed_size(m, k) bytes. */
void i8_pack(uint8_t *packed, const int8_t *b, size_t m, size_t k);

/* out (n, m) = a (n, k) times the transpose of b (m, k). */
void i8_mul(int32_t *restrict out, const int8_t *restrict a, size_t n, const struct i8_matrix *b);

#endif
