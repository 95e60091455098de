#include "serve/model_folder.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "embed/publish.h"
#include "model/model.h"
#include "model/registry.h"
#include "routes/service.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char ending[] = ".safetensors";

enum origin {
	FROM_OPTIONS, /* it must open */
	FROM_FOLDER,
	FROM_JOBS, /* STATE/models */
};

struct entry {
	char name[LIMIT_NAME_BYTES + 1];
	char *path;
	enum origin origin;
	bool open;
	struct file_stamp stamp; /* of the file when it was opened */
};

struct models {
	struct service *service;
	struct entry *entries;
	size_t n;
};

static void drop(struct models *models)
{
	for (size_t i = 0; i < models->n; i++)
		free(models->entries[i].path);
	free(models->entries);
}

static struct entry *find(const struct models *models, const char *name)
{
	for (size_t i = 0; i < models->n; i++)
		if (strcmp(models->entries[i].name, name) == 0)
			return &models->entries[i];
	return NULL;
}

/* A later path with the same name replaces the earlier one. */
static int add(struct models *models, const char *name, size_t n, const char *path, enum origin origin,
	       struct err *err)
{
	char text[LIMIT_NAME_BYTES + 1] = "";
	struct entry *e;

	if (registry_check_name(name, n, err))
		return err_prefix(err, "model %s", path);
	memcpy(text, name, n);
	e = find(models, text);
	if (e) {
		free(e->path);
	} else {
		if (models->n == LIMIT_MODELS)
			return err_set(err, ERR_TOO_LARGE, "more than %d models", (int)LIMIT_MODELS);
		if (mem_resize(&models->entries, models->n + 1, sizeof(*models->entries), err))
			return -1;
		e = &models->entries[models->n++];
	}
	*e = (struct entry){ .origin = origin, .path = mem_text(path, strlen(path)) };
	memcpy(e->name, text, n + 1);
	return 0;
}

/* "NAME=PATH" or "PATH". */
static int add_asked(struct models *models, const char *asked, struct err *err)
{
	const char *equals = strchr(asked, '=');
	const char *slash = strchr(asked, '/');
	size_t n;

	if (equals && (!slash || equals < slash))
		return add(models, asked, (size_t)(equals - asked), equals + 1, FROM_OPTIONS, err);
	slash = strrchr(asked, '/');
	slash = slash ? slash + 1 : asked;
	n = strlen(slash);
	if (n > strlen(ending) && strcmp(slash + n - strlen(ending), ending) == 0)
		n -= strlen(ending);
	return add(models, slash, n, asked, FROM_OPTIONS, err);
}

static int by_name(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static void add_folder(struct models *models, const char *folder, enum origin origin)
{
	DIR *dir = opendir(folder);
	struct buf path = { 0 };
	const struct dirent *file;
	struct err err;
	size_t first = models->n;

	if (!dir)
		return;
	while ((file = readdir(dir)) != NULL) {
		size_t n = strlen(file->d_name);

		if (file->d_name[0] == '.' || n <= strlen(ending) ||
		    strcmp(file->d_name + n - strlen(ending), ending) != 0)
			continue;
		buf_reset(&path);
		buf_printf(&path, "%s/%s", folder, file->d_name);
		if (add(models, file->d_name, n - strlen(ending), buf_string(&path), origin, &err))
			log_error("model refused", "path=%s error=%s", buf_string(&path), err.text);
	}
	(void)closedir(dir);
	buf_free(&path);
	/* A folder has no order of its own, and the first model may become the default. */
	if (models->n - first > 1)
		qsort(models->entries + first, models->n - first, sizeof(*models->entries), by_name);
}

static int collect(struct models *models, struct err *err)
{
	const struct serve_options *options = models->service->options;
	struct buf path = { 0 };

	for (size_t i = 0; i < options->models_n; i++)
		if (add_asked(models, options->models[i], err))
			return -1;
	if (options->models_folder)
		add_folder(models, options->models_folder, FROM_FOLDER);
	if (options->state) {
		buf_printf(&path, "%s/models", options->state);
		add_folder(models, buf_string(&path), FROM_JOBS);
		buf_free(&path);
	}
	return 0;
}

/* The bases of models that jobs made are in STATE/bases. */
static struct model *open_file(const struct service *service, const struct entry *e, struct err *err)
{
	struct buf bases = { 0 };
	struct model *m;

	if (e->origin != FROM_JOBS)
		return publish_open(e->path, service->options->models_folder, err);
	buf_printf(&bases, "%s/bases", service->options->state);
	m = publish_open(e->path, buf_string(&bases), err);
	buf_free(&bases);
	return m;
}

static int open_one(struct service *service, struct entry *e, struct err *err)
{
	struct model *m;

	(void)file_stamp(&e->stamp, e->path);
	m = open_file(service, e, err);
	if (!m)
		return -1;
	log_info("model opened", "name=%s path=%s words=%zu dimensions=%zu method=%s fingerprint=%s", e->name,
		 e->path, (size_t)m->vocab.n, model_dimension(m, m->facts.method),
		 method_names[m->facts.method], m->fingerprint);
	if (registry_put(service->registry, e->name, m, err))
		return -1;
	e->open = true;
	return 0;
}

static int choose_default(const struct models *models, struct err *err)
{
	const char *name = models->service->options->default_model;
	const struct entry *e = find(models, name ? name : "default");

	if (e && e->open) {
		registry_set_default(models->service->registry, e->name);
		return 0;
	}
	if (name)
		return err_set(err, ERR_INPUT, "the default model `%s` is not among those opened", name);
	return 0;
}

static int open_all(struct models *models, struct err *err)
{
	size_t opened = 0;

	if (collect(models, err))
		return -1;
	for (size_t i = 0; i < models->n; i++) {
		struct entry *e = &models->entries[i];

		if (open_one(models->service, e, err) == 0)
			opened++;
		else if (e->origin == FROM_OPTIONS)
			return -1;
		else
			log_error("model refused", "path=%s error=%s", e->path, err->text);
	}
	if (opened == 0)
		return err_set(err, ERR_NOT_FOUND,
			       "no model to serve: name one by -m, or put a .safetensors file into the "
			       "models folder (%s)",
			       models->service->options->models_folder
				       ? models->service->options->models_folder
				       : "--models");
	return choose_default(models, err);
}

struct models *model_folder_open(struct service *service, struct err *err)
{
	struct models *models = mem_new(1, sizeof(*models));

	models->service = service;
	if (open_all(models, err) == 0)
		return models;
	model_folder_free(models);
	return NULL;
}

void model_folder_reload(struct models *models)
{
	struct service *service = models->service;
	struct models now = { .service = service };
	struct err err;
	size_t changed = 0;

	if (collect(&now, &err)) {
		log_error("models not reloaded", "error=%s", err.text);
		drop(&now);
		return;
	}
	for (size_t i = 0; i < now.n; i++) {
		struct entry *e = &now.entries[i];
		const struct entry *old = find(models, e->name);
		struct file_stamp stamp;

		(void)file_stamp(&stamp, e->path);
		if (old && old->open && strcmp(old->path, e->path) == 0 && file_same(&old->stamp, &stamp)) {
			e->open = true;
			e->stamp = stamp;
			continue;
		}
		if (open_one(service, e, &err) == 0) {
			changed++;
		} else {
			(void)atomic_fetch_add(&service->models_refused, 1);
			log_error("model refused", "path=%s error=%s", e->path, err.text);
		}
	}
	drop(models);
	*models = now;
	log_info("models reloaded", "changed=%zu", changed);
}

void model_folder_free(struct models *models)
{
	if (!models)
		return;
	drop(models);
	free(models);
}
