/*
 * service.h - what all requests share (struct service), and what each thread keeps (struct context).
 */
#ifndef SIFD_ROUTES_SERVICE_H
#define SIFD_ROUTES_SERVICE_H

#include "base/arena.h"
#include "embed/embedder.h"
#include "routes/serve_options.h"

#include <stdatomic.h>
#include <stdbool.h>

struct uploads;
struct batcher;
struct jobs;
struct metrics;
struct shard;
struct registry;

/* Made by serve_run(), or by a test; outlives every context. */
struct service {
	const struct serve_options *options;
	struct registry *registry;
	struct jobs *jobs;	 /* NULL without a state folder */
	struct uploads *uploads; /* of the jobs */
	struct metrics *metrics;
	atomic_bool ready; /* models are open, and no drain has begun */

	/* For /metrics. */
	atomic_size_t connections;
	atomic_size_t queued;	      /* offloaded requests waiting */
	atomic_size_t inflight_bytes; /* of bodies */
	atomic_ulong late;	      /* connections cut because the client was too slow */
	atomic_ulong models_refused;  /* files that could not be opened at a reload */
	int64_t started_s;	      /* Unix seconds */
};

enum { CONTEXT_EMBEDDERS = 8 };

/* One per thread. */
struct context {
	struct service *service;
	struct shard *shard; /* of the metrics; owned by them */
	struct arena arena;  /* for the request; reset after it */
	struct {
		struct embedder *embedder;
		uint64_t used; /* the tick of its last use */
	} embedders[CONTEXT_EMBEDDERS];
	uint64_t tick;
	unsigned long puts; /* registry_puts() at the last look */

	/*
	 * Texts of an LSTM run together with those of other requests (batcher), for which a thread must wait.
	 * Workers may; an event loop may not, and hands such a request on unless its client is the only one.
	 */
	struct batcher *batcher; /* borrowed; NULL: texts run alone */
	bool event_loop;
};

/* NULL when memory is gone. */
struct context *context_new(struct service *service);
void context_free(struct context *context);

/*
 * *s becomes the encoder of `model`, as requests name it: "NAME", "NAME:METHOD" or "" (n == 0) for the
 * default model; `method` (may be NULL) goes before the METHOD of the name.  It lives until the next call on
 * this context.  0, ROUTE_BATCH on an event loop when a worker should run it (*s is not set), or -1:
 * ERR_NOT_FOUND (param "model") lists the models, ERR_INPUT (param "method") the methods.
 */
int context_embedder(struct embedder **s, struct context *context, const char *model, size_t n,
		     const char *method, struct err *err);

#endif
