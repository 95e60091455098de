/*
 * As rows_avx512.c, with panels of up to 12 vectors of 8.  A row whose end is
 * not a whole vector has its last 8 elements summed as one vector that overlaps
 * the one before: a dimension summed twice has the same bits twice.
 */
#include "math/kernels.h"

#include <immintrin.h>

#define INLINE static inline __attribute__((always_inline))

enum { LANES = 8, PANEL_MOST = 12, AHEAD = 3, CACHE_LINE = 64 };

static const size_t sizes[] = { [ROWS_F32] = 4, [ROWS_F16] = 2, [ROWS_BF16] = 2, [ROWS_I8] = 1 };

/* LANES elements at `at` as floats. */
INLINE __m256 load(const char *at, enum rows_type type)
{
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

/* What one call sums; `column` is where the panel starts. */
struct sum {
	float *out;
	const struct rows *rows;
	const uint32_t *ids;
	const float *weights;
	size_t n;
	size_t column;
};

/* `vectors` and `type` are constants in each of the functions this becomes. */
INLINE void panel(const struct sum *s, enum rows_type type, size_t vectors)
{
	size_t stride = s->rows->d * sizes[type];
	const char *from = (const char *)s->rows->data + s->column * sizes[type];
	__m256 sums[PANEL_MOST];

#pragma GCC unroll 12
	for (size_t k = 0; k < vectors; k++)
		sums[k] = _mm256_setzero_ps();
	for (size_t i = 0; i < s->n; i++) {
		size_t id = s->ids ? s->ids[i] : i;
		const char *at = from + id * stride;
		size_t next = i + AHEAD < s->n ? i + AHEAD : i;
		const char *later = from + (s->ids ? s->ids[next] : next) * stride;
		float weight = s->weights ? s->weights[i] : 1.0F;
		__m256 w = _mm256_set1_ps(type == ROWS_I8 ? weight * s->rows->scales[id] : weight);

#pragma GCC unroll 12
		for (size_t k = 0; k < vectors; k++) {
			sums[k] = _mm256_fmadd_ps(w, load(at + k * LANES * sizes[type], type), sums[k]);
			if (k * LANES * sizes[type] % CACHE_LINE == 0)
				_mm_prefetch(later + k * LANES * sizes[type], _MM_HINT_T0);
		}
	}
#pragma GCC unroll 12
	for (size_t k = 0; k < vectors; k++)
		_mm256_storeu_ps(s->out + s->column + k * LANES, sums[k]);
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
	PANEL(TYPE, 12)

#define DEFINE_SUM(NAME, TYPE, PLAIN)                                                                        \
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
		if (rows->d < LANES)                                                                         \
			PLAIN(out, rows, ids, weights, n);                                                   \
		else                                                                                         \
			sum_panels(&(struct sum){ out, rows, ids, weights, n, 0 }, NAME##_panel);            \
	}

static void sum_panels(struct sum *s, void (*sum_panel)(const struct sum *, size_t))
{
	size_t d = s->rows->d;

	for (; d - s->column > (size_t)PANEL_MOST * LANES; s->column += (size_t)PANEL_MOST * LANES)
		sum_panel(s, PANEL_MOST);
	sum_panel(s, (d - s->column) / LANES);
	if (d % LANES) {
		s->column = d - LANES;
		sum_panel(s, 1);
	}
}

DEFINE_SUM(rows_sum_f32_avx2, ROWS_F32, rows_sum_f32_plain)
DEFINE_SUM(rows_sum_f16_avx2, ROWS_F16, rows_sum_f16_plain)
DEFINE_SUM(rows_sum_bf16_avx2, ROWS_BF16, rows_sum_bf16_plain)
DEFINE_SUM(rows_sum_i8_avx2, ROWS_I8, rows_sum_i8_plain)
