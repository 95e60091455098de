#include "base/mem.h"
#include "model/model_private.h"

#include <string.h>

static const char *const poolings[POOLING_COUNT] = { [POOLING_MEAN] = "mean",
						     [POOLING_MAX] = "max",
						     [POOLING_LAST] = "last",
						     [POOLING_ATTENTION] = "attention" };

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

size_t model_lstm_inputs(const struct model *m)
{
	return m->projection && !m->facts.folded ? m->d_out : m->rows.d;
}

size_t model_lstm_layers(const struct model *m)
{
	return m->lstm_parts[8] ? 2 : 1;
}

size_t model_lstm_sides(const struct model *m)
{
	return m->lstm_parts[4] ? 2 : 1;
}

size_t model_lstm_outputs(const struct model *m)
{
	return model_lstm_sides(m) * m->lstm_h;
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

static void transpose(float *to, const float *from, size_t rows, size_t columns)
{
	for (size_t i = 0; i < rows; i++)
		for (size_t j = 0; j < columns; j++)
			to[j * rows + i] = from[i * columns + j];
}

int model_pack_lstm(struct model *m, struct err *err)
{
	size_t h = m->lstm_h;
	size_t floats = 0;
	float *at;

	if (h == 0)
		return 0;
	for (size_t layer = 0; layer < model_lstm_layers(m); layer++)
		floats += 8 * h * (inputs_of(m, layer) + h + 1);
	m->memory->lstm = mem_try_aligned(floats, sizeof(float), err);
	if (!m->memory->lstm)
		return -1;
	at = m->memory->lstm;
	for (size_t i = 0; i < MODEL_LSTM_RUNS; i++) {
		const float *const *parts = m->lstm_parts + 4 * i;
		size_t in = inputs_of(m, i / 2);
		float *recurrent = at + 4 * h * in;
		float *bias = recurrent + 4 * h * h;

		if (!parts[0])
			continue;
		transpose(at, parts[0], 4 * h, in);
		transpose(recurrent, parts[1], 4 * h, h);
		for (size_t k = 0; k < 4 * h; k++)
			bias[k] = parts[2][k] + parts[3][k];
		m->lstm[i] = (struct lstm){ in, h, at, recurrent, bias };
		at = bias + 4 * h;
	}
	return 0;
}
