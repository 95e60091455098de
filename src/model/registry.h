/*
 * registry.h - the models in service, by name.
 *
 * Models never change after they are opened, so threads share them without
 * locks.  What changes is which model a name means; the registry guards only that.
 *
 *	struct model *m = registry_find(registry, "news", 4, &err);   any thread, once per request
 *	... use m; it stays whole even if a newer model takes the name ...
 *	model_release(m);
 *
 * A replaced model lives until its last user releases it.
 */
#ifndef SIFD_MODEL_REGISTRY_H
#define SIFD_MODEL_REGISTRY_H

#include "base/limits.h"

#include <stddef.h>
#include <stdint.h>

struct err;
struct model;
struct registry;

struct registry *registry_new(void);
void registry_free(struct registry *registry);

/* Names are [A-Za-z0-9._-]{1,128} and do not begin with a dot; ERR_INPUT says so. */
int registry_check_name(const char *name, size_t n, struct err *err);

/* A new reference to the model of that name, or with n == 0 the default.  ERR_NOT_FOUND lists the names. */
struct model *registry_find(struct registry *registry, const char *name, size_t n, struct err *err);

/*
 * Gives the name to `next`, taking over the caller's reference (also on failure).  The first name put is the
 * default until registry_set_default().  The old model is released outside the lock: it may unmap gigabytes.
 */
int registry_put(struct registry *registry, const char *name, struct model *next, struct err *err);

/* How often registry_put() has succeeded: a thread that sees it rise releases the models that it keeps. */
unsigned long registry_puts(struct registry *registry);

void registry_set_default(struct registry *registry, const char *name);

/* The default model's name into to[LIMIT_NAME_BYTES + 1]; "" before the first. */
void registry_default(struct registry *registry, char *to);

/* A snapshot in order of names: references the caller releases with registry_entries_free(). */
struct registry_entry {
	char name[LIMIT_NAME_BYTES + 1];
	struct model *model;
	int is_default;
	unsigned long version; /* 1 for the first model of that name, then rising */
	int64_t since_s;       /* when this model took the name, Unix time */
};
size_t registry_list(struct registry *registry, struct registry_entry **entries);
void registry_entries_free(struct registry_entry *entries, size_t n);

#endif
