#include "routes/wire.h"

#include "base/arena.h"
#include "base/err.h"
#include "base/limits.h"
#include "routes/routes.h"

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

ptrdiff_t wire_texts(const struct text **texts, const json_t *object, const char *name, size_t most,
		     struct arena *arena, struct err *err)
{
	const json_t *array = json_object_get(object, name);
	size_t n = json_array_size(array);
	struct text *to;

	if (!json_is_array(array) || n == 0)
		return json_expected(name, "an array of at least one string", err);
	if (n > most)
		return err_field(err, ERR_INPUT, name,
				 "`%s` has %zu texts: at most %zu are allowed in one request", name, n, most);
	to = arena_alloc(arena, n, sizeof(*to), err);
	if (!to)
		return -1;
	for (size_t i = 0; i < n; i++) {
		const json_t *text = json_array_get(array, i);

		if (!json_is_string(text))
			return err_field(err, ERR_INPUT, name, "`%s[%zu]` must be a string", name, i);
		to[i] = (struct text){ .at = json_string_value(text), .n = json_string_length(text) };
	}
	*texts = to;
	return (ptrdiff_t)n;
}
