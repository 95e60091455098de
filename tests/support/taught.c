#include "support/taught.h"

#include "base/random.h"
#include "math/vec.h"
#include "model/model.h"
#include "support/toy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { D_MAX = 64, WORD_BYTES = 8 };

static void teach(float *to, const struct model *m, const uint32_t *ids, size_t n, bool ordered,
		  uint64_t *random)
{
	float row[D_MAX];
	size_t d = m->rows.d;

	memset(to, 0, d * sizeof(*to));
	for (size_t i = 0; i < n; i++) {
		float share = ids[i] % 3 == 0 ? 0.1f : 1.0f + (float)(ids[i] % 5);

		rows_get(row, &m->rows, ids[i]);
		vec_axpy(to, ordered && i == 0 ? 3 * share : share, row, d);
	}
	for (size_t k = 0; k < d; k++)
		to[k] += 0.1f * (random_unit(random) - 0.5f);
	(void)vec_unit(to, d);
}

static FILE *begin_npy(const char *path, size_t n, size_t d)
{
	char header[128];
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	(void)snprintf(header, sizeof(header),
		       "{'descr': '<f4', 'fortran_order': False, 'shape': (%zu, %zu), }\n", n, d);
	(void)fwrite("\x93NUMPY\x01\0", 1, 8, f);
	(void)fputc((int)strlen(header), f);
	(void)fputc(0, f);
	(void)fwrite(header, 1, strlen(header), f);
	return f;
}

struct taught taught_make(struct scratch *scratch, const struct model *m, size_t words, bool ordered)
{
	struct taught made = { .teacher = scratch_file(scratch, "teacher.npy", "") };
	char *texts = calloc(TAUGHT_TEXTS, TAUGHT_WORDS * WORD_BYTES);
	char *draws = calloc(TAUGHT_TEXTS + 1, 2);
	FILE *f = begin_npy(made.teacher, TAUGHT_TEXTS, m->rows.d);
	uint64_t random = 5;
	char *at = texts;

	assert_true(texts && draws && m->rows.d <= D_MAX);
	for (size_t t = 0; t < TAUGHT_TEXTS; t++) {
		size_t n = ordered ? 1 + t % TAUGHT_WORDS : TAUGHT_WORDS;
		uint32_t ids[TAUGHT_WORDS];
		float vector[D_MAX];

		for (size_t i = 0; i < n; i++) {
			ids[i] = (uint32_t)random_below(&random, words);
			(void)toy_word(at, ids[i]);
			at += strlen(at);
			*at++ = i + 1 < n ? ' ' : '\n';
		}
		draws[2 * t] = t % 10 ? '1' : '3';
		draws[2 * t + 1] = '\n';
		teach(vector, m, ids, n, ordered, &random);
		assert_int_equal(fwrite(vector, sizeof(float), m->rows.d, f), m->rows.d);
	}
	assert_int_equal(fclose(f), 0);
	made.texts = scratch_file(scratch, "texts.txt", texts);
	made.draws = scratch_file(scratch, "draws.txt", draws);
	free(texts);
	free(draws);
	return made;
}
