/*
 * sif.h - smooth inverse frequency: the arithmetic of sentence vectors.
 *
 * Arora, Liang, Ma, "A Simple but Tough-to-Beat Baseline for Sentence
 * Embeddings", ICLR 2017, algorithm 1 (SIF); Ethayarajh, "Unsupervised Random
 * Walk Sentence Embeddings", RepL4NLP 2018 (uSIF).  Pure arithmetic: no
 * allocation, no errors, any thread.  d is the vector length; matrices are row-major.
 */
#ifndef SIFD_MATH_SIF_H
#define SIFD_MATH_SIF_H

#include <stddef.h>

/*
 * The SIF weight a / (a + p) of a word with probability p in [0, 1].
 * a > 0 sets how soon frequent words fade; 1e-3 is usual.  Result in (0, 1].
 */
float sif_weight(double p, double a);

/* The probability that has this weight: a (1 - w) / w; the inverse of sif_weight(). */
double sif_probability(float weight, double a);

/* The uSIF weight a / (a/2 + p), in (0, 2]. */
float usif_weight(double p, double a);

/*
 * uSIF's a, computed from the vocabulary rather than tuned (Ethayarajh 2018, section 3.3):
 *
 *	threshold = 1 - (1 - 1/v)^n,  alpha = |{w : p(w) > threshold}| / v,
 *	a = (1 - alpha) / (alpha v / 2)
 *
 * p (v): word probabilities; n: mean sentence length in words.  When no word lies above
 * the threshold alpha is taken as 1/v.
 */
double usif_a(const double *p, size_t v, double n);

/*
 * Takes out of x (d) its part along each row of u (k, d), in order:
 *
 *	x <- x - scales[j] (u_j . x) u_j
 *
 * The rows must be orthonormal, as mat_eigen() leaves them.  scales == NULL: all 1 (SIF); uSIF has
 * scales[j] = lambda_j / sum lambda.  k == 0 leaves x alone.  Same bits on every machine (vec.h).
 */
void sif_remove(float *x, const float *u, const float *scales, size_t k, size_t d);

/*
 * Partial whitening of vectors whose second moment has these eigenpairs:
 *
 *	P (d, d) = Q diag(max(value, floor)^(-power/2)) Q'
 *
 * values (d) largest first, vectors (d, d) row k the k-th eigenvector; floor = 1e-7 * values[0].
 * power 0 is the identity, 1 whitens fully, 0.75 is sifd's default.  No variance at all: the identity.
 */
void sif_whitening(float *p, const double *values, const double *vectors, size_t d, double power);

#endif
