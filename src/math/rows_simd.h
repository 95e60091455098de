/*
 * rows_simd.h - rows_sum() for AVX2 and AVX-512; private to their kernel sets.
 *
 * The sums are kept in registers: a panel is up to 12 or 24 vectors of every row, so with AVX-512 rows of 300
 * elements are read once from end to end.  Each panel width is its own function, so that no sum is ever
 * indexed.
 */
#ifndef SIFD_MATH_ROWS_SIMD_H
#define SIFD_MATH_ROWS_SIMD_H

#include "math/kernels.h"
#include "math/simd.h"

#ifdef __AVX2__

enum { PANEL_MOST = LANES == 8 ? 12 : 24, PANEL_WIDE = LANES == 8 ? 12 : 16, AHEAD = 3, CACHE_LINE = 64 };

/* What one call sums; `column` is where the panel starts. */
struct rows_panel {
	float *out;
	const struct rows *rows;
	const uint32_t *ids;
	const float *weights;
	size_t n;
	size_t column;
	size_t last; /* elements of the panel's last vector: AVX2 always fills it */
};

#ifdef __AVX512F__

/* The first n <= LANES elements at `at` as floats; the bytes of the others are not touched. */
INLINE vector load_row(const char *at, enum rows_type type, size_t n)
{
	__mmask16 mask = (__mmask16)((1U << n) - 1);

	switch (type) {
	case ROWS_F16:
		return _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(mask, at));
	case ROWS_BF16:
		return _mm512_castsi512_ps(
			_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(mask, at)), 16));
	case ROWS_I8:
		return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_maskz_loadu_epi8(mask, at)));
	case ROWS_F32:
	default:
		return _mm512_maskz_loadu_ps(mask, at);
	}
}

#else

/* There are no masks for small elements: n is LANES. */
INLINE vector load_row(const char *at, enum rows_type type, size_t n)
{
	(void)n;
	switch (type) {
	case ROWS_F16:
		return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(const void *)at));
	case ROWS_BF16:
		return _mm256_castsi256_ps(_mm256_slli_epi32(
			_mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)(const void *)at)), 16));
	case ROWS_I8:
		return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_loadu_si64(at)));
	case ROWS_F32:
	default:
		return _mm256_loadu_ps((const float *)(const void *)at);
	}
}

#endif

/* The elements of vector k. */
INLINE size_t panel_lanes(const struct rows_panel *p, size_t k, size_t vectors)
{
	return LANES == 8 || k + 1 < vectors ? LANES : p->last;
}

/* `vectors` and `type` are constants in each of the functions this becomes. */
INLINE void sum_panel(const struct rows_panel *p, enum rows_type type, size_t vectors)
{
	size_t size = rows_type_size(type);
	size_t stride = p->rows->d * size;
	const char *from = (const char *)p->rows->data + p->column * size;
	vector sums[PANEL_MOST];

#pragma GCC unroll 24
	for (size_t k = 0; k < vectors; k++)
		sums[k] = vector_zero();
	for (size_t i = 0; i < p->n; i++) {
		size_t id = p->ids ? p->ids[i] : i;
		const char *at = from + id * stride;
		size_t next = i + AHEAD < p->n ? i + AHEAD : i;
		const char *later = from + (p->ids ? p->ids[next] : next) * stride;
		float weight = p->weights ? p->weights[i] : 1.0F;
		vector w = vector_all(type == ROWS_I8 ? weight * p->rows->scales[id] : weight);

#pragma GCC unroll 24
		for (size_t k = 0; k < vectors; k++) {
			size_t offset = k * LANES * size;

			sums[k] = vector_fma(w, load_row(at + offset, type, panel_lanes(p, k, vectors)),
					     sums[k]);
			if (offset % CACHE_LINE == 0)
				_mm_prefetch(later + offset, _MM_HINT_T0);
		}
	}
#pragma GCC unroll 24
	for (size_t k = 0; k < vectors; k++)
		vector_store(p->out + p->column + k * LANES, sums[k], panel_lanes(p, k, vectors));
}

#define PANEL(TYPE, VECTORS)                                                                                 \
	case VECTORS:                                                                                        \
		sum_panel(p, TYPE, VECTORS);                                                                 \
		break;

#define PANELS(TYPE, FIRST)                                                                                  \
	PANEL(TYPE, FIRST)                                                                                   \
	PANEL(TYPE, (FIRST) + 1)                                                                             \
	PANEL(TYPE, (FIRST) + 2)                                                                             \
	PANEL(TYPE, (FIRST) + 3)                                                                             \
	PANEL(TYPE, (FIRST) + 4)                                                                             \
	PANEL(TYPE, (FIRST) + 5)

#ifdef __AVX512F__
#define ALL_PANELS(TYPE) PANELS(TYPE, 1) PANELS(TYPE, 7) PANELS(TYPE, 13) PANELS(TYPE, 19)
#else
#define ALL_PANELS(TYPE) PANELS(TYPE, 1) PANELS(TYPE, 7)
#endif

#define DEFINE_SUM(NAME, TYPE)                                                                               \
	static void NAME##_panel(const struct rows_panel *p, size_t vectors)                                 \
	{                                                                                                    \
		switch (vectors) {                                                                           \
			ALL_PANELS(TYPE)                                                                     \
		default:                                                                                     \
			break;                                                                               \
		}                                                                                            \
	}                                                                                                    \
                                                                                                             \
	static void NAME(float *restrict out, const struct rows *rows, const uint32_t *ids,                  \
			 const float *weights, size_t n)                                                     \
	{                                                                                                    \
		sum_panels(&(struct rows_panel){ out, rows, ids, weights, n, 0, LANES }, NAME##_panel);      \
	}

/*
 * AVX2 sums the last elements of a row that do not fill a vector as one vector that overlaps the one before:
 * a dimension summed twice has the same bits twice.
 */
INLINE void sum_panels(struct rows_panel *p, void (*sum)(const struct rows_panel *, size_t vectors))
{
	size_t d = p->rows->d;

	if (LANES == 8 && d < LANES) {
		kernels_plain.rows_sum[p->rows->type](p->out, p->rows, p->ids, p->weights, p->n);
		return;
	}
	for (; d - p->column > (size_t)PANEL_MOST * LANES; p->column += (size_t)PANEL_WIDE * LANES)
		sum(p, PANEL_WIDE);
	if (LANES == 16) {
		p->last = d % LANES ? d % LANES : LANES;
		sum(p, (d - p->column + LANES - 1) / LANES);
		return;
	}
	sum(p, (d - p->column) / LANES);
	if (d % LANES) {
		p->column = d - LANES;
		sum(p, 1);
	}
}

DEFINE_SUM(rows_sum_f32, ROWS_F32)
DEFINE_SUM(rows_sum_f16, ROWS_F16)
DEFINE_SUM(rows_sum_bf16, ROWS_BF16)
DEFINE_SUM(rows_sum_i8, ROWS_I8)

#define ROWS_SUMS                                                                                            \
	{                                                                                                    \
		[ROWS_F32] = rows_sum_f32, [ROWS_F16] = rows_sum_f16, [ROWS_BF16] = rows_sum_bf16,           \
		[ROWS_I8] = rows_sum_i8                                                                      \
	}

#endif

#endif
