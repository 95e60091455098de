#include "routes/wire.h"

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/limits.h"
#include "base/number.h"
#include "routes/routes.h"

#include <math.h>
#include <string.h>

json_t *wire_object(const struct request *request, size_t values, struct err *err)
{
	struct json_limits limits = { .depth = LIMIT_JSON_DEPTH, .nodes = values };
	json_t *object;

	if (request->body_n == 0) {
		(void)err_set(err, ERR_INPUT, "the body is empty; a JSON object was expected");
		return NULL;
	}
	object = json_read(request->body, request->body_n, limits, err);
	if (!object)
		return NULL;
	if (!json_is_object(object)) {
		json_decref(object);
		(void)err_set(err, ERR_INPUT, "the body must be a JSON object");
		return NULL;
	}
	return object;
}

/* The member, or NULL when it is absent or null. */
static const json_t *member(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);

	return json_is_null(value) ? NULL : value;
}

static int expected(const char *name, const char *what, struct err *err)
{
	(void)err_set(err, ERR_INPUT, "`%s` must be %s", name, what);
	return err_param(err, name);
}

int wire_text(const char **value, const json_t *object, const char *name, struct err *err)
{
	const json_t *v = member(object, name);

	if (!v)
		return 0;
	if (!json_is_string(v))
		return expected(name, "a string", err);
	*value = json_string_value(v);
	return 1;
}

int wire_number(double *value, const json_t *object, const char *name, double least, double most,
		struct err *err)
{
	const json_t *v = member(object, name);

	if (!v)
		return 0;
	if (!json_is_number(v) || json_number_value(v) < least || json_number_value(v) > most) {
		(void)err_set(err, ERR_INPUT, "`%s` must be a number from %g to %g", name, least, most);
		return err_param(err, name);
	}
	*value = json_number_value(v);
	return 1;
}

int wire_count(uint64_t *value, const json_t *object, const char *name, uint64_t least, uint64_t most,
	       struct err *err)
{
	const json_t *v = member(object, name);

	if (!v)
		return 0;
	if (!json_is_integer(v) || json_integer_value(v) < 0 || (uint64_t)json_integer_value(v) < least ||
	    (uint64_t)json_integer_value(v) > most) {
		(void)err_set(err, ERR_INPUT, "`%s` must be a whole number from %llu to %llu", name,
			      (unsigned long long)least, (unsigned long long)most);
		return err_param(err, name);
	}
	*value = (uint64_t)json_integer_value(v);
	return 1;
}

int wire_bool(bool *value, const json_t *object, const char *name, struct err *err)
{
	const json_t *v = member(object, name);

	if (!v)
		return 0;
	if (!json_is_boolean(v))
		return expected(name, "true or false", err);
	*value = json_is_true(v);
	return 1;
}

ptrdiff_t wire_texts(const struct text **texts, const json_t *object, const char *name, size_t most,
		     struct arena *arena, struct err *err)
{
	const json_t *array = json_object_get(object, name);
	size_t n = json_array_size(array);
	struct text *to;

	if (!json_is_array(array) || n == 0)
		return expected(name, "an array of at least one string", err);
	if (n > most) {
		(void)err_set(err, ERR_INPUT, "`%s` has %zu texts: at most %zu are allowed in one request",
			      name, n, most);
		return err_param(err, name);
	}
	to = arena_alloc(arena, n, sizeof(*to), err);
	if (!to)
		return -1;
	for (size_t i = 0; i < n; i++) {
		const json_t *text = json_array_get(array, i);

		if (!json_is_string(text)) {
			(void)err_set(err, ERR_INPUT, "`%s[%zu]` must be a string", name, i);
			return err_param(err, name);
		}
		to[i] = (struct text){ .at = json_string_value(text), .n = json_string_length(text) };
	}
	*texts = to;
	return (ptrdiff_t)n;
}

static bool is_among(const char *name, const char *const *known)
{
	for (size_t i = 0; known[i]; i++)
		if (strcmp(name, known[i]) == 0)
			return true;
	return false;
}

int wire_only(json_t *object, const char *const *known, struct err *err)
{
	for (void *at = json_object_iter(object); at; at = json_object_iter_next(object, at)) {
		const char *name = json_object_iter_key(at);
		char list[200] = "";
		size_t used = 0;

		if (is_among(name, known))
			continue;
		for (size_t i = 0; known[i] && used < sizeof(list); i++)
			used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s", i ? ", " : "",
						 known[i]);
		(void)err_set(err, ERR_INPUT, "`%.60s` is not a field of this request; it has %s", name,
			      list);
		return err_param(err, name);
	}
	return 0;
}

void wire_put_float(struct buf *buf, float x)
{
	char *at = buf_reserve(buf, NUMBER_FLOAT_BYTES);

	if (!at)
		return;
	if (!isfinite(x)) {
		buf->failed = true;
		return;
	}
	buf->len += number_put_float(at, x);
}

void wire_put_floats(struct buf *buf, const float *x, size_t n)
{
	char *start = buf_reserve(buf, n * (NUMBER_FLOAT_BYTES + 1) + 2);
	char *at = start;

	if (!start)
		return;
	*at++ = '[';
	for (size_t i = 0; i < n; i++) {
		if (!isfinite(x[i])) {
			buf->failed = true;
			return;
		}
		if (i)
			*at++ = ',';
		at += number_put_float(at, x[i]);
	}
	*at++ = ']';
	buf->len += (size_t)(at - start);
}

void wire_put_base64(struct buf *buf, const void *bytes, size_t n)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *from = bytes;
	char *start = buf_reserve(buf, (n + 2) / 3 * 4 + 2);
	char *at = start;
	size_t i;

	if (!start)
		return;
	*at++ = '"';
	for (i = 0; i + 3 <= n; i += 3) {
		uint32_t v = (uint32_t)from[i] << 16 | (uint32_t)from[i + 1] << 8 | from[i + 2];

		*at++ = digits[v >> 18];
		*at++ = digits[v >> 12 & 63];
		*at++ = digits[v >> 6 & 63];
		*at++ = digits[v & 63];
	}
	if (i < n) {
		uint32_t v = (uint32_t)from[i] << 16 | (i + 1 < n ? (uint32_t)from[i + 1] << 8 : 0);

		*at++ = digits[v >> 18];
		*at++ = digits[v >> 12 & 63];
		*at++ = i + 1 < n ? digits[v >> 6 & 63] : '=';
		*at++ = '=';
	}
	*at++ = '"';
	buf->len += (size_t)(at - start);
}

void wire_put_text(struct buf *buf, const char *text)
{
	json_put_string(buf, text, strlen(text));
}
