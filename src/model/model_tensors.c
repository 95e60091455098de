/*
 * The list of a model's tensors: names, shapes, digests, and the fingerprint over those that determine its
 * vectors.
 */
#include "model/model_private.h"

#include <stdio.h>
#include <string.h>

const struct model_tensor_row model_tensors[MODEL_TENSORS] = {
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

bool model_tensor_is_own(const struct model *m, enum model_tensor which)
{
	bool lstm = which >= TENSOR_LSTM && which <= TENSOR_LSTM_RESIDUAL;

	return !m->base || (model_tensors[which].in_overlay && !(lstm && model_lstm_of_base(m)));
}

const char *model_digest_key(enum model_tensor which, char to[40])
{
	(void)snprintf(to, 40, "sha256.%s", model_tensors[which].name);
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

static struct tensor rows_tensor(const struct rows *rows)
{
	return matrix(rows->data, tensor_type_of_rows(rows->type), rows->n, rows->d);
}

enum model_tensor model_lstm_tensor(size_t layer, size_t direction, size_t i)
{
	return (enum model_tensor)(TENSOR_LSTM + LSTM_DIRECTION_TENSORS * (2 * layer + direction) + i);
}

enum model_tensor model_lstm_scales(size_t layer, size_t direction, size_t i)
{
	return (enum model_tensor)(TENSOR_LSTM_SCALES + 2 * (2 * layer + direction) + i);
}

static struct tensor scales_tensor(const struct rows *rows)
{
	return flat(rows->scales, TENSOR_F32, rows->n);
}

/* Number i of the LSTM's tensors. */
static struct tensor lstm_tensor(const struct model_lstm *l, size_t i)
{
	const struct model_lstm_direction *of = &l->layers[i / 8].directions[i / 4 % 2];
	const struct tensor tensors_of[LSTM_DIRECTION_TENSORS] = {
		rows_tensor(&of->input),
		rows_tensor(&of->recurrent),
		flat(of->input_bias, TENSOR_F32, 4 * l->h),
		flat(of->recurrent_bias, TENSOR_F32, 4 * l->h),
	};

	return tensors_of[i % 4];
}

/* Number i of their scales. */
static struct tensor lstm_scales(const struct model_lstm *l, size_t i)
{
	const struct model_lstm_direction *of = &l->layers[i / 4].directions[i / 2 % 2];

	return scales_tensor(i % 2 ? &of->recurrent : &of->input);
}

struct tensor model_tensor(const struct model *m, enum model_tensor which)
{
	size_t n = m->rows.n;
	size_t d = m->rows.d;

	if (which >= TENSOR_LSTM && which <= TENSOR_LSTM_LAST)
		return lstm_tensor(&m->lstm, (size_t)(which - TENSOR_LSTM));
	if (which >= TENSOR_LSTM_SCALES && which <= TENSOR_LSTM_SCALES_LAST)
		return lstm_scales(&m->lstm, (size_t)(which - TENSOR_LSTM_SCALES));
	switch ((int)which) {
	case TENSOR_LSTM_RESIDUAL:
		return rows_tensor(&m->lstm.residual);
	case TENSOR_LSTM_RESIDUAL_SCALES:
		return scales_tensor(&m->lstm.residual);
	case TENSOR_VECTORS:
		return rows_tensor(&m->rows);
	case TENSOR_SCALES:
		return scales_tensor(&m->rows);
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
		return flat(m->lstm.attention, TENSOR_F32, model_lstm_outputs(m));
	case TENSOR_WORDS:
		return flat(m->vocab.bytes, TENSOR_U8, (size_t)m->vocab.offsets[n]);
	default:
		return flat(NULL, TENSOR_U8, 0);
	}
}

/*
 * Digests of the base are taken over unread: that saves reading hundreds of megabytes, and damage to a base
 * on disk does not get a digest of its own.
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
	add_line(d, model_tensors[which].name, value);
}

void model_fingerprint(const struct model *m, char hex[DIGEST_HEX + 1])
{
	struct digest d;
	char unknown[64];
	char window[24];

	digest_start(&d);
	for (int i = 0; i < MODEL_TENSORS; i++)
		if (model_tensors[i].in_fingerprint)
			add_tensor(&d, m, (enum model_tensor)i);
	add_line(&d, "normalize", token_normalize_name(m->rules.normalize));
	add_line(&d, "strip_accents", m->rules.strip_accents ? "1" : "0");
	add_line(&d, "split", token_split_name(m->rules.split));
	add_line(&d, "unknown", token_unknown_names(m->rules.unknown, unknown));
	add_line(&d, "punctuation", m->rules.keep_punctuation ? "keep" : "drop");
	add_line(&d, "method", method_names[m->facts.method]);
	add_line(&d, "folded", m->facts.folded ? "1" : "0");
	if (m->lstm.h && m->lstm.pooling != POOLING_MEAN)
		add_line(&d, "pooling", pooling_names[m->lstm.pooling]);
	if (m->lstm.h && m->lstm.reads_rows)
		add_line(&d, "lstm_reads", "rows");
	if (m->alacarte) {
		(void)snprintf(window, sizeof(window), "%zu", m->alacarte_window);
		add_line(&d, "alacarte_window", window);
	}
	digest_hex(&d, hex);
}
