#include "math/rows.h"

#include "math/kernels.h"

#include <float.h>
#include <math.h>
#include <string.h>

enum { CACHE_LINE = 64, PREFETCH_LINES = 10 };

const char *const rows_type_names[ROWS_TYPES] = {
	[ROWS_F32] = "f32", [ROWS_F16] = "f16", [ROWS_BF16] = "bf16", [ROWS_I8] = "i8"
};

static float from_bits(uint32_t bits)
{
	float x;

	memcpy(&x, &bits, sizeof(x));
	return x;
}

static uint32_t to_bits(float x)
{
	uint32_t bits;

	memcpy(&bits, &x, sizeof(bits));
	return bits;
}

/* Exact, infinities and subnormals included. */
static float from_f16(uint16_t h)
{
	uint32_t sign = (uint32_t)(h & 0x8000) << 16;
	uint32_t exponent = (h >> 10) & 31;
	uint32_t fraction = h & 0x3FF;

	if (exponent == 31)
		return from_bits(sign | 0x7F800000U | fraction << 13);
	if (exponent == 0) /* units of 2^-24 */
		return from_bits(sign | to_bits((float)fraction * 0x1p-24F));
	return from_bits(sign | (exponent + 127 - 15) << 23 | fraction << 13);
}

/* To nearest even. */
static uint16_t to_f16(float x)
{
	uint32_t bits = to_bits(x);
	uint16_t sign = (uint16_t)(bits >> 16 & 0x8000);

	bits &= 0x7FFFFFFFU;
	if (bits > 0x7F800000U)
		return sign | 0x7E00;
	if (bits >= to_bits(65520.0F)) /* halfway from the largest, 65504, to 2^16 */
		return sign | 0x7C00;
	if (bits < to_bits(0x1p-14F)) /* the addition rounds to units of 2^-24, the ulp of 0.5 */
		return sign | (uint16_t)(to_bits(from_bits(bits) + 0.5F) - to_bits(0.5F));
	bits += 0xFFF + (bits >> 13 & 1);
	return sign | (uint16_t)((bits - ((127U - 15U) << 23)) >> 13);
}

/* To nearest even. */
static uint16_t to_bf16(float x)
{
	uint32_t bits = to_bits(x);

	if (isnan(x))
		return (uint16_t)(bits >> 16 | 0x40);
	return (uint16_t)((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
}

static const char *row_at(const struct rows *rows, size_t id)
{
	return (const char *)rows->data + id * rows->d * rows_type_size(rows->type);
}

/* Elements are copied out, since rows may lie at any address. */

static float read_f32(const char *row, size_t i)
{
	float x;

	memcpy(&x, row + 4 * i, sizeof(x));
	return x;
}

static float read_f16(const char *row, size_t i)
{
	uint16_t h;

	memcpy(&h, row + 2 * i, sizeof(h));
	return from_f16(h);
}

static float read_bf16(const char *row, size_t i)
{
	uint16_t h;

	memcpy(&h, row + 2 * i, sizeof(h));
	return from_bits((uint32_t)h << 16);
}

static float read_i8(const char *row, size_t i)
{
	return (float)(signed char)row[i];
}

#define DEFINE_SUM(TYPE, READ)                                                                               \
	void rows_sum_##TYPE##_plain(float *restrict out, const struct rows *rows, const uint32_t *ids,      \
				     const float *weights, size_t n)                                         \
	{                                                                                                    \
		for (size_t j = 0; j < rows->d; j++)                                                         \
			out[j] = 0.0F;                                                                       \
		for (size_t i = 0; i < n; i++) {                                                             \
			size_t id = ids ? ids[i] : i;                                                        \
			float weight = weights ? weights[i] : 1.0F;                                          \
			const char *row = row_at(rows, id);                                                  \
                                                                                                             \
			if (rows->type == ROWS_I8)                                                           \
				weight *= rows->scales[id];                                                  \
			for (size_t j = 0; j < rows->d; j++)                                                 \
				out[j] = fmaf(weight, READ(row, j), out[j]);                                 \
		}                                                                                            \
	}

DEFINE_SUM(f32, read_f32)
DEFINE_SUM(f16, read_f16)
DEFINE_SUM(bf16, read_bf16)
DEFINE_SUM(i8, read_i8)

void rows_sum(float *out, const struct rows *rows, const uint32_t *ids, const float *weights, size_t n)
{
	static const uint32_t none;

	kernels->rows_sum[rows->type](out, rows, ids ? ids : &none, weights, n);
}

void rows_get(float *out, const struct rows *rows, uint32_t id)
{
	static float (*const read[])(const char *, size_t) = {
		[ROWS_F32] = read_f32, [ROWS_F16] = read_f16, [ROWS_BF16] = read_bf16, [ROWS_I8] = read_i8
	};
	const char *row = row_at(rows, id);

	if (rows->type == ROWS_F32) {
		memcpy(out, row, rows->d * sizeof(float));
		return;
	}
	for (size_t i = 0; i < rows->d; i++)
		out[i] = read[rows->type](row, i);
	for (size_t i = 0; rows->type == ROWS_I8 && i < rows->d; i++)
		out[i] *= rows->scales[id];
}

void rows_prefetch(const struct rows *rows, uint32_t id)
{
	const char *row = row_at(rows, id);
	size_t bytes = rows->d * rows_type_size(rows->type);

	for (size_t i = 0; i < bytes && i < (size_t)PREFETCH_LINES * CACHE_LINE; i += CACHE_LINE)
		__builtin_prefetch(row + i);
}

static float largest(const float *x, size_t d)
{
	float most = 0.0F;

	for (size_t i = 0; i < d; i++)
		most = fmaxf(most, fabsf(x[i]));
	return most;
}

static void encode_i8(signed char *to, float *scale, const float *x, size_t d)
{
	*scale = largest(x, d) / 127.0F;
	for (size_t i = 0; i < d; i++) {
		/* A scale that is itself subnormal may be a little too small. */
		float q = *scale > 0.0F ? rintf(x[i] / *scale) : 0.0F;

		to[i] = (signed char)fmaxf(-127.0F, fminf(127.0F, q));
	}
}

static void encode_16(char *to, uint16_t (*encode)(float), const float *x, size_t d)
{
	for (size_t i = 0; i < d; i++) {
		uint16_t h = encode(x[i]);

		memcpy(to + 2 * i, &h, sizeof(h));
	}
}

bool rows_fit(enum rows_type type, const float *x, size_t d)
{
	float most = type == ROWS_F16 ? 65504.0F : FLT_MAX;

	for (size_t i = 0; i < d; i++)
		if (!(fabsf(x[i]) <= most))
			return false;
	return true;
}

void rows_encode(void *to, float *scale, enum rows_type type, const float *x, size_t d)
{
	switch (type) {
	case ROWS_F32:
		memcpy(to, x, d * sizeof(float));
		break;
	case ROWS_F16:
		encode_16(to, to_f16, x, d);
		break;
	case ROWS_BF16:
		encode_16(to, to_bf16, x, d);
		break;
	case ROWS_I8:
		encode_i8(to, scale, x, d);
		break;
	}
}
