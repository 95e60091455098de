/*
 * jobs_private.h - between jobs.c (the queue and its thread) and job_work.c (what a job does).
 */
#ifndef SIFD_JOBS_JOBS_PRIVATE_H
#define SIFD_JOBS_JOBS_PRIVATE_H

#include "base/progress.h"
#include "jobs/jobs.h"
#include "jobs/store.h"

#include <pthread.h>

struct buf;
struct err;

/* What was seen of a phase, so that a rate can be told from two looks. */
struct job_look {
	const char *phase;
	int64_t at_ms;
	uint64_t done;
};

struct jobs {
	struct jobs_options options;
	struct store *store;
	struct uploads *uploads;

	/*
	 * `order` is held while a record changes and `live` with it, disk included; `lock` for the fields
	 * below alone, a few lines long.  Who wants both takes `order` first.
	 */
	pthread_mutex_t order;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	int64_t *live; /* ids of the jobs that wait or run */
	size_t live_n, live_room;
	int64_t running; /* 0: none */
	bool unwanted;	 /* the running one: its client wants it to end */
	bool stopping;
	struct job_look look;
	struct job_tally tally[JOB_TYPES][JOB_STATES];
	struct progress progress; /* of the running one */

	bool has_thread;
	pthread_t thread;
};

/* Does the job, to the end or until progress->cancel.  Appends its result, a JSON object. */
int job_work(struct jobs *jobs, const struct job_record *job, struct buf *result, struct err *err);

/* Does what the result of a running job says stand in its place already?  (The process died just then.) */
bool job_published(struct jobs *jobs, const struct job_record *job);

/* Has this run of it, which the process's end cut off, written a checkpoint? */
bool job_went_on(const struct jobs *jobs, const struct job_record *job);

/* Where a job that learns keeps its state (learn/checkpoint.h). */
void job_checkpoint_path(const struct jobs *jobs, int64_t id, char *to, size_t n);
void job_checkpoint_drop(const struct jobs *jobs, int64_t id);

/* Removes those of jobs that are not live. */
void job_checkpoints_sweep(struct jobs *jobs);

/* Makes the folders of models, results, imports, bases and checkpoints; removes what a crash left in them. */
int job_folders_open(struct jobs *jobs, struct err *err);

/* Removes vectors files that no model of STATE/models stands on any more. */
void job_bases_sweep(struct jobs *jobs);

void job_result_path(const struct jobs *jobs, int64_t id, char *to, size_t n);

#endif
