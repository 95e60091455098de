/*
 * uploads.h - uploaded corpora: files in STATE/corpora, named by the ids of their records (store.h).
 *
 * An upload goes to a temporary file, piece by piece.  Then the corpus reader of the fits reads it once,
 * which counts its lines and finds what is wrong with it, and it gets its name.  A crash leaves the old
 * corpus or the new one.  Compressed uploads stay compressed.  Any thread; an upload belongs to one request.
 */
#ifndef SIFD_JOBS_UPLOADS_H
#define SIFD_JOBS_UPLOADS_H

#include "embed/similar.h"
#include "jobs/store.h"

struct uploads;
struct upload;

/* Opens STATE/corpora and removes what a crash left there.  most_bytes: of a corpus, packed or unpacked. */
struct uploads *uploads_open(struct store *store, const char *state, uint64_t most_bytes, struct err *err);
void uploads_close(struct uploads *uploads);

/* ERR_BUSY when LIMIT_UPLOADS are under way. */
struct upload *upload_open(struct uploads *uploads, struct err *err);
int upload_write(struct upload *upload, const void *bytes, size_t n, struct err *err);

/*
 * Once the whole body is written: reads the next UPLOAD_STEP_BYTES of it.  1: call it again, 0: all is well,
 * -1. encoding: Content-Encoding, "" for none.  ERR_INPUT with line and byte when it is not text,
 * ERR_TOO_LARGE when it unpacks to too much.
 */
enum { UPLOAD_STEP_BYTES = 64 << 20 };
int upload_check(struct upload *upload, const char *encoding, struct err *err);

/* After upload_check(): puts it on record under its name. */
int upload_keep(struct upload *upload, const char *name, struct corpus_record *record, struct err *err);

/* Frees the upload, and removes its file unless it was kept.  NULL is fine. */
void upload_close(struct upload *upload);

/* ERR_INPUT for a Content-Encoding that upload_check() does not take. */
int upload_check_encoding(const char *encoding, struct err *err);

/* Prose may be cut into sentences; a row is one line, whatever the text holds; a table has lines already. */
enum uploads_form { UPLOADS_PROSE, UPLOADS_ROWS, UPLOADS_TABLE };

/*
 * Writes the texts of a request to a file; store_job_add() stores the record.  If no job comes of it, call
 * uploads_forget().
 */
int uploads_put_texts(struct uploads *uploads, struct corpus_record *record, const struct text *texts,
		      size_t n, enum uploads_form form, struct err *err);
void uploads_forget(struct uploads *uploads, int64_t id);

/* As store_corpus_find(), _list() and _remove(). */
int uploads_find(struct uploads *uploads, struct corpus_record *corpus, const char *name, struct err *err);
int uploads_list(struct uploads *uploads, struct corpus_record **corpora, size_t *n, struct err *err);
int uploads_remove(struct uploads *uploads, const char *name, struct err *err);

/* Removes the files that have no name and that no job needs any more.  To be called when a job has ended. */
void uploads_collect(struct uploads *uploads);

/* Clients must not learn our folders: the first `path` in err->text becomes `name`. */
void hide_path(struct err *err, const char *path, const char *name);

/* The path of a corpus's file, into to[n]. */
void uploads_path(const struct uploads *uploads, int64_t id, char *to, size_t n);

#endif
