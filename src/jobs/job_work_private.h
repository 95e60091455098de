/*
 * job_work_private.h - the parts of job_work.c: one function a type of job.
 */
#ifndef SIFD_JOBS_JOB_WORK_PRIVATE_H
#define SIFD_JOBS_JOB_WORK_PRIVATE_H

#include "jobs/job_request.h"
#include "jobs/jobs_private.h"

struct model;
struct embedder;

struct work {
	struct jobs *jobs;
	const struct job_record *job;
	struct job_request request;
	char **paths; /* of its corpora: (job->corpora_n) */
	struct buf *result;
};

/* The model that request->model names, without the method behind its colon: a reference. */
struct model *work_model(struct work *w, struct err *err);

/* The method asked for: `name`, or that behind the colon, or the model's own. */
int work_method(struct work *w, const struct model *m, const char *name, enum method *method,
		struct err *err);

/* What the corpora are called by the client: for messages and results. */
const char *work_corpus_name(const struct work *w, size_t i);

/* Has somebody asked for an end?  ERR_CANCELLED. */
int work_go_on(struct work *w, struct err *err);

/* Before something gets its place for all to see: what it will be is on record.  Then a crash is no riddle.
 */
int work_prepare(struct work *w, struct err *err);

/*
 * m over a vectors file in STATE/bases, for a model that will be published as an overlay.  Takes m's
 * reference.
 */
struct model *work_grounded(struct work *w, struct model *m, struct err *err);

/* m as a file, and into service under its name.  Its result is in w->result. */
int work_publish(struct work *w, struct model *m, bool as_overlay, struct err *err);

/* The names of the corpora, as members of an array. */
void work_put_sources(struct work *w);

int work_train(struct work *w, struct err *err);
int work_embed(struct work *w, struct err *err);
int work_eval(struct work *w, struct err *err);

#endif
