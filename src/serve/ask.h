/*
 * ask.h - what the model routes have in common: which model, and how an answer begins.
 */
#ifndef SIFD_SERVE_ASK_H
#define SIFD_SERVE_ASK_H

#include "base/json.h"

struct context;
struct err;
struct reply;
struct sentence;

/*
 * The sentence that the members "model" and "method" ask for, with its name ("NAME" or "NAME:METHOD", as
 * asked; the default's when absent) in reply->model.  NULL with *err.
 */
struct sentence *ask_model(struct context *context, const json_t *object, struct reply *reply,
			   struct err *err);

/* Appends {"model":...,"method":... to the reply. */
void ask_begin(struct reply *reply, const struct sentence *s);

#endif
