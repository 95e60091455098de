/*
 * POST /v1/embeddings: OpenAI's contract, and what it leaves open decided so:
 *
 *   - an empty string, or one without a known word, has the zero vector;
 *   - arrays of token numbers are refused: they belong to another vocabulary than the model's;
 *   - `dimensions` cuts vectors to their first numbers and makes them unit length again;
 *   - members that OpenAI does not have are ignored, as other servers do.
 */
#include "routes/handlers.h"

#include "base/json_fields.h"
#include "base/limits.h"
#include "base/npy.h"
#include "math/vec.h"
#include "model/method.h"
#include "model/model.h"
#include "routes/request.h"
#include "routes/routes.h"
#include "routes/service.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum form { FORM_JSON, FORM_BASE64, FORM_RAW, FORM_NPY };

struct embed_request {
	const struct text *texts;
	size_t n;
	size_t d; /* length of the vectors that are sent */
	enum form form;
	bool normalize;
	bool details;

	float *vectors; /* (EMBEDDER_TEXTS, the model's length): the batch of texts from `first` on */
	struct seen seen[EMBEDDER_TEXTS];
	size_t first, made;
};

static int refuse_tokens(struct err *err)
{
	return err_field(
		err, ERR_INPUT, "input",
		"`input` has token numbers, which belong to another vocabulary than this model's: send the "
		"texts themselves (LangChain: check_embedding_ctx_length=False)");
}

static int read_input(struct embed_request *ask, const json_t *object, struct context *context,
		      struct err *err)
{
	const json_t *input = json_object_get(object, "input");
	const json_t *first = json_array_get(input, 0);
	struct text *one;
	ptrdiff_t n;

	if (json_is_string(input)) {
		one = arena_alloc(&context->arena, 1, sizeof(*one), err);
		if (!one)
			return -1;
		*one = request_text(input);
		ask->texts = one;
		ask->n = 1;
		return 0;
	}
	if (json_is_number(first) || json_is_array(first))
		return refuse_tokens(err);
	if (!json_is_array(input))
		return json_expected("input", "a string or an array of strings", err);
	n = request_texts(&ask->texts, object, "input", context->service->options->limits.inputs,
			  &context->arena, err);
	ask->n = n > 0 ? (size_t)n : 0;
	return n > 0 ? 0 : -1;
}

static int read_form(struct embed_request *ask, const json_t *object, const char *accept, struct err *err)
{
	const char *encoding = "float";

	if (json_get_text(&encoding, object, "encoding_format", err) < 0)
		return -1;
	if (strcmp(encoding, "base64") == 0)
		ask->form = FORM_BASE64;
	else if (strcmp(encoding, "float") != 0)
		return json_expected("encoding_format", "\"float\" or \"base64\"", err);
	if (strcasestr(accept, "application/octet-stream"))
		ask->form = FORM_RAW;
	else if (strcasestr(accept, "application/x-npy"))
		ask->form = FORM_NPY;
	return 0;
}

static int read_ask(struct embed_request *ask, const struct request *request, struct context *context,
		    const struct embedder *s, struct err *err)
{
	const json_t *object = request->json;
	uint64_t d = embedder_dimension(s);

	*ask = (struct embed_request){ .form = FORM_JSON, .normalize = true };
	if (read_input(ask, object, context, err) || read_form(ask, object, request->accept, err) ||
	    json_get_bool(&ask->normalize, object, "normalize", err) < 0 ||
	    json_get_bool(&ask->details, object, "details", err) < 0 ||
	    json_get_count(&d, object, "dimensions", 1, d, err) < 0)
		return -1;
	ask->d = d;
	if (ask->n > LIMIT_REPLY_FLOATS / ask->d)
		return err_set(err, ERR_TOO_LARGE,
			       "%zu vectors of %zu numbers are more than one answer holds", ask->n, ask->d);
	return 0;
}

static int embed_some(struct embed_request *ask, size_t i, struct embedder *s, struct err *err)
{
	ask->first = i;
	ask->made = ask->n - i < EMBEDDER_TEXTS ? ask->n - i : EMBEDDER_TEXTS;
	return embedder_embed_many(s, ask->texts + i, ask->made, ask->normalize, ask->vectors, ask->seen,
				   err);
}

/* The vector of text i, which must be asked for in order, and what was seen of it; NULL: err says why. */
static const float *embed(struct embed_request *ask, size_t i, struct embedder *s, struct reply *reply,
			  struct seen *seen, struct err *err)
{
	float *x;

	if (i >= ask->first + ask->made && embed_some(ask, i, s, err))
		return NULL;
	x = ask->vectors + (i - ask->first) * embedder_dimension(s);
	*seen = ask->seen[i - ask->first];
	if (ask->normalize && ask->d < embedder_dimension(s))
		(void)vec_unit(x, ask->d);
	reply->texts++;
	reply->words += seen->words;
	reply->known += seen->known;
	return x;
}

static int put_json(struct embed_request *ask, struct embedder *s, struct reply *reply, struct err *err)
{
	struct buf *to = &reply->body;

	/* About 12 bytes per number, so that the buffer hardly ever has to move. */
	(void)buf_reserve(to, ask->n * (ask->d * 12 + 64) + 256);
	buf_text(to, "{\"object\":\"list\",\"data\":[");
	for (size_t i = 0; i < ask->n; i++) {
		struct seen seen;
		const float *x = embed(ask, i, s, reply, &seen, err);

		if (!x)
			return -1;
		buf_printf(to, "%s{\"object\":\"embedding\",\"index\":%zu,", i ? "," : "", i);
		if (ask->details) {
			buf_printf(to, "\"words\":%u,\"known\":%u,\"coverage\":", seen.words, seen.known);
			json_put_float(to, "", seen_coverage(seen));
			buf_byte(to, ',');
		}
		buf_text(to, "\"embedding\":");
		if (ask->form == FORM_BASE64)
			json_put_base64(to, x, ask->d * sizeof(*x));
		else
			json_put_floats(to, "", x, ask->d);
		buf_byte(to, '}');
	}
	json_put_text(to, "],\"model\":", reply->model);
	buf_printf(to, ",\"method\":\"%s\"", method_names[embedder_method(s)]);
	if (ask->details)
		buf_printf(to, ",\"fingerprint\":\"%s\"", embedder_model(s)->fingerprint);
	buf_printf(to, ",\"usage\":{\"prompt_tokens\":%llu,\"total_tokens\":%llu}}\n",
		   (unsigned long long)reply->words, (unsigned long long)reply->words);
	return 0;
}

static int put_raw(struct embed_request *ask, struct embedder *s, struct reply *reply, struct err *err)
{
	reply->type = ask->form == FORM_NPY ? "application/x-npy" : "application/octet-stream";
	if (ask->form == FORM_NPY)
		npy_put_header(&reply->body, ask->n, ask->d);
	(void)buf_reserve(&reply->body, ask->n * ask->d * sizeof(float));
	for (size_t i = 0; i < ask->n; i++) {
		struct seen seen;
		const float *x = embed(ask, i, s, reply, &seen, err);

		if (!x)
			return -1;
		buf_add(&reply->body, x, ask->d * sizeof(*x));
	}
	return 0;
}

int route_embeddings(struct embedder *s, struct context *context, const struct request *request,
		     struct reply *reply, struct err *err)
{
	struct embed_request ask;

	if (read_ask(&ask, request, context, s, err))
		return -1;
	ask.vectors = arena_alloc(&context->arena, ask.n < EMBEDDER_TEXTS ? ask.n : EMBEDDER_TEXTS,
				  embedder_dimension(s) * sizeof(float), err);
	if (!ask.vectors)
		return -1;
	return ask.form == FORM_JSON || ask.form == FORM_BASE64 ? put_json(&ask, s, reply, err)
								: put_raw(&ask, s, reply, err);
}
