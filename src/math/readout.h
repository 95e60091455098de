/*
 * readout.h - one vector of a text from its words' rows and an LSTM's states; it starts as the plain sum of
 *the rows, and training adds to that:
 *
 *	e = sum_t a_t (x_t + W h_t) = sum_t a_t x_t + W sum_t a_t h_t,    a_t = 2 s(v . h_t)
 *
 * x_t: word t's row; h_t: forward and reverse state concatenated; s(z) = 1 / (1 + e^-z).  W = 0 and v = 0
 * give the sum of rows.  The same bits on every machine.
 */
#ifndef SIFD_MATH_READOUT_H
#define SIFD_MATH_READOUT_H

#include <stddef.h>

struct readout {
	size_t d, width;   /* of a row; of a state, both directions together */
	const float *gate; /* (width): v */
};

/* 2 / (1 + e^-z). */
float readout_gate(float z);

/* The sums of a_t x_t, to (d), and of a_t h_t, to (width); x (n, d) and states (n, width) in text order. */
void readout_sums(const struct readout *r, const float *x, const float *states, size_t n, float *by_rows,
		  float *d_states);

/* e, to (d); mix (width, d): W transposed; scratch (width + d). */
void readout_run(const struct readout *r, const float *mix, const float *x, const float *states, size_t n,
		 float *to, float *scratch);

#endif
