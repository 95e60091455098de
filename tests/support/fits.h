/*
 * fits.h - what the tests of fits share: random texts over a toy's words, and fits of them.
 */
#ifndef SIFD_TESTS_SUPPORT_FITS_H
#define SIFD_TESTS_SUPPORT_FITS_H

#include "embed/fit.h"
#include "math/rows.h"

#include <stddef.h>
#include <stdint.h>

enum { WORDS = 150, D = 24, LINES = 400 };

/* cmocka's own compares floats. */
#define near(a, b, within) assert_true(fabs((double)(a) - (double)(b)) <= (within))

struct err;
struct model;

struct fits_texts {
	char **at;
	size_t *lengths;
	size_t n;
};

struct fits_texts fits_make(size_t n, size_t vocabulary, uint64_t seed);

void fits_free(struct fits_texts l);

struct model *fits_toy(size_t d, enum rows_type type);

struct fit_options fits_by_line(enum method method);

struct model *fits_try(struct model *m, const char *const *texts, const size_t *lengths, size_t n,
		       const struct fit_options *o, struct fit_report *report, struct err *err);

struct model *fits_run(struct model *m, struct fits_texts l, const struct fit_options *o,
		       struct fit_report *report);

/* The definition, in doubles: n and the mean of v v' over lines with a known word. */
size_t fits_moment(double *moment, const struct model *m, struct fits_texts l);

#endif
