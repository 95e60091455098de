/*
 * job_work_private.h - a running job: what all types of job need, and one function per type.
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

/*
 * The model m over a base in STATE/bases, for a job that will publish an overlay.  Takes over m's reference.
 */
struct model *work_grounded(struct work *w, struct model *m, struct err *err);

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
