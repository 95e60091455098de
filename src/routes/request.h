/*
 * request.h - what routes read from a request: its JSON, its texts, its query, and which model it asks.
 */
#ifndef SIFD_ROUTES_REQUEST_H
#define SIFD_ROUTES_REQUEST_H

#include "base/json.h"

#include <stddef.h>
#include <stdint.h>

struct arena;
struct context;
struct embedder;
struct err;
struct reply;
struct request;
struct text;

/*
 * The body as a JSON object with at most `values` values: a new reference.  ERR_INPUT with the byte offset
 * when it is not JSON, not UTF-8 or not an object.
 */
json_t *request_object(const struct request *request, size_t values, struct err *err);

/*
 * Member `name` must be an array of 1 to most strings: *texts (from the arena) points into the JSON, which
 * must outlive it.  Returns how many, or -1.
 */
ptrdiff_t request_texts(const struct text **texts, const json_t *object, const char *name, size_t most,
			struct arena *arena, struct err *err);

/* The text of a JSON string, which must outlive it. */
struct text request_text(const json_t *string);

/*
 * The value of `key` in request->query as an unsigned number, or `otherwise` when it is absent.
 * ERR_INPUT (param: key) when it is no number or above most.
 */
int request_number(uint64_t *value, const struct request *request, const char *key, uint64_t otherwise,
		   uint64_t most, struct err *err);

/*
 * The encoder that the members "model" and "method" ask for, and its name ("NAME" or "NAME:METHOD", as asked;
 * the default's when absent) in reply->model.  The rest is as for context_embedder().
 */
int request_model(struct embedder **s, struct context *context, const json_t *object, struct reply *reply,
		  struct err *err);

/* Appends {"model":...,"method":... to the reply. */
void reply_begin_model(struct reply *reply, const struct embedder *s);

#endif
