/*
 * logistic.h - logistic regression with an L2 penalty (weight decay), for linear probes.
 *
 * The objective of liblinear's primal solver, which SentEval and the DisC paper's code call; several classes
 * are learnt one against the rest:
 *
 *	f(w) = w'w / 2 + C sum_i log(1 + exp(-y_i w.x_i)),	y_i = 1 or -1
 *
 * The constant, where there is one, is the weight of a feature that is always 1, so it is penalised like
 * the others.  Newton's method with a line search: f is strictly convex, so there is one answer, and every
 * run gives the same bits on the same machine.  The gradient is summed in doubles; the second derivatives
 * in float products (math/mat.h), which only affect the steps.
 */
#ifndef SIFD_EVAL_LOGISTIC_H
#define SIFD_EVAL_LOGISTIC_H

#include <stddef.h>
#include <stdint.h>

struct err;
struct logistic;

/* Rows x (any, d) with the classes y (any); `which` (n) says which of them take part. */
struct examples {
	const float *x;
	const uint32_t *y;
	size_t d;
	size_t classes;
	const size_t *which;
	size_t n;
};

/* The memory of one thread's fits over rows of d features; constant: 0 or 1 of them. */
struct logistic *logistic_new(size_t d, size_t classes, int constant, struct err *err);
void logistic_free(struct logistic *l);

/* Sets all weights to 0, for a fit from the start. */
void logistic_reset(struct logistic *l);

/*
 * Fits from the weights it has, so that rising values of C are fast.  A class without an example is never
 * answered.  ERR_INPUT when a feature is not finite.
 */
int logistic_fit(struct logistic *l, const struct examples *examples, double c, struct err *err);

/* The class of greatest w.x (first of equals); with two classes that is the sign of one regression. */
uint32_t logistic_class(const struct logistic *l, const float *x);

/* How many examples are answered with their class. */
size_t logistic_correct(const struct logistic *l, const struct examples *examples);

/* The weights (d, then the constant if any) of one class against the rest; with two classes only 1 has. */
const double *logistic_weights(const struct logistic *l, size_t class);

/*
 * f at w (d + constant) for `class` against the rest, and its gradient into g unless NULL.  scores (n)
 * gets w.x of each example.  For the solver and its tests.
 */
double logistic_objective(double *g, double *scores, const double *w, const struct examples *examples,
			  size_t class, int constant, double c);

#endif
