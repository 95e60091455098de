/*
 * routes_state.h - the routes that keep something: corpora and jobs.  docs/rest.md has the interface.
 *
 * Without a state folder all of them answer ERR_NOT_FOUND.
 */
#ifndef SIFD_ROUTES_ROUTES_STATE_H
#define SIFD_ROUTES_ROUTES_STATE_H

#include "routes/routes.h"

/* PUT /v1/corpora/{name}: the body is a stream, see struct route. */
void *corpus_open_stream(struct context *context, const struct request *request, const char *encoding,
			 struct err *err);
int corpus_write_stream(void *stream, const char *bytes, size_t n, struct err *err);
void corpus_drop_stream(void *stream);
route_run route_corpus_put;

route_run route_corpora;
route_run route_corpus;
route_run route_corpus_delete;

route_run route_jobs;
route_run route_job_add;
route_run route_job;
route_run route_job_cancel;
route_run route_job_result;

#endif
