/*
 * service.h - what all requests share, and what one thread keeps for its own.
 */
#ifndef SIFD_SERVE_SERVICE_H
#define SIFD_SERVE_SERVICE_H

#include "base/arena.h"
#include "embed/sentence.h"
#include "serve/server.h"

#include <stdatomic.h>
#include <stdbool.h>

struct depot;
struct jobs;
struct metrics;
struct shelf;

/* Made by serve_run(), or by a test for itself; outlives every context. */
struct service {
	const struct serve_options *options;
	struct shelf *shelf;
	struct jobs *jobs;   /* NULL without a state folder: job routes answer ERR_NOT_FOUND */
	struct depot *depot; /* the same for corpora */
	struct metrics *metrics;
	atomic_bool ready; /* models are open and it is not draining */
};

enum { CONTEXT_SENTENCES = 8 };

/* One a thread. */
struct context {
	struct service *service;
	struct arena arena; /* of the request; reset behind it */
	struct {
		struct sentence *sentence;
		uint64_t used; /* the tick of its last use */
	} sentences[CONTEXT_SENTENCES];
	uint64_t tick;
};

struct context *context_new(struct service *service);
void context_free(struct context *context);

/*
 * A sentence for `model`, as requests name it: "NAME", "NAME:METHOD" or "" (n == 0) for the default model;
 * `method` (may be NULL) goes before the METHOD of the name.  It lives until the next call on this
 * context.  ERR_NOT_FOUND (param "model") lists the models, ERR_INPUT (param "method") the methods.
 */
struct sentence *context_sentence(struct context *context, const char *model, size_t n, const char *method,
				  struct err *err);

/* Lets go of every model, so that replaced ones can be unmapped. */
void context_forget(struct context *context);

#endif
