/*
 * job_request.h - what a job is asked to do: the JSON of POST /v1/jobs, checked, as options of the engine.
 *
 * Read twice: when the job is accepted, and from its record when it runs.
 */
#ifndef SIFD_JOBS_JOB_REQUEST_H
#define SIFD_JOBS_JOB_REQUEST_H

#include "base/json.h"
#include "embed/fit.h"
#include "jobs/store.h"
#include "learn/alacarte.h"
#include "learn/grow.h"
#include "learn/train.h"
#include "model/import.h"

struct buf;
struct err;

enum job_type { JOB_FIT, JOB_IMPORT, JOB_TRAIN, JOB_EMBED, JOB_EVAL, JOB_TYPES };

enum job_form { JOB_NPY, JOB_JSONL };

/* Of a train job.  Files are left to the worker. */
struct job_train {
	unsigned learn; /* enum train_learn, or LEARN_ALACARTE (learn/params.h) */
	bool scored;	/* it learns from `scored`, else from `pairs`; alacarte from neither */
	size_t files_n; /* the first so many of the corpora; those behind them are the dev sets */
	struct train_options pairs;
	struct alacarte_options alacarte;
};

/* Strings are those of the JSON object, which must outlive it. */
struct job_request {
	enum job_type type;
	const char *model;  /* NAME or NAME:METHOD; "": the default one */
	const char *output; /* of fit, import and train: the name that the new model gets */

	const char *corpora[LIMIT_JOB_CORPORA];
	size_t corpora_n;
	/* Texts or pairs of the request in place of corpora (of a train job: of its files); not checked here.
	 */
	bool has_texts;

	struct fit_options fit;
	size_t new_words; /* of a fit: learn/grow.h */
	bool overlay;	  /* of a fit: unless it has new words */

	struct import_options import; /* path and counts are left to the worker */
	const char *vectors;	      /* a file of the imports folder, or NULL: the corpus */
	const char *counts;	      /* the same, or NULL */

	struct job_train train;

	const char
		*methods[LIMIT_JOB_METHODS]; /* of eval, embed and train (at most one); none: the model's */
	size_t methods_n;
	bool normalize;
	enum job_form form;
};

/* ERR_INPUT with the member's name as param. */
int job_request_read(struct job_request *spec, json_t *object, struct err *err);

const char *job_type_name(enum job_type type);

/* Appends the schema of such an object, for /openapi.json. */
void job_request_put_schema(struct buf *to);

/* The member that a train job's corpus number i (0..corpora_n) is named in. */
const char *job_train_member(const struct job_request *spec, size_t i);

#endif
