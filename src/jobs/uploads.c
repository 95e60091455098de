#include "jobs/uploads.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/mem.h"
#include "text/corpus.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

struct uploads {
	struct store *store;
	char *folder;
	uint64_t most_bytes;
	_Atomic int64_t last_id;
	atomic_size_t uploads; /* under way */
};

struct upload {
	struct uploads *uploads;
	char path[PATH_MAX];
	struct output *output; /* until the whole body is written */
	bool placed;	       /* the file is under `path` */
	bool kept;	       /* it is on record: not ours to remove */

	struct corpus *corpus; /* while it is checked */
	struct buf block, scratch;
	char last; /* the last byte of the text so far */
	struct corpus_record record;
};

void uploads_path(const struct uploads *uploads, int64_t id, char *to, size_t n)
{
	(void)snprintf(to, n, "%s/%lld", uploads->folder, (long long)id);
}

void hide_path(struct err *err, const char *path, const char *name)
{
	char *at = strstr(err->text, path);
	char rest[sizeof(err->text)];

	if (!at)
		return;
	(void)snprintf(rest, sizeof(rest), "%s", at + strlen(path));
	(void)snprintf(at, sizeof(err->text) - (size_t)(at - err->text), "%s%s", name, rest);
}

/* ---- the folder ---- */

/* The id that a file's name is, or 0. */
static int64_t id_of(const char *name)
{
	char *end;
	long long id;

	if (name[0] < '1' || name[0] > '9')
		return 0;
	errno = 0;
	id = strtoll(name, &end, 10);
	return *end || errno ? 0 : id;
}

/* A file that is not on record is what an upload left when the process died: nobody else writes here. */
static int sweep(struct uploads *uploads, struct err *err)
{
	DIR *dir = opendir(uploads->folder);
	const struct dirent *file;
	size_t removed = 0;
	int known = 0;

	if (!dir)
		return err_set(err, ERR_IO, "cannot read %s: %s", uploads->folder, strerror(errno));
	while (known >= 0 && (file = readdir(dir)) != NULL) {
		int64_t id = id_of(file->d_name);

		if (strcmp(file->d_name, ".") == 0 || strcmp(file->d_name, "..") == 0)
			continue;
		known = id ? store_corpus_known(uploads->store, id, err) : 0;
		if (known == 0 && unlinkat(dirfd(dir), file->d_name, 0) == 0)
			removed++;
	}
	(void)closedir(dir);
	if (removed)
		log_info("unfinished uploads removed", "files=%zu", removed);
	return known < 0 ? -1 : 0;
}

struct uploads *uploads_open(struct store *store, const char *state, uint64_t most_bytes, struct err *err)
{
	struct uploads *uploads = mem_new(1, sizeof(*uploads));
	size_t room = strlen(state) + sizeof("/corpora");
	int64_t last = 0;

	uploads->store = store;
	uploads->most_bytes = most_bytes;
	uploads->folder = mem_new(room, 1);
	(void)snprintf(uploads->folder, room, "%s/corpora", state);
	if (room + 64 > PATH_MAX)
		(void)err_set(err, ERR_INPUT, "the name of the state folder is too long");
	else if (file_make_folder(uploads->folder, err) == 0 && store_corpus_last(store, &last, err) == 0 &&
		 sweep(uploads, err) == 0) {
		atomic_store(&uploads->last_id, last);
		uploads_collect(uploads);
		return uploads;
	}
	uploads_close(uploads);
	return NULL;
}

void uploads_close(struct uploads *uploads)
{
	if (!uploads)
		return;
	free(uploads->folder);
	free(uploads);
}

void uploads_forget(struct uploads *uploads, int64_t id)
{
	char path[PATH_MAX];

	uploads_path(uploads, id, path, sizeof(path));
	if (unlink(path) != 0 && errno != ENOENT)
		log_warn("corpus file not removed", "path=%s error=%s", path, strerror(errno));
}

void uploads_collect(struct uploads *uploads)
{
	int64_t *ids = NULL;
	size_t n = 0;
	struct err err = { 0 };

	if (store_corpus_collect(uploads->store, &ids, &n, &err))
		log_error("corpora not collected", "error=%s", err.text);
	else
		for (size_t i = 0; i < n; i++)
			uploads_forget(uploads, ids[i]);
	free(ids);
}

int uploads_find(struct uploads *uploads, struct corpus_record *corpus, const char *name, struct err *err)
{
	return store_corpus_find(uploads->store, corpus, name, err);
}

int uploads_list(struct uploads *uploads, struct corpus_record **corpora, size_t *n, struct err *err)
{
	return store_corpus_list(uploads->store, corpora, n, err);
}

int uploads_remove(struct uploads *uploads, const char *name, struct err *err)
{
	if (store_corpus_remove(uploads->store, name, err))
		return -1;
	uploads_collect(uploads);
	return 0;
}

/* ---- uploads ---- */

struct upload *upload_open(struct uploads *uploads, struct err *err)
{
	struct upload *upload;

	if (atomic_fetch_add(&uploads->uploads, 1) >= LIMIT_UPLOADS) {
		(void)atomic_fetch_sub(&uploads->uploads, 1);
		(void)err_set(err, ERR_BUSY, "%d uploads are under way already; try again", LIMIT_UPLOADS);
		return NULL;
	}
	upload = mem_new(1, sizeof(*upload));
	upload->uploads = uploads;
	upload->record.id = atomic_fetch_add(&uploads->last_id, 1) + 1;
	uploads_path(uploads, upload->record.id, upload->path, sizeof(upload->path));
	upload->output = output_open(upload->path, err);
	if (upload->output)
		return upload;
	hide_path(err, upload->path, "the corpus");
	upload_close(upload);
	return NULL;
}

int upload_write(struct upload *upload, const void *bytes, size_t n, struct err *err)
{
	if (output_write(upload->output, bytes, n, err) == 0)
		return 0;
	hide_path(err, upload->path, "the corpus");
	return -1;
}

void upload_close(struct upload *upload)
{
	if (!upload)
		return;
	output_abandon(upload->output);
	corpus_close(upload->corpus);
	buf_free(&upload->block);
	buf_free(&upload->scratch);
	if (upload->placed && !upload->kept)
		uploads_forget(upload->uploads, upload->record.id);
	(void)atomic_fetch_sub(&upload->uploads->uploads, 1);
	free(upload);
}

int upload_check_encoding(const char *encoding, struct err *err)
{
	if (!*encoding || strcasecmp(encoding, "gzip") == 0 || strcasecmp(encoding, "x-gzip") == 0 ||
	    strcasecmp(encoding, "zstd") == 0)
		return 0;
	return err_set(err, ERR_INPUT, "Content-Encoding must be gzip or zstd, or not be there");
}

/* The reader goes by the first bytes; they must agree with what the client said. */
static int check_magic(const struct upload *upload, const char *encoding, struct err *err)
{
	bool zstd = strcasecmp(encoding, "zstd") == 0;
	const char *magic = zstd ? "\x28\xB5\x2F\xFD" : "\x1F\x8B";
	size_t n = zstd ? 4 : 2;
	char first[4] = "";
	FILE *file;
	bool same;

	if (!*encoding)
		return 0;
	file = fopen(upload->path, "rbe");
	if (!file)
		return err_set(err, ERR_IO, "cannot read the corpus again: %s", strerror(errno));
	same = fread(first, 1, n, file) == n && memcmp(first, magic, n) == 0;
	(void)fclose(file);
	return same ? 0
		    : err_set(err, ERR_INPUT, "the body is not %s, as its Content-Encoding says", encoding);
}

/* Gives the file its name, complete and synced, and opens it for reading. */
static int begin_check(struct upload *upload, const char *encoding, struct err *err)
{
	const char *paths[1] = { upload->path };
	struct output *output = upload->output;

	upload->record.stored = output_size(output);
	upload->output = NULL;
	if (output_commit(output, err))
		return -1;
	upload->placed = true;
	if (check_magic(upload, encoding, err))
		return -1;
	upload->corpus = corpus_open(paths, 1, false, err);
	return upload->corpus ? 0 : -1;
}

static int check_size(const struct upload *upload, struct err *err)
{
	const struct corpus_record *r = &upload->record;
	uint64_t taken = corpus_taken(upload->corpus);

	if (r->bytes > upload->uploads->most_bytes)
		return err_set(err, ERR_TOO_LARGE, "the corpus unpacks to more than %llu bytes",
			       (unsigned long long)upload->uploads->most_bytes);
	if (r->bytes > LIMIT_CORPUS_RATIO_FROM && r->bytes / LIMIT_CORPUS_RATIO > taken)
		return err_set(err, ERR_TOO_LARGE, "the corpus unpacks to more than %d times its size",
			       LIMIT_CORPUS_RATIO);
	return 0;
}

static void count(struct upload *upload)
{
	const struct buf *block = &upload->block;
	const char *end = block->data + block->len;

	for (const char *at = block->data; at < end && (at = memchr(at, '\n', (size_t)(end - at))); at++)
		upload->record.lines++;
	upload->record.bytes += block->len;
	upload->last = block->data[block->len - 1];
}

/* Reads a block: 1, 0 at the end, -1. */
static int check_block(struct upload *upload, struct err *err)
{
	struct corpus_place where;
	const char *text;
	size_t n;
	int rc = corpus_next(upload->corpus, &upload->block, &where, err);

	if (rc <= 0)
		return rc;
	count(upload); /* before corpus_lines() changes it */
	if (check_size(upload, err) ||
	    corpus_lines(upload->corpus, &where, &upload->block, &upload->scratch, &text, &n, err))
		return -1;
	return 1;
}

static int check_some(struct upload *upload, const char *encoding, struct err *err)
{
	uint64_t until = upload->record.bytes + UPLOAD_STEP_BYTES;
	int rc = 1;

	if (!upload->corpus && begin_check(upload, encoding, err))
		return -1;
	while (rc > 0 && upload->record.bytes < until)
		rc = check_block(upload, err);
	if (rc)
		return rc;
	if (upload->record.bytes == 0)
		return err_set(err, ERR_INPUT, "the corpus is empty");
	upload->record.lines += upload->last != '\n';
	corpus_digest(upload->corpus, upload->record.sha256);
	return 0;
}

int upload_check(struct upload *upload, const char *encoding, struct err *err)
{
	int rc = check_some(upload, encoding, err);

	if (rc >= 0)
		return rc;
	/* A damaged .gz is the client's mistake here, not damage to a file of ours. */
	if (err->code == ERR_FORMAT)
		err->code = ERR_INPUT;
	hide_path(err, upload->path, "the corpus");
	return -1;
}

int upload_keep(struct upload *upload, const char *name, struct corpus_record *record, struct err *err)
{
	struct uploads *uploads = upload->uploads;

	(void)snprintf(upload->record.name, sizeof(upload->record.name), "%s", name);
	upload->record.created_ms = clock_unix_ms();
	if (store_corpus_put(uploads->store, &upload->record, LIMIT_CORPORA, err))
		return -1;
	upload->kept = true;
	*record = upload->record;
	uploads_collect(uploads); /* the upload that had the name before */
	log_info("corpus stored", "name=%s bytes=%llu lines=%llu stored=%llu", name,
		 (unsigned long long)record->bytes, (unsigned long long)record->lines,
		 (unsigned long long)record->stored);
	return 0;
}

/* ---- the texts of a job ---- */

/* A first text that begins like an object would make the reader take the file for JSONL. */
static bool like_json(const struct text *text)
{
	for (size_t i = 0; i < text->n; i++)
		if (!strchr(" \t\n\v\f\r", text->at[i]))
			return text->at[i] == '{';
	return false;
}

static void put_text(struct buf *to, const struct text *text, enum uploads_form form, bool jsonl)
{
	size_t start = to->len;

	buf_add(to, text->at, text->n);
	if (form == UPLOADS_ROWS && !to->failed)
		for (size_t i = start; i < to->len; i++)
			if (to->data[i] == '\n' || to->data[i] == '\r')
				to->data[i] = ' ';
	if (jsonl && !to->failed) {
		struct buf line = { 0 };

		buf_text(&line, "{\"text\":");
		json_put_string(&line, to->data + start, to->len - start);
		buf_byte(&line, '}');
		to->len = start;
		buf_add(to, line.data, line.len);
		to->failed |= line.failed;
		buf_free(&line);
	}
	buf_byte(to, '\n');
}

static int write_texts(struct upload *upload, const struct text *texts, size_t n, enum uploads_form form,
		       struct err *err)
{
	struct buf line = { 0 };
	bool jsonl = false;
	int rc = 0;

	for (size_t i = 0; i < n && !jsonl && form != UPLOADS_TABLE; i++)
		jsonl = like_json(&texts[i]);
	for (size_t i = 0; i < n && rc == 0; i++) {
		buf_reset(&line);
		put_text(&line, &texts[i], form, jsonl);
		rc = line.failed ? err_set(err, ERR_MEMORY, "no memory is left for the texts")
				 : upload_write(upload, line.data, line.len, err);
	}
	buf_free(&line);
	return rc;
}

int uploads_put_texts(struct uploads *uploads, struct corpus_record *record, const struct text *texts,
		      size_t n, enum uploads_form form, struct err *err)
{
	struct upload *upload = upload_open(uploads, err);
	int rc;

	if (!upload)
		return -1;
	rc = write_texts(upload, texts, n, form, err);
	if (rc == 0)
		do
			rc = upload_check(upload, "", err);
		while (rc > 0);
	if (rc == 0) {
		upload->kept = true; /* it is the caller's from now on */
		upload->record.created_ms = clock_unix_ms();
		*record = upload->record;
	}
	upload_close(upload);
	return rc;
}
