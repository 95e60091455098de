#include "embed/embedder.h"

#include "base/err.h"
#include "base/mem.h"
#include "embed/batcher.h"
#include "embed/disc.h"
#include "embed/lookup_cache.h"
#include "embed/lstm_encoder.h"
#include "math/rows.h"
#include "math/sif.h"
#include "math/vec.h"
#include "model/model.h"
#include "text/lookup.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { IDS_AT_FIRST = 1024, ROWS_AHEAD = 16 };
enum { GROUP = 4 * LSTM_TEXTS_MAX }; /* texts that are sorted by length together, for an LSTM */

struct embedder {
	struct model *model;
	enum method method;
	size_t d;	      /* of a row */
	size_t d_out;	      /* of a vector */
	size_t d_static;      /* of a sum of words, which may be the second half of a vector */
	bool mean;	      /* the sum is divided by the number of known words */
	const float *weights; /* NULL: all 1 */
	size_t k;	      /* components to remove */
	const float *projection;

	struct lookup_cache lookups;
	struct lookup *lookup; /* the current one, among them */

	/* (scratch_cap): a sum or a row before the projection, then the projected row; or of disc_sum() */
	float *scratch;
	size_t scratch_cap;
	struct lstm_encoder *lstm; /* NULL until it is used */
	struct batcher *batcher;   /* used instead of that; borrowed, or NULL */
	uint32_t *ids;		   /* (ids_cap): words of a text, unknown ones included, or of many texts */
	size_t ids_cap;
	float *collected; /* (collected_cap): the weights of a text's words */
	size_t collected_cap;
};

const struct param_row embedder_params[] = {
	PARAM(PARAM_FLAG, "normalize", NULL, "make unit vectors; otherwise they keep their length", "yes",
	      PARAM_WHOLE(bool), PARAM_ANY, { PARAM_ALWAYS, 1 }),
	{ 0 },
};

float seen_coverage(struct seen seen)
{
	return seen.words ? (float)seen.known / (float)seen.words : 0.0f;
}

static bool takes_mean(enum method method)
{
	return method != METHOD_SUM && method != METHOD_LEARNED && method != METHOD_DISC &&
	       !method_recurrent(method);
}

/* The method by which words are summed, by themselves or beside an LSTM. */
static enum method words_by(const struct embedder *s)
{
	enum method sums = model_sums(s->model);

	if (s->method == METHOD_FEATURES)
		return sums;
	if (s->method == METHOD_LSTM_STATIC)
		return sums == METHOD_DISC ? METHOD_SUM : sums; /* disc makes none */
	return s->method;
}

/* Chooses what the method uses of the model.  Folded rows have all of it in them. */
static void choose_parts(struct embedder *s)
{
	const struct model *m = s->model;
	enum method method = words_by(s);
	bool weighted = method == METHOD_WEIGHTED || method == METHOD_SIF || method == METHOD_USIF ||
			method == METHOD_WHITEN;

	s->d = m->rows.d;
	s->d_out = model_dimension(m, s->method);
	s->d_static = model_dimension(m, method);
	s->mean = takes_mean(method) && s->method != METHOD_LSTM_STATIC; /* whose halves are of length 1 */
	s->weights = NULL;
	s->k = 0;
	s->projection = NULL;
	if (!m->facts.folded) {
		if (weighted || method == METHOD_LEARNED)
			s->weights = m->weights;
		if (method == METHOD_SIF || method == METHOD_USIF)
			s->k = m->k;
		if (method == METHOD_WHITEN || method == METHOD_LEARNED)
			s->projection = m->projection;
	}
	assert(s->projection || method == METHOD_DISC || method == METHOD_LSTM || s->d == s->d_static);
}

/* Everything that can fail comes first, so that a failed switch leaves the embedder as it was. */
static int take_model(struct embedder *s, struct model *m, struct err *err)
{
	size_t grams = METHOD_DISC_GRAMS * m->rows.d;
	size_t room = m->rows.d + (m->d_out > grams ? m->d_out : grams);
	/* The current lookup stays, in case this switch fails. */
	struct lookup *lookup = lookup_cache_find(&s->lookups, s->lookup, m, err);

	if (!lookup)
		return -1;
	if (mem_reserve(&s->scratch, &s->scratch_cap, room, sizeof(*s->scratch), err))
		return -1;
	(void)model_retain(m);
	model_release(s->model);
	s->model = m;
	s->lookup = lookup;
	return 0;
}

int embedder_use(struct embedder *s, struct model *m, enum method method, struct err *err)
{
	assert(model_has(m, method));
	if (m == s->model && method == s->method)
		return 0;
	if (method_recurrent(method) && !s->lstm) {
		s->lstm = lstm_encoder_new(err);
		if (!s->lstm)
			return -1;
	}
	if (m != s->model && take_model(s, m, err))
		return -1;
	s->method = method;
	choose_parts(s);
	return 0;
}

void embedder_use_batcher(struct embedder *s, struct batcher *batcher)
{
	s->batcher = batcher;
}

struct embedder *embedder_new(struct model *m, enum method method, struct err *err)
{
	struct embedder *s = mem_try(1, sizeof(*s), err);

	if (!s)
		return NULL;
	if (mem_reserve(&s->collected, &s->collected_cap, IDS_AT_FIRST, sizeof(*s->collected), err) ||
	    embedder_use(s, m, method, err)) {
		embedder_free(s);
		return NULL;
	}
	return s;
}

void embedder_free(struct embedder *s)
{
	if (!s)
		return;
	lookup_cache_free(&s->lookups);
	model_release(s->model);
	free(s->scratch);
	free(s->collected);
	lstm_encoder_free(s->lstm);
	free(s->ids);
	free(s);
}

struct model *embedder_model(const struct embedder *s)
{
	return s->model;
}

enum method embedder_method(const struct embedder *s)
{
	return s->method;
}

size_t embedder_dimension(const struct embedder *s)
{
	return s->d_out;
}

struct lookup *embedder_lookup(struct embedder *s)
{
	return s->lookup;
}

float embedder_weight(const struct embedder *s, uint32_t id)
{
	assert(id < s->model->rows.n);
	return s->weights ? s->weights[id] : 1.0f;
}

float embedder_factor(const struct embedder *s, size_t known)
{
	return s->mean && known ? 1.0f / (float)known : 1.0f;
}

static void transform(const struct embedder *s, const float *x, float *out)
{
	if (s->projection) {
		vec_times_matrix(out, x, s->projection, s->d, s->d_static);
		return;
	}
	if (out != x)
		memcpy(out, x, s->d * sizeof(*out));
	sif_remove(out, s->model->components, s->model->component_scales, s->k, s->d);
}

void embedder_transform(const struct embedder *s, const float *x, float *out)
{
	assert(s->method != METHOD_DISC && !method_recurrent(s->method));
	transform(s, x, out);
}

/* *weights = the weights of the ids, or NULL where all are 1. */
static int collect_weights(struct embedder *s, const uint32_t *ids, size_t n, const float **weights,
			   struct err *err)
{
	*weights = NULL;
	if (!s->weights)
		return 0;
	if (mem_reserve(&s->collected, &s->collected_cap, n, sizeof(*s->collected), err))
		return -1;
	for (size_t i = 0; i < n; i++)
		s->collected[i] = s->weights[ids[i]];
	*weights = s->collected;
	return 0;
}

static int finish(const struct embedder *s, bool normalize, float *vector, struct err *err)
{
	float norm = normalize ? vec_unit(vector, s->d_out) : vec_norm(vector, s->d_out);

	if (!isfinite(norm))
		return err_set(
			err, ERR_FORMAT,
			"the model gives a text numbers that are not finite: `sifd verify` tells which "
			"tensor is at fault");
	return 0;
}

static int sum_words(struct embedder *s, const uint32_t *ids, size_t known, float *vector, struct err *err)
{
	float *sum = s->projection ? s->scratch : vector;
	const float *weights;

	for (size_t i = 0; i < known && i < ROWS_AHEAD; i++)
		rows_prefetch(&s->model->rows, ids[i]);
	if (collect_weights(s, ids, known, &weights, err))
		return -1;
	rows_sum(sum, &s->model->rows, ids, weights, known);
	if (s->mean)
		vec_scale(sum, embedder_factor(s, known), s->d);
	transform(s, sum, vector);
	return 0;
}

/* The mean of the words' unit vectors.  Weights cancel, since each word's vector is normalized. */
static void average_words(struct embedder *s, const uint32_t *ids, size_t known, float *to)
{
	float *word = s->scratch + s->d;

	memset(to, 0, s->d_static * sizeof(*to));
	for (size_t t = 0; t < known; t++) {
		rows_get(s->scratch, &s->model->rows, ids[t]);
		transform(s, s->scratch, word);
		(void)vec_unit(word, s->d_static);
		vec_axpy(to, 1.0f, word, s->d_static);
	}
	vec_scale(to, 1.0f / (float)known, s->d_static);
}

/* Adds the sum of words to what the LSTM made; both halves get length 1 where the method says so. */
static int add_words(struct embedder *s, const struct lstm_text *text, struct err *err)
{
	size_t first = s->model->lstm.h ? model_lstm_vector(s->model) : s->d_static;
	float *rest = text->vector + first;

	if (text->n == 0) {
		memset(text->vector, 0, s->d_out * sizeof(float));
		return 0;
	}
	if (s->method == METHOD_LSTM)
		return 0;
	if (s->method == METHOD_LSTM_STATIC && sum_words(s, text->ids, text->n, rest, err))
		return -1;
	if (!s->model->lstm.h && sum_words(s, text->ids, text->n, text->vector, err))
		return -1;
	(void)vec_unit(text->vector, first);
	if (s->method == METHOD_LSTM_STATIC)
		(void)vec_unit(rest, s->d_static);
	else if (!text->mean)
		average_words(s, text->ids, text->n, rest);
	return 0;
}

/* Embeds texts by a method that runs the LSTM, where there is one; sorts them by length. */
static int run_words(struct embedder *s, struct lstm_text *texts, size_t n, struct err *err)
{
	const struct model *m = s->model;
	bool states = s->method == METHOD_FEATURES && model_features_of_states(m);

	for (size_t i = 0; i < n; i++)
		texts[i].mean = states ? texts[i].vector + model_lstm_vector(m) : NULL;
	if (m->lstm.h && (s->batcher ? batcher_embed(s->batcher, m, texts, n, err)
				     : lstm_encoder_embed(s->lstm, m, texts, n, err)))
		return -1;
	for (size_t i = 0; i < n; i++)
		if (add_words(s, &texts[i], err))
			return -1;
	return 0;
}

int embedder_embed_words(struct embedder *s, const uint32_t *ids, size_t known, bool normalize, float *vector,
			 struct err *err)
{
	if (known == 0) {
		memset(vector, 0, s->d_out * sizeof(*vector));
		return 0;
	}
	if (s->method == METHOD_DISC)
		disc_sum(vector, s->scratch, &s->model->rows, ids, known);
	else if (method_recurrent(s->method)
			 ? run_words(s, &(struct lstm_text){ .ids = ids, .n = known, .vector = vector }, 1,
				     err)
			 : sum_words(s, ids, known, vector, err))
		return -1;
	return finish(s, normalize, vector, err);
}

/* For methods that need the places of unknown words. */
static int embed_listed(struct embedder *s, const char *text, size_t n, bool normalize, float *vector,
			struct seen *seen, struct err *err)
{
	const struct word *words;
	ptrdiff_t count = lookup_run(s->lookup, text, n, &words, err);
	struct seen found = { .words = (uint32_t)count };

	if (count < 0 || mem_reserve(&s->ids, &s->ids_cap, (size_t)count, sizeof(*s->ids), err))
		return -1;
	for (ptrdiff_t i = 0; i < count; i++) {
		s->ids[i] = words[i].id;
		found.known += words[i].id != VOCAB_UNKNOWN;
	}
	if (seen)
		*seen = found;
	return embedder_embed_words(s, s->ids, (size_t)count, normalize, vector, err);
}

int embedder_embed(struct embedder *s, const char *text, size_t n, bool normalize, float *vector,
		   struct seen *seen, struct err *err)
{
	const uint32_t *ids;
	size_t unknown;
	ptrdiff_t known;

	if (s->method == METHOD_DISC)
		return embed_listed(s, text, n, normalize, vector, seen, err);
	known = lookup_ids(s->lookup, text, n, &ids, &unknown, err);
	if (known < 0)
		return -1;
	if (seen)
		*seen = (struct seen){ .words = (uint32_t)((size_t)known + unknown),
				       .known = (uint32_t)known };
	return embedder_embed_words(s, ids, (size_t)known, normalize, vector, err);
}

/* ---- many texts ---- */

/* The known words of texts (n) to s->ids, those of text i from starts[i]. */
static int list_known(struct embedder *s, const struct text *texts, size_t n, size_t *starts,
		      struct seen *seen, struct err *err)
{
	starts[0] = 0;
	for (size_t i = 0; i < n; i++) {
		const uint32_t *ids;
		size_t unknown;
		ptrdiff_t known = lookup_ids(s->lookup, texts[i].at, texts[i].n, &ids, &unknown, err);

		if (known < 0 ||
		    mem_reserve(&s->ids, &s->ids_cap, starts[i] + (size_t)known, sizeof(*s->ids), err))
			return -1;
		if (known)
			memcpy(s->ids + starts[i], ids, (size_t)known * sizeof(*ids));
		starts[i + 1] = starts[i] + (size_t)known;
		if (seen)
			seen[i] = (struct seen){ .words = (uint32_t)((size_t)known + unknown),
						 .known = (uint32_t)known };
	}
	return 0;
}

static int embed_group(struct embedder *s, const struct text *texts, size_t n, bool normalize, float *vectors,
		       struct seen *seen, struct err *err)
{
	struct lstm_text group[GROUP];
	size_t starts[GROUP + 1];

	if (list_known(s, texts, n, starts, seen, err))
		return -1;
	for (size_t i = 0; i < n; i++)
		group[i] = (struct lstm_text){ .ids = s->ids + starts[i],
					       .n = starts[i + 1] - starts[i],
					       .vector = vectors + i * s->d_out };
	if (run_words(s, group, n, err))
		return -1;
	for (size_t i = 0; i < n; i++)
		if (finish(s, normalize, vectors + i * s->d_out, err))
			return -1;
	return 0;
}

int embedder_embed_many(struct embedder *s, const struct text *texts, size_t n, bool normalize,
			float *vectors, struct seen *seen, struct err *err)
{
	bool grouped = method_recurrent(s->method) && s->model->lstm.h;
	size_t step = grouped ? GROUP : 1;

	for (size_t i = 0; i < n; i += step) {
		float *to = vectors + i * s->d_out;
		struct seen *at = seen ? seen + i : NULL;
		size_t some = n - i < step ? n - i : step;

		if (grouped ? embed_group(s, texts + i, some, normalize, to, at, err)
			    : embedder_embed(s, texts[i].at, texts[i].n, normalize, to, at, err))
			return -1;
	}
	return 0;
}
