#include "model/owned.h"

#include "model/model.h"

#include <assert.h>
#include <stdlib.h>

void owned_add(struct owned *o, void (*drop)(void *what), void *what)
{
	assert(o->n < OWNED_MAX);
	o->items[o->n].drop = drop;
	o->items[o->n++].what = what;
}

void *owned_memory(struct owned *o, void *memory)
{
	if (memory)
		owned_add(o, free, memory);
	return memory;
}

static void release(void *m)
{
	model_release(m);
}

void owned_model(struct owned *o, struct model *m)
{
	owned_add(o, release, model_retain(m));
}

void owned_free(struct owned *o)
{
	while (o && o->n > 0) {
		o->n--;
		o->items[o->n].drop(o->items[o->n].what);
	}
}
