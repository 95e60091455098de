/*
 * Reads the metadata and the tensors of a file into a model.
 */
#include "base/err.h"
#include "base/mem.h"
#include "model/model.h"
#include "model/model_private.h"

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *model_text(const struct safetensors *s, const char *key)
{
	const char *value = safetensors_metadata(s, key);

	return value ? value : "";
}

static int number_of(double *to, const struct safetensors *s, const char *key, struct err *err)
{
	const char *value = model_text(s, key);
	char *end;

	/* The program never calls setlocale(): the point is a point. */
	*to = strtod(value, &end);
	if (!*value || *end || !isfinite(*to))
		return err_set(err, ERR_FORMAT, "metadata '%s' is no number: '%.60s'", key, value);
	return 0;
}

int model_whole(uint64_t *to, const struct safetensors *s, const char *key, struct err *err)
{
	const char *value = model_text(s, key);
	char *end;

	errno = 0;
	*to = strtoull(value, &end, 10);
	if (*value < '0' || *value > '9' || *end || errno)
		return err_set(err, ERR_FORMAT, "metadata '%s' is no whole number: '%.60s'", key, value);
	return 0;
}

static int read_facts(struct model *m, const struct safetensors *s, struct err *err)
{
	struct model_facts *f = &m->facts;
	uint64_t folded;
	uint64_t fitted;
	int method = method_parse(model_text(s, "method"), strlen(model_text(s, "method")));

	if (method < 0)
		return err_set(err, ERR_FORMAT, "metadata names an unknown method '%.60s'",
			       model_text(s, "method"));
	if (model_whole(&folded, s, "folded", err) || model_whole(&fitted, s, "fitted", err) ||
	    number_of(&f->a, s, "a", err) || number_of(&f->power, s, "power", err) ||
	    number_of(&f->prior, s, "prior", err) || model_whole(&f->sentences, s, "sentences", err) ||
	    model_whole(&f->tokens, s, "tokens", err) || model_whole(&f->known, s, "known", err) ||
	    number_of(&f->mass, s, "mass", err) || number_of(&f->explained, s, "explained", err))
		return -1;
	f->method = (enum method)method;
	method = method_parse(model_text(s, "sums"), strlen(model_text(s, "sums")));
	f->sums = method < 0 || method_recurrent((enum method)method)
			  ? METHOD_SUM /* older files do not say */
			  : (enum method)method;
	f->folded = folded != 0;
	f->fitted = fitted != 0;
	f->learned = strcmp(model_text(s, "learned"), "1") == 0; /* there only when it is */
	(void)snprintf(f->corpus, sizeof(f->corpus), "%s", model_text(s, "corpus"));
	(void)snprintf(f->source, sizeof(f->source), "%s", model_text(s, "source"));
	(void)snprintf(f->program, sizeof(f->program), "%s", model_text(s, "program"));
	(void)snprintf(m->canaries, sizeof(m->canaries), "%s", model_text(s, "canaries"));
	return 0;
}

/* *to = the tensor's data, of this type and shape (n, d), or (n) where d is 0; NULL when it is not there. */
static int take_tensor(const void **to, const struct safetensors *s, enum model_tensor which,
		       enum tensor_type type, size_t n, size_t d, struct err *err)
{
	const char *name = model_tensors[which].name;
	const struct tensor *t = safetensors_find(s, name);

	*to = NULL;
	if (!t)
		return 0;
	if (t->type != type || t->rank != (d ? 2u : 1u) || t->shape[0] != n || (d && t->shape[1] != d)) {
		char columns[24] = "";

		if (d)
			(void)snprintf(columns, sizeof(columns), ", %zu", d);
		return err_set(err, ERR_FORMAT, "tensor '%s' is not %s of shape (%zu%s)", name,
			       tensor_type_name(type), n, columns);
	}
	if ((uintptr_t)t->data % tensor_type_size(type))
		return err_set(err, ERR_FORMAT,
			       "tensor '%s' does not stand on a multiple of its element size", name);
	*to = t->data;
	return 0;
}

/* The rows_type of a tensor, whose data must be aligned to its element size. */
static int type_of_rows(enum rows_type *to, const struct tensor *t, const char *name, struct err *err)
{
	int type = tensor_type_rows(t->type);

	if (type < 0)
		return err_set(err, ERR_FORMAT, "%s of type %s: expected F32, F16, BF16 or I8", name,
			       tensor_type_name(t->type));
	if ((uintptr_t)t->data % rows_type_size((enum rows_type)type))
		return err_set(err, ERR_FORMAT,
			       "tensor '%s' does not stand on a multiple of its element size", name);
	*to = (enum rows_type)type;
	return 0;
}

static int take_scales(struct rows *rows, const struct safetensors *s, enum model_tensor which,
		       const char *name, struct err *err)
{
	const void *scales;

	if (take_tensor(&scales, s, which, TENSOR_F32, rows->n, 0, err))
		return -1;
	rows->scales = scales;
	if ((rows->type == ROWS_I8) != (scales != NULL))
		return err_set(err, ERR_FORMAT, "I8 %s and only they have '%s'", name,
			       model_tensors[which].name);
	return 0;
}

static int read_rows(struct model *m, const struct safetensors *s, struct err *err)
{
	const struct tensor *t = safetensors_find(s, "vectors");

	if (!t || t->rank != 2)
		return err_set(err, ERR_FORMAT, "there is no matrix 'vectors'");
	m->rows.n = t->shape[0];
	m->rows.d = t->shape[1];
	m->rows.data = t->data;
	if (m->rows.n == 0 || m->rows.n > MODEL_WORDS_MAX || m->rows.d == 0 ||
	    m->rows.d > MODEL_DIMENSIONS_MAX)
		return err_set(err, ERR_FORMAT,
			       "vectors of shape (%zu, %zu): at most %d words of %d dimensions", m->rows.n,
			       m->rows.d, MODEL_WORDS_MAX, MODEL_DIMENSIONS_MAX);
	if (type_of_rows(&m->rows.type, t, "vectors", err))
		return -1;
	return take_scales(&m->rows, s, TENSOR_SCALES, "vectors", err);
}

static int read_vocab(struct model *m, const struct safetensors *s, struct err *err)
{
	const struct tensor *words = safetensors_find(s, "words");
	const struct tensor *slots = safetensors_find(s, "index");
	const void *at;

	if (!words || words->type != TENSOR_U8 || words->rank != 1 || !slots || slots->rank != 1)
		return err_set(err, ERR_FORMAT, "the tensors 'words' (U8) and 'index' (U64) are needed");
	m->vocab.n = m->rows.n;
	m->vocab.bytes = words->data;
	if (take_tensor(&at, s, TENSOR_OFFSETS, TENSOR_U64, m->rows.n + 1, 0, err))
		return -1;
	m->vocab.offsets = at;
	m->vocab.slots_n = slots->shape[0];
	if (take_tensor(&at, s, TENSOR_SLOTS, TENSOR_U64, slots->shape[0], 0, err))
		return -1;
	m->vocab.slots = at;
	if (!m->vocab.offsets || model_whole(&m->vocab.seed, s, "vocab_seed", err))
		return m->vocab.offsets ? -1 : err_set(err, ERR_FORMAT, "there is no tensor 'word_offsets'");
	if (take_tensor(&at, s, TENSOR_COUNTS, TENSOR_U64, m->rows.n, 0, err))
		return -1;
	m->counts = at;
	return vocab_check(&m->vocab, words->bytes, err);
}

static int all_finite(const float *x, size_t n, const char *name, struct err *err)
{
	for (size_t i = 0; x && i < n; i++)
		if (!isfinite(x[i]))
			return err_set(err, ERR_FORMAT,
				       "tensor '%s' holds a number that is not finite, at %zu", name, i);
	return 0;
}

/* take_tensor() of floats, which must be finite. */
static int take_floats(const float **to, const struct safetensors *s, enum model_tensor which, size_t n,
		       size_t d, struct err *err)
{
	const void *at;

	if (take_tensor(&at, s, which, TENSOR_F32, n, d, err))
		return -1;
	*to = at;
	return all_finite(*to, n * (d ? d : 1), model_tensors[which].name, err);
}

/* A matrix (n, d) of any type that rows have, with its scales; data NULL when it is not there. */
static int take_rows(struct rows *to, const struct safetensors *s, enum model_tensor which,
		     enum model_tensor scales, size_t n, size_t d, struct err *err)
{
	const char *name = model_tensors[which].name;
	const struct tensor *t = safetensors_find(s, name);

	*to = (struct rows){ ROWS_F32, n, d, NULL, NULL };
	if (!t)
		return take_scales(to, s, scales, name, err);
	if (t->rank != 2 || t->shape[0] != n || t->shape[1] != d)
		return err_set(err, ERR_FORMAT, "tensor '%s' is not of shape (%zu, %zu)", name, n, d);
	to->data = t->data;
	if (type_of_rows(&to->type, t, name, err) || take_scales(to, s, scales, name, err))
		return -1;
	if (to->type == ROWS_F32 && all_finite(t->data, n * d, name, err))
		return -1;
	return all_finite(to->scales, n, model_tensors[scales].name, err);
}

/* Is the first tensor of that layer and direction there? */
static bool has_direction(const struct safetensors *s, size_t layer, size_t direction)
{
	return safetensors_find(s, model_tensors[model_lstm_tensor(layer, direction, 0)].name) != NULL;
}

/* All tensors of a layer and direction, or none. */
static int check_direction(const struct safetensors *s, size_t layer, size_t direction, bool wanted,
			   struct err *err)
{
	for (size_t i = 0; i < LSTM_DIRECTION_TENSORS; i++) {
		const char *name = model_tensors[model_lstm_tensor(layer, direction, i)].name;

		if ((safetensors_find(s, name) != NULL) != wanted)
			return err_set(err, ERR_FORMAT, "of its LSTM the tensor '%s' is %s", name,
				       wanted ? "missing" : "there alone");
	}
	return 0;
}

static int read_direction(struct model *m, const struct safetensors *s, size_t layer, size_t direction,
			  struct err *err)
{
	struct model_lstm_direction *to = &m->lstm.layers[layer].directions[direction];
	size_t h = m->lstm.h;
	bool wanted = layer < m->lstm.layers_n && direction < m->lstm.directions_n;
	size_t gates = wanted ? 4 * h : 0;

	if (check_direction(s, layer, direction, wanted, err) ||
	    take_rows(&to->input, s, model_lstm_tensor(layer, direction, 0),
		      model_lstm_scales(layer, direction, 0), gates, model_lstm_layer_inputs(m, layer),
		      err) ||
	    take_rows(&to->recurrent, s, model_lstm_tensor(layer, direction, 1),
		      model_lstm_scales(layer, direction, 1), gates, h, err) ||
	    take_floats(&to->input_bias, s, model_lstm_tensor(layer, direction, 2), gates, 0, err) ||
	    take_floats(&to->recurrent_bias, s, model_lstm_tensor(layer, direction, 3), gates, 0, err))
		return -1;
	return 0;
}

/* The layers and directions that the file has, of sizes that the first tensor tells. */
static int read_lstm(struct model *m, const struct safetensors *s, struct err *err)
{
	const struct tensor *first = safetensors_find(s, model_tensors[TENSOR_LSTM].name);
	struct model_lstm *l = &m->lstm;

	l->h = first && first->rank == 2 ? first->shape[0] / 4 : 0;
	if (first && (l->h == 0 || l->h > MODEL_LSTM_MAX))
		return err_set(err, ERR_FORMAT, "an LSTM of %zu states: 1 to %d", l->h, MODEL_LSTM_MAX);
	l->layers_n = !first ? 0 : has_direction(s, 1, 0) ? 2 : 1;
	l->directions_n = !first ? 0 : has_direction(s, 0, 1) ? 2 : 1;
	for (size_t layer = 0; layer < MODEL_LSTM_LAYERS; layer++)
		for (size_t direction = 0; direction < 2; direction++)
			if (read_direction(m, s, layer, direction, err))
				return -1;
	return 0;
}

/* An overlay whose LSTM is its base's has no tensor of one. */
static int take_lstm_of_base(struct model *m, const struct safetensors *s, struct err *err)
{
	for (int i = TENSOR_LSTM; i <= TENSOR_LSTM_RESIDUAL; i++)
		if (safetensors_find(s, model_tensors[i].name))
			return err_set(err, ERR_FORMAT, "of its LSTM the tensor '%s' is there alone",
				       model_tensors[i].name);
	if (!m->base->lstm.h || !model_lstm_reads_rows(m->base))
		return err_set(err, ERR_FORMAT, "its LSTM is its base's, and that has none that reads rows");
	model_lend_lstm(m, m->base);
	return 0;
}

/* How states become a vector.  Older files do not say: they have only means. */
static int read_pooling(struct model *m, const struct safetensors *s, struct err *err)
{
	const char *name = safetensors_metadata(s, "pooling");
	int pooling = name ? pooling_parse(name) : POOLING_MEAN;

	if (pooling < 0)
		return err_set(err, ERR_FORMAT, "metadata names an unknown pooling '%.60s'", name);
	m->lstm.pooling = (enum pooling)pooling;
	if (take_floats(&m->lstm.attention, s, TENSOR_LSTM_ATTENTION, model_lstm_outputs(m), 0, err) ||
	    take_rows(&m->lstm.residual, s, TENSOR_LSTM_RESIDUAL, TENSOR_LSTM_RESIDUAL_SCALES, m->rows.d,
		      model_lstm_outputs(m), err))
		return -1;
	if (!model_pooling_fits(m))
		return err_set(
			err, ERR_FORMAT,
			"poolings 'attention' and 'residual' and only they have '%s', residual alone '%s', "
			"and no projection",
			model_tensors[TENSOR_LSTM_ATTENTION].name, model_tensors[TENSOR_LSTM_RESIDUAL].name);
	return 0;
}

static int read_any_lstm(struct model *m, const struct safetensors *s, struct err *err)
{
	bool first = safetensors_find(s, model_tensors[TENSOR_LSTM].name) != NULL;
	/* What the LSTM reads, where the model has a projection. */
	const char *reads = safetensors_metadata(s, "lstm_reads");

	if (reads && strcmp(reads, "rows") != 0)
		return err_set(err, ERR_FORMAT, "metadata 'lstm_reads' is unknown: '%.60s'", reads);
	m->lstm.reads_rows = reads != NULL;
	if (m->base && m->lstm.reads_rows && !first)
		return take_lstm_of_base(m, s, err);
	if (read_lstm(m, s, err))
		return -1;
	return read_pooling(m, s, err);
}

/* What a fit adds, in whole models and overlays alike. */
static int read_fit(struct model *m, const struct safetensors *s, struct err *err)
{
	const struct tensor *components = safetensors_find(s, "components");
	const struct tensor *projection = safetensors_find(s, "projection");
	size_t n = m->rows.n;
	size_t d = m->rows.d;

	m->k = components && components->rank == 2 ? components->shape[0] : 0;
	m->d_out = projection && projection->rank == 2 ? projection->shape[1] : d;
	if (m->k > MODEL_COMPONENTS_MAX || m->k > d || m->d_out == 0 || m->d_out > MODEL_DIMENSIONS_MAX)
		return err_set(err, ERR_FORMAT,
			       "%zu components and a projection to %zu dimensions are out of range", m->k,
			       m->d_out);
	if (take_floats(&m->weights, s, TENSOR_WEIGHTS, n, 0, err) ||
	    take_floats(&m->components, s, TENSOR_COMPONENTS, m->k, d, err) ||
	    take_floats(&m->component_scales, s, TENSOR_COMPONENT_SCALES, m->k, 0, err) ||
	    take_floats(&m->projection, s, TENSOR_PROJECTION, d, m->d_out, err) ||
	    take_floats(&m->moment, s, TENSOR_MOMENT, d, d, err))
		return -1;
	if (read_any_lstm(m, s, err) || model_pack_lstm(m, err))
		return -1;
	if (!model_has(m, m->facts.method))
		return err_set(err, ERR_FORMAT, "the tensors that method '%s' needs are not there",
			       method_names[m->facts.method]);
	return 0;
}

/* What older versions wrote for the method alacarte; it only counts for the fingerprint. */
static int read_alacarte(struct model *m, const struct safetensors *s, struct err *err)
{
	uint64_t window = 0;
	const void *at;

	if (take_tensor(&at, s, TENSOR_ALACARTE, TENSOR_F32, m->rows.d, m->rows.d, err) ||
	    (at && model_whole(&window, s, "alacarte_window", err)))
		return -1;
	m->alacarte = at;
	m->alacarte_window = (size_t)window;
	return 0;
}

static int read_rules(struct model *m, const struct safetensors *s, struct err *err)
{
	uint64_t strip_accents;

	if (model_whole(&strip_accents, s, "strip_accents", err))
		return -1;
	if (token_rules_parse(&m->rules, model_text(s, "normalize"), strip_accents != 0,
			      model_text(s, "split"), model_text(s, "unknown"), model_text(s, "punctuation"),
			      err)) {
		err->code = ERR_FORMAT;
		return -1;
	}
	return 0;
}

int model_parse(struct model *m, const struct safetensors *s, struct err *err)
{
	if (read_facts(m, s, err))
		return -1;
	if (m->base) {
		m->rows = m->base->rows;
		m->vocab = m->base->vocab;
		m->rules = m->base->rules;
		m->alacarte = m->base->alacarte;
		m->alacarte_window = m->base->alacarte_window;
	} else if (read_rows(m, s, err) || read_vocab(m, s, err) || read_rules(m, s, err) ||
		   read_alacarte(m, s, err)) {
		return -1;
	}
	return read_fit(m, s, err);
}
