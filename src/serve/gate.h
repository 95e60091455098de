/*
 * gate.h - checks a request's line and headers before a byte of its body is read.
 *
 * libmicrohttpd 0.9.75 accepts requests about whose end two readers of the connection may disagree (both
 * kinds of length, two lengths, odd transfer codings): request smuggling.  The gate refuses those, and
 * everything too large.  It works on a struct, without an HTTP library, so that tests and fuzzers reach it.
 * Pure; any thread.
 *
 * The connection of a refused request must be closed, since it is in doubt where the request ends.
 */
#ifndef SIFD_SERVE_GATE_H
#define SIFD_SERVE_GATE_H

#include "routes/metrics.h"
#include "routes/routes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gate_header {
	const char *name;
	size_t name_n;
	const char *value; /* 0-terminated; NULL: none */
	size_t value_n;
};

struct gate_request {
	const char *version; /* "HTTP/1.1" */
	const char *method;
	const char *url; /* as it came, query included, not decoded */
	size_t url_n;
	const struct gate_header *headers;
	size_t headers_n;
};

/* The facts about a request that passed; pointers are into the headers. */
struct gate_facts {
	enum http_method method;
	bool http10;
	size_t path_n; /* of the url, up to the '?' */
	bool has_length;
	uint64_t length; /* 0 without Content-Length */
	bool chunked;
	bool close;		/* Connection: close, or 1.0 without keep-alive */
	const char *encoding;	/* Content-Encoding when it is not identity, or NULL */
	const char *request_id; /* X-Request-Id if it is safe to repeat, or NULL */
	const char *accept;	/* or NULL */
};

struct gate_refusal {
	int status;
	enum gate_reason reason;
	const char *message; /* static */
};

/* 0 with *facts, or -1 with *refusal. */
int gate_check(const struct gate_request *request, struct gate_facts *facts, struct gate_refusal *refusal);

/*
 * Checks what the headers say about the body, once the route is known: at most `most` bytes; only a route
 * that takes a stream takes a chunked or compressed body.  0, or -1 with *refusal.
 */
int gate_body(const struct gate_facts *facts, bool stream, uint64_t most, struct gate_refusal *refusal);

#endif
