/*
 * handlers.h - the functions that the table of routes names; docs/rest.md has their interface and limits.
 */
#ifndef SIFD_ROUTES_HANDLERS_H
#define SIFD_ROUTES_HANDLERS_H

#include "routes/routes.h"

/* The daemon itself.  /ready and /health: models are open and no drain has begun. */
route_run route_console; /* GET /: a page for people, self-contained */
route_run route_live;
route_run route_ready;
route_run route_metrics;
route_run route_openapi;

/* What a model is asked. */
route_run route_models;
route_run route_model;
route_answer route_embeddings;
route_answer route_similarity;
route_answer route_search;
route_answer route_explain;
route_answer route_tokenize;

/* What is kept in the state folder. */
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
