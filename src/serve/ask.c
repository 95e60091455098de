#include "serve/ask.h"

#include "embed/sentence.h"
#include "model/method.h"
#include "serve/routes.h"
#include "serve/service.h"
#include "serve/wire.h"

#include <string.h>

struct sentence *ask_model(struct context *context, const json_t *object, struct reply *reply,
			   struct err *err)
{
	const char *model = "";
	const char *method = NULL;
	size_t n;

	if (wire_text(&model, object, "model", err) < 0 || wire_text(&method, object, "method", err) < 0)
		return NULL;
	n = strlen(model);
	if (n == 0)
		context_default_name(context, reply->model);
	else if (n < sizeof(reply->model))
		memcpy(reply->model, model, n + 1);
	return context_sentence(context, model, n, method, err);
}

void ask_begin(struct reply *reply, const struct sentence *s)
{
	buf_text(&reply->body, "{\"model\":");
	wire_put_text(&reply->body, reply->model);
	buf_printf(&reply->body, ",\"method\":\"%s\"", method_name(sentence_method(s)));
}
