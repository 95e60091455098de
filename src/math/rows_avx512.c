/*
 * The sums are kept in registers: a panel is up to 24 vectors (384 elements)
 * of every row, so vectors of 300 elements are read once from end to end.
 * Each panel width is its own function, so that no accumulator is ever indexed.
 */
#include "math/kernels.h"

#include <immintrin.h>

#define INLINE static inline __attribute__((always_inline))

enum { LANES = 16, PANEL_MOST = 24, PANEL_WIDE = 16, AHEAD = 3, CACHE_LINE = 64 };

static const size_t sizes[] = { [ROWS_F32] = 4, [ROWS_F16] = 2, [ROWS_BF16] = 2, [ROWS_I8] = 1 };

/* LANES elements at `at` as floats. */
INLINE __m512 load(const char *at, enum rows_type type)
{
	switch (type) {
	case ROWS_F16:
		return _mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)(const void *)at));
	case ROWS_BF16:
		return _mm512_castsi512_ps(_mm512_slli_epi32(
			_mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)(const void *)at)), 16));
	case ROWS_I8:
		return _mm512_cvtepi32_ps(
			_mm512_cvtepi8_epi32(_mm_loadu_si128((const __m128i *)(const void *)at)));
	case ROWS_F32:
	default:
		return _mm512_loadu_ps(at);
	}
}

/* Those of the mask; the bytes of the others are not touched. */
INLINE __m512 load_some(const char *at, enum rows_type type, __mmask16 mask)
{
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

/* What one call sums; `column` is where the panel starts. */
struct sum {
	float *out;
	const struct rows *rows;
	const uint32_t *ids;
	const float *weights;
	size_t n;
	size_t column;
	__mmask16 last; /* lanes of the panel's last vector */
};

/* `vectors` and `type` are constants in each of the functions this becomes. */
INLINE void panel(const struct sum *s, enum rows_type type, size_t vectors)
{
	size_t stride = s->rows->d * sizes[type];
	const char *from = (const char *)s->rows->data + s->column * sizes[type];
	__m512 sums[PANEL_MOST];

#pragma GCC unroll 24
	for (size_t k = 0; k < vectors; k++)
		sums[k] = _mm512_setzero_ps();
	for (size_t i = 0; i < s->n; i++) {
		size_t id = s->ids ? s->ids[i] : i;
		const char *at = from + id * stride;
		size_t next = i + AHEAD < s->n ? i + AHEAD : i;
		const char *later = from + (s->ids ? s->ids[next] : next) * stride;
		float weight = s->weights ? s->weights[i] : 1.0F;
		__m512 w = _mm512_set1_ps(type == ROWS_I8 ? weight * s->rows->scales[id] : weight);

#pragma GCC unroll 24
		for (size_t k = 0; k + 1 < vectors; k++) {
			sums[k] = _mm512_fmadd_ps(w, load(at + k * LANES * sizes[type], type), sums[k]);
			if (k * LANES * sizes[type] % CACHE_LINE == 0)
				_mm_prefetch(later + k * LANES * sizes[type], _MM_HINT_T0);
		}
		sums[vectors - 1] =
			_mm512_fmadd_ps(w, load_some(at + (vectors - 1) * LANES * sizes[type], type, s->last),
					sums[vectors - 1]);
	}
#pragma GCC unroll 24
	for (size_t k = 0; k + 1 < vectors; k++)
		_mm512_storeu_ps(s->out + s->column + k * LANES, sums[k]);
	_mm512_mask_storeu_ps(s->out + s->column + (vectors - 1) * LANES, s->last, sums[vectors - 1]);
}

#define PANEL(TYPE, VECTORS)                                                                                 \
	case VECTORS:                                                                                        \
		panel(s, TYPE, VECTORS);                                                                     \
		break;

#define PANELS(TYPE)                                                                                         \
	PANEL(TYPE, 1)                                                                                       \
	PANEL(TYPE, 2)                                                                                       \
	PANEL(TYPE, 3)                                                                                       \
	PANEL(TYPE, 4)                                                                                       \
	PANEL(TYPE, 5)                                                                                       \
	PANEL(TYPE, 6)                                                                                       \
	PANEL(TYPE, 7)                                                                                       \
	PANEL(TYPE, 8)                                                                                       \
	PANEL(TYPE, 9)                                                                                       \
	PANEL(TYPE, 10)                                                                                      \
	PANEL(TYPE, 11)                                                                                      \
	PANEL(TYPE, 12)                                                                                      \
	PANEL(TYPE, 13)                                                                                      \
	PANEL(TYPE, 14)                                                                                      \
	PANEL(TYPE, 15)                                                                                      \
	PANEL(TYPE, 16)                                                                                      \
	PANEL(TYPE, 17)                                                                                      \
	PANEL(TYPE, 18)                                                                                      \
	PANEL(TYPE, 19)                                                                                      \
	PANEL(TYPE, 20)                                                                                      \
	PANEL(TYPE, 21)                                                                                      \
	PANEL(TYPE, 22)                                                                                      \
	PANEL(TYPE, 23)                                                                                      \
	PANEL(TYPE, 24)

#define DEFINE_SUM(NAME, TYPE)                                                                               \
	static void NAME##_panel(const struct sum *s, size_t vectors)                                        \
	{                                                                                                    \
		switch (vectors) {                                                                           \
			PANELS(TYPE)                                                                         \
		default:                                                                                     \
			break;                                                                               \
		}                                                                                            \
	}                                                                                                    \
                                                                                                             \
	void NAME(float *restrict out, const struct rows *rows, const uint32_t *ids, const float *weights,   \
		  size_t n)                                                                                  \
	{                                                                                                    \
		sum_panels(&(struct sum){ out, rows, ids, weights, n, 0, 0xFFFF }, NAME##_panel);            \
	}

static void sum_panels(struct sum *s, void (*sum_panel)(const struct sum *, size_t))
{
	size_t d = s->rows->d;

	for (; d - s->column > (size_t)PANEL_MOST * LANES; s->column += (size_t)PANEL_WIDE * LANES)
		sum_panel(s, PANEL_WIDE);
	if (d % LANES)
		s->last = (__mmask16)((1U << d % LANES) - 1);
	sum_panel(s, (d - s->column + LANES - 1) / LANES);
}

DEFINE_SUM(rows_sum_f32_avx512, ROWS_F32)
DEFINE_SUM(rows_sum_f16_avx512, ROWS_F16)
DEFINE_SUM(rows_sum_bf16_avx512, ROWS_BF16)
DEFINE_SUM(rows_sum_i8_avx512, ROWS_I8)
