#include "embed/disc.h"

#include "math/rows.h"
#include "math/vec.h"
#include "model/method.h"
#include "text/vocab.h"

#include <math.h>
#include <string.h>

/* grams: products of the n-grams that end in the word before; they are extended by this word. */
static void extend(float *restrict out, float *restrict grams, const float *restrict unit, size_t d,
		   float scale)
{
	for (size_t k = METHOD_DISC_GRAMS - 1; k > 0; k--) {
		float *gram = grams + k * d;
		const float *shorter = gram - d;

		for (size_t j = 0; j < d; j++) {
			gram[j] = scale * shorter[j] * unit[j];
			out[k * d + j] += gram[j];
		}
	}
	for (size_t j = 0; j < d; j++) {
		grams[j] = unit[j];
		out[j] += unit[j];
	}
}

void disc_sum(float *out, float *scratch, const struct rows *rows, const uint32_t *ids, size_t n)
{
	size_t d = rows->d;
	size_t bytes = METHOD_DISC_GRAMS * d * sizeof(float);
	float *unit = scratch + METHOD_DISC_GRAMS * d;
	float scale = sqrtf((float)d);

	memset(out, 0, bytes);
	memset(scratch, 0, bytes);
	for (size_t i = 0; i < n; i++) {
		if (ids[i] == VOCAB_UNKNOWN) {
			memset(scratch, 0, bytes);
			continue;
		}
		rows_get(unit, rows, ids[i]);
		(void)vec_unit(unit, d);
		extend(out, scratch, unit, d, scale);
	}
	for (size_t k = 1; k < METHOD_DISC_GRAMS; k++)
		vec_scale(out + k * d, 1.0F / (float)(k + 1), d);
}
