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

void model_lstm_shape(const struct model *m, int part, size_t *rows, size_t *columns)
{
	size_t of[] = { model_lstm_inputs(m), m->lstm_h, 0, 0 };

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
	size_t in = model_lstm_inputs(m);
	size_t h = m->lstm_h;
	size_t side = 4 * h * (in + h + 1);
	float *at;

	if (h == 0)
		return 0;
	m->memory->lstm = mem_try_aligned(2 * side, sizeof(float), err);
	if (!m->memory->lstm)
		return -1;
	at = m->memory->lstm;
	for (size_t i = 0; i < 2; i++, at += side) {
		const float *const *parts = m->lstm_parts + 4 * i;
		float *recurrent = at + 4 * h * in;
		float *bias = recurrent + 4 * h * h;

		transpose(at, parts[0], 4 * h, in);
		transpose(recurrent, parts[1], 4 * h, h);
		for (size_t k = 0; k < 4 * h; k++)
			bias[k] = parts[2][k] + parts[3][k];
		m->lstm[i] = (struct lstm){ in, h, at, recurrent, bias };
	}
	return 0;
}
