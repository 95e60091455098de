#include "math/lstm_i8.h"

#include "math/kernels.h"

#include <string.h>

enum { CHUNK = 24 }; /* words whose input products are made at once, so that they stay in the cache */

static size_t weights_of(size_t in, size_t h)
{
	return i8_packed_size(4 * h, in) + i8_packed_size(4 * h, h);
}

size_t lstm_i8_bytes(size_t in, size_t h)
{
	return (weights_of(in, h) + 4 * h * 3 * sizeof(float) + 63) / 64 * 64;
}

static struct i8_matrix pack(uint8_t *to, const struct rows *rows)
{
	i8_pack(to, rows->data, rows->n, rows->d);
	return (struct i8_matrix){ rows->n, rows->d, to };
}

struct lstm_i8 lstm_i8_pack(void *memory, const struct rows *input, const struct rows *recurrent,
			    const float *bias)
{
	size_t gates = input->n;
	uint8_t *packed = memory;
	float *scales = (float *)(void *)(packed + weights_of(input->d, recurrent->d));

	memcpy(scales, input->scales, gates * sizeof(float));
	for (size_t i = 0; i < gates; i++)
		scales[gates + i] = recurrent->scales[i] / 127.0f;
	memcpy(scales + 2 * gates, bias, gates * sizeof(float));
	return (struct lstm_i8){
		.in = input->d,
		.h = recurrent->d,
		.input = pack(packed, input),
		.recurrent = pack(packed + i8_packed_size(gates, input->d), recurrent),
		.input_scales = scales,
		.state_scales = scales + gates,
		.bias = scales + 2 * gates,
	};
}

size_t lstm_i8_scratch(const struct lstm_i8 *l)
{
	return (l->h * (sizeof(int32_t) * 4 * (CHUNK + 1) + sizeof(float) * (4 + 2) + 1) + 3) / 4 * 4;
}

void lstm_i8_run(const struct lstm_i8 *l, const int8_t *x, const float *x_scales, size_t n, bool reversed,
		 float *states, size_t stride, void *scratch)
{
	size_t h = l->h;
	int32_t *inputs = scratch;
	int32_t *products = inputs + 4 * h * CHUNK;
	float *gates = (float *)(void *)(products + 4 * h);
	float *cells[2] = { gates + 4 * h, gates + 5 * h };
	int8_t *before = (int8_t *)(void *)(gates + 6 * h);

	memset(cells[1], 0, h * sizeof(float));
	memset(before, 0, h);
	for (size_t i = 0; i < n; i++) {
		size_t t = reversed ? n - 1 - i : i;
		size_t at = t % CHUNK; /* in its chunk, which the first of its words computes */

		if (i == 0 || at == (reversed ? CHUNK - 1 : 0)) {
			size_t start = t - at;
			size_t stop = start + CHUNK < n ? start + CHUNK : n;

			i8_mul(inputs, x + start * l->in, stop - start, &l->input);
		}
		i8_mul(products, before, 1, &l->recurrent);
		kernels->i8_gates(gates,
				  &(struct i8_gates){ inputs + at * 4 * h, products, l->input_scales,
						      l->state_scales, l->bias, x_scales[t] },
				  4 * h);
		kernels->lstm_step(gates, cells[(i + 1) % 2], cells[i % 2], states + t * stride, h);
		kernels->i8_round(before, states + t * stride, h);
	}
}
