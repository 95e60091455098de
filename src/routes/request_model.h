/*
 * request_model.h - which model a request asks, and how the answer names it.
 */
#ifndef SIFD_ROUTES_REQUEST_MODEL_H
#define SIFD_ROUTES_REQUEST_MODEL_H

#include "base/json.h"

struct context;
struct err;
struct reply;
struct embedder;

/*
 * The encoder that the members "model" and "method" ask for, and its name ("NAME" or "NAME:METHOD", as asked;
 * the default's when absent) in reply->model.  The rest is as for context_embedder().
 */
int request_model(struct embedder **s, struct context *context, const json_t *object, struct reply *reply,
		  struct err *err);

/* Appends {"model":...,"method":... to the reply. */
void reply_begin_model(struct reply *reply, const struct embedder *s);

#endif
