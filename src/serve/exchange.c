#include "serve/exchange.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "routes/metrics.h"
#include "routes/request.h"
#include "routes/service.h"
#include "serve/connections.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum state {
	STATE_NEW,
	STATE_BODY, /* the body is coming */
	STATE_WORK, /* suspended (with a worker, or parked), or resumed to run the route again */
	STATE_DONE, /* the reply is ready, or on its way */
};

struct exchange {
	struct worker_task task; /* first: a task is its exchange */
	struct http *http;
	struct MHD_Connection *connection;
	struct connection *tracked; /* its deadline (connections.h) */
	enum state state;
	struct gate_facts facts;
	const struct route *route; /* NULL: the reply says why */
	struct request request;
	struct reply reply;
	struct err err;	 /* from reading the body; the rest of that is thrown away */
	char *body;	 /* facts.length bytes, once the first has come */
	uint64_t body_n; /* how many have come */
	uint64_t held;	 /* counted in service->inflight_bytes */
	int64_t body_from_ms;
	uint64_t began_ns;
	bool open;	       /* the route's stream is open */
	bool discard;	       /* the rest of the body is thrown away */
	bool close;	       /* close the connection after the reply */
	bool queued;	       /* the library has the reply */
	struct exchange *next; /* parked */
	int64_t wake_ms;
	char id[LIMIT_REQUEST_ID_BYTES + 1];
	size_t url_n; /* of the URL as it came; url[] is empty when that is too long */
	char url[];
};

static struct context *own_context(struct http *http)
{
	struct context *context = pthread_getspecific(http->context);

	if (context)
		return context;
	context = context_new(http->service);
	if (!context)
		return NULL;
	context->event_loop = true;
	context->batcher = http->batcher;
	if (pthread_setspecific(http->context, context) != 0) {
		context_free(context);
		context = NULL;
	}
	return context;
}

static const struct serve_limits *limits(const struct exchange *x)
{
	return &x->http->service->options->limits;
}

/* `ms` after `from`, plus the time that `bytes` may take. */
static void set_deadline(struct exchange *x, enum connection_phase phase, int64_t from, unsigned ms,
			 uint64_t bytes)
{
	if (x->tracked)
		connection_set(x->tracked, phase, from,
			       from + ms + (int64_t)(bytes * 1000 / LIMIT_BYTES_PER_S));
}

/* ---- replies ---- */

static void add_header(struct MHD_Response *response, const char *name, const char *value)
{
	/* It fails when memory is gone; a reply without it is better than none. */
	(void)MHD_add_response_header(response, name, value);
}

static void add_headers(struct exchange *x, struct MHD_Response *response)
{
	const struct reply *r = &x->reply;
	char seconds[16];

	add_header(response, "X-Request-Id", x->id);
	if (r->status != 204)
		add_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, r->type);
	if (r->location[0])
		add_header(response, MHD_HTTP_HEADER_LOCATION, r->location);
	if (r->allow[0])
		add_header(response, MHD_HTTP_HEADER_ALLOW, r->allow);
	if (r->cache)
		add_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, r->cache);
	if (r->retry_after_s) {
		(void)snprintf(seconds, sizeof(seconds), "%u", r->retry_after_s);
		add_header(response, MHD_HTTP_HEADER_RETRY_AFTER, seconds);
	}
	if (x->close || atomic_load_explicit(&x->http->draining, memory_order_relaxed))
		add_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
}

static size_t route_row(const struct exchange *x)
{
	return x->route ? (size_t)(x->route - routes) : routes_n;
}

static void log_request(const struct exchange *x, uint64_t ns, uint64_t bytes)
{
	log_info("request",
		 "id=%s route=%s code=%d bytes_in=%llu bytes_out=%llu texts=%llu words=%llu ms=%.3f model=%s",
		 x->id, x->route ? x->route->path : "other", x->reply.status, (unsigned long long)x->body_n,
		 (unsigned long long)bytes, (unsigned long long)x->reply.texts,
		 (unsigned long long)x->reply.words, (double)ns * 1e-6, x->reply.model);
}

/* The library takes over the body, or the file. */
static struct MHD_Response *make_response(struct reply *r)
{
	struct MHD_Response *response;

	if (r->file >= 0)
		response = MHD_create_response_from_fd64(r->file_bytes, r->file);
	else
		response = MHD_create_response_from_buffer(r->body.len, r->body.data, MHD_RESPMEM_MUST_FREE);
	if (!response)
		return NULL;
	r->body = (struct buf){ 0 };
	r->file = -1;
	return response;
}

/* Hands the reply to the library. */
static enum MHD_Result send_reply(struct exchange *x)
{
	uint64_t bytes = x->reply.file >= 0 ? x->reply.file_bytes : x->reply.body.len;
	struct MHD_Response *response;
	struct context *context = own_context(x->http);
	enum MHD_Result done;
	uint64_t ns;

	x->state = STATE_DONE;
	response = make_response(&x->reply);
	if (!response)
		return MHD_NO;
	add_headers(x, response);
	set_deadline(x, CONNECTION_WRITE, clock_ms(), limits(x)->write_ms, bytes);
	done = MHD_queue_response(x->connection, (unsigned)x->reply.status, response);
	MHD_destroy_response(response);
	x->queued = done == MHD_YES;
	ns = x->began_ns ? clock_ns() - x->began_ns : 0;
	if (context)
		shard_end(context->shard, route_row(x), &x->reply, ns);
	if (x->http->service->options->log_requests)
		log_request(x, ns, bytes);
	return done;
}

static void fill_busy(struct exchange *x, const char *message)
{
	x->reply.retry_after_s = 1;
	reply_refuse(&x->reply, 429, "busy", "", message);
}

/* Refuses before the body, which is never read: the library closes the connection after such a reply. */
static enum MHD_Result refuse(struct exchange *x, const struct gate_refusal *refusal)
{
	struct context *context = own_context(x->http);

	x->close = true;
	if (context)
		shard_refuse(context->shard, refusal->reason);
	reply_refuse(&x->reply, refusal->status, gate_reason_name(refusal->reason), "", refusal->message);
	return send_reply(x);
}

/* ---- the request arrives ---- */

void *exchange_uri(void *cls, const char *uri, struct MHD_Connection *connection)
{
	struct http *http = cls;
	const union MHD_ConnectionInfo *info;
	size_t n = uri ? strlen(uri) : 0;
	size_t kept = n <= LIMIT_URL_BYTES ? n : 0;
	struct err err;
	struct exchange *x = mem_try(1, sizeof(*x) + kept + 1, &err);
	struct context *context = own_context(http);

	if (!x || !context) {
		free(x);
		return NULL; /* exchange_access() then closes the connection */
	}
	x->http = http;
	x->connection = connection;
	x->url_n = n;
	if (kept)
		memcpy(x->url, uri, kept);
	info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	x->tracked = info ? info->socket_context : NULL;
	reply_init(&x->reply);
	shard_begin(context->shard);
	set_deadline(x, CONNECTION_HEADER, clock_ms(), limits(x)->header_ms, 0);
	return x;
}

struct header_list {
	struct gate_header headers[LIMIT_HEADERS + 1];
	size_t n;
};

static enum MHD_Result take_header(void *cls, enum MHD_ValueKind kind, const char *name, size_t name_n,
				   const char *value, size_t value_n)
{
	struct header_list *list = cls;

	(void)kind;
	if (list->n > LIMIT_HEADERS)
		return MHD_NO;
	list->headers[list->n++] = (struct gate_header){
		.name = name, .name_n = name_n, .value = value, .value_n = value ? value_n : 0
	};
	return MHD_YES;
}

static void set_id(struct exchange *x)
{
	unsigned long n;
	uint64_t z;

	if (x->facts.request_id) {
		(void)snprintf(x->id, sizeof(x->id), "%s", x->facts.request_id);
		return;
	}
	/* splitmix64 (Steele, Lea, Flood 2014) of a counter: unique, and says nothing. */
	n = atomic_fetch_add_explicit(&x->http->ids, 1, memory_order_relaxed);
	z = x->http->id_seed + (n + 1) * 0x9E3779B97F4A7C15U;
	z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
	z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
	z ^= z >> 31;
	for (int i = 0; i < 16; i++, z >>= 4)
		x->id[i] = "0123456789abcdef"[z & 15];
}

/* The route, or the reply that says why there is none. */
static void find_route(struct exchange *x)
{
	struct reply *r = &x->reply;

	if (x->facts.method == HTTP_OPTIONS && x->url[0] == '*') {
		r->status = 204;
		return;
	}
	x->route = routes_find(x->url, x->facts.path_n, x->facts.method, &x->request.name, &x->request.name_n,
			       r->allow);
	if (x->route)
		return;
	if (!r->allow[0])
		reply_refuse(r, 404, "not_found", "", "there is nothing under this path; see /openapi.json");
	else if (x->facts.method == HTTP_OPTIONS)
		r->status = 204;
	else
		reply_refuse(r, 405, "method_not_allowed", "",
			     "this path has other methods: see the header Allow");
}

/* Counts bytes that the request will hold; false when all requests together would hold too many. */
static bool hold(struct exchange *x, uint64_t bytes)
{
	atomic_size_t *all = &x->http->service->inflight_bytes;
	size_t before = atomic_fetch_add_explicit(all, bytes, memory_order_relaxed);

	if (before + bytes > limits(x)->inflight_bytes) {
		(void)atomic_fetch_sub_explicit(all, bytes, memory_order_relaxed);
		return false;
	}
	x->held += bytes;
	return true;
}

static enum MHD_Result first_call(struct exchange *x, const char *method, const char *version)
{
	struct header_list list = { .n = 0 };
	struct gate_request request = {
		.version = version, .method = method, .url = x->url, .url_n = x->url_n
	};
	struct gate_refusal refusal;
	bool stream;
	uint64_t most;

	(void)MHD_get_connection_values_n(x->connection, MHD_HEADER_KIND, take_header, &list);
	request.headers = list.headers;
	request.headers_n = list.n;
	if (gate_check(&request, &x->facts, &refusal)) {
		set_id(x);
		return refuse(x, &refusal);
	}
	set_id(x);
	find_route(x);
	x->request.query = x->facts.path_n < x->url_n ? x->url + x->facts.path_n + 1 : "";
	x->request.accept = x->facts.accept ? x->facts.accept : "";
	stream = x->route && x->route->open;
	most = stream ? limits(x)->corpus_bytes : limits(x)->body_bytes;
	if (gate_body(&x->facts, stream, most, &refusal))
		return refuse(x, &refusal);
	x->close = x->facts.chunked;
	x->discard = !x->route;
	if (x->route && !stream &&
	    !hold(x, x->facts.length < LIMIT_AHEAD_BYTES ? x->facts.length : LIMIT_AHEAD_BYTES)) {
		fill_busy(x, "too many bytes of requests are being held; try again");
		x->close = true;
		return send_reply(x);
	}
	if (stream) {
		x->request.stream = routes_open(x->route, own_context(x->http), &x->request,
						x->facts.encoding ? x->facts.encoding : "", &x->err);
		if (!x->request.stream) {
			reply_error(&x->reply, &x->err);
			x->close = true;
			return send_reply(x);
		}
		x->open = true;
	}
	x->state = STATE_BODY;
	x->body_from_ms = clock_ms();
	set_deadline(x, CONNECTION_BODY, x->body_from_ms, limits(x)->body_ms, x->facts.length);
	return MHD_YES;
}

/* An error while the body is coming is reported after it: the library cannot answer before. */
static void fail_body(struct exchange *x)
{
	x->discard = true;
	x->close = true;
	free(x->body);
	x->body = NULL;
}

static void take_stream(struct exchange *x, const char *piece, size_t n)
{
	if (x->body_n + n > limits(x)->corpus_bytes) {
		(void)err_set(&x->err, ERR_TOO_LARGE, "the body is larger than %llu bytes",
			      (unsigned long long)limits(x)->corpus_bytes);
		fail_body(x);
	} else if (x->route->write(x->request.stream, piece, n, &x->err)) {
		fail_body(x);
	}
	/* The length of a chunked body, and so its deadline, is known only as it comes. */
	if (x->facts.chunked)
		set_deadline(x, CONNECTION_BODY, x->body_from_ms, limits(x)->body_ms, x->body_n + n);
}

static void take_bytes(struct exchange *x, const char *piece, size_t n)
{
	uint64_t after = x->body_n + n;

	if (!x->body)
		x->body = malloc(x->facts.length);
	if (!x->body)
		(void)err_set(&x->err, ERR_MEMORY, "no memory is left for the body");
	else if (after > x->held && !hold(x, after - x->held))
		(void)err_set(&x->err, ERR_BUSY, "too many bytes of requests are being held; try again");
	else if (after > x->facts.length)
		(void)err_set(&x->err, ERR_INPUT, "the body is longer than its Content-Length");
	if (x->err.code != ERR_NONE)
		fail_body(x);
	else
		memcpy(x->body + x->body_n, piece, n);
}

static void take_piece(struct exchange *x, const char *piece, size_t n)
{
	if (x->discard)
		; /* read on: the client may read the reply only after it has sent everything */
	else if (x->open)
		take_stream(x, piece, n);
	else
		take_bytes(x, piece, n);
	x->body_n += n;
}

/* ---- the request is done ---- */

/* Suspends the exchange until it is time to run the route again; false in a drain, when none may be. */
static bool park(struct exchange *x, bool suspended)
{
	struct http *http = x->http;
	bool stopping;

	x->wake_ms = clock_ms() + x->reply.again_ms;
	(void)pthread_mutex_lock(&http->lock);
	stopping = http->stopping || atomic_load(&http->draining);
	if (!stopping) {
		if (!suspended)
			MHD_suspend_connection(x->connection);
		x->state = STATE_WORK;
		x->next = http->parked;
		http->parked = x;
		(void)pthread_cond_signal(&http->changed);
	}
	(void)pthread_mutex_unlock(&http->lock);
	return !stopping;
}

void exchange_wake(struct http *http, int64_t now_ms, bool all)
{
	struct exchange **at;

	(void)pthread_mutex_lock(&http->lock);
	for (at = &http->parked; *at;) {
		struct exchange *x = *at;

		if (!all && x->wake_ms > now_ms) {
			at = &x->next;
			continue;
		}
		*at = x->next;
		MHD_resume_connection(x->connection);
	}
	(void)pthread_mutex_unlock(&http->lock);
}

static enum outcome run_route(struct exchange *x, struct context *context)
{
	reply_free(&x->reply);
	reply_init(&x->reply);
	x->request.age_ms = (clock_ns() - x->began_ns) / 1000000;
	return routes_run(x->route, context, &x->request, &x->reply);
}

/* On a worker. */
static void run_task(struct worker_task *task, struct context *context, bool cancelled)
{
	struct exchange *x = (struct exchange *)task;

	if (cancelled)
		reply_refuse(&x->reply, 503, "stopping", "", "the server stops; try another or again");
	else if (run_route(x, context) == ROUTE_AGAIN && park(x, true))
		return;
	x->state = STATE_DONE;
	MHD_resume_connection(x->connection);
}

static enum MHD_Result offload(struct exchange *x, struct workers *workers)
{
	if (!workers_reserve(workers)) {
		fill_busy(x, "too many big requests are waiting; try again");
		return send_reply(x);
	}
	x->state = STATE_WORK;
	x->task.run = run_task;
	MHD_suspend_connection(x->connection);
	workers_push(workers, &x->task);
	return MHD_YES;
}

/* The whole request is there, or it is time to run its route again. */
static enum MHD_Result work(struct exchange *x)
{
	struct context *context = own_context(x->http);

	if (!x->began_ns)
		x->began_ns = clock_ns();
	if (x->tracked)
		connection_set(x->tracked, CONNECTION_WORK, 0, 0);
	if (x->err.code != ERR_NONE)
		reply_error(&x->reply, &x->err);
	if (!x->route || x->err.code != ERR_NONE || !context)
		return context ? send_reply(x) : MHD_NO;
	x->request.body = x->body;
	x->request.body_n = x->body ? x->body_n : 0;
	switch (run_route(x, context)) {
	case ROUTE_OFFLOAD:
		return offload(x, x->http->workers);
	case ROUTE_BATCH:
		if (hold(x, x->body_n * LIMIT_JSON_RATIO))
			return offload(x, x->http->lstm_workers);
		fill_busy(x, "too many bytes of requests are being held; try again");
		break;
	case ROUTE_AGAIN:
		if (park(x, false))
			return MHD_YES;
		break;
	case ROUTE_DONE:
		break;
	}
	return send_reply(x);
}

enum MHD_Result exchange_access(void *http, struct MHD_Connection *connection, const char *url,
				const char *method, const char *version, const char *piece, size_t *piece_n,
				void **exchange)
{
	struct exchange *x = *exchange;

	(void)http;
	(void)connection;
	(void)url;
	if (!x)
		return MHD_NO;
	switch (x->state) {
	case STATE_NEW:
		/* Answering a good request already now would close its connection. */
		return first_call(x, method, version);
	case STATE_BODY:
		if (*piece_n == 0)
			return work(x);
		take_piece(x, piece, *piece_n);
		*piece_n = 0;
		return MHD_YES;
	case STATE_WORK:
		return work(x);
	case STATE_DONE:
	default:
		return x->queued ? MHD_YES : send_reply(x);
	}
}

void exchange_completed(void *cls, struct MHD_Connection *connection, void **exchange,
			enum MHD_RequestTerminationCode why)
{
	struct http *http = cls;
	struct exchange *x = *exchange;
	struct context *context = own_context(http);

	(void)connection;
	(void)why;
	if (!x)
		return;
	*exchange = NULL;
	if (!x->queued && context)
		shard_lost(context->shard);
	if (x->open)
		x->route->drop(x->request.stream);
	if (x->held)
		(void)atomic_fetch_sub_explicit(&http->service->inflight_bytes, x->held,
						memory_order_relaxed);
	set_deadline(x, CONNECTION_IDLE, clock_ms(), limits(x)->idle_ms, 0);
	reply_free(&x->reply);
	json_decref(x->request.json);
	free(x->body);
	free(x);
}
