/*
 * json.h - the one door to jansson, for small JSON in and out.
 *
 * Everything that reads JSON (requests, safetensors headers, JSONL lines)
 * comes through json_read(), which refuses by size, depth and node count
 * before the library allocates a byte: 4 MB of "[],[],..." would otherwise
 * become 180 MB of objects.  Vectors are never written through jansson (it
 * takes 50 us for 300 floats): see base/number.h.
 */
#ifndef SIFD_BASE_JSON_H
#define SIFD_BASE_JSON_H

#include <jansson.h>
#include <stddef.h>

struct err;
struct buf;

struct json_limits {
	size_t depth; /* nested arrays and objects */
	size_t nodes; /* values, keys included */
};

/* Call once from main before any thread: seeds jansson's hash from the system. */
void json_init(void);

/*
 * The value in text[0..n), strict UTF-8, duplicate keys refused, any JSON
 * value at the top.  A new reference: json_decref() it.  Errors: ERR_INPUT
 * with the byte offset, line and column; ERR_TOO_LARGE naming the limit.
 */
json_t *json_read(const char *text, size_t n, struct json_limits limits, struct err *err);

/* Appends text[0..n) as a JSON string with its quotes; invalid UTF-8 becomes U+FFFD. */
void json_put_string(struct buf *buf, const char *text, size_t n);

/*
 * These append `before` as it is (",\"name\":", "," or ""), and then a value: a 0-terminated text (NULL:
 * null); a float with 9 significant digits; [1,2.5,...].  The buf fails when a float is not finite.
 */
void json_put_text(struct buf *buf, const char *before, const char *text);
void json_put_float(struct buf *buf, const char *before, float x);
void json_put_floats(struct buf *buf, const char *before, const float *x, size_t n);

/* Appends "..." of standard base64, padded. */
void json_put_base64(struct buf *buf, const void *bytes, size_t n);

/* Appends the value, compact, reals with 9 significant digits. */
void json_put(struct buf *buf, const json_t *value);

#endif
