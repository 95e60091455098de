/*
 * jobs.h - long work while the daemon serves: a queue that survives kill -9, and the one thread that runs it.
 *
 * A job is a row of the store before its 202 is sent.  At the start, jobs that were running are queued again,
 * at most LIMIT_JOB_ATTEMPTS times in all; one whose model or result file is already in place has succeeded.
 * Any thread.
 */
#ifndef SIFD_JOBS_JOBS_H
#define SIFD_JOBS_JOBS_H

#include "jobs/job_request.h"
#include "jobs/store.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct err;
struct jobs;
struct registry;
struct uploads;

struct jobs_options {
	struct registry *registry; /* of the models that jobs read and make; it outlives the jobs */
	const char *state;	   /* the folder; as long */
	const char *imports;	   /* vectors files that import jobs may name; NULL: STATE/imports */
	uint64_t corpus_bytes;	   /* the most of an upload, packed or unpacked */
	size_t waiting;		   /* the most jobs that wait */
};

/*
 * Takes the state folder: its lock, its database, its sub-folders.  Before models are opened from it, so that
 * no second daemon writes beside this one.
 */
struct jobs *jobs_open(const struct jobs_options *options, struct err *err);

/* The uploads that jobs read; they end with the jobs. */
struct uploads *jobs_uploads(struct jobs *jobs);

/* Recovers the jobs of an earlier process and starts the worker; when the models are open. */
int jobs_start(struct jobs *jobs, struct err *err);

/*
 * Ends the worker (the job under way goes back into the queue) and gives the state folder back; when no
 * route runs any more.  NULL is fine.
 */
void jobs_close(struct jobs *jobs);

/*
 * Checks that a job may give a model this name: ERR_CONFLICT (param "output") when a file that no job made
 * has it, or when no more models can be served.
 */
int jobs_check_output(struct jobs *jobs, const char *name, struct err *err);

/* Accepts a checked job and gives it an id. */
int jobs_add(struct jobs *jobs, int64_t *id, const struct job_new *job, struct err *err);

/* Is it waiting or running?  Costs nothing: no disk, no database. */
bool jobs_live(struct jobs *jobs, int64_t id);

/* How many wait, and how many run; for /metrics, and as cheap. */
void jobs_load(struct jobs *jobs, size_t *queued, size_t *running);

/* How many jobs ended since the start, by type and state, and how long they ran. */
struct job_tally {
	uint64_t n, ms;
};
void jobs_tally(struct jobs *jobs, struct job_tally tally[JOB_TYPES][JOB_STATES]);

int jobs_cancel(struct jobs *jobs, int64_t id, struct err *err);

/* Appends the job as JSON; ERR_NOT_FOUND. */
int jobs_put(struct jobs *jobs, struct buf *to, int64_t id, struct err *err);

/* Appends {"object":"list","data":[...]}, newest first. */
int jobs_put_list(struct jobs *jobs, struct buf *to, int64_t before, size_t most, struct err *err);

/* Opens the result file of a job that succeeded and has one: the fd, or -1.  *type: its Content-Type. */
int jobs_open_result(struct jobs *jobs, int64_t id, const char **type, struct err *err);

#endif
