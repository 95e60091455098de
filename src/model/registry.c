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
	struct registry *s = mem_new(1, sizeof(*s));

	s->places = mem_new(LIMIT_MODELS, sizeof(*s->places));
	(void)pthread_mutex_init(&s->lock, NULL);
	return s;
}

void registry_free(struct registry *s)
{
	for (size_t i = 0; i < s->n; i++)
		model_release(s->places[i].model);
	(void)pthread_mutex_destroy(&s->lock);
	free(s->places);
	free(s);
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

/* Where the name stands or would stand; *found says which. */
static size_t search(const struct registry *s, const char *name, bool *found)
{
	size_t low = 0;
	size_t high = s->n;

	*found = false;
	while (low < high) {
		size_t middle = (low + high) / 2;
		int order = strcmp(s->places[middle].name, name);

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

static void list_names(const struct registry *s, char *to, size_t room)
{
	size_t at = 0;

	to[0] = '\0';
	for (size_t i = 0; i < s->n && at + 1 < room; i++)
		at += (size_t)snprintf(to + at, room - at, "%s%s", i ? ", " : "", s->places[i].name);
}

struct model *registry_find(struct registry *s, const char *name, size_t n, struct err *err)
{
	char key[LIMIT_NAME_BYTES + 1] = "";
	char names[256] = "";
	struct model *m = NULL;
	bool found = false;
	size_t i;

	if (n <= LIMIT_NAME_BYTES)
		memcpy(key, name ? name : "", n);
	pthread_mutex_lock(&s->lock);
	i = search(s, n ? key : s->first, &found);
	/* Reading the pointer and raising its count are one step: a swap between them could free the model.
	 */
	if (found && n <= LIMIT_NAME_BYTES)
		m = model_retain(s->places[i].model);
	else
		list_names(s, names, sizeof(names));
	pthread_mutex_unlock(&s->lock);
	if (!m) {
		(void)err_set(err, ERR_NOT_FOUND, "there is no model '%.60s'; there are: %s",
			      n ? key : "(default)", names);
		(void)err_param(err, "model");
	}
	return m;
}

int registry_put(struct registry *s, const char *name, struct model *next, struct err *err)
{
	struct model *old = NULL;
	bool found;
	size_t i;

	if (registry_check_name(name, strlen(name), err)) {
		model_release(next);
		return -1;
	}
	pthread_mutex_lock(&s->lock);
	i = search(s, name, &found);
	if (!found && s->n == LIMIT_MODELS) {
		pthread_mutex_unlock(&s->lock);
		model_release(next);
		return err_set(err, ERR_TOO_LARGE, "more than %d models", LIMIT_MODELS);
	}
	if (!found) {
		memmove(&s->places[i + 1], &s->places[i], (s->n++ - i) * sizeof(s->places[0]));
		s->places[i] = (struct place){ 0 };
		(void)snprintf(s->places[i].name, sizeof(s->places[i].name), "%s", name);
	}
	old = s->places[i].model;
	s->places[i].model = next;
	s->places[i].version++;
	s->places[i].since_s = time(NULL);
	if (!s->first[0])
		(void)snprintf(s->first, sizeof(s->first), "%s", name);
	(void)atomic_fetch_add_explicit(&s->puts, 1, memory_order_relaxed);
	pthread_mutex_unlock(&s->lock);
	if (old)
		model_release(old);
	return 0;
}

unsigned long registry_puts(struct registry *s)
{
	return atomic_load_explicit(&s->puts, memory_order_relaxed);
}

void registry_set_default(struct registry *s, const char *name)
{
	pthread_mutex_lock(&s->lock);
	(void)snprintf(s->first, sizeof(s->first), "%s", name);
	pthread_mutex_unlock(&s->lock);
}

void registry_default(struct registry *s, char *to)
{
	pthread_mutex_lock(&s->lock);
	memcpy(to, s->first, sizeof(s->first));
	pthread_mutex_unlock(&s->lock);
}

size_t registry_list(struct registry *s, struct registry_entry **entries)
{
	size_t n;

	pthread_mutex_lock(&s->lock);
	n = s->n;
	*entries = mem_new(n, sizeof(**entries));
	for (size_t i = 0; i < n; i++) {
		struct registry_entry *e = &(*entries)[i];

		memcpy(e->name, s->places[i].name, sizeof(e->name));
		e->model = model_retain(s->places[i].model);
		e->is_default = strcmp(e->name, s->first) == 0;
		e->version = s->places[i].version;
		e->since_s = s->places[i].since_s;
	}
	pthread_mutex_unlock(&s->lock);
	return n;
}

void registry_entries_free(struct registry_entry *entries, size_t n)
{
	for (size_t i = 0; i < n; i++)
		model_release(entries[i].model);
	free(entries);
}
