#include "model/model_lstm.h"

#include "base/mem.h"
#include "math/lstm.h"
#include "math/mat.h"
#include "model/model_private.h"

#include <string.h>

/* Input and recurrent weights of each layer and direction, and W of pooling residual. */
enum { WEIGHTS_MAX = 4 * MODEL_LSTM_LAYERS + 1 };

const char *const pooling_names[POOLING_COUNT] = { [POOLING_MEAN] = "mean",
						   [POOLING_MAX] = "max",
						   [POOLING_LAST] = "last",
						   [POOLING_ATTENTION] = "attention",
						   [POOLING_RESIDUAL] = "residual" };

int pooling_parse(const char *name)
{
	for (int i = 0; i < POOLING_COUNT; i++)
		if (strcmp(name, pooling_names[i]) == 0)
			return i;
	return -1;
}

void model_without_lstm(struct model *parts)
{
	parts->facts.sums = model_sums(parts);
	parts->facts.method = METHOD_LSTM;
	parts->lstm = (struct model_lstm){ .reads_rows = parts->lstm.reads_rows };
}

bool model_lstm_reads_rows(const struct model *m)
{
	return !m->projection || m->facts.folded || m->lstm.reads_rows;
}

void model_lend_lstm(struct model *parts, const struct model *lender)
{
	parts->lstm = lender->lstm;
	parts->lstm.reads_rows = true;
}

size_t model_lstm_inputs(const struct model *m)
{
	return model_lstm_reads_rows(m) ? m->rows.d : m->d_out;
}

size_t model_lstm_outputs(const struct model *m)
{
	return m->lstm.directions_n * m->lstm.h;
}

size_t model_lstm_vector(const struct model *m)
{
	return m->lstm.pooling == POOLING_RESIDUAL ? m->rows.d : model_lstm_outputs(m);
}

size_t model_lstm_layer_inputs(const struct model *m, size_t layer)
{
	return layer ? model_lstm_outputs(m) : model_lstm_inputs(m);
}

bool model_pooling_fits(const struct model *m)
{
	const struct model_lstm *l = &m->lstm;
	bool residual = l->pooling == POOLING_RESIDUAL;
	bool gated = residual || l->pooling == POOLING_ATTENTION;

	return gated == (l->attention != NULL) && residual == (l->residual.data != NULL) &&
	       (!residual || model_lstm_inputs(m) == m->rows.d);
}

bool model_lstm_of_bytes(const struct model *m)
{
	const struct model_lstm *l = &m->lstm;

	if (l->h == 0 || model_lstm_inputs(m) > I8_INPUTS_MAX)
		return false;
	for (size_t layer = 0; layer < l->layers_n; layer++)
		for (size_t i = 0; i < l->directions_n; i++) {
			const struct model_lstm_direction *from = &l->layers[layer].directions[i];

			if (from->input.type != ROWS_I8 || from->recurrent.type != ROWS_I8)
				return false;
		}
	return true;
}

static void add_biases(float *to, const struct model_lstm_direction *from)
{
	for (size_t k = 0; k < from->input.n; k++)
		to[k] = from->input_bias[k] + from->recurrent_bias[k];
}

/* ---- laying out for use ---- */

/* Floats of a layer's direction, packed; 0 where that is no size_t. */
static size_t direction_floats(const struct model *m, size_t layer)
{
	return lstm_serve_bytes(model_lstm_layer_inputs(m, layer), m->lstm.h, model_lstm_of_bytes(m)) /
	       sizeof(float);
}

/* Scratch: the longest row of any weight and the biases. */
static size_t scratch_floats(const struct model *m)
{
	size_t most = model_lstm_inputs(m);

	most = most > model_lstm_outputs(m) ? most : model_lstm_outputs(m);
	return (most + 4 * m->lstm.h + 15) / 16 * 16;
}

bool model_lstm_of_base(const struct model *m)
{
	bool lent = m->base && m->lstm.h && m->lstm.reads_rows;

	return lent &&
	       m->lstm.layers[0].directions[0].input_bias == m->base->lstm.layers[0].directions[0].input_bias;
}

static void take_packed(struct model_lstm *l, const struct model_lstm *base)
{
	memcpy(l->served, base->served, sizeof(l->served));
	l->mix = base->mix;
	l->readout = base->readout;
}

/* at: packed memory of all directions; scratch: scratch_floats(). */
static float *pack_directions(struct model *m, float *at, float *scratch)
{
	struct model_lstm *l = &m->lstm;
	bool bytes = model_lstm_of_bytes(m);

	for (size_t layer = 0; layer < l->layers_n; layer++)
		for (size_t i = 0; i < l->directions_n; i++) {
			const struct model_lstm_direction *from = &l->layers[layer].directions[i];

			add_biases(scratch, from);
			l->served[layer][i] = lstm_serve_pack(at, &from->input, &from->recurrent, scratch,
							      bytes, scratch + 4 * l->h);
			at += direction_floats(m, layer);
		}
	return at;
}

int model_pack_lstm(struct model *m, struct err *err)
{
	struct model_lstm *l = &m->lstm;
	size_t floats = scratch_floats(m) + f32_packed_size(l->residual.n, l->residual.d);
	float *scratch;
	float *at;

	if (l->h == 0)
		return 0;
	if (model_lstm_of_base(m)) {
		take_packed(l, &m->base->lstm);
		return 0;
	}
	for (size_t layer = 0; layer < l->layers_n; layer++)
		floats += l->directions_n * direction_floats(m, layer);
	scratch = m->memory->lstm = mem_try_aligned(floats, sizeof(float), err);
	if (!scratch)
		return -1;
	at = pack_directions(m, scratch + scratch_floats(m), scratch);
	if (l->residual.data) {
		f32_pack(at, &l->residual, scratch);
		l->mix = (struct f32_matrix){ l->residual.n, l->residual.d, at };
		l->readout = (struct readout){ m->rows.d, model_lstm_outputs(m), l->attention };
	}
	return 0;
}

/* ---- other types and layouts ---- */

static size_t list_weights(struct model_lstm *l, struct rows *all[WEIGHTS_MAX])
{
	size_t n = 0;

	for (size_t layer = 0; layer < l->layers_n; layer++)
		for (size_t i = 0; i < l->directions_n; i++) {
			all[n++] = &l->layers[layer].directions[i].input;
			all[n++] = &l->layers[layer].directions[i].recurrent;
		}
	if (l->residual.data)
		all[n++] = &l->residual;
	return n;
}

int model_lstm_encode(struct model *parts, enum rows_type type, struct owned *owned, struct err *err)
{
	struct rows *all[WEIGHTS_MAX];
	size_t n = list_weights(&parts->lstm, all);
	size_t scales_n = 0;
	size_t bytes = 0;
	float *scales;
	char *at;

	if (type == ROWS_F32)
		return 0;
	for (size_t i = 0; i < n; i++) {
		scales_n += all[i]->n;
		bytes += all[i]->n * all[i]->d * rows_type_size(type);
	}
	scales = owned_memory(owned, mem_try_aligned(scales_n * sizeof(*scales) + bytes, 1, err));
	if (!scales)
		return -1;
	at = (char *)(scales + scales_n);
	for (size_t i = 0; i < n; i++) {
		struct rows *to = all[i];
		const float *from = to->data;

		*to = (struct rows){ type, to->n, to->d, at, type == ROWS_I8 ? scales : NULL };
		for (size_t row = 0; row < to->n; row++, at += to->d * rows_type_size(type))
			rows_encode(at, scales++, type, from + row * to->d, to->d);
	}
	return 0;
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

void model_lstm_get(const struct model_lstm_direction *from, float *input, float *recurrent, float *bias,
		    float *scratch)
{
	lay_columns(input, &from->input, scratch);
	lay_columns(recurrent, &from->recurrent, scratch);
	add_biases(bias, from);
}

float *model_lstm_put(struct model_lstm_direction *to, const struct lstm *l, float *at)
{
	size_t gates = 4 * l->h;

	to->input = (struct rows){ ROWS_F32, gates, l->in, at, NULL };
	at = mat_transpose(at, l->input, l->in, gates);
	to->recurrent = (struct rows){ ROWS_F32, gates, l->h, at, NULL };
	to->input_bias = at = mat_transpose(at, l->recurrent, l->h, gates);
	memcpy(at, l->bias, gates * sizeof(*at));
	to->recurrent_bias = at += gates;
	memset(at, 0, gates * sizeof(*at));
	return at + gates;
}
