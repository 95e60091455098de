/*
 * uploads.h - uploaded corpora: files in STATE/corpora, named by the ids of their records (store.h).
 *
 * An upload goes to a temporary file, piece by piece, and is read once by the reader that a fit uses, which
 * counts its lines and finds what is wrong with it; then it gets its name.  A crash leaves the old corpus
 * or the new one.  Compressed uploads stay compressed.  Any thread; an upload belongs to one request.
 */
#ifndef SIFD_JOBS_UPLOADS_H
#define SIFD_JOBS_UPLOADS_H

#include "embed/similar.h"
#include "jobs/store.h"

struct uploads;
struct upload;

/*
 * Takes up STATE/corpora and removes what a crash left there.  most_bytes: of a corpus, packed or
 * unpacked.
 */
struct uploads *uploads_open(struct store *store, const char *state, uint64_t most_bytes, struct err *err);
void uploads_close(struct uploads *uploads);

/* ERR_BUSY when LIMIT_UPLOADS come already. */
struct upload *upload_open(struct uploads *uploads, struct err *err);
int upload_write(struct upload *upload, const void *bytes, size_t n, struct err *err);

/*
 * The whole has come: reads the next UPLOAD_STEP_BYTES of it.  1 when it wants to be called again, 0 when all
 * is well, -1.  encoding: Content-Encoding, "" for none.  ERR_INPUT with line and byte when it is not text,
 * ERR_TOO_LARGE when it unpacks to too much.
 */
enum { UPLOAD_STEP_BYTES = 64 << 20 };
int upload_check(struct upload *upload, const char *encoding, struct err *err);

/* After upload_check(): puts it on record under its name. */
int upload_keep(struct upload *upload, const char *name, struct corpus_record *record, struct err *err);

/* Frees it; what was not kept is removed.  NULL is fine. */
void upload_close(struct upload *upload);

/* Is the Content-Encoding one that upload_check() takes?  ERR_INPUT. */
int upload_check_encoding(const char *encoding, struct err *err);

/* A text may be cut into sentences, or is one line whatever it holds, or is a line already: columns. */
enum uploads_form { UPLOADS_PROSE, UPLOADS_ROWS, UPLOADS_TABLE };

/*
 * The texts of a request as a file; the record is left to store_job_add().  When no job was made of it:
 * uploads_forget().
 */
int uploads_put_texts(struct uploads *uploads, struct corpus_record *record, const struct text *texts,
		      size_t n, enum uploads_form form, struct err *err);
void uploads_forget(struct uploads *uploads, int64_t id);

/* As store_corpus_find(), _list() and _remove(). */
int uploads_find(struct uploads *uploads, struct corpus_record *corpus, const char *name, struct err *err);
int uploads_list(struct uploads *uploads, struct corpus_record **corpora, size_t *n, struct err *err);
int uploads_remove(struct uploads *uploads, const char *name, struct err *err);

/* Removes the files that have no name and that no job needs any more: to be called when a job ended. */
void uploads_collect(struct uploads *uploads);

/* A client has no business with our folders: the first `path` in err->text becomes `name`. */
void hide_path(struct err *err, const char *path, const char *name);

/* Where a corpus lies, into to[n]. */
void uploads_path(const struct uploads *uploads, int64_t id, char *to, size_t n);

#endif
