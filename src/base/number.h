/*
 * number.h - floats to decimal text and back, faster than the C library.
 *
 * Writing: nine significant digits always read back to the same float
 * (Steele & White 1990; FLT_DECIMAL_DIG == 9).  The digits are the correctly
 * rounded ones, as printf("%.9g") gives; trailing zeros are dropped.
 *
 * Reading: the nearest float, as strtof() gives it in the C locale: ties to
 * even, subnormals and overflow to infinity included.
 *
 * Pure; any thread; no locale.
 */
#ifndef SIFD_BASE_NUMBER_H
#define SIFD_BASE_NUMBER_H

#include <stddef.h>

enum { NUMBER_FLOAT_BYTES = 16 }; /* the most that number_put_float() writes: -1.17549435e-38 */

/*
 * Writes x as a JSON number at `at` and returns the length; not 0-terminated.
 * x must be finite (asserted: JSON has no NaN; callers refuse it before).  -0 is "-0.0"; integers
 * keep a form that JSON readers take as a number ("1", "-3").
 */
size_t number_put_float(char *at, float x);

/*
 * Reads [+-]digits[.digits][(e|E)[+-]digits], inf, infinity or nan (any case)
 * from at[0..end).  Returns the first byte after it, or NULL when there is
 * no number at `at`.
 */
const char *number_get_float(const char *at, const char *end, float *x);

#endif
