/*
 * routes.h - requests and replies without HTTP, and the table of what is served.
 *
 * A route is a function from a request to a reply; tests and fuzzers call it
 * as http.c does.  It returns 0 with the reply filled, or -1 with *err: then
 * routes_run() makes the error reply (status by code, wire.h has the body),
 * and what the route wrote is thrown away.
 *
 * Routes run on an event loop or on a worker, never twice at a time with
 * one struct context.  Pointers in a request live until the route returns.
 */
#ifndef SIFD_ROUTES_ROUTES_H
#define SIFD_ROUTES_ROUTES_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "model/registry.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct context;
struct service;

enum http_method { HTTP_GET, HTTP_POST, HTTP_PUT, HTTP_DELETE, HTTP_COUNT };

/* "GET", ... */
const char *http_method_name(enum http_method verb);

struct request {
	enum http_method verb;
	const char *name;   /* what stands for NAME in the path, %-decoded by nobody: names need no escapes */
	size_t name_n;	    /* 0 when the route has none */
	const char *query;  /* behind the '?', raw; "" when there is none */
	const char *accept; /* the header, or "" */
	const char *content_type; /* the header, or "" */
	const char *body;	  /* body_n bytes; NULL when there is none or the route takes a stream */
	size_t body_n;
	void *stream;	 /* what route->open() gave */
	uint64_t age_ms; /* since the request was complete; grows while a route asks to be called again */
};

enum { REPLY_LOCATION_BYTES = 160, REPLY_MODEL_BYTES = REGISTRY_NAME_MAX + 16 };

struct reply {
	int status;	  /* 200 until changed */
	const char *type; /* Content-Type, static; "application/json" until changed */
	struct buf body;
	int file;	     /* instead of the body: a regular file, which the reply owns; -1: none */
	uint64_t file_bytes; /* of it, from its start */
	char location[REPLY_LOCATION_BYTES]; /* header Location, or "" */
	unsigned retry_after_s;		     /* header Retry-After, or 0 */
	const char *allow;		     /* header Allow, static, or NULL */
	const char *cache;		     /* header Cache-Control, static, or NULL */
	unsigned again_ms; /* not yet: call the route again with the same request after so long */

	/* For logs and metrics. */
	char model[REPLY_MODEL_BYTES];
	uint64_t texts, words, known;
};

typedef int route_run(struct context *, const struct request *, struct reply *, struct err *);

struct route {
	const char *path; /* "/v1/jobs/{id}": a part in braces is the request's name */
	enum http_method verb;
	route_run *run;

	/*
	 * What a light request may cost; dearer ones go to the workers.  Cost: bytes of the body + 64
	 * for each JSON string in it.  0: always light; ROUTE_ALWAYS_OFFLOAD: never (it waits for a disk).
	 */
	size_t offload_cost;

	/*
	 * For a body that is a stream (it may come chunked, and may be larger than memory): open() when the
	 * headers are there (name, query, content_type are set; `encoding` is Content-Encoding or ""),
	 * write() for each piece, then run() with request->stream, and drop() always at the end, run() or
	 * not. open() and write() are called on an event loop: no fsync there.
	 */
	void *(*open)(struct context *, const struct request *, const char *encoding, struct err *);
	int (*write)(void *stream, const char *bytes, size_t n, struct err *);
	void (*drop)(void *stream);
};

#define ROUTE_ALWAYS_OFFLOAD 1

/* The table, and the number of its rows. */
extern const struct route routes[];
extern const size_t routes_n;

/*
 * The route for path[0..n) (no query) and verb; *name and *name_n become the part in braces.  NULL: no such
 * path, or, with *allow not NULL ("GET, POST", static), the path has no such verb.
 */
const struct route *routes_find(const char *path, size_t n, enum http_method verb, const char **name,
				size_t *name_n, const char **allow);

/* What the request costs, as above: is it one for the workers? */
bool routes_offload(const struct route *route, const struct request *request);

/* Runs the route; whatever fails becomes the error reply.  `reply` must be fresh from reply_init(). */
void routes_run(const struct route *route, struct context *context, const struct request *request,
		struct reply *reply);

void reply_init(struct reply *reply);
void reply_free(struct reply *reply);

/* The reply is this error from now on: status, body, Retry-After. */
void reply_error(struct reply *reply, const struct err *err);

/*
 * The value of `key` in request->query as an unsigned number, or `otherwise` when it is absent.
 * ERR_INPUT (param: key) when it is no number or above most.
 */
int request_number(uint64_t *value, const struct request *request, const char *key, uint64_t otherwise,
		   uint64_t most, struct err *err);

#endif
