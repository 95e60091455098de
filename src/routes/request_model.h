/*
 * request_model.h - what the model routes have in common: which model, and how an answer begins.
 */
#ifndef SIFD_ROUTES_REQUEST_MODEL_H
#define SIFD_ROUTES_REQUEST_MODEL_H

#include "base/json.h"

struct context;
struct err;
struct reply;
struct embedder;

/*
 * The sentence that the members "model" and "method" ask for, with its name ("NAME" or "NAME:METHOD", as
 * asked; the default's when absent) in reply->model.  NULL with *err.
 */
struct embedder *request_model(struct context *context, const json_t *object, struct reply *reply,
			       struct err *err);

/* Appends {"model":...,"method":... to the reply. */
void reply_begin_model(struct reply *reply, const struct embedder *s);

#endif
