/*
 * The list of models that were opened from files, by which overlays share their base.
 */
#include "model/model_private.h"

#include <pthread.h>
#include <string.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct model *first; /* the oldest; the others by memory->next_file; guarded by lock */

/* A reference, unless the last one is gone and its owner about to take it off the list. */
static bool retain_living(struct model *m)
{
	size_t n = atomic_load_explicit(&m->memory->references, memory_order_relaxed);

	while (n && !atomic_compare_exchange_weak_explicit(&m->memory->references, &n, n + 1,
							   memory_order_acquire, memory_order_relaxed))
		;
	return n > 0;
}

void model_file_add(struct model *m)
{
	struct model **at = &first;

	(void)pthread_mutex_lock(&lock);
	while (*at)
		at = &(*at)->memory->next_file;
	*at = m;
	m->memory->is_file = true;
	(void)pthread_mutex_unlock(&lock);
}

void model_file_remove(struct model *m)
{
	struct model **at = &first;

	if (!m->memory->is_file)
		return;
	(void)pthread_mutex_lock(&lock);
	while (*at != m)
		at = &(*at)->memory->next_file;
	*at = m->memory->next_file;
	(void)pthread_mutex_unlock(&lock);
}

struct model *model_file_find(const char *path, const char *fingerprint)
{
	struct file_stamp stamp;
	struct model *m;

	if (!file_stamp(&stamp, path))
		return NULL;
	(void)pthread_mutex_lock(&lock);
	for (m = first; m; m = m->memory->next_file)
		if (file_same(&m->memory->stamp, &stamp) && strcmp(m->fingerprint, fingerprint) == 0 &&
		    retain_living(m))
			break;
	(void)pthread_mutex_unlock(&lock);
	return m;
}
