#include "model/registry.h"

#include "base/err.h"
#include "base/mem.h"
#include "model/model.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct place {
	char name[LIMIT_NAME_BYTES + 1];
	struct model *model;
	unsigned long version;
	int64_t since_s;
};

struct registry {
	pthread_mutex_t lock; /* guards all below; held for a search at most */
	struct place *places; /* in order of names */
	size_t n;
	char first[LIMIT_NAME_BYTES + 1]; /* the default's name; "" = none yet */
	atomic_ulong puts;
};

struct registry *registry_new(void)
{
	struct registry *r = mem_new(1, sizeof(*r));

	r->places = mem_new(LIMIT_MODELS, sizeof(*r->places));
	(void)pthread_mutex_init(&r->lock, NULL);
	return r;
}

void registry_free(struct registry *r)
{
	for (size_t i = 0; i < r->n; i++)
		model_release(r->places[i].model);
	(void)pthread_mutex_destroy(&r->lock);
	free(r->places);
	free(r);
}

int registry_check_name(const char *name, size_t n, struct err *err)
{
	bool good = n > 0 && n <= LIMIT_NAME_BYTES && name[0] != '.';

	for (size_t i = 0; i < n && good; i++)
		good = (name[i] >= 'a' && name[i] <= 'z') || (name[i] >= 'A' && name[i] <= 'Z') ||
		       (name[i] >= '0' && name[i] <= '9') || name[i] == '.' || name[i] == '_' ||
		       name[i] == '-';
	if (good)
		return 0;
	return err_set(err, ERR_INPUT,
		       "a name is 1 to %d letters, digits, dots, dashes and underscores, no dot first",
		       LIMIT_NAME_BYTES);
}

/* The place of the name, or where it would go; *found says which. */
static size_t search(const struct registry *r, const char *name, bool *found)
{
	size_t low = 0;
	size_t high = r->n;

	*found = false;
	while (low < high) {
		size_t middle = (low + high) / 2;
		int order = strcmp(r->places[middle].name, name);

		if (order == 0) {
			*found = true;
			return middle;
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void list_names(const struct registry *r, char *to, size_t room)
{
	size_t at = 0;

	to[0] = '\0';
	for (size_t i = 0; i < r->n && at + 1 < room; i++)
		at += (size_t)snprintf(to + at, room - at, "%s%s", i ? ", " : "", r->places[i].name);
}

struct model *registry_find(struct registry *r, const char *name, size_t n, struct err *err)
{
	char key[LIMIT_NAME_BYTES + 1] = "";
	char names[256] = "";
	struct model *m = NULL;
	bool found = false;
	size_t i;

	if (n <= LIMIT_NAME_BYTES)
		memcpy(key, name ? name : "", n);
	pthread_mutex_lock(&r->lock);
	i = search(r, n ? key : r->first, &found);
	/* Reading the pointer and raising its count are one step: a swap between them could free the model.
	 */
	if (found && n <= LIMIT_NAME_BYTES)
		m = model_retain(r->places[i].model);
	else
		list_names(r, names, sizeof(names));
	pthread_mutex_unlock(&r->lock);
	if (!m)
		(void)err_field(err, ERR_NOT_FOUND, "model", "there is no model '%.60s'; there are: %s",
				n ? key : "(default)", names);
	return m;
}

int registry_put(struct registry *r, const char *name, struct model *next, struct err *err)
{
	struct model *old = NULL;
	bool found;
	size_t i;

	if (registry_check_name(name, strlen(name), err)) {
		model_release(next);
		return -1;
	}
	pthread_mutex_lock(&r->lock);
	i = search(r, name, &found);
	if (!found && r->n == LIMIT_MODELS) {
		pthread_mutex_unlock(&r->lock);
		model_release(next);
		return err_set(err, ERR_TOO_LARGE, "more than %d models", LIMIT_MODELS);
	}
	if (!found) {
		memmove(&r->places[i + 1], &r->places[i], (r->n++ - i) * sizeof(r->places[0]));
		r->places[i] = (struct place){ 0 };
		(void)snprintf(r->places[i].name, sizeof(r->places[i].name), "%s", name);
	}
	old = r->places[i].model;
	r->places[i].model = next;
	r->places[i].version++;
	r->places[i].since_s = time(NULL);
	if (!r->first[0])
		(void)snprintf(r->first, sizeof(r->first), "%s", name);
	(void)atomic_fetch_add_explicit(&r->puts, 1, memory_order_relaxed);
	pthread_mutex_unlock(&r->lock);
	model_release(old);
	return 0;
}

unsigned long registry_puts(struct registry *r)
{
	return atomic_load_explicit(&r->puts, memory_order_relaxed);
}

void registry_set_default(struct registry *r, const char *name)
{
	pthread_mutex_lock(&r->lock);
	(void)snprintf(r->first, sizeof(r->first), "%s", name);
	pthread_mutex_unlock(&r->lock);
}

void registry_default(struct registry *r, char *to)
{
	pthread_mutex_lock(&r->lock);
	memcpy(to, r->first, sizeof(r->first));
	pthread_mutex_unlock(&r->lock);
}

size_t registry_list(struct registry *r, struct registry_entry **entries)
{
	size_t n;

	pthread_mutex_lock(&r->lock);
	n = r->n;
	*entries = mem_new(n, sizeof(**entries));
	for (size_t i = 0; i < n; i++) {
		struct registry_entry *e = &(*entries)[i];

		memcpy(e->name, r->places[i].name, sizeof(e->name));
		e->model = model_retain(r->places[i].model);
		e->is_default = strcmp(e->name, r->first) == 0;
		e->version = r->places[i].version;
		e->since_s = r->places[i].since_s;
	}
	pthread_mutex_unlock(&r->lock);
	return n;
}

void registry_entries_free(struct registry_entry *entries, size_t n)
{
	for (size_t i = 0; i < n; i++)
		model_release(entries[i].model);
	free(entries);
}
