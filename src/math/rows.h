/*
 * rows.h - a table of word vectors in any of its number formats, and the one
 * operation that all linear methods need: the weighted sum of some rows.
 *
 * A struct rows borrows its memory (a mapped file); it never changes, so any
 * number of threads may share it.  Rows are read exactly: F16, BF16 and I8
 * elements convert to float without rounding, an I8 row then has its scale
 * multiplied into the weight (one rounding, in float: weight * scale).
 */
#ifndef SIFD_MATH_ROWS_H
#define SIFD_MATH_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum rows_type { ROWS_F32, ROWS_F16, ROWS_BF16, ROWS_I8 };
enum { ROWS_TYPES = ROWS_I8 + 1 };

struct rows {
	enum rows_type type;
	size_t n;	     /* rows */
	size_t d;	     /* elements per row */
	const void *data;    /* (n, d) row-major, any alignment */
	const float *scales; /* (n), I8 only: value = scale * element */
};

extern const char *const rows_type_names[ROWS_TYPES]; /* "f32", "f16", "bf16", "i8" */

/* Bytes of one element. */
static inline size_t rows_type_size(enum rows_type type)
{
	return type == ROWS_F32 ? 4 : type == ROWS_I8 ? 1 : 2;
}

/*
 * out (d) = sum over i in order of weights[i] * row ids[i]: per dimension one fused
 * multiply-add per word, from 0, in text order; the same bits on every machine.
 * weights == NULL means all 1.  ids must be < rows->n.  Prefetches ahead.
 */
void rows_sum(float *out, const struct rows *rows, const uint32_t *ids, const float *weights, size_t n);

/* out (d) = the row itself. */
void rows_get(float *out, const struct rows *rows, uint32_t id);

/* Asks for the first cache lines of a row that will soon be summed. */
void rows_prefetch(const struct rows *rows, uint32_t id);

/* Can a row of that type hold x (d)?  Every number must be finite, and at most 65504 in size for F16. */
bool rows_fit(enum rows_type type, const float *x, size_t d);

/*
 * Encodes one row of d floats at `to`; for I8 also writes *scale = max|x| / 127 (0 for a zero row) and
 * rounds to nearest even, elements in [-127, 127].  F16 and BF16 round to nearest even; a value too
 * large for F16 becomes infinity, which the caller refuses beforehand by rows_fit().
 */
void rows_encode(void *to, float *scale, enum rows_type type, const float *x, size_t d);

#endif
