/* The list of a corpus's files: what was named, and what folders hold. */
#include "text/corpus_private.h"

#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DEPTH_MAX = 64 }; /* folders within folders */

static int add(struct corpus_files *files, const char *path, const struct stat *info, struct err *err)
{
	struct corpus_file *file;

	if (mem_grow(&files->at, &files->room, files->n, sizeof(*files->at), err))
		return -1;
	file = &files->at[files->n++];
	*file = (struct corpus_file){ .path = mem_text(path, strlen(path)), .spool = -1 };
	if (info && S_ISREG(info->st_mode)) {
		file->regular = true;
		file->size = (uint64_t)info->st_size;
	}
	return 0;
}

static int visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int add_folder(struct corpus_files *files, const char *path, int depth, struct err *err);

static int add_entry(struct corpus_files *files, const char *folder, const char *name, int depth,
		     struct err *err)
{
	size_t n = strlen(folder);
	size_t room = n + strlen(name) + 2;
	char *path = mem_try(room, 1, err);
	struct stat info;
	int failed = 0;

	if (!path)
		return -1;
	(void)snprintf(path, room, "%s%s%s", folder, n && folder[n - 1] == '/' ? "" : "/", name);
	if (lstat(path, &info) != 0)
		failed = err_set(err, ERR_IO, "cannot examine %s: %s", path, strerror(errno));
	else if (S_ISDIR(info.st_mode))
		failed = add_folder(files, path, depth + 1, err);
	else if (S_ISREG(info.st_mode) ||
		 (S_ISLNK(info.st_mode) && stat(path, &info) == 0 && S_ISREG(info.st_mode)))
		failed = add(files, path, &info, err);
	free(path);
	return failed;
}

static int add_folder(struct corpus_files *files, const char *path, int depth, struct err *err)
{
	struct dirent **entries;
	int failed = 0;
	int n;

	if (depth > DEPTH_MAX)
		return err_set(err, ERR_TOO_LARGE, "%s: folders are nested more than %d deep", path,
			       DEPTH_MAX);
	n = scandir(path, &entries, visible, by_bytes);
	if (n < 0)
		return err_set(err, ERR_IO, "cannot read the folder %s: %s", path, strerror(errno));
	for (int i = 0; i < n; i++) {
		if (!failed)
			failed = add_entry(files, path, entries[i]->d_name, depth, err);
		free(entries[i]);
	}
	free(entries);
	return failed;
}

int corpus_files_add(struct corpus_files *files, const char *path, struct err *err)
{
	struct stat info;
	size_t before = files->n;

	if (strcmp(path, "-") == 0)
		return add(files, path, NULL, err);
	if (stat(path, &info) != 0)
		return file_refused("open", path, err);
	if (!S_ISDIR(info.st_mode))
		return add(files, path, &info, err);
	if (add_folder(files, path, 0, err))
		return -1;
	if (files->n == before)
		return err_set(err, ERR_INPUT, "the folder %s holds no files", path);
	return 0;
}

void corpus_files_free(struct corpus_files *files)
{
	for (size_t i = 0; i < files->n; i++) {
		free(files->at[i].path);
		if (files->at[i].spool >= 0)
			(void)close(files->at[i].spool);
	}
	free(files->at);
}
