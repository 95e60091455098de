/* The parts of a job that all types share, and what a restart finds of a job. */
#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "embed/publish.h"
#include "jobs/jobs.h"
#include "jobs/jobs_private.h"
#include "jobs/uploads.h"
#include "learn/params.h"
#include "model/model.h"
#include "model/registry.h"
#include "text/corpus.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const folders[] = { "models", "bases", "results", "imports", "checkpoints" };

enum { FOLDERS = sizeof(folders) / sizeof(folders[0]) };

void state_path(const struct jobs *jobs, char to[PATH_MAX], const char *fmt, ...)
{
	size_t n = (size_t)snprintf(to, PATH_MAX, "%s/", jobs->options.state);
	va_list args;

	va_start(args, fmt);
	(void)vsnprintf(to + n, PATH_MAX - n, fmt, args);
	va_end(args);
}

int job_folders_open(struct jobs *jobs, struct err *err)
{
	char path[PATH_MAX];

	if (strlen(jobs->options.state) + 512 > PATH_MAX)
		return err_set(err, ERR_INPUT, "the name of the state folder is too long");
	for (size_t i = 0; i < FOLDERS; i++) {
		state_path(jobs, path, "%s", folders[i]);
		if (file_make_folder(path, err))
			return -1;
		if (strcmp(folders[i], "imports") != 0)
			(void)file_sweep(path);
	}
	return 0;
}

/* ---- what all types need ---- */

const char *work_corpus_name(const struct work *w, size_t i)
{
	const struct job_request *request = &w->request;
	size_t first = request->has_texts ? 1 : 0; /* the texts of the request come first */

	if (i >= first)
		return request->corpora[i - first];
	if (request->type != JOB_TRAIN || request->train.learn == LEARN_ALACARTE)
		return "texts";
	return request->train.scored ? "scored" : "pairs";
}

int work_go_on(struct work *w, struct err *err)
{
	return progress_stop(&w->jobs->progress) ? err_set(err, ERR_CANCELLED, "cancelled") : 0;
}

int work_prepare(struct work *w, struct err *err)
{
	if (work_go_on(w, err))
		return -1;
	return store_job_prepare(w->jobs->store, w->job->id, buf_string(w->result), err);
}

struct model *work_model(struct work *w, struct err *err)
{
	return registry_find(w->jobs->options.registry, w->request.model, strcspn(w->request.model, ":"),
			     err);
}

int work_method(struct work *w, const struct model *m, const char *name, enum method *method, struct err *err)
{
	const char *colon = strchr(w->request.model, ':');

	return method_choose(method, m, name ? name : colon ? colon + 1 : NULL, err);
}

static void hide_paths(const struct work *w, struct err *err)
{
	char name[LIMIT_NAME_BYTES + 16];

	for (size_t i = 0; i < w->job->corpora_n; i++) {
		(void)snprintf(name, sizeof(name), "corpus `%s`", work_corpus_name(w, i));
		hide_path(err, w->paths[i], name);
	}
}

static void find_paths(struct work *w)
{
	w->paths = mem_new(w->job->corpora_n, sizeof(*w->paths));
	for (size_t i = 0; i < w->job->corpora_n; i++) {
		w->paths[i] = mem_new(PATH_MAX, 1);
		uploads_path(w->jobs->uploads, w->job->corpora[i], w->paths[i], PATH_MAX);
	}
}

static void drop_paths(struct work *w)
{
	for (size_t i = 0; i < w->job->corpora_n; i++)
		free(w->paths[i]);
	free(w->paths);
	w->paths = NULL;
}

struct corpus *work_corpus(const struct work *w, struct err *err)
{
	return corpus_open((const char *const *)w->paths, w->job->corpora_n, false, err);
}

void work_put_sources(struct work *w)
{
	for (size_t i = 0; i < w->job->corpora_n; i++) {
		buf_printf(w->result, "%s", i ? "," : "");
		json_put_text(w->result, "", work_corpus_name(w, i));
	}
}

/* ---- a model into service ---- */

static void model_path(const struct jobs *jobs, const char *name, char to[PATH_MAX])
{
	state_path(jobs, to, "models/%s.safetensors", name);
}

int jobs_check_output(struct jobs *jobs, const char *name, struct err *err)
{
	struct registry_entry *entries = NULL;
	size_t n = registry_list(jobs->options.registry, &entries);
	char path[PATH_MAX];
	bool taken = false, there = false;

	model_path(jobs, name, path);
	for (size_t i = 0; i < n; i++)
		if (strcmp(entries[i].name, name) == 0) {
			there = true;
			taken = strcmp(entries[i].model->path, path) != 0;
		}
	registry_entries_free(entries, n);
	if (!taken && (there || n < LIMIT_MODELS))
		return 0;
	return err_field(
		err, ERR_CONFLICT, "output",
		taken ? "`%s` is a model of the operator's, which no job may replace: choose another "
			"output name"
		      : "no room for the model `%s`: there are as many as can be served",
		name);
}

static void sync_folder(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (fsync(fd) != 0)
		log_warn("folder not synced", "path=%s error=%s", path, strerror(errno));
	(void)close(fd);
}

/* Links to the file at `from`: a hard link where the file system can, so that it outlives that name. */
static int link_base(const struct jobs *jobs, const char *from, const char *to, struct err *err)
{
	char folder[PATH_MAX];
	char real[PATH_MAX];
	struct stat info;

	if (stat(to, &info) == 0)
		return 0;
	(void)unlink(to); /* a link to a file that is gone */
	if (!realpath(from, real) || (link(real, to) != 0 && symlink(real, to) != 0 && errno != EEXIST))
		return err_set(err, ERR_IO, "the vectors file cannot be kept for the fitted model: %s",
			       strerror(errno));
	state_path(jobs, folder, "bases");
	sync_folder(folder);
	return 0;
}

/*
 * The model m over a base in STATE/bases, for a job that will publish an overlay.  An overlay must find its
 * base at the next start, wherever the operator's file has gone by then.  Takes over m's reference.
 */
static struct model *ground(struct work *w, struct model *m, struct err *err)
{
	const struct model *base = m->base ? m->base : m;
	char path[PATH_MAX], folder[PATH_MAX];
	struct model *again = NULL;

	state_path(w->jobs, path, "bases/%s.safetensors", base->fingerprint);
	if (strcmp(base->path, path) == 0)
		return m;
	state_path(w->jobs, folder, "bases");
	if (link_base(w->jobs, base->path, path, err) == 0)
		/* An operator's overlay keeps the name of its own base, which STATE/bases has now too. */
		again = m->base ? model_retain(m) : publish_open(path, folder, err);
	if (again && strcmp(again->fingerprint, m->fingerprint) != 0) {
		(void)err_set(
			err, ERR_CONFLICT,
			"the file of the model `%s` is not the one in service any more: reload it first",
			w->request.model);
		model_release(again);
		again = NULL;
	}
	model_release(m);
	return again;
}

/* Opens what was written, as the next start would, and gives it its name. */
static int take_into_service(struct work *w, const char *path, const char *fingerprint, struct err *err)
{
	char folder[PATH_MAX];
	struct model *m;

	state_path(w->jobs, folder, "bases");
	m = publish_open(path, folder, err);
	if (!m)
		return -1;
	if (strcmp(m->fingerprint, fingerprint) != 0) {
		model_release(m);
		return err_set(err, ERR_FORMAT, "the model is another one once it is written");
	}
	log_info("model opened", "name=%s path=%s words=%zu method=%s fingerprint=%s", w->request.output,
		 path, (size_t)m->vocab.n, method_names[m->facts.method], m->fingerprint);
	return registry_put(w->jobs->options.registry, w->request.output, m, err);
}

int work_publish(struct work *w, struct model *m, bool as_overlay, struct err *err)
{
	struct progress *progress = &w->jobs->progress;
	uint64_t read = atomic_load(&progress->total);
	char path[PATH_MAX];
	bool fresh;

	/* The operator may have taken the name since the job was accepted. */
	if (jobs_check_output(w->jobs, w->request.output, err) || work_prepare(w, err))
		return -1;
	model_path(w->jobs, w->request.output, path);
	fresh = access(path, F_OK) != 0;
	/* The record keeps how much was read, not how much was published. */
	progress_phase(progress, "publishing", atomic_load(&progress->unit), read);
	progress_set(progress, read);
	if (publish_model(m, path, as_overlay, err) == 0 &&
	    take_into_service(w, path, m->fingerprint, err) == 0)
		return 0;
	/* A model whose job failed must not be served after a restart. */
	if (fresh)
		(void)unlink(path);
	return -1;
}

/* ---- running one ---- */

static int open_model(struct work *w, struct err *err)
{
	bool alacarte = w->request.type == JOB_TRAIN && w->request.train.learn == LEARN_ALACARTE;

	if (w->request.type == JOB_IMPORT || w->request.type == JOB_EVAL)
		return 0;
	w->model = work_model(w, err);
	if (w->model && w->request.overlay && !alacarte && w->request.type != JOB_EMBED)
		w->model = ground(w, w->model, err);
	return w->model ? 0 : -1;
}

int job_work(struct jobs *jobs, const struct job_record *job, struct buf *result, struct err *err)
{
	static int (*const works[JOB_TYPES])(
		struct work *, struct err *) = { work_fit, work_import, work_train, work_embed, work_eval };
	struct json_limits limits = { .depth = LIMIT_JSON_DEPTH, .nodes = LIMIT_JSON_MEMBERS };
	struct work w = { .jobs = jobs, .job = job, .result = result };
	json_t *object = json_read(job->request, strlen(job->request), limits, err);
	int rc = -1;

	if (object && job_request_read(&w.request, object, err) == 0 && work_go_on(&w, err) == 0) {
		find_paths(&w);
		rc = open_model(&w, err) ? -1 : works[w.request.type](&w, err);
		if (rc)
			hide_paths(&w, err);
		drop_paths(&w);
	}
	if (w.model)
		model_release(w.model);
	json_decref(object);
	return rc;
}

/* ---- after a crash ---- */

static bool model_published(struct jobs *jobs, const json_t *result)
{
	const char *name = json_string_value(json_object_get(result, "model"));
	const char *fingerprint = json_string_value(json_object_get(result, "fingerprint"));
	char path[PATH_MAX];
	struct err err;
	struct model *m;
	bool same;

	if (!name || !fingerprint)
		return false;
	m = registry_find(jobs->options.registry, name, strlen(name), &err);
	if (!m)
		return false;
	model_path(jobs, name, path);
	same = strcmp(m->path, path) == 0 && strcmp(m->fingerprint, fingerprint) == 0;
	model_release(m);
	return same;
}

bool job_published(struct jobs *jobs, const struct job_record *job)
{
	struct json_limits limits = { .depth = LIMIT_JSON_DEPTH, .nodes = 1000 };
	struct err err;
	json_t *result;
	char path[PATH_MAX];
	bool there;

	if (strcmp(job->type, "embed") == 0) {
		/* The file gets that name only when it is complete. */
		state_path(jobs, path, JOB_RESULT, (long long)job->id);
		return access(path, R_OK) == 0;
	}
	result = json_read(job->result, strlen(job->result), limits, &err);
	there = result && model_published(jobs, result);
	json_decref(result);
	return there;
}

bool job_went_on(const struct jobs *jobs, const struct job_record *job)
{
	char path[PATH_MAX];
	struct stat info;

	state_path(jobs, path, JOB_CHECKPOINT, (long long)job->id);
	return stat(path, &info) == 0 &&
	       (int64_t)info.st_mtim.tv_sec * 1000 + info.st_mtim.tv_nsec / 1000000 >= job->started_ms;
}

void job_checkpoint_drop(const struct jobs *jobs, int64_t id)
{
	char path[PATH_MAX];

	state_path(jobs, path, JOB_CHECKPOINT, (long long)id);
	(void)unlink(path); /* only train jobs have one */
}

void job_checkpoints_sweep(struct jobs *jobs)
{
	char path[PATH_MAX];
	const struct dirent *file;
	DIR *dir;

	state_path(jobs, path, "checkpoints");
	dir = opendir(path);
	while (dir && (file = readdir(dir)) != NULL) {
		int64_t id = strtoll(file->d_name, NULL, 10);

		if (id > 0 && !jobs_live(jobs, id))
			job_checkpoint_drop(jobs, id);
	}
	if (dir)
		(void)closedir(dir);
}

/* Is this file a model in service, or the base of one? */
static bool is_in_use(const struct registry_entry *entries, size_t n, const char *path)
{
	for (size_t i = 0; i < n; i++) {
		const struct model *m = entries[i].model;

		if (strcmp(m->base ? m->base->path : m->path, path) == 0)
			return true;
	}
	return false;
}

/* Is every file of STATE/models in service? */
static bool all_are_open(const struct jobs *jobs, const struct registry_entry *entries, size_t n)
{
	char path[PATH_MAX];
	const struct dirent *file;
	size_t files = 0, open = 0;
	DIR *dir;

	state_path(jobs, path, "models/");
	for (size_t i = 0; i < n; i++)
		open += strncmp(entries[i].model->path, path, strlen(path)) == 0;
	dir = opendir(path);
	if (!dir)
		return false;
	while ((file = readdir(dir)) != NULL)
		files += file->d_name[0] != '.';
	(void)closedir(dir);
	return files == open;
}

void job_bases_sweep(struct jobs *jobs)
{
	struct registry_entry *entries = NULL;
	size_t n = registry_list(jobs->options.registry, &entries);
	char folder[PATH_MAX], path[PATH_MAX];
	const struct dirent *file;
	DIR *dir = NULL;

	state_path(jobs, folder, "bases");
	/* A model that could not be opened this time may need its base once it is repaired. */
	if (all_are_open(jobs, entries, n))
		dir = opendir(folder);
	while (dir && (file = readdir(dir)) != NULL) {
		state_path(jobs, path, "bases/%s", file->d_name);
		if (file->d_name[0] != '.' && !is_in_use(entries, n, path) && unlink(path) == 0)
			log_info("vectors file not needed any more", "path=%s", path);
	}
	if (dir)
		(void)closedir(dir);
	registry_entries_free(entries, n);
}
