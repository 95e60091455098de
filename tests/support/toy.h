/*
 * toy.h - small models of random numbers, in memory, for tests.
 *
 * The same toy always gives the same model.  Words are short lower-case letters ("wab"),
 * which every tokenizer takes as one token.  Aborts when it cannot be made.
 */
#ifndef SIFD_TESTS_SUPPORT_TOY_H
#define SIFD_TESTS_SUPPORT_TOY_H

#include "math/rows.h"
#include "model/method.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct model;

struct toy {
	size_t n, d;	     /* words, dimensions */
	size_t k;	     /* components, 0 = none */
	size_t d_out;	     /* of a projection, 0 = none */
	size_t window;	     /* of a matrix of A La Carte, 0 = none */
	enum rows_type type; /* of the rows */
	enum method method;  /* the default one */
	unsigned seed;
	const char *const *words; /* (n); NULL = toy_word() */
};

struct model *toy_model(struct toy toy);

/* The same model with weights, components and projection of `method` written into its rows (F32). */
struct model *toy_folded(const struct model *m, enum method method);

/* Toy models not yet dropped. */
int toy_alive(void);

/* The next pseudo-random number. */
uint32_t toy_random(uint64_t *state);

/* Word number id as it is in every toy, into to[8]. */
const char *toy_word(char to[8], uint32_t id);

/* A text of `words` words of a toy of n, about one in eight unknown; to be freed. */
char *toy_text(uint64_t *state, size_t n, size_t words);

#endif
