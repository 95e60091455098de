#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "routes/request.h"
#include "routes/routes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static json_t *description(void)
{
	struct buf buf = { 0 };
	struct err err = { 0 };
	json_t *all;

	openapi_write(&buf);
	assert_false(buf.failed);
	all = json_read(buf.data, buf.len, (struct json_limits){ .depth = 32, .nodes = 10000 }, &err);
	if (!all)
		fail_msg("%s", err.text);
	buf_free(&buf);
	return all;
}

static void every_route_is_described_and_nothing_else(void **state)
{
	static const char *const methods[] = {
		[HTTP_GET] = "get", [HTTP_POST] = "post", [HTTP_PUT] = "put", [HTTP_DELETE] = "delete"
	};
	json_t *all = description();
	json_t *paths = json_object_get(all, "paths");
	size_t described = 0;
	const char *path;
	json_t *operations;

	(void)state;
	for (size_t i = 0; i < routes_n; i++) {
		json_t *o =
			json_object_get(json_object_get(paths, routes[i].path), methods[routes[i].method]);

		if (!o)
			fail_msg("%s %s is not described", methods[routes[i].method], routes[i].path);
		assert_true(json_string_length(json_object_get(o, "summary")) > 5);
		assert_int_equal(json_object_get(o, "parameters") != NULL,
				 strchr(routes[i].path, '{') != NULL);
		assert_non_null(json_object_get(json_object_get(o, "responses"), "default"));
	}
	json_object_foreach(paths, path, operations) described += json_object_size(operations);
	assert_int_equal(described, routes_n);
	json_decref(all);
}

/* routes_find() names each row again from a path made of it. */
static void every_route_is_found(void **state)
{
	(void)state;
	for (size_t i = 0; i < routes_n; i++) {
		char path[200];
		const char *brace = strchr(routes[i].path, '{');
		size_t n = brace ? (size_t)(brace - routes[i].path) : strlen(routes[i].path);
		const char *name;
		char allow[REPLY_ALLOW_BYTES];
		size_t name_n;

		memcpy(path, routes[i].path, n);
		if (brace) {
			const char *rest = strchr(brace, '}') + 1;

			path[n++] = 'x';
			memcpy(path + n, rest, strlen(rest));
			n += strlen(rest);
		}
		assert_ptr_equal(routes_find(path, n, routes[i].method, &name, &name_n, allow), &routes[i]);
		assert_int_equal(name_n, brace ? 1 : 0);
	}
}

static void other_paths_and_methods_are_not_found(void **state)
{
	static const char *const none[] = { "",
					    "/v1",
					    "/v1/",
					    "/v1/models/",
					    "/v1/models/a/b",
					    "/v1/modelsx",
					    "/V1/models",
					    "/v1/embeddings/",
					    "//",
					    "/live?" };
	const char *name;
	char allow[REPLY_ALLOW_BYTES];
	size_t name_n;

	(void)state;
	for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
		assert_null(routes_find(none[i], strlen(none[i]), HTTP_GET, &name, &name_n, allow));
		assert_string_equal(allow, "");
	}
	assert_null(routes_find("/v1/embeddings", 14, HTTP_GET, &name, &name_n, allow));
	assert_string_equal(allow, "POST, OPTIONS");
	assert_null(routes_find("/live", 5, HTTP_DELETE, &name, &name_n, allow));
	assert_string_equal(allow, "GET, HEAD, OPTIONS");
}

static bool is_offloaded(enum http_method method, const char *path, const char *body, size_t n)
{
	const char *name;
	char allow[REPLY_ALLOW_BYTES];
	size_t name_n;
	const struct route *route = routes_find(path, strlen(path), method, &name, &name_n, allow);
	struct request request = { .body = body, .body_n = n };

	assert_non_null(route);
	return routes_offload(route, &request);
}

/* By bytes, and by texts: thousands of one letter are dear too. */
static void cost_counts_bytes_and_texts(void **state)
{
	static char body[32 << 10];

	(void)state;
	memset(body, 'x', sizeof(body));
	assert_false(is_offloaded(HTTP_GET, "/metrics", NULL, 0));
	assert_false(is_offloaded(HTTP_POST, "/v1/embeddings", body, 16 << 10));
	assert_true(is_offloaded(HTTP_POST, "/v1/embeddings", body, (16 << 10) + 1));
	assert_true(is_offloaded(HTTP_POST, "/v1/explain", body, (4 << 10) + 1));
	for (size_t i = 0; i < 2048; i++)
		memcpy(body + 4 * i, "\"a\",", 4);
	assert_true(is_offloaded(HTTP_POST, "/v1/embeddings", body, 4 * 2048));
	assert_false(is_offloaded(HTTP_POST, "/v1/embeddings", body, 4 * 100));
	assert_true(is_offloaded(HTTP_POST, "/v1/similarity", body, 4 * 100));
}

static void a_query_is_read(void **state)
{
	struct request request = { .query = "" };
	struct err err = { 0 };
	uint64_t n = 0;

	(void)state;
	assert_int_equal(request_number(&n, &request, "wait", 7, 60, &err), 0);
	assert_int_equal(n, 7);
	request.query = "xwait=3&wait=30&y=";
	assert_int_equal(request_number(&n, &request, "wait", 7, 60, &err), 0);
	assert_int_equal(n, 30);
	request.query = "wait=61";
	assert_int_equal(request_number(&n, &request, "wait", 7, 60, &err), -1);
	assert_string_equal(err.param, "wait");
	request.query = "wait=1e3";
	assert_int_equal(request_number(&n, &request, "wait", 7, 60, &err), -1);
	request.query = "wait=99999999999999999999999999";
	assert_int_equal(request_number(&n, &request, "wait", 7, 60, &err), -1);
	request.query = "wait=";
	assert_int_equal(request_number(&n, &request, "wait", 7, 60, &err), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_route_is_described_and_nothing_else),
		cmocka_unit_test(every_route_is_found),
		cmocka_unit_test(other_paths_and_methods_are_not_found),
		cmocka_unit_test(cost_counts_bytes_and_texts),
		cmocka_unit_test(a_query_is_read),
	};

	json_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
