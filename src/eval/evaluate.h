/*
 * evaluate.h - how good a method is on sets of similar pairs, by the measures of the literature.
 *
 * Similarity sets: lines `a TAB b TAB gold`.  The score of a pair is the cosine;
 * the measures are Pearson's r and Spearman's rho (ties: mean ranks), x 100, in doubles.
 *
 * The reference protocol (PrincetonML/SIF sim_algo.py) is transductive: it
 * takes its components from the sentences of the set under test, separately for left and right.
 * It is here to reproduce published numbers, not to serve.
 */
#ifndef SIFD_EVAL_EVALUATE_H
#define SIFD_EVAL_EVALUATE_H

#include "eval/labelled.h"
#include "model/method.h"
#include "text/token.h"

#include <stdbool.h>
#include <stddef.h>

struct err;
struct model;

struct pair_set {
	char *name;  /* the file's name without folder and ending */
	char **left; /* (n) texts, 0-terminated */
	char **right;
	double *gold; /* (n) */
	size_t n;
};

/* A file's name without its folder, .gz, .xz or .zst, and one more ending; to be freed. */
char *evaluate_set_name(const char *path, struct err *err);

/*
 * Reads a file (compressed too) of such lines.  ERR_INPUT with file and line: fewer than 3 columns, a gold
 * that is no number, not UTF-8; also when no pair is left.  Empty lines and empty golds are skipped,
 * further columns ignored.  A set that could not be read holds nothing and needs no freeing.
 */
int pair_set_read(struct pair_set *set, const char *path, struct err *err);
void pair_set_free(struct pair_set *set);

/* A set of any kind: the one that `kind` says is filled. */
struct any_set {
	enum set_kind kind;
	struct pair_set pairs;
	struct labelled_set labelled;
};

/*
 * Reads a set of the kind that its columns tell.  With `test` (else NULL) it is only learnt from, and judged
 * by the labelled set in that file; ERR_INPUT for a similarity set, from which nothing can be learnt.
 */
int any_set_read(struct any_set *set, const char *path, const char *test, struct err *err);
void any_set_free(struct any_set *set);

struct evaluated {
	double pearson, spearman; /* x 100; 0 when a side has no variance */
	double coverage;	  /* known words / words */
	size_t pairs;
};

int evaluate_pairs(struct evaluated *result, struct model *m, enum method method, const struct pair_set *set,
		   size_t workers, struct err *err);

/*
 * Pearson's r and Spearman's rho of two series (n), in [-1, 1]; 0 when one of them never changes.
 * Spearman ranks equal values by the mean of their ranks; NaN when there is no memory for the ranks.
 */
double evaluate_pearson(const double *x, const double *y, size_t n);
double evaluate_spearman(const double *x, const double *y, size_t n);

/* Both, x 100, and the number of pairs into *result; ERR_MEMORY. */
int evaluate_measure(struct evaluated *result, const double *scores, const double *gold, size_t n,
		     struct err *err);

/* The modes of the reference code, by the names in its tables. */
enum reference_mode {
	REFERENCE_AVG,	/* weight 1 / (1 + p): its "unweighted" (a <= 0 becomes 1) */
	REFERENCE_MEAN, /* true mean, unknown words always skipped */
	REFERENCE_IDF,	/* log2((n + 2) / (1 + df)), df over tokens of all sets of the call */
	REFERENCE_W,	/* a / (a + p) */
	REFERENCE_WR,	/* and the first component(s) of each side removed */
	REFERENCE_MODES,
};

struct reference_options {
	double a;	    /* 0 = 1e-3; below 0 it is 1, as there */
	size_t components;  /* 0 = 1 */
	bool oov_last;	    /* unknown words become the row of UUUNKKK, or else the last one; else skipped */
	const char *counts; /* a `word count` file, its total the sum of it; NULL: what the model knows */
};

/*
 * One result per set and mode: results (n, REFERENCE_MODES).  Words are separated by blanks, lower-cased, and
 * lose the '#' of "#tag"; a word without a count has weight 1; sums are divided by the number of words
 * with a weight; all in doubles; components are the exact eigenvectors of each side's x' x.  ERR_INPUT when
 * the model is folded or, without a counts file, knows no probabilities.
 */
int evaluate_reference(struct evaluated *results, struct model *m, const struct pair_set *sets, size_t n,
		       const struct reference_options *options, struct err *err);

#endif
