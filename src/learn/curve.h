/*
 * curve.h - the loss curve of a run: loss and dev score over the steps, as .tsv and .svg.
 */
#ifndef SIFD_LEARN_CURVE_H
#define SIFD_LEARN_CURVE_H

#include <stddef.h>
#include <stdint.h>

struct err;

enum { CURVE_POINTS_MAX = 1024 };

struct curve_point {
	uint64_t step;
	double epoch; /* 2.5: the middle of the third */
	double loss;  /* mean since the previous point; NaN at the start */
	double score; /* of the dev sets; NaN when there are none */
	double rate;  /* the learning rate at that step */
};

struct curve {
	uint64_t n;
	struct curve_point points[CURVE_POINTS_MAX];
};

/* PREFIX.tsv (a header line, then one line per point) and PREFIX.svg (two lines over the epochs). */
int curve_write(const struct curve *curve, const char *prefix, const char *title, struct err *err);

#endif
