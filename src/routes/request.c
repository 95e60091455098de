#include "routes/request.h"

#include "base/arena.h"
#include "base/err.h"
#include "base/json_fields.h"
#include "embed/embedder.h"
#include "model/method.h"
#include "model/registry.h"
#include "routes/routes.h"
#include "routes/service.h"

#include <string.h>

json_t *request_object(const struct request *request, size_t values, struct err *err)
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

struct text request_text(const json_t *string)
{
	return (struct text){ .at = json_string_value(string), .n = json_string_length(string) };
}

ptrdiff_t request_texts(const struct text **texts, const json_t *object, const char *name, size_t most,
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
		to[i] = request_text(text);
	}
	*texts = to;
	return (ptrdiff_t)n;
}

int request_number(uint64_t *value, const struct request *request, const char *key, uint64_t otherwise,
		   uint64_t most, struct err *err)
{
	size_t key_n = strlen(key);
	const char *at = request->query;
	uint64_t n = 0;

	while (strncmp(at, key, key_n) != 0 || at[key_n] != '=') {
		at = strchr(at, '&');
		if (!at) {
			*value = otherwise;
			return 0;
		}
		at++;
	}
	at += key_n + 1;
	if (*at == '\0' || *at == '&')
		n = UINT64_MAX;
	for (int digits = 0; n <= most && *at && *at != '&'; at++, digits++) {
		if (*at < '0' || *at > '9' || digits > 17) {
			n = UINT64_MAX;
			break;
		}
		n = n * 10 + (uint64_t)(*at - '0');
	}
	if (n > most)
		return err_field(err, ERR_INPUT, key, "`%s` must be a whole number up to %llu", key,
				 (unsigned long long)most);
	*value = n;
	return 0;
}

int request_model(struct embedder **s, struct context *context, const json_t *object, struct reply *reply,
		  struct err *err)
{
	const char *model = "";
	const char *method = NULL;
	size_t n;

	if (json_get_text(&model, object, "model", err) < 0 ||
	    json_get_text(&method, object, "method", err) < 0)
		return -1;
	n = strlen(model);
	if (n == 0)
		registry_default(context->service->registry, reply->model);
	else if (n < sizeof(reply->model))
		memcpy(reply->model, model, n + 1);
	return context_embedder(s, context, model, n, method, err);
}

void reply_begin_model(struct reply *reply, const struct embedder *s)
{
	json_put_text(&reply->body, "{\"model\":", reply->model);
	buf_printf(&reply->body, ",\"method\":\"%s\"", method_names[embedder_method(s)]);
}
