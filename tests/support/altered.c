#include "support/altered.h"

#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

void altered_open(struct altered *a, const char *from)
{
	struct err err = { 0 };

	*a = (struct altered){ 0 };
	assert_int_equal(file_map(&a->map, from, &err), 0);
	assert_int_equal(safetensors_read(&a->s, a->map.data, a->map.size, &err), 0);
}

void altered_drop(struct altered *a, const char *tensor)
{
	size_t kept = 0;

	for (size_t i = 0; i < a->s.n; i++) {
		if (strcmp(a->s.tensors[i].name, tensor) == 0)
			free(a->s.tensors[i].name);
		else
			a->s.tensors[kept++] = a->s.tensors[i];
	}
	a->s.n = kept;
}

static void replace(char **text, const char *by)
{
	free(*text);
	*text = strdup(by);
	assert_non_null(*text);
}

static void rename_key(struct altered *a, const char *key, const char *to)
{
	for (size_t i = 0; i < a->s.metadata_n; i++)
		if (strcmp(a->s.metadata[i].key, key) == 0)
			replace(&a->s.metadata[i].key, to);
}

void altered_rename(struct altered *a, const char *tensor, const char *name)
{
	char key[64], to[64];

	for (size_t i = 0; i < a->s.n; i++)
		if (strcmp(a->s.tensors[i].name, tensor) == 0)
			replace(&a->s.tensors[i].name, name);
	(void)snprintf(key, sizeof(key), "sha256.%s", tensor);
	(void)snprintf(to, sizeof(to), "sha256.%s", name);
	rename_key(a, key, to);
}

void altered_set(struct altered *a, const char *key, const char *value)
{
	for (size_t i = 0; i < a->s.metadata_n; i++)
		if (strcmp(a->s.metadata[i].key, key) == 0)
			replace(&a->s.metadata[i].value, value);
}

void altered_unseal(struct altered *a)
{
	rename_key(a, "sha256.header", "none.header");
}

void altered_write(struct altered *a, const char *path)
{
	struct err err = { 0 };
	struct output *out = output_open(path, &err);

	assert_non_null(out);
	assert_int_equal(safetensors_write(out, &a->s, &err), 0);
	assert_int_equal(output_commit(out, &err), 0);
	safetensors_free(&a->s);
	file_unmap(&a->map);
}
