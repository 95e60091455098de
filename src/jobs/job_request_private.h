/*
 * job_request_private.h - the parts of job_request.c: members that several types of job have.
 */
#ifndef SIFD_JOBS_JOB_REQUEST_PRIVATE_H
#define SIFD_JOBS_JOB_REQUEST_PRIVATE_H

#include "jobs/job_request.h"

enum { SPEC_WORKERS_MAX = 1024 };

/* "`name` must be `expected`", with the name as param. */
int job_request_wrong(struct err *err, const char *name, const char *expected);

/* A name of the folder of models, corpora or vectors: never a path. */
int spec_name(const char **name, const json_t *object, const char *member, bool required, struct err *err);

/* A name or an array of names, behind the corpora that there are. */
int spec_corpora(struct job_request *spec, const json_t *object, const char *member, struct err *err);

/* `corpus` or `texts`. */
int spec_source(struct job_request *spec, const json_t *object, struct err *err);

int spec_model(struct job_request *spec, const json_t *object, struct err *err);
int spec_plain_model(const struct job_request *spec, struct err *err);
int spec_rows_type(enum rows_type *type, const json_t *object, struct err *err); /* `dtype` */
int spec_unit(bool *by_line, const json_t *object, struct err *err);
int spec_workers(size_t *workers, const json_t *object, struct err *err);

int spec_train(struct job_request *spec, json_t *object, struct err *err);

#endif
