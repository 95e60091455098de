/* POST /v1/explain and /v1/tokenize: what a model sees in a text, and what each word does. */
#include "routes/handlers.h"

#include "base/json_fields.h"
#include "base/limits.h"
#include "embed/explain.h"
#include "model/model.h"
#include "routes/request.h"
#include "routes/routes.h"
#include "routes/service.h"
#include "text/lookup.h"

#include <string.h>

/* "token" has the text's own bytes, "start" and "stop" are byte offsets, "id" is null for unknown words. */
static void put_token(struct buf *to, const char *text, uint32_t start, uint32_t stop, uint32_t id)
{
	buf_text(to, "{\"token\":");
	json_put_string(to, text + start, stop - start);
	buf_printf(to, ",\"start\":%u,\"stop\":%u", start, stop);
	if (id == VOCAB_UNKNOWN)
		buf_text(to, ",\"id\":null,\"known\":false");
	else
		buf_printf(to, ",\"id\":%u,\"known\":true", id);
}

static void put_words(struct buf *to, const struct explained *e, const char *text)
{
	buf_text(to, "{\"words\":[");
	for (size_t i = 0; i < e->n; i++) {
		const struct explained_word *w = &e->words[i];

		buf_text(to, i ? "," : "");
		put_token(to, text, w->start, w->stop, w->id);
		json_put_float(to, ",\"weight\":", w->weight);
		json_put_float(to, ",\"share\":", w->share);
		buf_byte(to, '}');
	}
	json_put_float(to, "],\"coverage\":", e->coverage);
	json_put_float(to, ",\"norm\":", e->norm);
	buf_byte(to, '}');
}

static void count(struct reply *reply, const struct explained *e)
{
	reply->texts++;
	reply->words += e->n;
	for (size_t i = 0; i < e->n; i++)
		reply->known += e->words[i].id != VOCAB_UNKNOWN;
}

static int answer_text(const json_t *text, struct embedder *s, struct reply *reply, struct err *err)
{
	struct explained e;

	if (!json_is_string(text))
		return json_expected("text", "a string", err);
	if (explain_text(&e, s, json_string_value(text), json_string_length(text), err))
		return -1;
	reply_begin_model(reply, s);
	buf_text(&reply->body, ",\"text\":");
	put_words(&reply->body, &e, json_string_value(text));
	buf_text(&reply->body, "}\n");
	count(reply, &e);
	explained_free(&e);
	return 0;
}

/* Refuses a matrix that would be too large before it is made. */
static int check_parts(struct embedder *s, const json_t *a, const json_t *b, struct err *err)
{
	const struct word *words;
	ptrdiff_t n =
		lookup_run(embedder_lookup(s), json_string_value(a), json_string_length(a), &words, err);
	ptrdiff_t m = n < 0 ? -1
			    : lookup_run(embedder_lookup(s), json_string_value(b), json_string_length(b),
					 &words, err);

	if (m < 0)
		return -1;
	if (m > 0 && n > LIMIT_PARTS / m)
		return err_field(err, ERR_TOO_LARGE, "pair",
				 "%td x %td words: at most %d pairs of words are explained", n, m,
				 LIMIT_PARTS);
	return 0;
}

static void put_pair(struct reply *reply, const struct explained_pair *p, const char *a, const char *b)
{
	struct buf *to = &reply->body;

	json_put_float(to, ",\"score\":", p->score);
	buf_text(to, ",\"left\":");
	put_words(to, &p->left, a);
	buf_text(to, ",\"right\":");
	put_words(to, &p->right, b);
	buf_text(to, ",\"parts\":[");
	for (size_t i = 0; i < p->left.n; i++) {
		json_put_floats(to, i ? "," : "", p->parts + i * p->right.n, p->right.n);
	}
	buf_text(to, "]}\n");
}

static int answer_pair(const json_t *pair, struct embedder *s, struct reply *reply, struct err *err)
{
	const json_t *a = json_array_get(pair, 0);
	const json_t *b = json_array_get(pair, 1);
	struct explained_pair p;

	if (json_array_size(pair) != 2 || !json_is_string(a) || !json_is_string(b))
		return json_expected("pair", "an array of two strings", err);
	if (check_parts(s, a, b, err) || explain_pair(&p, s, json_string_value(a), json_string_length(a),
						      json_string_value(b), json_string_length(b), err))
		return -1;
	reply_begin_model(reply, s);
	put_pair(reply, &p, json_string_value(a), json_string_value(b));
	count(reply, &p.left);
	count(reply, &p.right);
	explained_pair_free(&p);
	return 0;
}

int route_explain(struct embedder *s, struct context *context, const struct request *request,
		  struct reply *reply, struct err *err)
{
	const json_t *text = json_object_get(request->json, "text");
	const json_t *pair = json_object_get(request->json, "pair");

	(void)context;
	if (!text == !pair)
		return err_set(err, ERR_INPUT,
			       "either `text` (a string) or `pair` (two strings) is expected");
	return text ? answer_text(text, s, reply, err) : answer_pair(pair, s, reply, err);
}

int route_tokenize(struct embedder *s, struct context *context, const struct request *request,
		   struct reply *reply, struct err *err)
{
	const json_t *text = json_object_get(request->json, "text");
	const struct vocab *vocab = &embedder_model(s)->vocab;
	const struct word *words;
	ptrdiff_t n;

	(void)context;
	if (!json_is_string(text))
		return json_expected("text", "a string", err);
	n = lookup_run(embedder_lookup(s), json_string_value(text), json_string_length(text), &words, err);
	if (n < 0)
		return -1;
	reply_begin_model(reply, s);
	buf_text(&reply->body, ",\"tokens\":[");
	for (ptrdiff_t i = 0; i < n; i++) {
		bool is_known = words[i].id != VOCAB_UNKNOWN;
		size_t length = 0;

		buf_text(&reply->body, i ? "," : "");
		put_token(&reply->body, json_string_value(text), words[i].start, words[i].stop, words[i].id);
		buf_text(&reply->body, ",\"word\":");
		if (is_known) {
			const char *word = vocab_word(vocab, words[i].id, &length);

			json_put_string(&reply->body, word, length);
		} else {
			buf_text(&reply->body, "null");
		}
		json_put_float(&reply->body,
			       ",\"weight\":", is_known ? embedder_weight(s, words[i].id) : 0.0f);
		buf_byte(&reply->body, '}');
		reply->known += is_known;
	}
	buf_text(&reply->body, "]}\n");
	reply->texts = 1;
	reply->words = (uint64_t)n;
	return 0;
}
