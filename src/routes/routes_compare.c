/* POST /v1/similarity and /v1/search: cosines of texts in the request. */
#include "routes/handlers.h"

#include "base/json_fields.h"
#include "base/limits.h"
#include "embed/similar.h"
#include "routes/request.h"
#include "routes/routes.h"
#include "routes/service.h"

#include <assert.h>
#include <string.h>

/* Texts, their vectors and coverage. */
struct side {
	const struct text *texts;
	size_t n;
	float *vectors; /* (n, d) */
	float *coverage;
};

/* At most EMBEDDER_TEXTS texts. */
static int embed_some(struct embedder *s, const struct text *texts, size_t n, float *vectors, float *coverage,
		      struct reply *reply, struct err *err)
{
	struct seen seen[EMBEDDER_TEXTS];

	if (embedder_embed_many(s, texts, n, true, vectors, seen, err))
		return -1;
	for (size_t i = 0; i < n; i++) {
		coverage[i] = seen_coverage(seen[i]);
		reply->words += seen[i].words;
		reply->known += seen[i].known;
	}
	reply->texts += n;
	return 0;
}

static size_t some_of(size_t left)
{
	return left < EMBEDDER_TEXTS ? left : EMBEDDER_TEXTS;
}

static int embed_side(struct side *side, struct embedder *s, struct context *context, struct reply *reply,
		      struct err *err)
{
	size_t d = embedder_dimension(s);

	side->vectors = arena_alloc(&context->arena, side->n * d, sizeof(*side->vectors), err);
	side->coverage = arena_alloc(&context->arena, side->n, sizeof(*side->coverage), err);
	if (!side->vectors || !side->coverage)
		return -1;
	for (size_t i = 0; i < side->n; i += EMBEDDER_TEXTS)
		if (embed_some(s, side->texts + i, some_of(side->n - i), side->vectors + i * d,
			       side->coverage + i, reply, err))
			return -1;
	return 0;
}

static int read_side(struct side *side, const json_t *object, const char *name, struct context *context,
		     struct err *err)
{
	ptrdiff_t n = request_texts(&side->texts, object, name, context->service->options->limits.texts,
				    &context->arena, err);

	side->n = n > 0 ? (size_t)n : 0;
	return n > 0 ? 0 : -1;
}

/* The single text `name` as a side, from the arena. */
static int read_one(struct side *side, const json_t *object, const char *name, struct context *context,
		    struct err *err)
{
	const json_t *value = json_object_get(object, name);
	struct text *one;

	if (!json_is_string(value))
		return json_expected(name, "a string", err);
	one = arena_alloc(&context->arena, 1, sizeof(*one), err);
	if (!one)
		return -1;
	*one = request_text(value);
	*side = (struct side){ .texts = one, .n = 1 };
	return 0;
}

static int check_scores(size_t rows, size_t columns, struct err *err)
{
	if (rows > LIMIT_SCORES / columns)
		return err_set(err, ERR_TOO_LARGE, "%zu x %zu scores: at most %d are made in one request",
			       rows, columns, LIMIT_SCORES);
	return 0;
}

/* ---- similarity ---- */

static void put_coverages(struct buf *to, const float *left, const float *right, size_t n, bool one_left)
{
	buf_text(to, ",\"coverage\":[");
	for (size_t i = 0; i < n; i++) {
		const float pair[2] = { left[one_left ? 0 : i], right[i] };

		json_put_floats(to, i ? "," : "", pair, 2);
	}
	buf_byte(to, ']');
}

static int read_pairs(struct side *left, struct side *right, const json_t *object, struct context *context,
		      struct err *err)
{
	const json_t *pairs = json_object_get(object, "pairs");
	size_t n = json_array_size(pairs);
	struct text *a;
	struct text *b;

	if (n == 0 || n > context->service->options->limits.texts)
		return err_field(err, ERR_INPUT, "pairs",
				 "`pairs` must be an array of 1 to %zu pairs of strings",
				 context->service->options->limits.texts);
	a = arena_alloc(&context->arena, n, sizeof(*a), err);
	b = arena_alloc(&context->arena, n, sizeof(*b), err);
	if (!a || !b)
		return -1;
	for (size_t i = 0; i < n; i++) {
		const json_t *pair = json_array_get(pairs, i);
		const json_t *l = json_array_get(pair, 0);
		const json_t *r = json_array_get(pair, 1);

		if (json_array_size(pair) != 2 || !json_is_string(l) || !json_is_string(r))
			return err_field(err, ERR_INPUT, "pairs",
					 "`pairs[%zu]` must be an array of two strings", i);
		a[i] = request_text(l);
		b[i] = request_text(r);
	}
	*left = (struct side){ .texts = a, .n = n };
	*right = (struct side){ .texts = b, .n = n };
	return 0;
}

/* Scores each left text with its right one, or a single left text with every right one. */
static int put_aligned(struct side *left, struct side *right, struct embedder *s, struct context *context,
		       struct reply *reply, struct err *err)
{
	size_t d = embedder_dimension(s);
	bool one_left = left->n != right->n || left->n == 1;
	size_t most = some_of(right->n);
	float *a = arena_alloc(&context->arena, 2 * most * d, sizeof(*a), err);
	float *b;

	assert(left->texts && right->texts && left->n && right->n);
	left->coverage = arena_alloc(&context->arena, left->n, sizeof(float), err);
	right->coverage = arena_alloc(&context->arena, right->n, sizeof(float), err);
	if (!a || !left->coverage || !right->coverage)
		return -1;
	b = a + most * d;
	buf_text(&reply->body, ",\"scores\":[");
	for (size_t i = 0; i < right->n; i += EMBEDDER_TEXTS) {
		size_t n = some_of(right->n - i);

		if ((i == 0 || !one_left) &&
		    embed_some(s, left->texts + i, one_left ? 1 : n, a, left->coverage + i, reply, err))
			return -1;
		if (embed_some(s, right->texts + i, n, b, right->coverage + i, reply, err))
			return -1;
		for (size_t k = 0; k < n; k++) {
			json_put_float(&reply->body, i + k ? "," : "",
				       similar_score(one_left ? a : a + k * d, b + k * d, d));
		}
	}
	buf_byte(&reply->body, ']');
	put_coverages(&reply->body, left->coverage, right->coverage, right->n, one_left);
	return 0;
}

static int put_matrix(struct side *left, struct side *right, struct embedder *s, struct context *context,
		      struct reply *reply, struct err *err)
{
	size_t d = embedder_dimension(s);
	struct buf *to = &reply->body;
	float *row;

	if (check_scores(left->n, right->n, err) || embed_side(left, s, context, reply, err) ||
	    embed_side(right, s, context, reply, err))
		return -1;
	row = arena_alloc(&context->arena, right->n, sizeof(*row), err);
	if (!row)
		return -1;
	buf_text(to, ",\"scores\":[");
	for (size_t i = 0; i < left->n; i++) {
		for (size_t j = 0; j < right->n; j++)
			row[j] = similar_score(left->vectors + i * d, right->vectors + j * d, d);
		json_put_floats(to, i ? "," : "", row, right->n);
	}
	json_put_floats(to, "],\"coverage\":{\"left\":", left->coverage, left->n);
	json_put_floats(to, ",\"right\":", right->coverage, right->n);
	buf_byte(to, '}');
	return 0;
}

int route_similarity(struct embedder *s, struct context *context, const struct request *request,
		     struct reply *reply, struct err *err)
{
	const json_t *object = request->json;
	bool pairs = json_object_get(object, "pairs") != NULL;
	bool source = json_object_get(object, "source") || json_object_get(object, "sentences");
	bool matrix = json_object_get(object, "left") || json_object_get(object, "right");
	struct side left = { 0 };
	struct side right = { 0 };

	if (pairs + source + matrix != 1)
		return err_set(
			err, ERR_INPUT,
			"one of these is expected: `pairs`; `source` and `sentences`; `left` and `right`");
	if (pairs && read_pairs(&left, &right, object, context, err))
		return -1;
	if (source && (read_one(&left, object, "source", context, err) ||
		       read_side(&right, object, "sentences", context, err)))
		return -1;
	if (matrix && (read_side(&left, object, "left", context, err) ||
		       read_side(&right, object, "right", context, err)))
		return -1;
	reply_begin_model(reply, s);
	if (matrix ? put_matrix(&left, &right, s, context, reply, err)
		   : put_aligned(&left, &right, s, context, reply, err))
		return -1;
	buf_text(&reply->body, "}\n");
	return 0;
}

/* ---- search ---- */

struct search {
	struct side queries;
	struct side texts;
	uint64_t top;
	bool return_text;
};

static int read_search(struct search *search, const json_t *object, struct context *context, struct err *err)
{
	const json_t *query = json_object_get(object, "query");
	const json_t *queries = json_object_get(object, "queries");

	*search = (struct search){ .top = 10, .return_text = true };
	if (!query == !queries)
		return err_set(err, ERR_INPUT,
			       "either `query` (a string) or `queries` (an array) is expected");
	if ((query ? read_one(&search->queries, object, "query", context, err)
		   : read_side(&search->queries, object, "queries", context, err)) ||
	    read_side(&search->texts, object, "texts", context, err) ||
	    json_get_count(&search->top, object, "top", 1, LIMIT_TEXTS, err) < 0 ||
	    json_get_bool(&search->return_text, object, "return_text", err) < 0)
		return -1;
	return check_scores(search->queries.n, search->texts.n, err);
}

static void put_found(struct buf *to, const struct found *found, size_t n, const struct search *search)
{
	buf_byte(to, '[');
	for (size_t i = 0; i < n; i++) {
		const struct text *text = &search->texts.texts[found[i].index];

		buf_printf(to, "%s{\"index\":%zu,\"score\":", i ? "," : "", found[i].index);
		json_put_float(to, "", found[i].score);
		if (search->return_text) {
			buf_text(to, ",\"text\":");
			json_put_string(to, text->at, text->n);
		}
		buf_byte(to, '}');
	}
	buf_byte(to, ']');
}

/* The size of an answer that repeats texts is bounded by the longest one: it could be the best for every
 * query. */
static int check_echo(const struct search *search, struct err *err)
{
	size_t longest = 0;
	size_t top = search->top < search->texts.n ? search->top : search->texts.n;

	for (size_t i = 0; search->return_text && i < search->texts.n; i++)
		longest = search->texts.texts[i].n > longest ? search->texts.texts[i].n : longest;
	if ((longest + 64) * top * search->queries.n > LIMIT_REPLY_BYTES)
		return err_set(
			err, ERR_TOO_LARGE,
			"the answer could pass %d bytes: ask for less with `top` or \"return_text\": false",
			LIMIT_REPLY_BYTES);
	return 0;
}

int route_search(struct embedder *s, struct context *context, const struct request *request,
		 struct reply *reply, struct err *err)
{
	size_t d = embedder_dimension(s);
	struct search search;
	struct found *found;

	if (read_search(&search, request->json, context, err) || check_echo(&search, err) ||
	    embed_side(&search.texts, s, context, reply, err) ||
	    embed_side(&search.queries, s, context, reply, err))
		return -1;
	found = arena_alloc(&context->arena, search.texts.n, sizeof(*found), err);
	if (!found)
		return -1;
	reply_begin_model(reply, s);
	buf_text(&reply->body, ",\"results\":[");
	for (size_t q = 0; q < search.queries.n; q++) {
		size_t n = similar_top(found, search.top, search.queries.vectors + q * d,
				       search.texts.vectors, search.texts.n, d);

		buf_text(&reply->body, q ? "," : "");
		put_found(&reply->body, found, n, &search);
	}
	json_put_floats(&reply->body, "],\"coverage\":", search.queries.coverage, search.queries.n);
	buf_text(&reply->body, "}\n");
	return 0;
}
