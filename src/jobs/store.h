/*
 * store.h - what must survive a kill -9: the records of jobs and corpora, in STATE/sifd.db (SQLite).
 *
 * WAL with synchronous=FULL: what a function has stored when it returns 0 is on the disk.  Any thread;
 * a function that changes a record waits for the disk, one that reads waits for nobody.  Times are Unix
 * milliseconds, 0 = not yet.
 *
 * A corpus is known by its id, which is never used again.  Its name may be given to a newer upload or be
 * removed: the older corpus then has no name, and stays until the jobs that were accepted with it have ended.
 */
#ifndef SIFD_JOBS_STORE_H
#define SIFD_JOBS_STORE_H

#include "base/digest.h"
#include "base/limits.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct store;

enum { STORE_SCHEMA = 1 };

/*
 * Locks the folder (STATE/lock) against a second daemon and opens the database in it.  ERR_CONFLICT: another
 * process has the lock; ERR_IO: the folder cannot be written; ERR_FORMAT: damaged, or made by a newer sifd.
 */
struct store *store_open(const char *folder, struct err *err);
void store_close(struct store *store);

/* ---- corpora ---- */

struct corpus_record {
	int64_t id;
	char name[LIMIT_NAME_BYTES + 1]; /* "": replaced, removed, or the texts of a job */
	uint64_t stored;		 /* bytes of the file, compressed if it came so */
	uint64_t bytes, lines;		 /* of the text in it */
	char sha256[DIGEST_HEX + 1];	 /* of the text in it */
	int64_t created_ms;
};

/* The highest id ever given, 0 before the first. */
int store_corpus_last(struct store *store, int64_t *id, struct err *err);

/* Records it under its name; ERR_TOO_LARGE when that would make more than `most` names. */
int store_corpus_put(struct store *store, const struct corpus_record *corpus, size_t most, struct err *err);

/* ERR_NOT_FOUND. */
int store_corpus_find(struct store *store, struct corpus_record *corpus, const char *name, struct err *err);
int store_corpus_remove(struct store *store, const char *name, struct err *err);

/* Those with a name, by name; free() them. */
int store_corpus_list(struct store *store, struct corpus_record **corpora, size_t *n, struct err *err);

/* Forgets those without a name that no waiting or running job needs; their ids, to be free()d, also after -1.
 */
int store_corpus_collect(struct store *store, int64_t **ids, size_t *n, struct err *err);

/* Is there a record with this id?  1, 0 or -1. */
int store_corpus_known(struct store *store, int64_t id, struct err *err);

/* ---- jobs ---- */

enum job_state { JOB_QUEUED, JOB_RUNNING, JOB_SUCCEEDED, JOB_FAILED, JOB_CANCELLED, JOB_STATES };

const char *job_state_name(enum job_state state);
bool job_state_ended(enum job_state state);

struct job_record {
	int64_t id;
	char type[16];
	enum job_state state;
	bool cancel;  /* its client wants it to end */
	int attempts; /* how often it was begun */
	int64_t created_ms, started_ms, ended_ms;
	uint64_t done, total; /* when it ended */
	char *request;	      /* JSON; never NULL */
	char *error;	      /* one sentence, or NULL */
	char *result;	      /* JSON, or NULL; while it runs: what it is about to publish */
	int64_t corpora[LIMIT_JOB_CORPORA];
	size_t corpora_n;
};

void job_record_free(struct job_record *job);

/* A job as POST /v1/jobs adds it. */
struct job_new {
	const char *type;
	const char *request;
	const char *corpora[LIMIT_JOB_CORPORA]; /* names, which stand for the uploads that have them now */
	size_t corpora_n;
	const struct corpus_record *texts; /* or NULL: recorded with the job, as its first corpus */
};

/* Queues it and gives it an id; ERR_BUSY when `most` are waiting, ERR_NOT_FOUND (param "corpus"). */
int store_job_add(struct store *store, int64_t *id, const struct job_new *job, size_t most, struct err *err);

/* Takes the oldest that is queued: it is running from now on, and the attempt counts.  1, 0 without one, -1.
 */
int store_job_take(struct store *store, struct job_record *job, struct err *err);

/* Remembers what a running job is about to publish, so that a restart can tell whether it did. */
int store_job_prepare(struct store *store, int64_t id, const char *result, struct err *err);

/* Records that it ended in job->state, with job->done, total, error and result. */
int store_job_end(struct store *store, const struct job_record *job, struct err *err);

/* From running back to queued; `refund`: the attempt does not count. */
int store_job_requeue(struct store *store, int64_t id, bool refund, struct err *err);

/*
 * Queued becomes cancelled; running stays so and is marked.  *state is what it was before.  ERR_NOT_FOUND;
 * ERR_CONFLICT when it had succeeded or failed.
 */
int store_job_cancel(struct store *store, int64_t id, enum job_state *state, struct err *err);

/* ERR_NOT_FOUND. */
int store_job_find(struct store *store, struct job_record *job, int64_t id, struct err *err);

/* At most `most` jobs with ids below `before` (0: any), newest first; free with job_records_free(). */
int store_job_list(struct store *store, struct job_record **jobs, size_t *n, int64_t before, size_t most,
		   struct err *err);

/* Those that wait or run, oldest first. */
int store_job_list_live(struct store *store, struct job_record **jobs, size_t *n, struct err *err);
void job_records_free(struct job_record *jobs, size_t n);

/* Forgets all but the newest `keep` of those that ended; their ids, to be free()d, also after -1. */
int store_job_trim(struct store *store, size_t keep, int64_t **ids, size_t *n, struct err *err);

#endif
