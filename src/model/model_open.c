/*
 * Opening a file: its kind, its seals and its base; what is in it is read by model_read.c.
 */
#include "base/err.h"
#include "base/mem.h"
#include "model/model_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Is it a file of ours, and of a version that we know? */
static int check_kind(const struct safetensors *s, struct err *err)
{
	uint64_t version;

	if (strcmp(model_text(s, "format"), "sifd") != 0)
		return err_set(err, ERR_FORMAT, "no sifd model; `sifd import` makes one of word vectors");
	if (model_whole(&version, s, "format_version", err))
		return -1;
	if (version > MODEL_FORMAT)
		return err_set(err, ERR_FORMAT,
			       "written by a newer sifd: format version %llu, this one reads up to %d",
			       (unsigned long long)version, MODEL_FORMAT);
	if (version != MODEL_FORMAT)
		return err_set(err, ERR_FORMAT, "there is no format version %llu",
			       (unsigned long long)version);
	return 0;
}

static bool is_known(const char *name, bool overlay)
{
	for (int i = 0; i < MODEL_TENSORS; i++)
		if ((!overlay || model_tensors[i].in_overlay) && strcmp(name, model_tensors[i].name) == 0)
			return true;
	return false;
}

/* Checks that the header is as it was written, and that every tensor is one that has a digest. */
static int check_header(struct model *m, const struct safetensors *s, struct err *err)
{
	bool overlay = safetensors_metadata(s, "base_fingerprint") != NULL;
	char hex[DIGEST_HEX + 1];

	for (size_t i = 0; i < s->n; i++)
		if (!is_known(s->tensors[i].name, overlay))
			return err_set(err, ERR_FORMAT, "tensor '%.60s' does not belong in %s",
				       s->tensors[i].name, overlay ? "an overlay" : "a model");
	if (model_header_digest(s, hex, err))
		return -1;
	/* model_verify() asks for one; opening does without. */
	if (safetensors_metadata(s, MODEL_HEADER_KEY) && strcmp(hex, model_text(s, MODEL_HEADER_KEY)) != 0)
		return err_set(err, ERR_FORMAT, "the header does not have the SHA-256 that it promises");
	m->memory->sealed = safetensors_metadata(s, MODEL_HEADER_KEY) != NULL;
	return 0;
}

static int read_digests(struct model *m, const struct safetensors *s, struct err *err)
{
	for (int i = 0; i < MODEL_TENSORS; i++) {
		const char *name = model_tensors[i].name;
		char key[40];
		const char *hex = model_text(s, model_digest_key((enum model_tensor)i, key));

		if (!safetensors_find(s, name))
			continue;
		if (strlen(hex) != DIGEST_HEX)
			return err_set(err, ERR_FORMAT, "metadata '%s' is no SHA-256", key);
		memcpy(m->memory->digests[i], hex, DIGEST_HEX + 1);
	}
	return 0;
}

/* Takes the fingerprint that the file states; model_verify() proves it. */
static int read_fingerprint(struct model *m, const struct safetensors *s, struct err *err)
{
	const char *hex = model_text(s, "fingerprint");

	if (strlen(hex) != DIGEST_HEX)
		return err_set(err, ERR_FORMAT, "metadata 'fingerprint' is no SHA-256");
	memcpy(m->fingerprint, hex, DIGEST_HEX + 1);
	model_digest(m); /* the base's: nothing is read */
	return 0;
}

static int read_model(struct model *m, const struct safetensors *s, const char *folder,
		      const char *fingerprint, struct err *err)
{
	if (check_kind(s, err) || check_header(m, s, err) || read_digests(m, s, err))
		return -1;
	if (fingerprint && strcmp(fingerprint, model_text(s, "fingerprint")) != 0)
		return err_set(err, ERR_NOT_FOUND, "another model");
	if (safetensors_metadata(s, "base_fingerprint")) {
		/* A base is no overlay: two of those in one folder would search each other for ever. */
		if (fingerprint)
			return err_set(err, ERR_NOT_FOUND, "an overlay");
		m->base = model_find_base(s, m->path, folder, err);
		if (!m->base)
			return -1;
	}
	if (model_parse(m, s, err))
		return -1;
	return read_fingerprint(m, s, err);
}

struct model *model_open_file(const char *path, const char *folder, const char *fingerprint, struct err *err)
{
	struct model *m = model_new(err);
	struct safetensors s = { 0 };
	int failed;

	if (!m)
		return NULL;
	free(m->path);
	m->path = mem_text(path, strlen(path));
	if (file_map(&m->memory->map, path, err)) {
		model_release(m);
		return NULL;
	}
	if (file_stamp(&m->memory->stamp, path))
		m->created = (uint64_t)m->memory->stamp.modified.tv_sec;
	failed = safetensors_read(&s, m->memory->map.data, m->memory->map.size, err) ||
		 read_model(m, &s, folder, fingerprint, err);
	safetensors_free(&s);
	if (!failed && !m->base)
		model_file_add(m);
	if (!failed)
		return m;
	(void)err_prefix(err, "%.200s", path);
	model_release(m);
	return NULL;
}

struct model *model_open(const char *path, const char *folder, struct err *err)
{
	return model_open_file(path, folder, NULL, err);
}
