/*
 * jobs_private.h - between jobs.c (the queue and its thread), job_work.c (what all jobs do) and job_TYPE.c.
 */
#ifndef SIFD_JOBS_JOBS_PRIVATE_H
#define SIFD_JOBS_JOBS_PRIVATE_H

#include "base/progress.h"
#include "jobs/job_request.h"
#include "jobs/jobs.h"
#include "jobs/store.h"

#include <limits.h>
#include <pthread.h>

struct buf;
struct corpus;
struct err;
struct model;

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

/* Appends `before` and then x, or null if it is not finite. */
void put_figure(struct buf *to, const char *before, double x);

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

/* ---- a running job: what all types of job need, and one function per type ---- */

struct work {
	struct jobs *jobs;
	const struct job_record *job;
	struct job_request request;
	char **paths;	     /* of its corpora: (job->corpora_n) */
	struct model *model; /* that the request names; NULL for an import and an eval */
	struct buf *result;
};

/* A reference to the model that the request names, without the method after its colon. */
struct model *work_model(struct work *w, struct err *err);

/* The method asked for: `name`, or the one after the model's colon, or the model's own. */
int work_method(struct work *w, const struct model *m, const char *name, enum method *method,
		struct err *err);

/* What the client calls corpus i, for messages and results. */
const char *work_corpus_name(const struct work *w, size_t i);

/* ERR_CANCELLED when somebody wants the job to end. */
int work_go_on(struct work *w, struct err *err);

/*
 * Records w->result before anything is published: after a crash job_published() can tell whether that
 * happened.
 */
int work_prepare(struct work *w, struct err *err);

/* Opens the corpora as one, or NULL; for corpus_close(). */
struct corpus *work_corpus(const struct work *w, struct err *err);

/* Writes m as a file and puts it into service under the name that the request has.  w->result is complete. */
int work_publish(struct work *w, struct model *m, bool as_overlay, struct err *err);

/* Appends the names of the corpora, as the elements of a JSON array. */
void work_put_sources(struct work *w);

int work_fit(struct work *w, struct err *err);
int work_import(struct work *w, struct err *err);
int work_train(struct work *w, struct err *err);
int work_embed(struct work *w, struct err *err);
int work_eval(struct work *w, struct err *err);

#endif
