#include "base/number.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

size_t number_put_float(char *at, float x)
{
	char text[NUMBER_FLOAT_BYTES + 1];
	int n;

	assert(isfinite(x));
	n = x == 0.0F ? snprintf(text, sizeof(text), signbit(x) ? "-0.0" : "0")
		      : snprintf(text, sizeof(text), "%.9g", (double)x);
	memcpy(at, text, (size_t)n);
	return (size_t)n;
}

const char *number_get_float(const char *at, const char *end, float *x)
{
	char text[128];
	size_t n = (size_t)(end - at) < sizeof(text) - 1 ? (size_t)(end - at) : sizeof(text) - 1;
	char *stop;

	memcpy(text, at, n);
	text[n] = '\0';
	*x = strtof(text, &stop);
	return stop == text ? NULL : at + (stop - text);
}
