#include "routes/routes.h"

#include "base/log.h"
#include "routes/routes_model.h"
#include "routes/routes_service.h"
#include "routes/routes_state.h"
#include "routes/service.h"
#include "routes/wire.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * Below these costs a request takes a millisecond or less, so that an event loop may run it itself.  The work
 * of an explanation and of a matrix grows with the square of the text.
 */
enum { COST_VECTORS = 16 << 10, COST_SQUARE = 4 << 10 };

const struct route routes[] = {
	{ .path = "/", .verb = HTTP_GET, .run = route_console },
	{ .path = "/live", .verb = HTTP_GET, .run = route_live },
	{ .path = "/ready", .verb = HTTP_GET, .run = route_ready },
	{ .path = "/health", .verb = HTTP_GET, .run = route_ready },
	{ .path = "/metrics", .verb = HTTP_GET, .run = route_metrics },
	{ .path = "/openapi.json", .verb = HTTP_GET, .run = route_openapi },
	{ .path = "/v1/models", .verb = HTTP_GET, .run = route_models },
	{ .path = "/v1/models/{name}", .verb = HTTP_GET, .run = route_model },
	{ .path = "/v1/embeddings",
	  .verb = HTTP_POST,
	  .run = route_embeddings,
	  .offload_cost = COST_VECTORS },
	{ .path = "/v1/similarity", .verb = HTTP_POST, .run = route_similarity, .offload_cost = COST_SQUARE },
	{ .path = "/v1/search", .verb = HTTP_POST, .run = route_search, .offload_cost = COST_SQUARE },
	{ .path = "/v1/explain", .verb = HTTP_POST, .run = route_explain, .offload_cost = COST_SQUARE },
	{ .path = "/v1/tokenize", .verb = HTTP_POST, .run = route_tokenize, .offload_cost = COST_VECTORS },
	{ .path = "/v1/corpora",
	  .verb = HTTP_GET,
	  .run = route_corpora,
	  .offload_cost = ROUTE_ALWAYS_OFFLOAD },
	{ .path = "/v1/corpora/{name}", .verb = HTTP_GET, .run = route_corpus },
	{ .path = "/v1/corpora/{name}",
	  .verb = HTTP_PUT,
	  .run = route_corpus_put,
	  .offload_cost = ROUTE_ALWAYS_OFFLOAD,
	  .open = corpus_open_stream,
	  .write = corpus_write_stream,
	  .drop = corpus_drop_stream },
	{ .path = "/v1/corpora/{name}",
	  .verb = HTTP_DELETE,
	  .run = route_corpus_delete,
	  .offload_cost = ROUTE_ALWAYS_OFFLOAD },
	{ .path = "/v1/jobs", .verb = HTTP_GET, .run = route_jobs, .offload_cost = ROUTE_ALWAYS_OFFLOAD },
	{ .path = "/v1/jobs", .verb = HTTP_POST, .run = route_job_add, .offload_cost = ROUTE_ALWAYS_OFFLOAD },
	{ .path = "/v1/jobs/{id}", .verb = HTTP_GET, .run = route_job },
	{ .path = "/v1/jobs/{id}",
	  .verb = HTTP_DELETE,
	  .run = route_job_cancel,
	  .offload_cost = ROUTE_ALWAYS_OFFLOAD },
	{ .path = "/v1/jobs/{id}/result", .verb = HTTP_GET, .run = route_job_result },
};

const size_t routes_n = sizeof(routes) / sizeof(routes[0]);

const char *http_method_name(enum http_method verb)
{
	static const char *const names[HTTP_COUNT] = { "GET", "POST", "PUT", "DELETE" };

	return names[verb];
}

/* Does path[0..n) match the pattern?  A part in braces takes one or more bytes up to the next slash. */
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

/* The set of verbs as the header Allow has it; HEAD comes with GET. */
static const char *allow_text(unsigned verbs)
{
	static const char *const texts[1 << HTTP_COUNT] = {
		"OPTIONS",
		"GET, HEAD, OPTIONS",
		"POST, OPTIONS",
		"GET, HEAD, POST, OPTIONS",
		"PUT, OPTIONS",
		"GET, HEAD, PUT, OPTIONS",
		"POST, PUT, OPTIONS",
		"GET, HEAD, POST, PUT, OPTIONS",
		"DELETE, OPTIONS",
		"GET, HEAD, DELETE, OPTIONS",
		"POST, DELETE, OPTIONS",
		"GET, HEAD, POST, DELETE, OPTIONS",
		"PUT, DELETE, OPTIONS",
		"GET, HEAD, PUT, DELETE, OPTIONS",
		"POST, PUT, DELETE, OPTIONS",
		"GET, HEAD, POST, PUT, DELETE, OPTIONS",
	};

	return texts[verbs];
}

const struct route *routes_find(const char *path, size_t n, enum http_method verb, const char **name,
				size_t *name_n, const char **allow)
{
	unsigned verbs = 0;

	*allow = NULL;
	for (size_t i = 0; i < routes_n; i++) {
		if (!matches(routes[i].path, path, n, name, name_n))
			continue;
		if (routes[i].verb == verb)
			return &routes[i];
		verbs |= 1U << routes[i].verb;
	}
	if (verbs)
		*allow = allow_text(verbs);
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
	*reply = (struct reply){ .status = 200, .type = "application/json", .file = -1 };
}

void reply_free(struct reply *reply)
{
	buf_free(&reply->body);
	drop_file(reply);
}

static int status_of(enum err_code code)
{
	switch (code) {
	case ERR_INPUT:
		return 400;
	case ERR_NOT_FOUND:
		return 404;
	case ERR_CONFLICT:
		return 409;
	case ERR_TOO_LARGE:
		return 413;
	case ERR_BUSY:
		return 429;
	case ERR_MEMORY:
	case ERR_CANCELLED:
		return 503;
	case ERR_NONE:
	case ERR_FORMAT:
	case ERR_IO:
	default:
		return 500;
	}
}

static const char *code_name(const struct err *err, int status)
{
	switch (status) {
	case 400:
		return "invalid_value";
	case 404:
		return strcmp(err->param, "model") == 0 ? "model_not_found" : "not_found";
	case 409:
		return "conflict";
	case 413:
		return "too_large";
	case 429:
	case 503:
		return "busy";
	default:
		return "internal_error";
	}
}

void reply_error(struct reply *reply, const struct err *err)
{
	int status = status_of(err->code);
	struct buf *to = &reply->body;

	buf_reset(to);
	drop_file(reply);
	reply->status = status;
	reply->type = "application/json";
	reply->location[0] = '\0';
	reply->again_ms = 0;
	reply->texts = reply->words = reply->known = 0;
	if ((status == 429 || status == 503) && reply->retry_after_s == 0)
		reply->retry_after_s = 1;
	buf_text(to, "{\"error\":{\"message\":");
	json_put_text(to, err->text);
	buf_text(to, ",\"type\":\"");
	buf_text(to, status < 500 ? "invalid_request_error" : "server_error");
	buf_text(to, "\",\"param\":");
	if (err->param[0])
		json_put_text(to, err->param);
	else
		buf_text(to, "null");
	buf_printf(to, ",\"code\":\"%s\"}}\n", code_name(err, status));
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

void routes_run(const struct route *route, struct context *context, const struct request *request,
		struct reply *reply)
{
	struct err err = { 0 };
	int done = route->run(context, request, reply, &err);

	if (done == 0 && reply->body.failed)
		done = err_set(&err, ERR_MEMORY, "no memory is left for the answer");
	if (done != 0)
		reply_error(reply, &err);
	if (reply->status == 500)
		log_error("request failed", "route=%s error=%s", route->path, err.text);
	arena_reset(&context->arena);
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
	if (n > most) {
		(void)err_set(err, ERR_INPUT, "`%s` must be a whole number up to %llu", key,
			      (unsigned long long)most);
		return err_param(err, key);
	}
	*value = n;
	return 0;
}
