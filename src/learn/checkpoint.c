#include "learn/checkpoint.h"

#include "base/digest.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "model/safetensors.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char format_key[] = "format", format_value[] = "sifd checkpoint 1", run_key[] = "run";

static void put(struct safetensors *s, const char *key, const char *value)
{
	s->metadata[s->metadata_n].key = mem_text(key, strlen(key));
	s->metadata[s->metadata_n++].value = mem_text(value, strlen(value));
}

/* The metadata key of a part's digest. */
static const char *digest_key(char to[80], const char *name)
{
	(void)snprintf(to, 80, "sha256.%.64s", name);
	return to;
}

static void describe(struct safetensors *s, const char *run, const struct checkpoint_part *parts, size_t n)
{
	char key[80];
	char hex[DIGEST_HEX + 1];

	s->tensors = mem_new(CHECKPOINT_PARTS_MAX, sizeof(*s->tensors));
	s->metadata = mem_new(CHECKPOINT_PARTS_MAX + 2, sizeof(*s->metadata));
	put(s, format_key, format_value);
	put(s, run_key, run);
	for (size_t i = 0; i < n; i++) {
		s->tensors[s->n++] = (struct tensor){ .name = mem_text(parts[i].name, strlen(parts[i].name)),
						      .type = TENSOR_U8,
						      .rank = 1,
						      .shape = { parts[i].bytes },
						      .data = parts[i].data,
						      .bytes = parts[i].bytes };
		digest_of(parts[i].data, parts[i].bytes, hex);
		put(s, digest_key(key, parts[i].name), hex);
	}
}

int checkpoint_save(const char *path, const char *run, const struct checkpoint_part *parts, size_t n,
		    struct err *err)
{
	struct safetensors s = { 0 };
	struct output *out;
	int failed;

	assert(n <= CHECKPOINT_PARTS_MAX);
	out = output_open(path, err);
	if (!out)
		return -1;
	describe(&s, run, parts, n);
	failed = safetensors_write(out, &s, err);
	if (failed)
		output_abandon(out);
	else
		failed = output_commit(out, err);
	safetensors_free(&s);
	return failed ? -1 : 0;
}

static int check(const struct safetensors *s, const char *run, struct err *err)
{
	const char *format = safetensors_metadata(s, format_key);
	const char *whose = safetensors_metadata(s, run_key);

	if (!format || strcmp(format, format_value) != 0 || !whose)
		return err_set(err, ERR_FORMAT, "this is no checkpoint of this version");
	if (strcmp(whose, run) != 0)
		return err_set(
			err, ERR_INPUT,
			"this is the checkpoint of another run: model, files and options must be the same");
	return 0;
}

static int check_part(const struct safetensors *s, const struct checkpoint_part *part, struct err *err)
{
	const struct tensor *t = safetensors_find(s, part->name);
	char key[80];
	char hex[DIGEST_HEX + 1];
	const char *expected = safetensors_metadata(s, digest_key(key, part->name));

	if (!t || t->bytes != part->bytes)
		return err_set(err, ERR_FORMAT, "%.60s is missing or of another size", part->name);
	digest_of(t->data, t->bytes, hex);
	if (!expected || strcmp(expected, hex) != 0)
		return err_set(err, ERR_FORMAT, "%.60s is damaged", part->name);
	return 0;
}

static int load(const struct file_map *map, const char *run, const struct checkpoint_part *parts, size_t n,
		struct err *err)
{
	struct safetensors s = { 0 };
	int failed;

	if (safetensors_read(&s, map->data, map->size, err))
		return -1;
	failed = check(&s, run, err);
	for (size_t i = 0; i < n && !failed; i++)
		failed = check_part(&s, &parts[i], err);
	for (size_t i = 0; i < n && !failed; i++)
		if (parts[i].bytes)
			memcpy(parts[i].data, safetensors_find(&s, parts[i].name)->data, parts[i].bytes);
	safetensors_free(&s);
	return failed ? -1 : 0;
}

int checkpoint_load(const char *path, const char *run, const struct checkpoint_part *parts, size_t n,
		    struct err *err)
{
	struct file_map map;
	int failed;

	if (file_map(&map, path, err))
		return -1;
	failed = load(&map, run, parts, n, err);
	file_unmap(&map);
	return failed ? err_prefix(err, "%.200s", path) : 0;
}
