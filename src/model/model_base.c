/*
 * Finding the vectors file of an overlay by its fingerprint: among the models that are open, which overlays
 * of one file share, or in folders.
 */
#include "base/err.h"
#include "base/mem.h"
#include "model/model_private.h"

#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
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

/* A reference to the oldest that was opened from the file that path is now, or NULL. */
static struct model *find_open(const char *path, const char *fingerprint)
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

static struct model *try_file(const char *folder, const char *file, const char *fingerprint, struct err *err)
{
	size_t room = strlen(folder) + strlen(file) + 2;
	char *path = mem_new(room, 1);
	struct model *m;

	(void)snprintf(path, room, "%s/%s", folder, file);
	m = find_open(path, fingerprint);
	if (!m)
		m = model_open_file(path, NULL, fingerprint, err);
	free(path);
	return m;
}

/* The fingerprint decides, so the order in which the folder lists its files does not matter. */
static struct model *search_folder(const char *folder, const char *fingerprint)
{
	DIR *d = opendir(folder);
	struct model *m = NULL;
	const struct dirent *e;

	while (d && !m && (e = readdir(d))) {
		const char *dot = strrchr(e->d_name, '.');
		struct err not_it;

		if (dot && strcmp(dot, ".safetensors") == 0)
			m = try_file(folder, e->d_name, fingerprint, &not_it);
	}
	if (d)
		(void)closedir(d);
	return m;
}

/* "a/b" -> "a", "/b" -> "/", "b" -> "." */
static char *folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return mem_text(".", 1);
	return mem_text(path, slash == path ? 1 : (size_t)(slash - path));
}

struct model *model_find_base(const struct safetensors *s, const char *path, const char *folder,
			      struct err *err)
{
	const char *fingerprint = safetensors_metadata(s, "base_fingerprint");
	const char *file = safetensors_metadata(s, "base_file");
	char *folders[] = { folder_of(path), folder ? mem_text(folder, strlen(folder)) : NULL };
	struct err why = { .code = ERR_NOT_FOUND };
	struct model *m = NULL;

	/* A name from a file must not lead elsewhere. */
	if (!file || strchr(file, '/'))
		file = "";
	for (int i = 0; i < 2 && !m && *file; i++) {
		struct err now;

		m = folders[i] ? try_file(folders[i], file, fingerprint, &now) : NULL;
		if (!m && folders[i] && now.code != ERR_NOT_FOUND)
			why = now;
	}
	for (int i = 0; i < 2 && !m; i++)
		m = folders[i] ? search_folder(folders[i], fingerprint) : NULL;
	free(folders[0]);
	free(folders[1]);
	if (m)
		return m;
	*err = why;
	if (why.code != ERR_NOT_FOUND) {
		(void)err_prefix(err, "its vectors file");
		return NULL;
	}
	(void)err_set(err, ERR_NOT_FOUND,
		      "its vectors file (%.80s, fingerprint %.16s...) is neither beside it nor in the models "
		      "folder",
		      file, fingerprint);
	return NULL;
}
