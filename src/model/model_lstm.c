#include "base/mem.h"
#include "math/lstm.h"
#include "math/mat.h"
#include "model/model_private.h"

#include <string.h>

static const char *const poolings[POOLING_COUNT] = { [POOLING_MEAN] = "mean",
						     [POOLING_MAX] = "max",
						     [POOLING_LAST] = "last",
						     [POOLING_ATTENTION] = "attention",
						     [POOLING_RESIDUAL] = "residual" };

const char *pooling_name(enum pooling pooling)
{
	return poolings[pooling];
}

int pooling_parse(const char *name)
{
	for (int i = 0; i < POOLING_COUNT; i++)
		if (strcmp(name, poolings[i]) == 0)
			return i;
	return -1;
}

enum method model_sums(const struct model *m)
{
	return method_recurrent(m->facts.method) ? m->facts.sums : m->facts.method;
}

void model_without_lstm(struct model *parts)
{
	parts->facts.sums = model_sums(parts);
	parts->facts.method = METHOD_LSTM;
	parts->lstm_h = 0;
	parts->pooling = POOLING_MEAN;
	parts->lstm_attention = NULL;
	memset(parts->lstm_parts, 0, sizeof(parts->lstm_parts));
	memset(parts->lstm_coded, 0, sizeof(parts->lstm_coded));
	memset(parts->lstm, 0, sizeof(parts->lstm));
	parts->lstm_residual = (struct rows){ ROWS_F32, 0, 0, NULL, NULL };
	parts->readout = (struct readout){ 0, 0, NULL };
	parts->mix = (struct f32_matrix){ 0, 0, NULL };
}

bool model_lstm_reads_rows(const struct model *m)
{
	return !m->projection || m->facts.folded || m->lstm_of_rows;
}

void model_lend_lstm(struct model *parts, const struct model *lender)
{
	parts->lstm_h = lender->lstm_h;
	parts->lstm_of_rows = true;
	parts->pooling = lender->pooling;
	parts->lstm_attention = lender->lstm_attention;
	parts->lstm_residual = lender->lstm_residual;
	memcpy(parts->lstm_parts, lender->lstm_parts, sizeof(parts->lstm_parts));
	memcpy(parts->lstm_coded, lender->lstm_coded, sizeof(parts->lstm_coded));
}

size_t model_lstm_inputs(const struct model *m)
{
	return model_lstm_reads_rows(m) ? m->rows.d : m->d_out;
}

size_t model_lstm_layers(const struct model *m)
{
	return m->lstm_parts[8 + 2] ? 2 : 1; /* by its bias, which is F32 whatever the weights are */
}

size_t model_lstm_sides(const struct model *m)
{
	return m->lstm_parts[4 + 2] ? 2 : 1;
}

size_t model_lstm_outputs(const struct model *m)
{
	return model_lstm_sides(m) * m->lstm_h;
}

size_t model_lstm_vector(const struct model *m)
{
	return m->pooling == POOLING_RESIDUAL ? m->rows.d : model_lstm_outputs(m);
}

/* What a layer reads: words, or both directions' states of the layer below. */
static size_t inputs_of(const struct model *m, size_t layer)
{
	return layer ? model_lstm_outputs(m) : model_lstm_inputs(m);
}

void model_lstm_shape(const struct model *m, int part, size_t *rows, size_t *columns)
{
	size_t of[] = { inputs_of(m, (size_t)part / 8), m->lstm_h, 0, 0 };

	*rows = 4 * m->lstm_h;
	*columns = of[part % 4];
}

bool model_pooling_fits(const struct model *m)
{
	bool residual = m->pooling == POOLING_RESIDUAL;
	bool gated = residual || m->pooling == POOLING_ATTENTION;

	return gated == (m->lstm_attention != NULL) && residual == (m->lstm_residual.data != NULL) &&
	       (!residual || model_lstm_inputs(m) == m->rows.d);
}

int model_lstm_scaled(int which)
{
	return which / 2 * 4 + which % 2;
}

struct rows model_lstm_weight(const struct model *m, int part)
{
	struct rows rows = { ROWS_F32, 0, 0, m->lstm_parts[part], NULL };

	if (m->lstm_coded[part].data)
		return m->lstm_coded[part];
	model_lstm_shape(m, part, &rows.n, &rows.d);
	return rows;
}

/* Rows as columns: (d, n).  row: (d). */
static void lay_columns(float *to, const struct rows *rows, float *row)
{
	for (size_t i = 0; i < rows->n; i++) {
		rows_get(row, rows, (uint32_t)i);
		for (size_t j = 0; j < rows->d; j++)
			to[j * rows->n + i] = row[j];
	}
}

bool model_lstm_of_bytes(const struct model *m)
{
	bool bytes = m->lstm_h && model_lstm_inputs(m) <= I8_INPUTS_MAX;

	for (int i = 0; bytes && i < MODEL_LSTM_TENSORS; i++)
		bytes = i % 4 > 1 || !model_lstm_weight(m, i).data || model_lstm_weight(m, i).type == ROWS_I8;
	return bytes;
}

static void add_biases(float *to, const struct model *m, int run)
{
	for (size_t k = 0; k < 4 * m->lstm_h; k++)
		to[k] = m->lstm_parts[4 * run + 2][k] + m->lstm_parts[4 * run + 3][k];
}

/* Floats of a layer's direction, packed; 0 where that is no size_t. */
static size_t floats_of_run(const struct model *m, size_t layer)
{
	return lstm_serve_bytes(inputs_of(m, layer), m->lstm_h, model_lstm_of_bytes(m)) / sizeof(float);
}

/* The longest row of any weight, or the biases, as they come. */
static size_t floats_of_one(const struct model *m)
{
	size_t most = model_lstm_inputs(m);

	most = most > model_lstm_outputs(m) ? most : model_lstm_outputs(m);
	return (most + 4 * m->lstm_h + 15) / 16 * 16;
}

static size_t floats_of(const struct model *m)
{
	size_t floats = floats_of_one(m) + f32_packed_size(m->lstm_residual.n, m->lstm_residual.d);

	for (size_t layer = 0; layer < model_lstm_layers(m); layer++)
		floats += 2 * floats_of_run(m, layer);
	return floats;
}

static void pack_run(struct model *m, int run, float *at, float *one)
{
	struct rows input = model_lstm_weight(m, 4 * run);
	struct rows states = model_lstm_weight(m, 4 * run + 1);

	add_biases(one, m, run);
	m->lstm[run] = lstm_serve_pack(at, &input, &states, one, model_lstm_of_bytes(m), one + 4 * m->lstm_h);
}

bool model_lstm_of_base(const struct model *m)
{
	bool lent = m->base && m->lstm_h && m->lstm_of_rows;

	return lent && m->lstm_parts[2] == m->base->lstm_parts[2]; /* a bias, which all have as floats */
}

static void take_packed(struct model *m, const struct model *base)
{
	memcpy(m->lstm, base->lstm, sizeof(m->lstm));
	m->mix = base->mix;
	m->readout = base->readout;
}

int model_pack_lstm(struct model *m, struct err *err)
{
	float *one;
	float *at;

	if (m->lstm_h == 0)
		return 0;
	if (model_lstm_of_base(m)) {
		take_packed(m, m->base);
		return 0;
	}
	m->memory->lstm = mem_try_aligned(floats_of(m), sizeof(float), err);
	if (!m->memory->lstm)
		return -1;
	one = m->memory->lstm;
	at = one + floats_of_one(m);
	for (int i = 0; i < MODEL_LSTM_RUNS; i++)
		if (model_lstm_weight(m, 4 * i).data) {
			pack_run(m, i, at, one);
			at += floats_of_run(m, (size_t)i / 2);
		}
	if (m->lstm_residual.data) {
		f32_pack(at, &m->lstm_residual, one);
		m->mix = (struct f32_matrix){ m->lstm_residual.n, m->lstm_residual.d, at };
		m->readout = (struct readout){ m->rows.d, model_lstm_outputs(m), m->lstm_attention };
	}
	return 0;
}

/* The weights among parts' tensors, by number, and W behind them; columns 0: that one is none. */
static struct rows floats_of_part(const struct model *parts, int part)
{
	struct rows rows = { ROWS_F32, 0, 0, NULL, NULL };

	if (part == MODEL_LSTM_TENSORS)
		return parts->lstm_residual;
	if (part % 4 < 2 && parts->lstm_parts[part]) {
		rows.data = parts->lstm_parts[part];
		model_lstm_shape(parts, part, &rows.n, &rows.d);
	}
	return rows;
}

int model_lstm_encode(struct model *parts, enum rows_type type, struct owned *owned, struct err *err)
{
	struct rows all[MODEL_LSTM_TENSORS + 1];
	size_t bytes = 0;
	float *scales;
	char *at;

	if (type == ROWS_F32)
		return 0;
	for (int i = 0; i <= MODEL_LSTM_TENSORS; i++) {
		all[i] = floats_of_part(parts, i); /* before parts change: shapes are told by them */
		bytes += all[i].n * (sizeof(*scales) + all[i].d * rows_type_size(type));
	}
	scales = owned_memory(owned, mem_try_aligned(bytes, 1, err));
	if (!scales)
		return -1;
	at = (char *)scales;
	for (int i = 0; i <= MODEL_LSTM_TENSORS; i++)
		at += all[i].n * sizeof(*scales);
	for (int i = 0; i <= MODEL_LSTM_TENSORS; i++) {
		struct rows *to = i < MODEL_LSTM_TENSORS ? &parts->lstm_coded[i] : &parts->lstm_residual;
		const float *from = all[i].data;

		if (!from)
			continue;
		*to = (struct rows){ type, all[i].n, all[i].d, at, type == ROWS_I8 ? scales : NULL };
		for (size_t row = 0; row < to->n; row++, at += to->d * rows_type_size(type))
			rows_encode(at, scales++, type, from + row * to->d, to->d);
		if (i < MODEL_LSTM_TENSORS)
			parts->lstm_parts[i] = NULL;
	}
	return 0;
}

void model_lstm_run(const struct model *m, int run, float *input, float *recurrent, float *bias,
		    float *scratch)
{
	struct rows weights[2] = { model_lstm_weight(m, 4 * run), model_lstm_weight(m, 4 * run + 1) };

	lay_columns(input, &weights[0], scratch);
	lay_columns(recurrent, &weights[1], scratch);
	add_biases(bias, m, run);
}

float *model_lstm_put_run(struct model *parts, int run, const struct lstm *l, float *at)
{
	const float **to = &parts->lstm_parts[4 * (size_t)run];
	size_t gates = 4 * l->h;

	to[0] = at;
	to[1] = at = mat_transpose(at, l->input, l->in, gates);
	to[2] = at = mat_transpose(at, l->recurrent, l->h, gates);
	memcpy(at, l->bias, gates * sizeof(*at));
	to[3] = at += gates;
	memset(at, 0, gates * sizeof(*at));
	return at + gates;
}
