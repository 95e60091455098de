#include "base/err.h"
#include "base/json.h"
#include "base/limits.h"
#include "math/vec.h"
#include "model/model.h"
#include "model/registry.h"
#include "routes/metrics.h"
#include "routes/routes.h"
#include "routes/service.h"
#include "support/toy.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* "the" and "cat" are known, "zebra" is not. */
static const char *const words[] = { "the", "cat", "sat", "on", "mat", "a", "dog", "ran" };
enum { WORDS = 8, DIM = 10 };

static struct serve_options options;
static struct service service;
static struct context *context;

static struct model *a_model(unsigned seed)
{
	return toy_model((struct toy){ .n = WORDS,
				       .d = DIM,
				       .k = 1,
				       .type = ROWS_F32,
				       .method = METHOD_SIF,
				       .seed = seed,
				       .words = words });
}

static int start(void **state)
{
	struct err err = { 0 };

	(void)state;
	options = (struct serve_options){
		.limits = { .body_bytes = LIMIT_BODY_BYTES, .inputs = 2048, .texts = LIMIT_TEXTS }
	};
	service =
		(struct service){ .options = &options, .registry = registry_new(), .metrics = metrics_new() };
	assert_int_equal(registry_put(service.registry, "first", a_model(1), &err), 0);
	assert_int_equal(registry_put(service.registry, "second", a_model(2), &err), 0);
	context = context_new(&service);
	return context ? 0 : -1;
}

static int stop(void **state)
{
	(void)state;
	context_free(context);
	metrics_free(service.metrics);
	registry_free(service.registry);
	assert_int_equal(toy_alive(), 0);
	return 0;
}

static void run(struct reply *reply, enum http_method method, const char *path, const char *body,
		const char *accept)
{
	struct request request = {
		.query = "", .accept = accept, .body = body, .body_n = body ? strlen(body) : 0
	};
	char allow[REPLY_ALLOW_BYTES];
	const struct route *route =
		routes_find(path, strlen(path), method, &request.name, &request.name_n, allow);

	assert_non_null(route);
	reply_init(reply);
	assert_int_equal(routes_run(route, context, &request, reply), ROUTE_DONE);
	assert_null(request.json);
	assert_false(reply->body.failed);
}

/* The answer as JSON, of this status. */
static json_t *ask(int status, enum http_method method, const char *path, const char *body)
{
	struct reply reply;
	struct err err = { 0 };
	json_t *answer;

	run(&reply, method, path, body, "");
	if (reply.status != status)
		fail_msg("%s %s: %d %s", path, body ? body : "", reply.status, buf_string(&reply.body));
	answer = json_read(reply.body.data, reply.body.len, (struct json_limits){ 32, 1000000 }, &err);
	if (!answer)
		fail_msg("%s", err.text);
	reply_free(&reply);
	return answer;
}

static json_t *post(int status, const char *path, const char *body)
{
	return ask(status, HTTP_POST, path, body);
}

static json_t *at(json_t *value, const char *key, size_t index)
{
	json_t *found = key ? json_object_get(value, key) : json_array_get(value, index);

	assert_non_null(found);
	return found;
}

static float number(json_t *value)
{
	assert_true(json_is_number(value));
	return (float)json_number_value(value);
}

/* ---- embeddings ---- */

static void floats_of(float *x, json_t *array, size_t n)
{
	assert_int_equal(json_array_size(array), n);
	for (size_t i = 0; i < n; i++)
		x[i] = number(json_array_get(array, i));
}

/* Of "the cat" as the library makes it. */
static void expected_vector(float *x, const char *model, bool normalize)
{
	struct err err = { 0 };
	struct embedder *s;

	assert_int_equal(context_embedder(&s, context, model, strlen(model), NULL, &err), 0);
	assert_int_equal(embedder_embed(s, "the cat", 7, normalize, x, NULL, &err), 0);
}

static void embeddings_have_openais_shape(void **state)
{
	json_t *a = post(200, "/v1/embeddings",
			 "{\"model\":\"first\",\"input\":[\"the cat\",\"\"],\"user\":\"u\",\"strange\":1,"
			 "\"dimensions\":null}");
	float got[DIM];
	float expected[DIM];

	(void)state;
	assert_string_equal(json_string_value(at(a, "object", 0)), "list");
	assert_string_equal(json_string_value(at(a, "model", 0)), "first");
	assert_int_equal(json_array_size(at(a, "data", 0)), 2);
	for (size_t i = 0; i < 2; i++) {
		json_t *item = at(at(a, "data", 0), NULL, i);

		assert_string_equal(json_string_value(at(item, "object", 0)), "embedding");
		assert_int_equal(json_integer_value(at(item, "index", 0)), i);
		floats_of(got, at(item, "embedding", 0), DIM);
		expected_vector(expected, "first", true);
		if (i == 1) /* an empty text has the zero vector */
			memset(expected, 0, sizeof(expected));
		assert_memory_equal(got, expected, sizeof(got));
	}
	assert_int_equal(json_integer_value(at(at(a, "usage", 0), "prompt_tokens", 0)), 2);
	assert_int_equal(json_integer_value(at(at(a, "usage", 0), "total_tokens", 0)), 2);
	json_decref(a);
}

static void every_form_has_the_same_bits(void **state)
{
	float expected[DIM];
	struct reply reply;
	json_t *a;
	const char *base64;

	(void)state;
	expected_vector(expected, "first", true);
	run(&reply, HTTP_POST, "/v1/embeddings", "{\"input\":\"the cat\"}", "application/octet-stream");
	assert_string_equal(reply.type, "application/octet-stream");
	assert_int_equal(reply.body.len, sizeof(expected));
	assert_memory_equal(reply.body.data, expected, sizeof(expected));
	reply_free(&reply);

	run(&reply, HTTP_POST, "/v1/embeddings", "{\"input\":\"the cat\"}", "application/x-npy");
	assert_int_equal(reply.body.len % 4, 0);
	assert_memory_equal(reply.body.data, "\x93NUMPY\x01\x00", 8);
	assert_non_null(memmem(reply.body.data, reply.body.len, "(1, 10)", 7));
	assert_int_equal((reply.body.len - sizeof(expected)) % 64, 0);
	assert_memory_equal(reply.body.data + reply.body.len - sizeof(expected), expected, sizeof(expected));
	reply_free(&reply);

	a = post(200, "/v1/embeddings", "{\"input\":[\"the cat\"],\"encoding_format\":\"base64\"}");
	base64 = json_string_value(at(at(at(a, "data", 0), NULL, 0), "embedding", 0));
	assert_int_equal(strlen(base64), (sizeof(expected) + 2) / 3 * 4);
	json_decref(a);
}

static void lengths_and_cuts(void **state)
{
	float got[DIM];
	float expected[DIM];
	json_t *a = post(200, "/v1/embeddings", "{\"input\":\"the cat\",\"normalize\":false}");

	(void)state;
	floats_of(got, at(at(at(a, "data", 0), NULL, 0), "embedding", 0), DIM);
	expected_vector(expected, "first", false);
	assert_memory_equal(got, expected, sizeof(got));
	json_decref(a);

	a = post(200, "/v1/embeddings", "{\"input\":\"the cat\",\"dimensions\":3}");
	floats_of(got, at(at(at(a, "data", 0), NULL, 0), "embedding", 0), 3);
	expected_vector(expected, "first", true);
	assert_true(fabsf(vec_norm(got, 3) - 1) < 1e-6f);
	assert_true(fabsf(got[0] / got[1] - expected[0] / expected[1]) < 1e-4f);
	json_decref(a);

	a = post(200, "/v1/embeddings", "{\"input\":\"the zebra\",\"details\":true}");
	assert_true(number(at(at(at(a, "data", 0), NULL, 0), "coverage", 0)) == 0.5f);
	assert_int_equal(json_string_length(at(a, "fingerprint", 0)), 64);
	json_decref(a);
}

static void models_and_methods_are_chosen_by_name(void **state)
{
	float first[DIM];
	float second[DIM];
	json_t *a = post(200, "/v1/embeddings", "{\"model\":\"second\",\"input\":\"the cat\"}");

	(void)state;
	floats_of(second, at(at(at(a, "data", 0), NULL, 0), "embedding", 0), DIM);
	json_decref(a);
	expected_vector(first, "second", true);
	assert_memory_equal(first, second, sizeof(first));
	expected_vector(first, "first", true);
	assert_memory_not_equal(first, second, sizeof(first));

	a = post(200, "/v1/similarity", "{\"model\":\"second:mean\",\"pairs\":[[\"the\",\"cat\"]]}");
	assert_string_equal(json_string_value(at(a, "method", 0)), "mean");
	json_decref(a);
	a = post(200, "/v1/similarity",
		 "{\"model\":\"second:mean\",\"method\":\"sum\",\"pairs\":[[\"the\",\"cat\"]]}");
	assert_string_equal(json_string_value(at(a, "method", 0)), "sum");
	json_decref(a);
}

/* ---- errors ---- */

struct wrong {
	const char *path, *body;
	int status;
	const char *param; /* NULL: null */
	const char *says;
};

static const struct wrong wrongs[] = {
	{ "/v1/embeddings", "", 400, NULL, "empty" },
	{ "/v1/embeddings", "{}", 400, "input", "string or an array of strings" },
	{ "/v1/embeddings", "{\"input\":null}", 400, "input", "string" },
	{ "/v1/embeddings", "{\"input\":{}}", 400, "input", "string" },
	{ "/v1/embeddings", "{\"input\":[]}", 400, "input", "at least one" },
	{ "/v1/embeddings", "{\"input\":[1,2]}", 400, "input", "check_embedding_ctx_length=False" },
	{ "/v1/embeddings", "{\"input\":[[1,2]]}", 400, "input", "check_embedding_ctx_length=False" },
	{ "/v1/embeddings", "{\"input\":[\"a\",3]}", 400, "input", "`input[1]`" },
	{ "/v1/embeddings", "{\"input\":\"a\",\"model\":\"none\"}", 404, "model", "first" },
	{ "/v1/embeddings", "{\"input\":\"a\",\"model\":7}", 400, "model", "string" },
	{ "/v1/embeddings", "{\"input\":\"a\",\"model\":\"first:zzz\"}", 400, "method", "sif" },
	{ "/v1/embeddings", "{\"input\":\"a\",\"method\":\"whiten\"}", 400, "method", "sif" },
	{ "/v1/embeddings", "{\"input\":\"a\",\"encoding_format\":\"hex\"}", 400, "encoding_format",
	  "base64" },
	{ "/v1/embeddings", "{\"input\":\"a\",\"dimensions\":0}", 400, "dimensions", "1 to 10" },
	{ "/v1/embeddings", "{\"input\":\"a\",\"dimensions\":11}", 400, "dimensions", "1 to 10" },
	{ "/v1/embeddings", "{\"input\":\"a\",\"normalize\":1}", 400, "normalize", "true or false" },
	{ "/v1/similarity", "{}", 400, NULL, "pairs" },
	{ "/v1/similarity", "{\"pairs\":[]}", 400, "pairs", "pairs" },
	{ "/v1/similarity", "{\"pairs\":[[\"a\"]]}", 400, "pairs", "`pairs[0]`" },
	{ "/v1/similarity", "{\"pairs\":[[\"a\",\"b\"],[\"a\",1]]}", 400, "pairs", "`pairs[1]`" },
	{ "/v1/similarity", "{\"pairs\":[[\"a\",\"b\"]],\"left\":[\"a\"]}", 400, NULL, "one of these" },
	{ "/v1/similarity", "{\"source\":\"a\"}", 400, "sentences", "array" },
	{ "/v1/similarity", "{\"sentences\":[\"a\"]}", 400, "source", "string" },
	{ "/v1/similarity", "{\"left\":[\"a\"]}", 400, "right", "array" },
	{ "/v1/similarity", "{\"pairs\":[[\"a\",\"b\"]],\"pear\":1}", 400, "pear", "not a field" },
	{ "/v1/explain", "{}", 400, NULL, "text" },
	{ "/v1/explain", "{\"text\":1}", 400, "text", "string" },
	{ "/v1/explain", "{\"text\":\"a\",\"pair\":[\"a\",\"b\"]}", 400, NULL, "either" },
	{ "/v1/explain", "{\"pair\":[\"a\"]}", 400, "pair", "two strings" },
	{ "/v1/explain", "{\"texts\":\"a\"}", 400, "texts", "not a field" },
	{ "/v1/search", "{\"query\":\"a\"}", 400, "texts", "array" },
	{ "/v1/search", "{\"texts\":[\"a\"]}", 400, NULL, "either" },
	{ "/v1/search", "{\"query\":\"a\",\"queries\":[\"a\"],\"texts\":[\"a\"]}", 400, NULL, "either" },
	{ "/v1/search", "{\"query\":\"a\",\"texts\":[\"a\"],\"top\":0}", 400, "top", "1 to" },
	{ "/v1/search", "{\"query\":\"a\",\"texts\":[\"a\"],\"index\":\"x\"}", 400, "index", "not a field" },
	{ "/v1/tokenize", "{}", 400, "text", "string" },
	{ "/v1/tokenize", "{\"text\":\"a\",\"x\":1}", 400, "x", "not a field" },
	{ "/v1/tokenize", "{\"text\":\"\\u0000\"}", 400, NULL, "byte" },
	{ "/v1/tokenize", "{\"text\":\"\xFF\"}", 400, NULL, "byte 9" },
	{ "/v1/tokenize", "[[[[[[[[[[[[]]]]]]]]]]]]", 413, NULL, "deep" },
};

static void errors_name_the_field_and_what_was_expected(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(wrongs) / sizeof(wrongs[0]); i++) {
		const struct wrong *w = &wrongs[i];
		json_t *a = post(w->status, w->path, w->body);
		json_t *e = at(a, "error", 0);
		const char *message = json_string_value(at(e, "message", 0));
		const char *param = json_string_value(at(e, "param", 0));

		assert_int_equal(json_object_size(e), 4);
		if (!strstr(message, w->says) || (param == NULL) != (w->param == NULL) ||
		    (param && strcmp(param, w->param) != 0))
			fail_msg("%s: `%s`, param %s; expected `%s`, %s", w->body, message, param, w->says,
				 w->param);
		assert_string_equal(json_string_value(at(e, "type", 0)), "invalid_request_error");
		if (w->status == 404)
			assert_string_equal(json_string_value(at(e, "code", 0)), "model_not_found");
		json_decref(a);
	}
}

static void too_many_inputs_are_refused(void **state)
{
	char *body = malloc(20000);
	int n = snprintf(body, 100, "{\"input\":[\"a\"");

	(void)state;
	for (int i = 1; i < 2048; i++)
		n += snprintf(body + n, 10, ",\"a\"");
	memcpy(body + n, "]}", 3);
	json_decref(post(200, "/v1/embeddings", body));
	memcpy(body + n, ",\"a\"]}", 7);
	json_decref(post(400, "/v1/embeddings", body));
	free(body);
}

/* ---- the others ---- */

static void similarity_takes_three_forms(void **state)
{
	json_t *a =
		post(200, "/v1/similarity",
		     "{\"pairs\":[[\"the cat\",\"the cat\"],[\"the\",\"zebra\"],[\"the cat\",\"a dog\"]]}");
	json_t *b = post(200, "/v1/similarity",
			 "{\"source\":\"the cat\",\"sentences\":[\"the cat\",\"zebra\",\"a dog\"]}");
	json_t *c = post(200, "/v1/similarity",
			 "{\"left\":[\"the cat\"],\"right\":[\"the cat\",\"zebra\",\"a dog\"]}");
	json_t *one = at(a, "scores", 0);

	(void)state;
	assert_true(fabsf(number(at(one, NULL, 0)) - 1) < 1e-6f);
	assert_true(number(at(one, NULL, 1)) == 0.0f); /* nothing known: no direction */
	assert_true(number(at(at(at(a, "coverage", 0), NULL, 1), NULL, 1)) == 0.0f);
	assert_true(number(at(at(at(a, "coverage", 0), NULL, 1), NULL, 0)) == 1.0f);
	assert_true(number(at(one, NULL, 2)) == number(at(at(b, "scores", 0), NULL, 2)));
	assert_true(number(at(one, NULL, 2)) == number(at(at(at(c, "scores", 0), NULL, 0), NULL, 2)));
	assert_int_equal(json_array_size(at(b, "coverage", 0)), 3);
	assert_int_equal(json_array_size(at(at(c, "coverage", 0), "right", 0)), 3);
	json_decref(a);
	json_decref(b);
	json_decref(c);
}

static void explanations_sum_to_the_score(void **state)
{
	json_t *a = post(200, "/v1/explain", "{\"pair\":[\"the cat zebra sat\",\"a dog ran\"]}");
	json_t *b = post(200, "/v1/explain", "{\"text\":\"the zebra cat\"}");
	json_t *parts = at(a, "parts", 0);
	float sum = 0;

	(void)state;
	assert_int_equal(json_array_size(parts), 4);
	for (size_t i = 0; i < 4; i++)
		for (size_t j = 0; j < 3; j++)
			sum += number(at(at(parts, NULL, i), NULL, j));
	assert_true(fabsf(sum - number(at(a, "score", 0))) < 1e-5f);
	sum = 0;
	for (size_t i = 0; i < 3; i++)
		sum += number(at(at(at(at(b, "text", 0), "words", 0), NULL, i), "share", 0));
	assert_true(fabsf(sum - 1) < 1e-5f);
	assert_true(json_is_null(at(at(at(at(b, "text", 0), "words", 0), NULL, 1), "id", 0)));
	json_decref(a);
	json_decref(b);
}

static void a_search_finds_the_best_first(void **state)
{
	json_t *a = post(200, "/v1/search",
			 "{\"queries\":[\"the cat\",\"a dog\"],\"texts\":[\"zebra\",\"a dog\",\"the "
			 "cat\"],\"top\":2}");
	json_t *b = post(200, "/v1/search",
			 "{\"query\":\"the cat\",\"texts\":[\"x\",\"the cat\"],\"return_text\":false}");

	(void)state;
	for (size_t q = 0; q < 2; q++) {
		json_t *best = at(at(at(a, "results", 0), NULL, q), NULL, 0);

		assert_int_equal(json_array_size(at(at(a, "results", 0), NULL, q)), 2);
		assert_int_equal(json_integer_value(at(best, "index", 0)), q == 0 ? 2 : 1);
		assert_true(number(at(best, "score", 0)) > 0.999f);
		assert_string_equal(json_string_value(at(best, "text", 0)), q == 0 ? "the cat" : "a dog");
	}
	assert_null(json_object_get(at(at(at(b, "results", 0), NULL, 0), NULL, 0), "text"));
	json_decref(a);
	json_decref(b);
}

static void tokens_say_where_they_are(void **state)
{
	json_t *a = post(200, "/v1/tokenize", "{\"text\":\"the  \\u00e9 cat\"}");
	json_t *tokens = at(a, "tokens", 0);
	json_t *cat = at(tokens, NULL, json_array_size(tokens) - 1);

	(void)state;
	assert_string_equal(json_string_value(at(cat, "token", 0)), "cat");
	assert_int_equal(json_integer_value(at(cat, "start", 0)), 8);
	assert_int_equal(json_integer_value(at(cat, "stop", 0)), 11);
	assert_int_equal(json_integer_value(at(cat, "id", 0)), 1);
	assert_true(json_is_true(at(cat, "known", 0)));
	assert_true(number(at(cat, "weight", 0)) > 0);
	json_decref(a);
}

static void models_are_listed(void **state)
{
	json_t *a = ask(200, HTTP_GET, "/v1/models", NULL);
	json_t *b = ask(200, HTTP_GET, "/v1/models/second", NULL);
	json_t *c = ask(404, HTTP_GET, "/v1/models/third", NULL);

	(void)state;
	assert_int_equal(json_array_size(at(a, "data", 0)), 2);
	assert_string_equal(json_string_value(at(b, "id", 0)), "second");
	assert_int_equal(json_integer_value(at(b, "dim", 0)), DIM);
	assert_int_equal(json_integer_value(at(b, "words", 0)), WORDS);
	assert_string_equal(json_string_value(at(b, "object", 0)), "model");
	assert_non_null(strstr(json_string_value(at(at(c, "error", 0), "message", 0)), "second"));
	json_decref(a);
	json_decref(b);
	json_decref(c);
}

static void readiness_is_told(void **state)
{
	(void)state;
	json_decref(ask(503, HTTP_GET, "/ready", NULL));
	json_decref(ask(200, HTTP_GET, "/live", NULL));
	atomic_store(&service.ready, true);
	json_decref(ask(200, HTTP_GET, "/ready", NULL));
	json_decref(ask(200, HTTP_GET, "/health", NULL));
}

static void metrics_are_prometheus_text(void **state)
{
	struct reply reply;
	const char *line;

	(void)state;
	run(&reply, HTTP_GET, "/metrics", NULL, "");
	assert_int_equal(strncmp(reply.type, "text/plain; version=0.0.4", 25), 0);
	line = buf_string(&reply.body);
	assert_non_null(strstr(line, "sifd_model_info{model=\"first\",sha256=\""));
	assert_non_null(strstr(line, "sifd_build_info{version="));
	while (*line) {
		size_t n = strcspn(line, "\n");

		if (*line != '#') {
			const char *blank = memrchr(line, ' ', n);
			char *end;

			assert_non_null(blank);
			(void)strtod(blank, &end);
			assert_ptr_equal(end, line + n);
			assert_true(strncmp(line, "sifd_", 5) == 0 || strncmp(line, "process_", 8) == 0);
		}
		line += n + 1;
	}
	reply_free(&reply);
}

/* A model that takes another's name answers from the next request on, and the old one goes. */
static void a_new_model_is_used_at_once(void **state)
{
	struct err err = { 0 };
	float before[DIM];
	float after[DIM];

	(void)state;
	expected_vector(before, "first", true);
	assert_int_equal(toy_alive(), 2);
	assert_int_equal(registry_put(service.registry, "first", a_model(9), &err), 0);
	expected_vector(after, "first", true);
	assert_memory_not_equal(before, after, sizeof(before));
	assert_int_equal(toy_alive(), 2);
}

/* More models and methods than a thread keeps embedders for. */
static void embedders_are_kept_and_changed(void **state)
{
	static const char *const asked[] = { "first:sum",  "first:mean",  "first:weighted",  "first:sif",
					     "second:sum", "second:mean", "second:weighted", "second:sif",
					     "third:sum",  "third:sif" };
	enum { ASKED = sizeof(asked) / sizeof(asked[0]) };
	struct err err = { 0 };
	float first[ASKED][DIM];
	float again[DIM];

	(void)state;
	assert_int_equal(registry_put(service.registry, "third", a_model(3), &err), 0);
	for (size_t i = 0; i < ASKED; i++)
		expected_vector(first[i], asked[i], true);
	for (size_t i = 0; i < 1000; i++) {
		size_t which = i * 7 % ASKED;

		expected_vector(again, asked[which], true);
		assert_memory_equal(again, first[which], sizeof(again));
	}
}

/* ---- where a request runs ---- */

static enum outcome embed_by_lstm(struct context *c, struct request *request, struct reply *reply)
{
	const struct route *route =
		routes_find("/v1/embeddings", 14, HTTP_POST, &request->name, &request->name_n, reply->allow);

	reply_init(reply);
	return routes_run(route, c, request, reply);
}

/* An event loop hands it on before any work, and the worker goes on with the JSON that was parsed there. */
static void an_lstm_request_beside_others_is_parsed_once(void **state)
{
	static const char body[] = "{\"model\":\"trained:lstm\",\"input\":\"the cat\"}";
	struct request request = { .query = "", .accept = "", .body = body, .body_n = sizeof(body) - 1 };
	struct context *worker = context_new(&service);
	struct err err = { 0 };
	struct reply alone, batched;
	struct model *m = model_open("models/default.safetensors", NULL, &err);

	(void)state;
	assert_non_null(m);
	assert_int_equal(registry_put(service.registry, "trained", m, &err), 0);
	context->event_loop = true;
	atomic_store(&service.connections, 1);
	assert_int_equal(embed_by_lstm(context, &request, &alone), ROUTE_DONE);
	assert_null(request.json);
	atomic_store(&service.connections, 2);
	assert_int_equal(embed_by_lstm(context, &request, &batched), ROUTE_BATCH);
	assert_int_equal(batched.body.len, 0);
	assert_non_null(request.json);
	request.body = "no JSON";
	request.body_n = 7;
	assert_int_equal(embed_by_lstm(worker, &request, &batched), ROUTE_DONE);
	assert_null(request.json);
	assert_int_equal(batched.status, 200);
	assert_int_equal(batched.body.len, alone.body.len);
	assert_memory_equal(batched.body.data, alone.body.data, alone.body.len);
	reply_free(&alone);
	reply_free(&batched);
	context_free(worker);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(embeddings_have_openais_shape, start, stop),
		cmocka_unit_test_setup_teardown(every_form_has_the_same_bits, start, stop),
		cmocka_unit_test_setup_teardown(lengths_and_cuts, start, stop),
		cmocka_unit_test_setup_teardown(models_and_methods_are_chosen_by_name, start, stop),
		cmocka_unit_test_setup_teardown(errors_name_the_field_and_what_was_expected, start, stop),
		cmocka_unit_test_setup_teardown(too_many_inputs_are_refused, start, stop),
		cmocka_unit_test_setup_teardown(similarity_takes_three_forms, start, stop),
		cmocka_unit_test_setup_teardown(explanations_sum_to_the_score, start, stop),
		cmocka_unit_test_setup_teardown(a_search_finds_the_best_first, start, stop),
		cmocka_unit_test_setup_teardown(tokens_say_where_they_are, start, stop),
		cmocka_unit_test_setup_teardown(models_are_listed, start, stop),
		cmocka_unit_test_setup_teardown(readiness_is_told, start, stop),
		cmocka_unit_test_setup_teardown(metrics_are_prometheus_text, start, stop),
		cmocka_unit_test_setup_teardown(a_new_model_is_used_at_once, start, stop),
		cmocka_unit_test_setup_teardown(embedders_are_kept_and_changed, start, stop),
		cmocka_unit_test_setup_teardown(an_lstm_request_beside_others_is_parsed_once, start, stop),
	};

	vec_init();
	json_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
