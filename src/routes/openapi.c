/* /openapi.json, written from the table of routes. */
#include "base/buf.h"
#include "base/json.h"
#include "routes/routes.h"

#include <stdbool.h>
#include <string.h>

#define TEXT "{\"type\":\"string\"}"

static void put_parameter(struct buf *to, const char *path)
{
	const char *brace = strchr(path, '{');

	if (brace)
		buf_printf(to,
			   ",\"parameters\":[{\"name\":\"%.*s\",\"in\":\"path\",\"required\":true,"
			   "\"schema\":" TEXT "}]",
			   (int)strcspn(brace + 1, "}"), brace + 1);
}

static void put_members(struct buf *to, const struct route *route)
{
	buf_text(to, ",\"requestBody\":{\"required\":true,\"content\":{\"application/json\":{\"schema\":");
	if (route->put_schema) {
		route->put_schema(to);
		buf_text(to, "}}}");
		return;
	}
	buf_text(to, "{\"type\":\"object\",\"properties\":{");
	for (const struct route_member *m = route->members; m->name; m++)
		buf_printf(to, "%s\"%s\":%s", m > route->members ? "," : "", m->name, m->schema);
	buf_byte(to, '}');
	if (route->required)
		buf_printf(to, ",\"required\":[\"%s\"]", route->required);
	buf_text(to, "}}}}");
}

static void put_operation(struct buf *to, const struct route *route)
{
	static const char *const names[] = {
		[HTTP_GET] = "get", [HTTP_POST] = "post", [HTTP_PUT] = "put", [HTTP_DELETE] = "delete"
	};
	const char *type = route->type ? route->type : "application/json";

	buf_printf(to, "\"%s\":{\"summary\":", names[route->method]);
	json_put_text(to, "", route->summary);
	put_parameter(to, route->path);
	if (route->members[0].name)
		put_members(to, route);
	else if (route->open)
		buf_text(to, ",\"requestBody\":{\"required\":true,\"content\":{\"application/octet-stream\":{"
			     "\"schema\":{\"type\":\"string\",\"format\":\"binary\"}}}}");
	buf_printf(to,
		   ",\"responses\":{\"%d\":{\"description\":\"done\",\"content\":{\"%.*s\":{}}},"
		   "\"default\":{\"$ref\":\"#/components/responses/error\"}}}",
		   route->status ? route->status : 200, (int)strcspn(type, ";"), type);
}

void openapi_write(struct buf *to)
{
	buf_text(to, "{\"openapi\":\"3.0.3\",\"info\":{\"title\":\"sifd\",\"version\":\"" SIFD_VERSION
		     "\",\"description\":\"Sentence vectors and similarity scores from word vectors.\"},"
		     "\"paths\":{");
	for (size_t i = 0; i < routes_n; i++) {
		bool begins = i == 0 || strcmp(routes[i].path, routes[i - 1].path) != 0;

		if (begins) {
			json_put_text(to, i ? "}," : "", routes[i].path);
			buf_text(to, ":{");
		} else {
			buf_byte(to, ',');
		}
		put_operation(to, &routes[i]);
	}
	buf_text(to, "}},\"components\":{\"responses\":{\"error\":{\"description\":\"what went "
		     "wrong\",\"content\":{"
		     "\"application/"
		     "json\":{\"schema\":{\"type\":\"object\",\"required\":[\"error\"],\"properties\":{"
		     "\"error\":{\"type\":\"object\",\"required\":[\"message\",\"type\",\"param\",\"code\"],"
		     "\"properties\":{\"message\":" TEXT ",\"type\":" TEXT
		     ",\"param\":{\"type\":\"string\",\"nullable\":true},"
		     "\"code\":{\"type\":\"string\",\"nullable\":true}}}}}}}}}}}\n");
}
