#include "routes/request_model.h"

#include "embed/embedder.h"
#include "model/method.h"
#include "routes/routes.h"
#include "routes/service.h"
#include "routes/wire.h"

#include <string.h>

int request_model(struct embedder **s, struct context *context, const json_t *object, struct reply *reply,
		  struct err *err)
{
	const char *model = "";
	const char *method = NULL;
	size_t n;

	if (json_get_text(&model, object, "model", err) < 0 ||
	    json_get_text(&method, object, "method", err) < 0)
		return -1;
	n = strlen(model);
	if (n == 0)
		context_default_name(context, reply->model);
	else if (n < sizeof(reply->model))
		memcpy(reply->model, model, n + 1);
	return context_embedder(s, context, model, n, method, err);
}

void reply_begin_model(struct reply *reply, const struct embedder *s)
{
	buf_text(&reply->body, "{\"model\":");
	json_put_text(&reply->body, reply->model);
	buf_printf(&reply->body, ",\"method\":\"%s\"", method_name(embedder_method(s)));
}
