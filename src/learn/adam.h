/*
 * adam.h - Adam (Kingma & Ba 2015), for whole arrays and for the rows a batch touched.
 *
 *	m <- b1 m + (1 - b1) g,   v <- b2 v + (1 - b2) g^2,
 *	x <- x - rate * (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps)
 *
 * Sparse rows: call adam_update() only for the rows that were touched; t is the step of the whole run, not
 * of the row.  Pure arithmetic, any thread, the same bits on every processor.
 */
#ifndef SIFD_LEARN_ADAM_H
#define SIFD_LEARN_ADAM_H

#include <stddef.h>
#include <stdint.h>

/* b1 = 0.9, b2 = 0.999 or as given, eps = 1e-8, with the bias corrections of step t >= 1. */
struct adam_step {
	float rate;  /* rate / (1 - b1^t) */
	float scale; /* 1 / sqrt(1 - b2^t) */
	float rest2; /* 1 - b2 */
};

struct adam_step adam_step(double rate, uint64_t t);

/* With another b2: 0.99 forgets sooner, which suits runs of few steps. */
struct adam_step adam_step_of(double rate, double b2, uint64_t t);

/* x, m, v, g (n); m and v start at 0. */
void adam_update(float *restrict x, float *restrict m, float *restrict v, const float *restrict g, size_t n,
		 struct adam_step step);

#endif
