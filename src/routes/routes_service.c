/* The routes about the daemon itself. */
#include "routes/handlers.h"

#include "routes/service.h"

#include <stdatomic.h>

int route_live(struct context *context, const struct request *request, struct reply *reply, struct err *err)
{
	(void)context;
	(void)request;
	(void)err;
	reply->cache = "no-store";
	buf_text(&reply->body, "{\"status\":\"live\",\"version\":\"" SIFD_VERSION "\"}\n");
	return 0;
}

int route_ready(struct context *context, const struct request *request, struct reply *reply, struct err *err)
{
	(void)request;
	(void)err;
	reply->cache = "no-store";
	if (atomic_load_explicit(&context->service->ready, memory_order_acquire)) {
		buf_text(&reply->body, "{\"status\":\"ready\"}\n");
		return 0;
	}
	reply->status = 503;
	reply->retry_after_s = 1;
	buf_text(&reply->body, "{\"status\":\"not ready\"}\n");
	return 0;
}

int route_openapi(struct context *context, const struct request *request, struct reply *reply,
		  struct err *err)
{
	(void)context;
	(void)request;
	(void)err;
	openapi_write(&reply->body);
	return 0;
}
