/*
 * owned.h - the memory and the models that a model in the making keeps alive.
 *
 *	struct owned owned = { 0 };
 *	float *weights = owned_memory(&owned, mem_try(n, sizeof(*weights), err));
 *
 *	if (!weights || fill(weights)) {
 *		owned_free(&owned);
 *		return NULL;
 *	}
 *	parts.weights = weights;
 *	return model_of_parts(&parts, &owned, err);
 *
 * model_of_parts() takes the list over, whether it succeeds or not; the model's last reference frees it.
 */
#ifndef SIFD_MODEL_OWNED_H
#define SIFD_MODEL_OWNED_H

#include <stddef.h>

struct model;

enum { OWNED_MAX = 16 };

/* Zeroed at first. */
struct owned {
	struct {
		void (*drop)(void *what);
		void *what;
	} items[OWNED_MAX];
	size_t n;
};

/* Adds memory that free() frees, and returns it; NULL adds nothing. */
void *owned_memory(struct owned *o, void *memory);

/* Adds a new reference to m. */
void owned_model(struct owned *o, struct model *m);

/* Adds a call of drop(what). */
void owned_add(struct owned *o, void (*drop)(void *what), void *what);

/* Frees all of it, the last first.  NULL is fine. */
void owned_free(struct owned *o);

#endif
