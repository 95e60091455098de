#include "math/f32.h"

#include "math/kernels.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

size_t f32_packed_size(size_t m, size_t k)
{
	size_t panels = m / F32_PANEL + (m % F32_PANEL != 0);
	size_t size;

	if (__builtin_mul_overflow(panels, k, &size) || size > SIZE_MAX / sizeof(float) / F32_PANEL)
		return 0;
	return size * F32_PANEL;
}

void f32_pack(float *packed, const struct rows *b, float *row)
{
	memset(packed, 0, f32_packed_size(b->n, b->d) * sizeof(*packed));
	for (size_t j = 0; j < b->n; j++) {
		float *to = packed + j / F32_PANEL * b->d * F32_PANEL + j % F32_PANEL;

		rows_get(row, b, (uint32_t)j);
		for (size_t l = 0; l < b->d; l++)
			to[l * F32_PANEL] = row[l];
	}
}

void f32_mul_plain(float *restrict out, const float *restrict a, size_t n, const struct f32_matrix *b)
{
	for (size_t i = 0; i < n; i++) {
		for (size_t j = 0; j < b->m; j++) {
			const float *from = b->packed + j / F32_PANEL * b->k * F32_PANEL + j % F32_PANEL;
			float sum = 0.0f;

			for (size_t l = 0; l < b->k; l++)
				sum = fmaf(a[i * b->k + l], from[l * F32_PANEL], sum);
			out[i * b->m + j] = sum;
		}
	}
}

void f32_mul(float *restrict out, const float *restrict a, size_t n, const struct f32_matrix *b)
{
	kernels->f32_mul(out, a, n, b);
}
