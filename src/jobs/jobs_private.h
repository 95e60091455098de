/*
 * jobs_private.h - between jobs.c (the queue and its thread) and job_work.c (what a job does).
 */
#ifndef SIFD_JOBS_JOBS_PRIVATE_H
#define SIFD_JOBS_JOBS_PRIVATE_H

#include "base/progress.h"
#include "jobs/jobs.h"
#include "jobs/store.h"

#include <limits.h>
#include <pthread.h>

struct buf;
struct err;

/* How far a phase was when somebody last asked: two looks make a rate. */
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
	 * `order` is held while a record and `live` change together, disk included; `lock` is held for a few
	 * lines, and only for the fields below.  A thread that needs both takes `order` first.
	 */
	pthread_mutex_t order;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	int64_t *live; /* ids of the jobs that wait or run */
	size_t live_n, live_room;
	int64_t running; /* 0: none */
	bool unwanted;	 /* the client of the running one wants it to end */
	bool stopping;
	struct job_look look;
	struct job_tally tally[JOB_TYPES][JOB_STATES];
	struct progress progress; /* of the running one */

	bool has_thread;
	pthread_t thread;
};

/* Does the job, to the end or until progress->cancel.  Appends its result, a JSON object. */
int job_work(struct jobs *jobs, const struct job_record *job, struct buf *result, struct err *err);

/* Is what the job was about to publish in place?  Then the process died between that and recording it. */
bool job_published(struct jobs *jobs, const struct job_record *job);

/* Did its last run, which the end of the process cut off, write a checkpoint? */
bool job_went_on(const struct jobs *jobs, const struct job_record *job);

/* Removes the file in which a train job keeps its state (learn/checkpoint.h), if it has one. */
void job_checkpoint_drop(const struct jobs *jobs, int64_t id);

/* Removes the checkpoints of jobs that are not live. */
void job_checkpoints_sweep(struct jobs *jobs);

/* Makes the folders of STATE; removes temporary files that a crash left in them. */
int job_folders_open(struct jobs *jobs, struct err *err);

/* Removes the files of STATE/bases that no model needs as its base any more. */
void job_bases_sweep(struct jobs *jobs);

/* The path of a file in the state folder; job_folders_open() has checked that names fit. */
void state_path(const struct jobs *jobs, char to[PATH_MAX], const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Formats for state_path(), with the job's id as a long long. */
#define JOB_RESULT "results/%lld"
#define JOB_CHECKPOINT "checkpoints/%lld"

#endif
