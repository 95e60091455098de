#include "support/scratch.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void give_up(const char *what)
{
	perror(what);
	abort();
}

void scratch_open(struct scratch *s)
{
	const char *under = getenv("TMPDIR");

	(void)snprintf(s->folder, sizeof(s->folder), "%.40s/sifd-test-XXXXXX", under ? under : "/tmp");
	if (!mkdtemp(s->folder))
		give_up(s->folder);
}

void scratch_close(struct scratch *s)
{
	DIR *folder = opendir(s->folder);
	const struct dirent *entry;

	if (!folder)
		give_up(s->folder);
	while ((entry = readdir(folder)) != NULL)
		if (entry->d_name[0] != '.')
			(void)unlink(scratch_path(s, entry->d_name));
	(void)closedir(folder);
	(void)rmdir(s->folder);
}

const char *scratch_path(struct scratch *s, const char *name)
{
	(void)snprintf(s->path, sizeof(s->path), "%s/%.60s", s->folder, name);
	return s->path;
}

char *scratch_file(struct scratch *s, const char *name, const char *text)
{
	FILE *f = fopen(scratch_path(s, name), "wb");
	size_t n = strlen(text);

	if (!f || fwrite(text, 1, n, f) != n || fclose(f) != 0)
		give_up(s->path);
	return strdup(s->path);
}
