/*
 * routes.h - requests and replies without HTTP, and the table of what is served.
 *
 * A route is a function from a request to a reply; tests and fuzzers call it as serve/exchange.c does,
 * through routes_run().  Routes run on an event loop or on a worker, one at a time per struct context.
 * Pointers in a request live until the request is done.
 */
#ifndef SIFD_ROUTES_ROUTES_H
#define SIFD_ROUTES_ROUTES_H

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/limits.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct context;
struct embedder;

enum http_method {
	HTTP_GET,
	HTTP_HEAD, /* routes serve it as GET */
	HTTP_POST,
	HTTP_PUT,
	HTTP_DELETE,
	HTTP_OPTIONS,
	HTTP_OTHER, /* a method of RFC 9110 or 5789 that no route has */
};

/* "GET", ...; "other" for HTTP_OTHER. */
const char *http_method_name(enum http_method method);

struct request {
	const char *name;   /* what stands for NAME in the path; not %-decoded: names need no escapes */
	size_t name_n;	    /* 0 when the route has none */
	const char *query;  /* after the '?', raw; "" when there is none */
	const char *accept; /* the header, or "" */
	const char *body;   /* body_n bytes; NULL when there is none or the route takes a stream */
	size_t body_n;
	json_t *json;	 /* the body, parsed by routes_run(): NULL before and when it is done */
	void *stream;	 /* what route->open() gave */
	uint64_t age_ms; /* since the request was complete; grows while a route asks to be called again */
};

enum { REPLY_ALLOW_BYTES = 48, REPLY_LOCATION_BYTES = 160, REPLY_MODEL_BYTES = LIMIT_NAME_BYTES + 16 };

struct reply {
	int status;	  /* the route's, until changed */
	const char *type; /* Content-Type, static; the route's, until changed */
	struct buf body;
	int file;	     /* in place of the body: a regular file, which the reply owns; -1: none */
	uint64_t file_bytes; /* of it, from its start */
	char location[REPLY_LOCATION_BYTES]; /* header Location, or "" */
	char allow[REPLY_ALLOW_BYTES];	     /* header Allow, or "" */
	unsigned retry_after_s;		     /* header Retry-After, or 0 */
	const char *cache;		     /* header Cache-Control, static, or NULL */
	unsigned again_ms;		     /* with ROUTE_AGAIN: after so long */

	/* For logs and metrics. */
	char model[REPLY_MODEL_BYTES];
	uint64_t texts, words, known;
};

/* How a route ended; -1, with *err, when it failed: then routes_run() makes the error reply. */
enum outcome {
	ROUTE_DONE,    /* the reply is ready */
	ROUTE_AGAIN,   /* call it again with the same request; when that cannot be, the reply stands */
	ROUTE_OFFLOAD, /* nothing done yet: run it on a worker, since an event loop would be held up */
	ROUTE_BATCH,   /* nothing done yet: run it on a worker that may wait for the LSTM's batcher */
};

/* Return an enum outcome, or -1. */
typedef int route_run(struct context *, const struct request *, struct reply *, struct err *);
typedef int route_answer(struct embedder *, struct context *, const struct request *, struct reply *,
			 struct err *);

/* A member of a JSON request. */
struct route_member {
	const char *name;
	const char *schema; /* for /openapi.json */
};

enum { ROUTE_MEMBERS = 10 };

/* One row per path and method: the server, /openapi.json, the header Allow and the metrics go by it. */
struct route {
	const char *path; /* "/v1/jobs/{id}": a part in braces is the request's name */
	enum http_method method;
	const char *summary; /* one line for /openapi.json */

	route_run *run;	      /* or */
	route_answer *answer; /* with the encoder that the members "model" and "method" ask for */
	const char *type;     /* Content-Type when all is well; NULL: application/json */
	int status;	      /* when all is well; 0: 200 */
	bool needs_state;     /* ERR_NOT_FOUND without a state folder */
	bool lenient;	      /* unknown members are ignored, as other servers of the same contract do */

	/*
	 * The members of the JSON object in the body, up to one without a name; none: the route takes no
	 * JSON.  put_schema (may be NULL) appends the schema of an object whose members are kept elsewhere.
	 */
	struct route_member members[ROUTE_MEMBERS + 1];
	void (*put_schema)(struct buf *to);
	const char *required; /* the member that must be there, or NULL */
	/* The most JSON values that it holds: so many per text that the limits allow, and some members. */
	unsigned values_per_input, values_per_text;

	/*
	 * What a request may cost on an event loop; dearer ones go to the workers.  The cost is the bytes of
	 * the body + 64 for each JSON string in it.  0: never offloaded; ROUTE_ALWAYS_OFFLOAD: always (it
	 * waits for a disk).
	 */
	size_t offload_cost;

	/*
	 * For a body that is a stream (it may come chunked, and may be larger than memory): routes_open()
	 * when the headers are there (name and query are set; `encoding` is Content-Encoding or ""), write()
	 * for each piece, then run() with request->stream, and drop() always at the end, run() or not. open()
	 * and write() are called on an event loop: no fsync there.
	 */
	void *(*open)(struct context *, const struct request *, const char *encoding, struct err *);
	int (*write)(void *stream, const char *bytes, size_t n, struct err *);
	void (*drop)(void *stream);
};

#define ROUTE_ALWAYS_OFFLOAD 1

/* The table (routes_table.c), and the number of its rows. */
extern const struct route routes[];
extern const size_t routes_n;

/*
 * The route for path[0..n) (no query) and method; *name and *name_n become the part in braces.  NULL when
 * there is none: `allow` becomes the methods that the path has ("GET, HEAD, OPTIONS"), or "" for no such
 * path.
 */
const struct route *routes_find(const char *path, size_t n, enum http_method method, const char **name,
				size_t *name_n, char allow[REPLY_ALLOW_BYTES]);

/* Does the request cost more than an event loop may spend on it? */
bool routes_offload(const struct route *route, const struct request *request);

/* route->open(), for a route that has it. */
void *routes_open(const struct route *route, struct context *context, const struct request *request,
		  const char *encoding, struct err *err);

/*
 * Runs the route.  `reply` must be fresh from reply_init().  Only an event loop's context is ever told to
 * offload; then, and with ROUTE_AGAIN, request->json is kept for the next call, and else freed.
 */
enum outcome routes_run(const struct route *route, struct context *context, struct request *request,
			struct reply *reply);

/* Appends /openapi.json (OpenAPI 3.0.3), written from the table of routes. */
void openapi_write(struct buf *to);

void reply_init(struct reply *reply);
void reply_free(struct reply *reply);

/* The reply is this error from now on, in the shape that all errors have; param: the field at fault, or "".
 */
void reply_refuse(struct reply *reply, int status, const char *code, const char *param, const char *message);

/* The same with the status that goes with err->code, and Retry-After where it is worth trying again. */
void reply_error(struct reply *reply, const struct err *err);

#endif
