/*
 * Floats to text and back, beside the C library: 300 floats of a unit vector in
 * nine digits, and the five-digit text of GloVe files.
 */
#include "base/number.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { DIMENSIONS = 300, VECTORS = 2000 };

static double now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static float draw(void)
{
	static uint64_t state = 88172645463325252ULL;
	float sum = 0.0F;

	for (int i = 0; i < 4; i++) { /* near enough to a normal distribution */
		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
		sum += (float)(state >> 40) * 0x1p-24F - 0.5F;
	}
	return sum;
}

static size_t put_library(char *at, float x)
{
	return (size_t)snprintf(at, NUMBER_FLOAT_BYTES + 1, "%.9g", (double)x);
}

static const char *get_library(const char *at, const char *end, float *x)
{
	char *stop;

	(void)end;
	*x = strtof(at, &stop);
	return stop;
}

static void measure_put(const char *name, size_t (*put)(char *, float), const float *x, size_t n, char *text)
{
	double start = now();
	char *at = text;

	for (size_t i = 0; i < n; i++) {
		at += put(at, x[i]);
		*at++ = ',';
	}
	printf("write %-8s %6.2f us a vector of 300\n", name, (now() - start) / VECTORS * 1e6);
}

static void measure_get(const char *name, const char *(*get)(const char *, const char *, float *),
			const char *text, const char *end)
{
	double start = now();
	size_t n = 0;
	float sum = 0.0F;

	for (const char *at = text; at && at < end; at++) {
		float x;

		at = get(at, end, &x);
		sum += x;
		n++;
	}
	printf("read  %-8s %6.1f MB/s, %.1f ns a number (sum %g)\n", name,
	       (double)(end - text) / (now() - start) / 1e6, (now() - start) / (double)n * 1e9, (double)sum);
}

int main(void)
{
	size_t n = (size_t)DIMENSIONS * VECTORS;
	float *x = malloc(n * sizeof(*x));
	char *text = malloc(n * (NUMBER_FLOAT_BYTES + 8));
	char *at = text;

	for (size_t i = 0; i < n; i++)
		x[i] = draw() * 0.1F;
	for (int pass = 0; pass < 2; pass++) {
		measure_put("sifd", number_put_float, x, n, text);
		measure_put("snprintf", put_library, x, n, text);
	}
	for (size_t i = 0; i < n; i++)
		at += sprintf(at, "%.5g ", (double)(x[i] * 10.0F));
	for (int pass = 0; pass < 2; pass++) {
		measure_get("sifd", number_get_float, text, at);
		measure_get("strtof", get_library, text, at);
	}
	free(x);
	free(text);
	return 0;
}
