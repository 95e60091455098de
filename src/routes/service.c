#include "routes/service.h"

#include "base/err.h"
#include "base/limits.h"
#include "base/mem.h"
#include "model/method.h"
#include "model/model.h"
#include "model/registry.h"
#include "routes/metrics.h"
#include "routes/routes.h"

#include <stdlib.h>
#include <string.h>

struct context *context_new(struct service *service)
{
	struct err err;
	struct context *context = mem_try(1, sizeof(*context), &err);

	if (!context)
		return NULL;
	context->service = service;
	context->shard = metrics_shard(service->metrics);
	if (!context->shard) {
		free(context);
		return NULL;
	}
	arena_init(&context->arena, LIMIT_ARENA_BYTES);
	return context;
}

/* Frees the embedders, so that the models they hold can be unmapped. */
static void context_forget(struct context *context)
{
	for (size_t i = 0; i < CONTEXT_EMBEDDERS; i++) {
		embedder_free(context->embedders[i].embedder);
		context->embedders[i].embedder = NULL;
	}
}

void context_free(struct context *context)
{
	if (!context)
		return;
	context_forget(context);
	arena_free(&context->arena);
	free(context);
}

/* The slot of this model and method, or of the embedder that was not used for longest. */
static size_t choose_slot(const struct context *context, const struct model *m, enum method method)
{
	size_t oldest = 0;

	for (size_t i = 0; i < CONTEXT_EMBEDDERS; i++) {
		const struct embedder *s = context->embedders[i].embedder;

		if (s && embedder_model(s) == m && embedder_method(s) == method)
			return i;
		if (context->embedders[i].used < context->embedders[oldest].used)
			oldest = i;
	}
	return oldest;
}

static struct embedder *use(struct context *context, struct model *m, enum method method, struct err *err)
{
	size_t slot = choose_slot(context, m, method);
	struct embedder **s = &context->embedders[slot].embedder;

	if (!*s) {
		*s = embedder_new(m, method, err);
	} else if (embedder_use(*s, m, method, err)) {
		embedder_free(*s);
		*s = NULL;
	}
	if (*s)
		embedder_use_batcher(*s, context->batcher);
	context->embedders[slot].used = ++context->tick;
	return *s;
}

/* A model that lost its name would stay mapped by the embedders of threads that are not asked for it again.
 */
static void forget_replaced(struct context *context)
{
	unsigned long puts = registry_puts(context->service->registry);

	if (puts == context->puts)
		return;
	context_forget(context);
	context->puts = puts;
}

/* LSTM requests go to workers to be batched, unless this is the only connection: then nothing is gained. */
static bool should_batch(const struct context *context, const struct model *m, enum method method)
{
	return context->event_loop && method_recurrent(method) && m->lstm.h &&
	       atomic_load_explicit(&context->service->connections, memory_order_relaxed) > 1;
}

int context_embedder(struct embedder **s, struct context *context, const char *model, size_t n,
		     const char *method, struct err *err)
{
	const char *colon = n ? memchr(model, ':', n) : NULL;
	size_t name_n = colon ? (size_t)(colon - model) : n;
	char named[32] = "";
	enum method chosen;
	struct model *m;
	int rc;

	if (colon && n - name_n - 1 < sizeof(named))
		memcpy(named, colon + 1, n - name_n - 1);
	else if (colon)
		named[0] = '?';
	forget_replaced(context);
	m = registry_find(context->service->registry, model, name_n, err);
	if (!m)
		return -1;
	rc = method_choose(&chosen, m, method && *method ? method : named, err);
	if (rc == 0 && should_batch(context, m, chosen)) {
		rc = ROUTE_BATCH;
	} else if (rc == 0) {
		*s = use(context, m, chosen, err);
		rc = *s ? 0 : -1;
	}
	model_release(m);
	return rc;
}
