/*
 * wire.h - the JSON of a request: its object, and the texts in it.
 */
#ifndef SIFD_ROUTES_WIRE_H
#define SIFD_ROUTES_WIRE_H

#include "base/json.h"
#include "base/json_fields.h"
#include "embed/embedder.h"

#include <stddef.h>

struct arena;
struct err;
struct request;

/*
 * The body as a JSON object with at most `values` values: a new reference.  ERR_INPUT with the byte offset
 * when it is not JSON, not UTF-8 or not an object.
 */
json_t *wire_object(const struct request *request, size_t values, struct err *err);

/*
 * Member `name` must be an array of 1 to most strings: *texts (from the arena) points into the JSON, which
 * must outlive it.  Returns how many, or -1.
 */
ptrdiff_t wire_texts(const struct text **texts, const json_t *object, const char *name, size_t most,
		     struct arena *arena, struct err *err);

#endif
