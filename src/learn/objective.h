/*
 * objective.h - losses over a batch of text vectors, and their gradients.
 *
 * A batch is n pairs of vectors u (n, d), v (n, d) of any length: the losses depend only on their cosines (a
 * zero vector has cosine 0 and gets no gradient).  The same bits for any number of threads.
 *
 *	infonce   -1/2n sum_i log softmax_j(cos(u_i, v_j) / t)[i] + the same with u and v exchanged
 *	margin    1/n sum_i [m - c_i + cos(u_i, p_i)]+ + [m - c_i + cos(v_i, q_i)]+, c_i = cos(u_i, v_i);
 *	          p_i, q_i: negatives among the 2n texts (Wieting et al. 2016, eq. 3)
 *	pearson   1 - r of cos(u_i, v_i) and gold_i
 *	cosent    log(1 + sum over gold_i > gold_j of exp((cos_j - cos_i) / t))   (Su 2022)
 *	teacher   1/n sum_i 1 - cos(u_i, t_i), t_i a teacher's vector of the text
 *
 * Keys say which texts may not be each other's negatives: those with equal keys (the same text, the
 * same group), and so their pairs' partners.
 */
#ifndef SIFD_LEARN_OBJECTIVE_H
#define SIFD_LEARN_OBJECTIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct objective;
struct threads;

enum objective_kind { OBJECTIVE_INFONCE, OBJECTIVE_MARGIN, OBJECTIVE_PEARSON, OBJECTIVE_COSENT, OBJECTIVES };
enum negatives { NEGATIVES_MAX, NEGATIVES_MIX, NEGATIVES_RANDOM, NEGATIVES }; /* of the margin loss */

struct objective_options {
	enum objective_kind kind;
	enum negatives negatives; /* nearest, at random, or either by the toss of a coin */
	float temperature;	  /* t: of infonce and cosent */
	float margin;		  /* m: 0.4 */
};

struct objective_batch {
	size_t n, d;
	const float *u, *v;		 /* (n, d) */
	const uint32_t *u_keys, *v_keys; /* (n), or NULL: all differ */
	const float *gold;		 /* (n): pearson and cosent */
	uint64_t random;		 /* seed of this batch's negatives */
};

extern const char *const objective_names[OBJECTIVES]; /* "infonce", "margin", "pearson", "cosent" */
extern const char *const negatives_names[NEGATIVES];  /* "max", "mix", "random" */

/* Does it learn from scored pairs (else from pairs that mean the same)? */
bool objective_scored(enum objective_kind kind);

/* Scratch for batches of at most n pairs of vectors of length d.  The threads (NULL: none) must outlive it.
 */
struct objective *objective_new(const struct objective_options *options, size_t n, size_t d,
				struct threads *threads, struct err *err);
void objective_free(struct objective *o);

/*
 * The teacher's: vectors (n, d) become their gradients times `share` (1/n makes the loss a mean); targets
 * (n): each a unit vector (d).  losses (n) get 1 - cos.
 */
void objective_teacher(float *vectors, double *losses, const float *const *targets, size_t n, size_t d,
		       float share, struct threads *threads);

/* The loss; du, dv (n, d) become its gradients. */
double objective_run(struct objective *o, const struct objective_batch *batch, float *du, float *dv);

#endif
