#include "model/model.h"

#include "base/err.h"
#include "base/mem.h"
#include "model/model_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name;
	bool in_overlay;
	bool in_fingerprint; /* does it change a vector? */
} tensors[] = {
	[TENSOR_VECTORS] = { "vectors", false, true },
	[TENSOR_SCALES] = { "scales", false, true },
	[TENSOR_SLOTS] = { "index", false, false },
	[TENSOR_OFFSETS] = { "word_offsets", false, true },
	[TENSOR_COUNTS] = { "counts", false, false },
	[TENSOR_MOMENT] = { "moment", true, false },
	[TENSOR_PROJECTION] = { "projection", true, true },
	[TENSOR_WEIGHTS] = { "weights", true, true },
	[TENSOR_COMPONENTS] = { "components", true, true },
	[TENSOR_COMPONENT_SCALES] = { "component_scales", true, true },
	[TENSOR_ALACARTE] = { "alacarte", false, true },
	[TENSOR_LSTM] = { "lstm.weight_ih_l0", true, true },
	[TENSOR_LSTM + 1] = { "lstm.weight_hh_l0", true, true },
	[TENSOR_LSTM + 2] = { "lstm.bias_ih_l0", true, true },
	[TENSOR_LSTM + 3] = { "lstm.bias_hh_l0", true, true },
	[TENSOR_LSTM + 4] = { "lstm.weight_ih_l0_reverse", true, true },
	[TENSOR_LSTM + 5] = { "lstm.weight_hh_l0_reverse", true, true },
	[TENSOR_LSTM + 6] = { "lstm.bias_ih_l0_reverse", true, true },
	[TENSOR_LSTM + 7] = { "lstm.bias_hh_l0_reverse", true, true },
	[TENSOR_LSTM + 8] = { "lstm.weight_ih_l1", true, true },
	[TENSOR_LSTM + 9] = { "lstm.weight_hh_l1", true, true },
	[TENSOR_LSTM + 10] = { "lstm.bias_ih_l1", true, true },
	[TENSOR_LSTM + 11] = { "lstm.bias_hh_l1", true, true },
	[TENSOR_LSTM + 12] = { "lstm.weight_ih_l1_reverse", true, true },
	[TENSOR_LSTM + 13] = { "lstm.weight_hh_l1_reverse", true, true },
	[TENSOR_LSTM + 14] = { "lstm.bias_ih_l1_reverse", true, true },
	[TENSOR_LSTM + 15] = { "lstm.bias_hh_l1_reverse", true, true },
	[TENSOR_LSTM_SCALES] = { "lstm.weight_ih_l0.scales", true, true },
	[TENSOR_LSTM_SCALES + 1] = { "lstm.weight_hh_l0.scales", true, true },
	[TENSOR_LSTM_SCALES + 2] = { "lstm.weight_ih_l0_reverse.scales", true, true },
	[TENSOR_LSTM_SCALES + 3] = { "lstm.weight_hh_l0_reverse.scales", true, true },
	[TENSOR_LSTM_SCALES + 4] = { "lstm.weight_ih_l1.scales", true, true },
	[TENSOR_LSTM_SCALES + 5] = { "lstm.weight_hh_l1.scales", true, true },
	[TENSOR_LSTM_SCALES + 6] = { "lstm.weight_ih_l1_reverse.scales", true, true },
	[TENSOR_LSTM_SCALES + 7] = { "lstm.weight_hh_l1_reverse.scales", true, true },
	[TENSOR_LSTM_ATTENTION] = { "lstm.attention", true, true },
	[TENSOR_LSTM_RESIDUAL_SCALES] = { "lstm.residual.scales", true, true },
	[TENSOR_LSTM_RESIDUAL] = { "lstm.residual", true, true },
	[TENSOR_WORDS] = { "words", false, true },
};

_Static_assert(sizeof(tensors) / sizeof(tensors[0]) == MODEL_TENSORS, "a row for each");

const char *model_tensor_name(enum model_tensor which)
{
	return tensors[which].name;
}

bool model_tensor_in_overlay(enum model_tensor which)
{
	return tensors[which].in_overlay;
}

bool model_tensor_is_own(const struct model *m, enum model_tensor which)
{
	bool lstm = which >= TENSOR_LSTM && which <= TENSOR_LSTM_RESIDUAL;

	return !m->base || (tensors[which].in_overlay && !(lstm && model_lstm_of_base(m)));
}

const char *model_digest_key(enum model_tensor which, char to[40])
{
	(void)snprintf(to, 40, "sha256.%s", tensors[which].name);
	return to;
}

static struct tensor flat(const void *data, enum tensor_type type, size_t n)
{
	return (struct tensor){
		.type = type, .rank = 1, .shape = { n }, .data = data, .bytes = n * tensor_type_size(type)
	};
}

static struct tensor matrix(const void *data, enum tensor_type type, size_t n, size_t m)
{
	struct tensor t = flat(data, type, n * m);

	t.rank = 2;
	t.shape[0] = n;
	t.shape[1] = m;
	return t;
}

static enum tensor_type rows_tensor_type(enum rows_type type)
{
	static const enum tensor_type types[] = { [ROWS_F32] = TENSOR_F32,
						  [ROWS_F16] = TENSOR_F16,
						  [ROWS_BF16] = TENSOR_BF16,
						  [ROWS_I8] = TENSOR_I8 };

	return types[type];
}

static struct tensor rows_tensor(const struct rows *rows)
{
	return matrix(rows->data, rows_tensor_type(rows->type), rows->n, rows->d);
}

static struct tensor lstm_tensor(const struct model *m, int part)
{
	struct rows weight;
	size_t rows;
	size_t columns;

	model_lstm_shape(m, part, &rows, &columns);
	weight = model_lstm_weight(m, part);
	return columns ? rows_tensor(&weight) : flat(m->lstm_parts[part], TENSOR_F32, rows);
}

static struct tensor lstm_scales(const struct model *m, int which)
{
	const struct rows *rows = &m->lstm_coded[model_lstm_scaled(which)];

	return flat(rows->scales, TENSOR_F32, rows->n);
}

struct tensor model_tensor(const struct model *m, enum model_tensor which)
{
	size_t n = m->rows.n;
	size_t d = m->rows.d;

	if (which >= TENSOR_LSTM && which <= TENSOR_LSTM_LAST)
		return lstm_tensor(m, (int)which - TENSOR_LSTM);
	if (which >= TENSOR_LSTM_SCALES && which <= TENSOR_LSTM_SCALES_LAST)
		return lstm_scales(m, (int)which - TENSOR_LSTM_SCALES);
	switch ((int)which) {
	case TENSOR_LSTM_RESIDUAL:
		return rows_tensor(&m->lstm_residual);
	case TENSOR_LSTM_RESIDUAL_SCALES:
		return flat(m->lstm_residual.scales, TENSOR_F32, m->lstm_residual.n);
	case TENSOR_VECTORS:
		return rows_tensor(&m->rows);
	case TENSOR_SCALES:
		return flat(m->rows.scales, TENSOR_F32, n);
	case TENSOR_SLOTS:
		return flat(m->vocab.slots, TENSOR_U64, m->vocab.slots_n);
	case TENSOR_OFFSETS:
		return flat(m->vocab.offsets, TENSOR_U64, n + 1);
	case TENSOR_COUNTS:
		return flat(m->counts, TENSOR_U64, n);
	case TENSOR_MOMENT:
		return matrix(m->moment, TENSOR_F32, d, d);
	case TENSOR_PROJECTION:
		return matrix(m->projection, TENSOR_F32, d, m->d_out);
	case TENSOR_WEIGHTS:
		return flat(m->weights, TENSOR_F32, n);
	case TENSOR_COMPONENTS:
		return matrix(m->k ? m->components : NULL, TENSOR_F32, m->k, d);
	case TENSOR_COMPONENT_SCALES:
		return flat(m->k ? m->component_scales : NULL, TENSOR_F32, m->k);
	case TENSOR_ALACARTE:
		return matrix(m->alacarte, TENSOR_F32, d, d);
	case TENSOR_LSTM_ATTENTION:
		return flat(m->lstm_attention, TENSOR_F32, model_lstm_outputs(m));
	case TENSOR_WORDS:
		return flat(m->vocab.bytes, TENSOR_U8, (size_t)m->vocab.offsets[n]);
	default:
		return flat(NULL, TENSOR_U8, 0);
	}
}

/*
 * The base's digests are taken over unread: hundreds of megabytes less to read, and a base that went bad
 * on disk does not get a fresh seal on its damage.
 */
static const char *digest_of_base(const struct model *m, enum model_tensor which, const struct tensor *t)
{
	struct tensor below;

	if (!m->base || !m->base->memory->digests[which][0])
		return NULL;
	below = model_tensor(m->base, which);
	return below.data == t->data && below.bytes == t->bytes ? m->base->memory->digests[which] : NULL;
}

void model_digest(struct model *m)
{
	for (int i = 0; i < MODEL_TENSORS; i++) {
		struct tensor t = model_tensor(m, (enum model_tensor)i);
		char *hex = m->memory->digests[i];
		const char *known;

		if (hex[0] || !t.data)
			continue;
		known = digest_of_base(m, (enum model_tensor)i, &t);
		if (known)
			memcpy(hex, known, DIGEST_HEX + 1);
		else
			digest_of(t.data, t.bytes, hex);
	}
}

static void add_line(struct digest *d, const char *name, const char *value)
{
	digest_add(d, name, strlen(name));
	digest_add(d, "=", 1);
	digest_add(d, value, strlen(value));
	digest_add(d, "\n", 1);
}

static void add_tensor(struct digest *d, const struct model *m, enum model_tensor which)
{
	struct tensor t = model_tensor(m, which);
	char value[160];
	int n = 0;

	if (!t.data)
		return;
	n = snprintf(value, sizeof(value), "%s ", tensor_type_name(t.type));
	for (size_t i = 0; i < t.rank; i++)
		n += snprintf(value + n, sizeof(value) - (size_t)n, "%zu ", t.shape[i]);
	(void)snprintf(value + n, sizeof(value) - (size_t)n, "%s", m->memory->digests[which]);
	add_line(d, tensors[which].name, value);
}

void model_fingerprint(const struct model *m, char hex[DIGEST_HEX + 1])
{
	struct digest d;
	char unknown[64];
	char window[24];

	digest_start(&d);
	for (int i = 0; i < MODEL_TENSORS; i++)
		if (tensors[i].in_fingerprint)
			add_tensor(&d, m, (enum model_tensor)i);
	add_line(&d, "normalize", token_normalize_name(m->rules.normalize));
	add_line(&d, "strip_accents", m->rules.strip_accents ? "1" : "0");
	add_line(&d, "split", token_split_name(m->rules.split));
	add_line(&d, "unknown", token_unknown_names(m->rules.unknown, unknown));
	add_line(&d, "punctuation", m->rules.keep_punctuation ? "keep" : "drop");
	add_line(&d, "method", method_name(m->facts.method));
	add_line(&d, "folded", m->facts.folded ? "1" : "0");
	if (m->lstm_h && m->pooling != POOLING_MEAN)
		add_line(&d, "pooling", pooling_name(m->pooling));
	if (m->lstm_h && m->lstm_of_rows)
		add_line(&d, "lstm_reads", "rows");
	if (m->alacarte) {
		(void)snprintf(window, sizeof(window), "%zu", m->alacarte_window);
		add_line(&d, "alacarte_window", window);
	}
	digest_hex(&d, hex);
}

struct model *model_new(struct err *err)
{
	struct model *m = mem_try(1, sizeof(*m), err);

	if (!m)
		return NULL;
	m->memory = mem_try(1, sizeof(*m->memory), err);
	m->path = mem_text("", 0);
	if (!m->memory) {
		free(m->path);
		free(m);
		return NULL;
	}
	atomic_init(&m->memory->references, 1);
	return m;
}

/* Facts about our own code, but a wrong one would be a file that nobody can open. */
static int check_parts(const struct model *m, struct err *err)
{
	if (m->rows.n == 0 || m->rows.n > MODEL_WORDS_MAX || m->vocab.n != m->rows.n || m->rows.d == 0 ||
	    m->rows.d > MODEL_DIMENSIONS_MAX || (m->rows.type == ROWS_I8) != (m->rows.scales != NULL))
		return err_set(err, ERR_INPUT, "%zu words and %zu rows of %zu dimensions make no model",
			       m->vocab.n, m->rows.n, m->rows.d);
	if (m->k > MODEL_COMPONENTS_MAX || m->k > m->rows.d || (m->k && !m->components) ||
	    m->d_out > MODEL_DIMENSIONS_MAX || (m->projection && !m->d_out))
		return err_set(err, ERR_INPUT,
			       "%zu components and a projection to %zu dimensions are out of range", m->k,
			       m->d_out);
	if (m->lstm_h > MODEL_LSTM_MAX)
		return err_set(err, ERR_INPUT, "an LSTM of %zu states: at most %d", m->lstm_h,
			       MODEL_LSTM_MAX);
	if (m->pooling >= POOLING_COUNT || (m->lstm_h && !model_pooling_fits(m)))
		return err_set(err, ERR_INPUT, "pooling %d has not the tensors it needs", (int)m->pooling);
	if (!model_has(m, m->facts.method))
		return err_set(err, ERR_INPUT, "the parts that method '%s' needs are not there",
			       method_name(m->facts.method));
	return 0;
}

struct model *model_of_parts(const struct model *parts, struct owned *owned, struct err *err)
{
	struct model *m = check_parts(parts, err) ? NULL : model_new(err);
	struct model_memory *memory;

	if (!m) {
		if (owned)
			owned_free(owned);
		return NULL;
	}
	memory = m->memory;
	free(m->path);
	*m = *parts;
	m->memory = memory;
	m->path = mem_text("", 0);
	m->canaries[0] = '\0';
	m->created = 0;
	if (!m->projection)
		m->d_out = m->rows.d;
	if (owned) {
		memory->owned = *owned;
		owned->n = 0;
	}
	if (m->base) {
		(void)model_retain(m->base);
		m->alacarte = m->base->alacarte;
		m->alacarte_window = m->base->alacarte_window;
	}
	if (model_pack_lstm(m, err)) {
		model_release(m);
		return NULL;
	}
	(void)snprintf(m->facts.program, sizeof(m->facts.program), "sifd %s", SIFD_VERSION);
	model_digest(m);
	model_fingerprint(m, m->fingerprint);
	return m;
}

struct model *model_retain(struct model *m)
{
	(void)atomic_fetch_add_explicit(&m->memory->references, 1, memory_order_relaxed);
	return m;
}

void model_release(struct model *m)
{
	if (atomic_fetch_sub_explicit(&m->memory->references, 1, memory_order_acq_rel) != 1)
		return;
	model_file_remove(m);
	owned_free(&m->memory->owned);
	file_unmap(&m->memory->map);
	free(m->memory->lstm);
	if (m->base)
		model_release(m->base);
	free(m->memory);
	free(m->path);
	free(m);
}

bool model_learned(const struct model *m)
{
	return m->facts.learned || model_sums(m) == METHOD_LEARNED;
}

bool model_has(const struct model *m, enum method method)
{
	const struct model_facts *f = &m->facts;
	enum method sums = model_sums(m);
	bool usif = sums == METHOD_USIF;

	if (f->folded && !method_recurrent(method))
		return method == sums;
	switch (method) {
	case METHOD_SUM:
	case METHOD_MEAN:
		return true;
	case METHOD_WEIGHTED:
		return m->weights != NULL;
	case METHOD_SIF:
		return m->weights && m->components && !usif;
	case METHOD_USIF:
		return m->weights && m->components && usif;
	case METHOD_WHITEN:
		return m->weights && m->projection && !usif && sums != METHOD_LEARNED;
	case METHOD_LEARNED:
		return sums == METHOD_LEARNED;
	case METHOD_DISC: /* of unit word vectors: the rows' own lengths do not matter */
		return true;
	case METHOD_LSTM:
	case METHOD_LSTM_STATIC:
		return m->lstm_h > 0;
	case METHOD_FEATURES: /* disc makes no sums */
		return sums != METHOD_DISC;
	case METHOD_COUNT:
		break;
	}
	return false;
}

static size_t sum_length(const struct model *m, enum method method)
{
	return !m->facts.folded && m->projection && (method == METHOD_WHITEN || method == METHOD_LEARNED)
		       ? m->d_out
		       : m->rows.d;
}

bool model_features_of_states(const struct model *m)
{
	return m->lstm_h && m->pooling != POOLING_MEAN;
}

static size_t features_length(const struct model *m)
{
	size_t words = sum_length(m, model_sums(m));

	return (m->lstm_h ? model_lstm_vector(m) : words) +
	       (model_features_of_states(m) ? model_lstm_outputs(m) : words);
}

size_t model_dimension(const struct model *m, enum method method)
{
	if (method == METHOD_FEATURES)
		return features_length(m);
	if (method == METHOD_LSTM_STATIC)
		return model_lstm_vector(m) + sum_length(m, model_sums(m));
	if (method == METHOD_LSTM)
		return model_lstm_vector(m);
	if (method == METHOD_DISC)
		return METHOD_DISC_GRAMS * m->rows.d;
	return sum_length(m, method);
}
