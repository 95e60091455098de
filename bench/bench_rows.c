/*
 * The weighted sum of rows, the hot loop of all linear methods:
 *
 *	bench_rows [WORDS [DIMENSIONS]]      400000 words of 300 elements
 *
 * Million sentences per second on one core, 10 words each, word numbers by
 * Zipf-Mandelbrot, for each number format; SIFD_KERNELS chooses the kernels.
 * "ahead": with rows_prefetch() for the next sentence, as a caller with many texts does.
 */
#include "math/rows.h"
#include "math/vec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SENTENCES = 200000, WORDS = 10, PASSES = 3, MATRIX_CALLS = 20000 };

static double now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static uint64_t next(void)
{
	static uint64_t state = 88172645463325252ULL;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static void draw_ids(uint32_t *ids, size_t n, size_t words)
{
	double *sums = calloc(words, sizeof(*sums));
	double sum = 0;

	for (size_t i = 0; i < words; i++)
		sums[i] = sum += 1.0 / ((double)i + 2.7);
	for (size_t i = 0; i < n; i++) {
		double at = sum * (double)(next() >> 11) * 0x1p-53;
		size_t low = 0;
		size_t high = words - 1;

		while (low < high) {
			size_t middle = (low + high) / 2;

			if (sums[middle] < at)
				low = middle + 1;
			else
				high = middle;
		}
		ids[i] = (uint32_t)low;
	}
	free(sums);
}

static double rate(const struct rows *rows, const uint32_t *ids, const float *weights, float *out, int ahead)
{
	double best = 0;

	for (int pass = 0; pass < PASSES; pass++) {
		double start = now();
		double rate;

		for (size_t s = 0; s < SENTENCES; s++) {
			const uint32_t *at = ids + s * WORDS;

			for (size_t i = 0; ahead && s + 1 < SENTENCES && i < WORDS; i++)
				rows_prefetch(rows, at[WORDS + i]);
			rows_sum(out, rows, at, weights, WORDS);
		}
		rate = SENTENCES / (now() - start) / 1e6;
		best = rate > best ? rate : best;
	}
	return best;
}

static void measure_matrix(size_t d)
{
	float *matrix = calloc(d * d, sizeof(float));
	float *x = calloc(d, sizeof(float));
	float *out = calloc(d, sizeof(float));
	double start = now();

	for (int i = 0; i < MATRIX_CALLS; i++)
		vec_times_matrix(out, x, matrix, d, d);
	printf("vector times matrix, %zu x %zu: %.2f us\n", d, d, (now() - start) / MATRIX_CALLS * 1e6);
	free(matrix);
	free(x);
	free(out);
}

int main(int argc, char **argv)
{
	static const char *const names[] = { "f32", "f16", "bf16", "i8" };
	size_t words = argc > 1 ? strtoul(argv[1], NULL, 10) : 400000;
	size_t d = argc > 2 ? strtoul(argv[2], NULL, 10) : 300;
	uint32_t *ids = calloc(SENTENCES * WORDS, sizeof(*ids));
	float *scales = calloc(words, sizeof(*scales));
	float *row = calloc(d, sizeof(*row));
	float weights[WORDS];

	vec_init();
	draw_ids(ids, (size_t)SENTENCES * WORDS, words);
	for (int i = 0; i < WORDS; i++)
		weights[i] = 0.1F * (float)(i + 1);
	for (enum rows_type type = ROWS_F32; type <= ROWS_I8; type++) {
		size_t bytes = d * rows_type_size(type);
		char *data = malloc(words * bytes);
		struct rows rows = { type, words, d, data, scales };

		for (size_t w = 0; w < words; w++) {
			for (size_t i = 0; i < d; i++)
				row[i] = (float)(next() >> 40) * 0x1p-24F - 0.5F;
			rows_encode(data + w * bytes, scales + w, type, row, d);
		}
		printf("%-6s %-4s: %.2f M sentences/s, %.2f with the next ahead\n", vec_kernels(),
		       names[type], rate(&rows, ids, weights, row, 0), rate(&rows, ids, weights, row, 1));
		free(data);
	}
	measure_matrix(d);
	free(ids);
	free(scales);
	free(row);
	return 0;
}
