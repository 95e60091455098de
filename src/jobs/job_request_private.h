/*
 * job_request_private.h - the parts of job_request.c: members that several types of job have.
 */
#ifndef SIFD_JOBS_JOB_REQUEST_PRIVATE_H
#define SIFD_JOBS_JOB_REQUEST_PRIVATE_H

#include "jobs/job_request.h"
#include "learn/params.h"

/* Goals beside those of training. */
enum {
	GOAL_FIT = 1 << 16,
	GOAL_IMPORT = IMPORT_OF_VECTORS,
	GOAL_EMBED = 1 << 18,
	GOAL_EVAL = 1 << 19,
	GOALS_TRAIN = GOALS_PAIRS | GOAL_ALACARTE,
};

/* Reads the options that the goal has; ERR_INPUT for a member that it has not, or none has. */
int spec_options(struct job_request *spec, unsigned goal, json_t *object, struct err *err);

/* A name of the folder of models, corpora or vectors: never a path. */
int spec_name(const char **name, const json_t *object, const char *member, bool required, struct err *err);

/* A name or an array of names, after the corpora that there are. */
int spec_corpora(struct job_request *spec, const json_t *object, const char *member, struct err *err);

/* `corpus` or `texts`. */
int spec_source(struct job_request *spec, const json_t *object, struct err *err);

/* `model`, which may name a method too, after a colon, or may not. */
int spec_model(struct job_request *spec, bool with_method, const json_t *object, struct err *err);

int spec_train(struct job_request *spec, json_t *object, struct err *err);

#endif
