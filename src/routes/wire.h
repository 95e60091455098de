/*
 * wire.h - JSON in and out for routes: fields read by name, vectors written fast.
 */
#ifndef SIFD_ROUTES_WIRE_H
#define SIFD_ROUTES_WIRE_H

#include "base/json.h"
#include "embed/similar.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct buf;
struct err;
struct request;

/*
 * The body as a JSON object with at most `values` values.  A new reference.  ERR_INPUT with the byte
 * offset when it is no JSON, no UTF-8 or no object.
 */
json_t *wire_object(const struct request *request, size_t values, struct err *err);

/*
 * A member that is absent or null leaves *value alone and returns 0; one of another type, or outside
 * [least, most], is ERR_INPUT that names it (param) and says what was expected.  1 when it was there.
 */
int wire_text(const char **value, const json_t *object, const char *name, struct err *err);
int wire_number(double *value, const json_t *object, const char *name, double least, double most,
		struct err *err);
int wire_count(uint64_t *value, const json_t *object, const char *name, uint64_t least, uint64_t most,
	       struct err *err);
int wire_bool(bool *value, const json_t *object, const char *name, struct err *err);

/*
 * Member `name` must be an array of 1 to most strings: *texts (from the arena) points into the JSON, which
 * must outlive it.  Returns how many, or -1.
 */
ptrdiff_t wire_texts(const struct text **texts, const json_t *object, const char *name, size_t most,
		     struct arena *arena, struct err *err);

/* ERR_INPUT naming the first member that is not in `known` (ends with NULL). */
int wire_only(json_t *object, const char *const *known, struct err *err);

/* [1,2.5,...]: n floats with 9 significant digits; the buf fails when one is not finite. */
void wire_put_floats(struct buf *buf, const float *x, size_t n);
void wire_put_float(struct buf *buf, float x);

/* "..." of standard base64, padded. */
void wire_put_base64(struct buf *buf, const void *bytes, size_t n);

/* "..." of a 0-terminated text. */
void wire_put_text(struct buf *buf, const char *text);

#endif
