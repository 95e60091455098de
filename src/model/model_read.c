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

/* "" for a missing key. */
static const char *text_of(const struct safetensors *s, const char *key)
{
	const char *value = safetensors_metadata(s, key);

	return value ? value : "";
}

static int number_of(double *to, const struct safetensors *s, const char *key, struct err *err)
{
	const char *value = text_of(s, key);
	char *end;

	/* The program never calls setlocale(): the point is a point. */
	*to = strtod(value, &end);
	if (!*value || *end || !isfinite(*to))
		return err_set(err, ERR_FORMAT, "metadata '%s' is no number: '%.60s'", key, value);
	return 0;
}

static int whole_of(uint64_t *to, const struct safetensors *s, const char *key, struct err *err)
{
	const char *value = text_of(s, key);
	char *end;

	errno = 0;
	*to = strtoull(value, &end, 10);
	if (*value < '0' || *value > '9' || *end || errno)
		return err_set(err, ERR_FORMAT, "metadata '%s' is no whole number: '%.60s'", key, value);
	return 0;
}

static void copy_text(char *to, size_t room, const char *from)
{
	(void)snprintf(to, room, "%s", from);
}

static int read_facts(struct model *m, const struct safetensors *s, struct err *err)
{
	struct model_facts *f = &m->facts;
	uint64_t folded;
	uint64_t fitted;
	int method = method_parse(text_of(s, "method"), strlen(text_of(s, "method")));

	if (method < 0)
		return err_set(err, ERR_FORMAT, "metadata names an unknown method '%.60s'",
			       text_of(s, "method"));
	if (whole_of(&folded, s, "folded", err) || whole_of(&fitted, s, "fitted", err) ||
	    number_of(&f->a, s, "a", err) || number_of(&f->power, s, "power", err) ||
	    number_of(&f->prior, s, "prior", err) || whole_of(&f->sentences, s, "sentences", err) ||
	    whole_of(&f->tokens, s, "tokens", err) || whole_of(&f->known, s, "known", err) ||
	    number_of(&f->mass, s, "mass", err) || number_of(&f->explained, s, "explained", err))
		return -1;
	f->method = (enum method)method;
	method = method_parse(text_of(s, "sums"), strlen(text_of(s, "sums")));
	f->sums = method < 0 || method_recurrent((enum method)method)
			  ? METHOD_SUM /* older files do not say */
			  : (enum method)method;
	f->folded = folded != 0;
	f->fitted = fitted != 0;
	f->learned = strcmp(text_of(s, "learned"), "1") == 0; /* there only when it is */
	copy_text(f->corpus, sizeof(f->corpus), text_of(s, "corpus"));
	copy_text(f->source, sizeof(f->source), text_of(s, "source"));
	copy_text(f->program, sizeof(f->program), text_of(s, "program"));
	copy_text(m->canaries, sizeof(m->canaries), text_of(s, "canaries"));
	return 0;
}

/* The tensor of that name, if it is there, with the shape (n, d) (d == 0: one dimension) and type. */
static int take(const void **to, const struct safetensors *s, enum model_tensor which, enum tensor_type type,
		size_t n, size_t d, struct err *err)
{
	const char *name = model_tensor_name(which);
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

	if (take(&scales, s, which, TENSOR_F32, rows->n, 0, err))
		return -1;
	rows->scales = scales;
	if ((rows->type == ROWS_I8) != (scales != NULL))
		return err_set(err, ERR_FORMAT, "I8 %s and only they have '%s'", name,
			       model_tensor_name(which));
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
	if (take(&at, s, TENSOR_OFFSETS, TENSOR_U64, m->rows.n + 1, 0, err))
		return -1;
	m->vocab.offsets = at;
	m->vocab.slots_n = slots->shape[0];
	if (take(&at, s, TENSOR_SLOTS, TENSOR_U64, slots->shape[0], 0, err))
		return -1;
	m->vocab.slots = at;
	if (!m->vocab.offsets || whole_of(&m->vocab.seed, s, "vocab_seed", err))
		return m->vocab.offsets ? -1 : err_set(err, ERR_FORMAT, "there is no tensor 'word_offsets'");
	if (take(&at, s, TENSOR_COUNTS, TENSOR_U64, m->rows.n, 0, err))
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

/* A matrix of any type that rows have, (n, d), and its scales; data NULL when it is not there. */
static int take_rows(struct rows *to, const struct safetensors *s, enum model_tensor which,
		     enum model_tensor scales, size_t n, size_t d, struct err *err)
{
	const char *name = model_tensor_name(which);
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
	return all_finite(to->scales, n, model_tensor_name(scales), err);
}

/* Is the first tensor of that layer and direction there? */
static bool has_direction(const struct safetensors *s, size_t layer, size_t direction)
{
	return safetensors_find(s, model_tensor_name(model_lstm_tensor(layer, direction, 0))) != NULL;
}

/* All tensors of a layer and direction, or none. */
static int check_direction(const struct safetensors *s, size_t layer, size_t direction, bool wanted,
			   struct err *err)
{
	for (size_t i = 0; i < LSTM_DIRECTION_TENSORS; i++) {
		const char *name = model_tensor_name(model_lstm_tensor(layer, direction, i));

		if ((safetensors_find(s, name) != NULL) != wanted)
			return err_set(err, ERR_FORMAT, "of its LSTM the tensor '%s' is %s", name,
				       wanted ? "missing" : "there alone");
	}
	return 0;
}

static int take_bias(const float **to, const struct safetensors *s, enum model_tensor which, size_t n,
		     struct err *err)
{
	const void *at;

	if (take(&at, s, which, TENSOR_F32, n, 0, err))
		return -1;
	*to = at;
	return all_finite(*to, n, model_tensor_name(which), err);
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
	    take_bias(&to->input_bias, s, model_lstm_tensor(layer, direction, 2), gates, err) ||
	    take_bias(&to->recurrent_bias, s, model_lstm_tensor(layer, direction, 3), gates, err))
		return -1;
	return 0;
}

/* The layers and directions that the file has, of sizes that the first tensor tells. */
static int read_lstm(struct model *m, const struct safetensors *s, struct err *err)
{
	const struct tensor *first = safetensors_find(s, model_tensor_name(TENSOR_LSTM));
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

/* What the LSTM reads where the model has a projection. */
static int read_lstm_reads(struct model *m, const struct safetensors *s, struct err *err)
{
	const char *what = safetensors_metadata(s, "lstm_reads");

	if (what && strcmp(what, "rows") != 0)
		return err_set(err, ERR_FORMAT, "metadata 'lstm_reads' is unknown: '%.60s'", what);
	m->lstm.reads_rows = what != NULL;
	return 0;
}

/* An overlay's that is its base's has no tensor in the file. */
static int take_lstm_of_base(struct model *m, const struct safetensors *s, struct err *err)
{
	for (int i = TENSOR_LSTM; i <= TENSOR_LSTM_RESIDUAL; i++)
		if (safetensors_find(s, model_tensor_name((enum model_tensor)i)))
			return err_set(err, ERR_FORMAT, "of its LSTM the tensor '%s' is there alone",
				       model_tensor_name((enum model_tensor)i));
	if (!m->base->lstm.h || !model_lstm_reads_rows(m->base))
		return err_set(err, ERR_FORMAT, "its LSTM is its base's, and that has none that reads rows");
	model_lend_lstm(m, m->base);
	return 0;
}

/* How states become a vector.  Older files, which have means alone, do not say. */
static int read_pooling(struct model *m, const struct safetensors *s, struct err *err)
{
	const char *name = safetensors_metadata(s, "pooling");
	int pooling = name ? pooling_parse(name) : POOLING_MEAN;
	const void *at;

	if (pooling < 0)
		return err_set(err, ERR_FORMAT, "metadata names an unknown pooling '%.60s'", name);
	m->lstm.pooling = (enum pooling)pooling;
	if (take(&at, s, TENSOR_LSTM_ATTENTION, TENSOR_F32, model_lstm_outputs(m), 0, err) ||
	    take_rows(&m->lstm.residual, s, TENSOR_LSTM_RESIDUAL, TENSOR_LSTM_RESIDUAL_SCALES, m->rows.d,
		      model_lstm_outputs(m), err))
		return -1;
	m->lstm.attention = at;
	if (!model_pooling_fits(m))
		return err_set(
			err, ERR_FORMAT,
			"poolings 'attention' and 'residual' and only they have '%s', residual alone '%s', "
			"and no projection",
			model_tensor_name(TENSOR_LSTM_ATTENTION), model_tensor_name(TENSOR_LSTM_RESIDUAL));
	return all_finite(at, model_lstm_outputs(m), model_tensor_name(TENSOR_LSTM_ATTENTION), err);
}

static int read_any_lstm(struct model *m, const struct safetensors *s, struct err *err)
{
	bool first = safetensors_find(s, model_tensor_name(TENSOR_LSTM)) != NULL;

	if (read_lstm_reads(m, s, err))
		return -1;
	if (m->base && m->lstm.reads_rows && !first)
		return take_lstm_of_base(m, s, err);
	return read_lstm(m, s, err) || read_pooling(m, s, err) ? -1 : 0;
}

/* What a fit adds: in whole models and overlays alike. */
static int read_fit(struct model *m, const struct safetensors *s, struct err *err)
{
	const struct tensor *components = safetensors_find(s, "components");
	const struct tensor *projection = safetensors_find(s, "projection");
	size_t n = m->rows.n;
	size_t d = m->rows.d;
	const void *at[5] = { NULL, NULL, NULL, NULL, NULL };

	m->k = components && components->rank == 2 ? components->shape[0] : 0;
	m->d_out = projection && projection->rank == 2 ? projection->shape[1] : d;
	if (m->k > MODEL_COMPONENTS_MAX || m->k > d || m->d_out == 0 || m->d_out > MODEL_DIMENSIONS_MAX)
		return err_set(err, ERR_FORMAT,
			       "%zu components and a projection to %zu dimensions are out of range", m->k,
			       m->d_out);
	if (take(&at[0], s, TENSOR_WEIGHTS, TENSOR_F32, n, 0, err) ||
	    take(&at[1], s, TENSOR_COMPONENTS, TENSOR_F32, m->k, d, err) ||
	    take(&at[2], s, TENSOR_COMPONENT_SCALES, TENSOR_F32, m->k, 0, err) ||
	    take(&at[3], s, TENSOR_PROJECTION, TENSOR_F32, d, m->d_out, err) ||
	    take(&at[4], s, TENSOR_MOMENT, TENSOR_F32, d, d, err))
		return -1;
	m->weights = at[0];
	m->components = at[1];
	m->component_scales = at[2];
	m->projection = at[3];
	m->moment = at[4];
	if (all_finite(m->weights, n, "weights", err) ||
	    all_finite(m->components, m->k * d, "components", err) ||
	    all_finite(m->component_scales, m->k, "component_scales", err) ||
	    all_finite(m->projection, d * m->d_out, "projection", err) ||
	    all_finite(m->moment, d * d, "moment", err))
		return -1;
	if (read_any_lstm(m, s, err) || model_pack_lstm(m, err))
		return -1;
	if (!model_has(m, m->facts.method))
		return err_set(err, ERR_FORMAT, "the tensors that method '%s' needs are not there",
			       method_name(m->facts.method));
	return 0;
}

/* What older versions wrote for the method alacarte. */
static int read_alacarte(struct model *m, const struct safetensors *s, struct err *err)
{
	uint64_t window = 0;
	const void *at;

	if (take(&at, s, TENSOR_ALACARTE, TENSOR_F32, m->rows.d, m->rows.d, err) ||
	    (at && whole_of(&window, s, "alacarte_window", err)))
		return -1;
	m->alacarte = at;
	m->alacarte_window = (size_t)window;
	return 0;
}

static int read_rules(struct model *m, const struct safetensors *s, struct err *err)
{
	uint64_t strip_accents;

	if (whole_of(&strip_accents, s, "strip_accents", err))
		return -1;
	if (token_rules_parse(&m->rules, text_of(s, "normalize"), strip_accents != 0, text_of(s, "split"),
			      text_of(s, "unknown"), text_of(s, "punctuation"), err)) {
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

/* Is it ours, of a version that we know? */
static int check_kind(const struct safetensors *s, struct err *err)
{
	uint64_t version;

	if (strcmp(text_of(s, "format"), "sifd") != 0)
		return err_set(err, ERR_FORMAT, "no sifd model; `sifd import` makes one of word vectors");
	if (whole_of(&version, s, "format_version", err))
		return -1;
	if (version > MODEL_FORMAT)
		return err_set(err, ERR_FORMAT,
			       "written by a newer sifd: format version %llu, this one reads up to %d",
			       (unsigned long long)version, MODEL_FORMAT);
	if (version != MODEL_FORMAT)
		return err_set(err, ERR_FORMAT, "there is no format version %llu",
			       (unsigned long long)version);
	return 0;
}

static bool is_known(const char *name, bool overlay)
{
	for (int i = 0; i < MODEL_TENSORS; i++)
		if ((!overlay || model_tensor_in_overlay((enum model_tensor)i)) &&
		    strcmp(name, model_tensor_name((enum model_tensor)i)) == 0)
			return true;
	return false;
}

/* The header is as it was written, and nothing stands in the file that nothing seals. */
static int check_header(struct model *m, const struct safetensors *s, struct err *err)
{
	bool overlay = safetensors_metadata(s, "base_fingerprint") != NULL;
	char hex[DIGEST_HEX + 1];

	for (size_t i = 0; i < s->n; i++)
		if (!is_known(s->tensors[i].name, overlay))
			return err_set(err, ERR_FORMAT, "tensor '%.60s' does not belong in %s",
				       s->tensors[i].name, overlay ? "an overlay" : "a model");
	if (model_header_digest(s, hex, err))
		return -1;
	/* model_verify() asks for one; opening does without. */
	if (safetensors_metadata(s, MODEL_HEADER_KEY) && strcmp(hex, text_of(s, MODEL_HEADER_KEY)) != 0)
		return err_set(err, ERR_FORMAT, "the header does not have the SHA-256 that it promises");
	m->memory->sealed = safetensors_metadata(s, MODEL_HEADER_KEY) != NULL;
	return 0;
}

static int read_digests(struct model *m, const struct safetensors *s, struct err *err)
{
	for (int i = 0; i < MODEL_TENSORS; i++) {
		const char *name = model_tensor_name((enum model_tensor)i);
		char key[40];
		const char *hex = text_of(s, model_digest_key((enum model_tensor)i, key));

		if (!safetensors_find(s, name))
			continue;
		if (strlen(hex) != DIGEST_HEX)
			return err_set(err, ERR_FORMAT, "metadata '%s' is no SHA-256", key);
		copy_text(m->memory->digests[i], DIGEST_HEX + 1, hex);
	}
	return 0;
}

/* What the file says of itself; model_verify() proves it. */
static int read_fingerprint(struct model *m, const struct safetensors *s, struct err *err)
{
	const char *hex = text_of(s, "fingerprint");

	if (strlen(hex) != DIGEST_HEX)
		return err_set(err, ERR_FORMAT, "metadata 'fingerprint' is no SHA-256");
	copy_text(m->fingerprint, sizeof(m->fingerprint), hex);
	model_digest(m); /* the base's: nothing is read */
	return 0;
}

/* Where the model is looked for: `folder`, or as the base of some `fingerprint`. */
struct wanted {
	const char *folder;
	const char *fingerprint;
};

static int read_model(struct model *m, const struct safetensors *s, const struct wanted *wanted,
		      struct err *err)
{
	if (check_kind(s, err) || check_header(m, s, err) || read_digests(m, s, err))
		return -1;
	if (wanted->fingerprint && strcmp(wanted->fingerprint, text_of(s, "fingerprint")) != 0)
		return err_set(err, ERR_NOT_FOUND, "another model");
	if (safetensors_metadata(s, "base_fingerprint")) {
		/* A base is no overlay: two of those in one folder would search each other for ever. */
		if (wanted->fingerprint)
			return err_set(err, ERR_NOT_FOUND, "an overlay");
		m->base = model_find_base(s, m->path, wanted->folder, err);
		if (!m->base)
			return -1;
	}
	return model_parse(m, s, err) || read_fingerprint(m, s, err) ? -1 : 0;
}

static struct model *open_file(const char *path, const struct wanted *wanted, struct err *err)
{
	struct model *m = model_new(err);
	struct safetensors s = { 0 };
	int failed;

	if (!m)
		return NULL;
	free(m->path);
	m->path = mem_text(path, strlen(path));
	if (file_map(&m->memory->map, path, err)) {
		model_release(m);
		return NULL;
	}
	if (file_stamp(&m->memory->stamp, path))
		m->created = (uint64_t)m->memory->stamp.modified.tv_sec;
	failed = safetensors_read(&s, m->memory->map.data, m->memory->map.size, err) ||
		 read_model(m, &s, wanted, err);
	safetensors_free(&s);
	if (!failed && !m->base)
		model_file_add(m);
	if (!failed)
		return m;
	(void)err_prefix(err, "%.200s", path);
	model_release(m);
	return NULL;
}

struct model *model_open(const char *path, const char *folder, struct err *err)
{
	return open_file(path, &(struct wanted){ .folder = folder }, err);
}

struct model *model_open_base(const char *path, const char *fingerprint, struct err *err)
{
	return open_file(path, &(struct wanted){ .fingerprint = fingerprint }, err);
}
