/* GET /v1/models and /v1/models/NAME: OpenAI's list, with more facts about each model. */
#include "routes/handlers.h"

#include "model/method.h"
#include "model/model.h"
#include "model/registry.h"
#include "routes/request.h"
#include "routes/routes.h"
#include "routes/service.h"

#include <string.h>

static void put_methods(struct buf *to, const struct model *m)
{
	bool first = true;

	buf_text(to, ",\"methods\":[");
	for (int i = 0; i < METHOD_COUNT; i++)
		if (model_has(m, (enum method)i)) {
			buf_printf(to, "%s\"%s\"", first ? "" : ",", method_names[i]);
			first = false;
		}
	buf_byte(to, ']');
}

static void put_entry(struct buf *to, const struct registry_entry *entry)
{
	const struct model *m = entry->model;

	json_put_text(to, "{\"id\":", entry->name);
	buf_printf(to, ",\"object\":\"model\",\"created\":%llu,\"owned_by\":\"sifd\",\"state\":\"ready\"",
		   (unsigned long long)m->created);
	buf_printf(to, ",\"default\":%s,\"version\":%lu,\"method\":\"%s\"",
		   entry->is_default ? "true" : "false", entry->version, method_names[m->facts.method]);
	put_methods(to, m);
	buf_printf(to, ",\"dim\":%zu,\"words\":%zu,\"fitted\":%s,\"sentences\":%llu,\"fingerprint\":\"%s\"}",
		   model_dimension(m, m->facts.method), m->vocab.n, m->facts.fitted ? "true" : "false",
		   (unsigned long long)m->facts.sentences, m->fingerprint);
}

int route_models(struct context *context, const struct request *request, struct reply *reply, struct err *err)
{
	struct registry_entry *entries = NULL;
	size_t n = registry_list(context->service->registry, &entries);

	(void)request;
	(void)err;
	buf_text(&reply->body, "{\"object\":\"list\",\"data\":[");
	for (size_t i = 0; i < n; i++) {
		buf_text(&reply->body, i ? "," : "");
		put_entry(&reply->body, &entries[i]);
	}
	buf_text(&reply->body, "]}\n");
	registry_entries_free(entries, n);
	return 0;
}

int route_model(struct context *context, const struct request *request, struct reply *reply, struct err *err)
{
	struct registry *registry = context->service->registry;
	struct model *m = registry_find(registry, request->name, request->name_n, err);
	struct registry_entry *entries = NULL;
	size_t n;

	if (!m)
		return err_param(err, "model");
	model_release(m);
	n = registry_list(registry, &entries);
	for (size_t i = 0; i < n; i++)
		if (strlen(entries[i].name) == request->name_n &&
		    memcmp(entries[i].name, request->name, request->name_n) == 0)
			put_entry(&reply->body, &entries[i]);
	buf_byte(&reply->body, '\n');
	registry_entries_free(entries, n);
	return 0;
}
