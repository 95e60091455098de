/*
 * job_spec.h - what a job is asked to do: the JSON of POST /v1/jobs, checked, as options of the engine.
 *
 * Read twice: when the job is accepted, and from its record when it runs.
 */
#ifndef SIFD_SERVE_JOB_SPEC_H
#define SIFD_SERVE_JOB_SPEC_H

#include "base/json.h"
#include "embed/fit.h"
#include "model/import.h"
#include "serve/store.h"

struct err;

enum job_type { JOB_FIT, JOB_IMPORT, JOB_EMBED, JOB_EVAL, JOB_TYPES };

enum job_form { JOB_NPY, JOB_JSONL };

enum { JOB_METHODS_MAX = 8 };

/* Strings are those of the JSON object, which must outlive it. */
struct job_spec {
	enum job_type type;
	const char *model;  /* NAME or NAME:METHOD; "": the default one */
	const char *output; /* of fit and import: the name that the new model gets */

	const char *corpora[STORE_JOB_CORPORA];
	size_t corpora_n;
	bool has_texts; /* instead of corpora; their number is not checked here */

	struct fit_options fit;
	bool overlay;

	struct import_options import; /* path and counts are left to the worker */
	const char *vectors;	      /* a file of the imports folder, or NULL: the corpus */
	const char *counts;	      /* the same, or NULL */

	const char *methods[JOB_METHODS_MAX]; /* of embed (at most one) and eval; none: the model's */
	size_t methods_n;
	bool normalize;
	enum job_form form;
};

/* ERR_INPUT with the member's name as param. */
int job_spec_read(struct job_spec *spec, json_t *object, struct err *err);

const char *job_type_name(enum job_type type);

#endif
