#include "routes/routes.h"

#include "base/arena.h"
#include "base/json_fields.h"
#include "base/limits.h"
#include "base/log.h"
#include "routes/request.h"
#include "routes/serve_options.h"
#include "routes/service.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char type_json[] = "application/json";

const char *http_method_name(enum http_method method)
{
	static const char *const names[] = {
		[HTTP_GET] = "GET",	[HTTP_HEAD] = "HEAD",	  [HTTP_POST] = "POST",
		[HTTP_PUT] = "PUT",	[HTTP_DELETE] = "DELETE", [HTTP_OPTIONS] = "OPTIONS",
		[HTTP_OTHER] = "other",
	};

	return names[method];
}

/* A part of the pattern in braces takes one or more bytes of path[0..n), up to the next slash. */
static bool matches(const char *pattern, const char *path, size_t n, const char **name, size_t *name_n)
{
	const char *brace = strchr(pattern, '{');
	size_t fixed = brace ? (size_t)(brace - pattern) : strlen(pattern);
	const char *rest, *end;

	*name = "";
	*name_n = 0;
	if (n < fixed || memcmp(path, pattern, fixed) != 0)
		return false;
	if (!brace)
		return n == fixed;
	rest = strchr(brace, '}') + 1;
	end = memchr(path + fixed, '/', n - fixed);
	if (!end)
		end = path + n;
	*name = path + fixed;
	*name_n = (size_t)(end - *name);
	return *name_n > 0 && strlen(rest) == (size_t)(path + n - end) &&
	       memcmp(rest, end, strlen(rest)) == 0;
}

const struct route *routes_find(const char *path, size_t n, enum http_method method, const char **name,
				size_t *name_n, char allow[REPLY_ALLOW_BYTES])
{
	unsigned has = 0; /* bits of enum http_method */
	size_t used = 0;

	allow[0] = '\0';
	if (method == HTTP_HEAD)
		method = HTTP_GET;
	for (size_t i = 0; i < routes_n; i++) {
		if (!matches(routes[i].path, path, n, name, name_n))
			continue;
		if (routes[i].method == method)
			return &routes[i];
		has |= 1U << routes[i].method;
	}
	if (!has)
		return NULL;
	if (has & 1U << HTTP_GET)
		has |= 1U << HTTP_HEAD;
	has |= 1U << HTTP_OPTIONS;
	for (int i = 0; i < HTTP_OTHER; i++)
		if (has & 1U << i)
			used += (size_t)snprintf(allow + used, REPLY_ALLOW_BYTES - used, "%s%s",
						 used ? ", " : "", http_method_name((enum http_method)i));
	return NULL;
}

static void drop_file(struct reply *reply)
{
	if (reply->file >= 0)
		(void)close(reply->file);
	reply->file = -1;
}

void reply_init(struct reply *reply)
{
	*reply = (struct reply){ .status = 200, .type = type_json, .file = -1 };
}

void reply_free(struct reply *reply)
{
	buf_free(&reply->body);
	drop_file(reply);
}

void reply_refuse(struct reply *reply, int status, const char *code, const char *param, const char *message)
{
	struct buf *to = &reply->body;

	buf_reset(to);
	drop_file(reply);
	reply->status = status;
	reply->type = type_json;
	reply->location[0] = '\0';
	reply->texts = reply->words = reply->known = 0;
	json_put_text(to, "{\"error\":{\"message\":", message);
	buf_printf(to,
		   ",\"type\":\"%s\",\"param\":", status < 500 ? "invalid_request_error" : "server_error");
	json_put_text(to, "", param[0] ? param : NULL);
	buf_printf(to, ",\"code\":\"%s\"}}\n", code);
}

void reply_error(struct reply *reply, const struct err *err)
{
	static const struct {
		int status;
		const char *code;
	} all[] = {
		[ERR_NONE] = { 500, "internal_error" },	  [ERR_INPUT] = { 400, "invalid_value" },
		[ERR_NOT_FOUND] = { 404, "not_found" },	  [ERR_CONFLICT] = { 409, "conflict" },
		[ERR_TOO_LARGE] = { 413, "too_large" },	  [ERR_BUSY] = { 429, "busy" },
		[ERR_FORMAT] = { 500, "internal_error" }, [ERR_IO] = { 500, "internal_error" },
		[ERR_MEMORY] = { 503, "busy" },		  [ERR_CANCELLED] = { 503, "busy" },
	};
	bool no_model = err->code == ERR_NOT_FOUND && strcmp(err->param, "model") == 0;
	int status = all[err->code].status;

	if ((status == 429 || status == 503) && reply->retry_after_s == 0)
		reply->retry_after_s = 1;
	reply_refuse(reply, status, no_model ? "model_not_found" : all[err->code].code, err->param,
		     err->text);
}

bool routes_offload(const struct route *route, const struct request *request)
{
	enum { STRING_COST = 64, SHORTEST = 3 }; /* "", */
	const char *end = request->body + request->body_n;
	size_t quotes = 0;

	if (route->offload_cost == 0 || route->offload_cost == ROUTE_ALWAYS_OFFLOAD)
		return route->offload_cost != 0;
	if (request->body_n > route->offload_cost)
		return true;
	if (request->body_n / SHORTEST * STRING_COST + request->body_n <= route->offload_cost)
		return false;
	for (const char *at = request->body; at < end; at++)
		quotes += *at == '"';
	return request->body_n + quotes / 2 * STRING_COST > route->offload_cost;
}

/* A route that keeps something does so in the state folder. */
static int check_state(const struct route *route, const struct context *context, struct err *err)
{
	if (!route->needs_state || context->service->jobs)
		return 0;
	return err_set(err, ERR_NOT_FOUND,
		       "this server keeps no corpora and no jobs: it was started without --state DIR");
}

void *routes_open(const struct route *route, struct context *context, const struct request *request,
		  const char *encoding, struct err *err)
{
	return check_state(route, context, err) ? NULL : route->open(context, request, encoding, err);
}

static int parse(const struct route *route, const struct context *context, struct request *request,
		 struct err *err)
{
	const struct serve_limits *limits = &context->service->options->limits;

	if (!route->members[0].name || request->json)
		return 0;
	request->json = request_object(request,
				       route->values_per_input * limits->inputs +
					       route->values_per_text * limits->texts + LIMIT_JSON_MEMBERS,
				       err);
	return request->json ? 0 : -1;
}

static int check_members(const struct route *route, json_t *object, struct err *err)
{
	const char *known[ROUTE_MEMBERS + 1] = { NULL };

	for (size_t i = 0; route->members[i].name; i++)
		known[i] = route->members[i].name;
	return route->lenient ? 0 : json_only(object, known, err);
}

static int run(const struct route *route, struct context *context, struct request *request,
	       struct reply *reply, struct err *err)
{
	struct embedder *s;
	int rc;

	if (check_state(route, context, err) || parse(route, context, request, err))
		return -1;
	if (route->run)
		return route->run(context, request, reply, err);
	rc = request_model(&s, context, request->json, reply, err);
	if (rc)
		return rc;
	return check_members(route, request->json, err) ? -1 : route->answer(s, context, request, reply, err);
}

enum outcome routes_run(const struct route *route, struct context *context, struct request *request,
			struct reply *reply)
{
	struct err err = { 0 };
	int rc;

	if (context->event_loop && routes_offload(route, request))
		return ROUTE_OFFLOAD;
	if (route->status)
		reply->status = route->status;
	if (route->type)
		reply->type = route->type;
	rc = run(route, context, request, reply, &err);
	if (rc >= 0 && reply->body.failed)
		rc = err_set(&err, ERR_MEMORY, "no memory is left for the answer");
	if (rc < 0)
		reply_error(reply, &err);
	if (reply->status == 500)
		log_error("request failed", "route=%s error=%s", route->path, err.text);
	arena_reset(&context->arena);
	if (rc > ROUTE_DONE)
		return (enum outcome)rc;
	json_decref(request->json);
	request->json = NULL;
	return ROUTE_DONE;
}
