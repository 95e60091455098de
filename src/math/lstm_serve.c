#include "math/lstm_serve.h"

#include "math/kernels.h"
#include "math/vec.h"

#include <assert.h>
#include <string.h>

enum { ALIGN = 64, ROWS = LSTM_TEXTS_MAX /* words whose input products are made at once */ };

static size_t aligned(size_t bytes)
{
	return (bytes + ALIGN - 1) / ALIGN * ALIGN;
}

/* ---- packing ---- */

size_t lstm_serve_bytes(size_t in, size_t h, bool bytes)
{
	size_t input = bytes ? i8_packed_size(4 * h, in) : f32_packed_size(4 * h, in);
	size_t recurrent = bytes ? i8_packed_size(4 * h, h) : f32_packed_size(4 * h, h);
	size_t scales = (size_t)(bytes ? 12 : 4) * h * sizeof(float);
	size_t size;

	if (input == 0 || recurrent == 0 || __builtin_add_overflow(input, recurrent, &size) ||
	    __builtin_mul_overflow(size, bytes ? 1 : sizeof(float), &size) ||
	    __builtin_add_overflow(size, scales + ALIGN, &size))
		return 0;
	return aligned(size - ALIGN);
}

static struct i8_matrix pack_bytes(uint8_t *to, const struct rows *rows)
{
	i8_pack(to, rows->data, rows->n, rows->d);
	return (struct i8_matrix){ rows->n, rows->d, to };
}

static struct f32_matrix pack_floats(float *to, const struct rows *rows, float *row)
{
	f32_pack(to, rows, row);
	return (struct f32_matrix){ rows->n, rows->d, to };
}

struct lstm_served lstm_serve_pack(void *memory, const struct rows *input, const struct rows *recurrent,
				   const float *bias, bool bytes, float *row)
{
	size_t gates = input->n;
	struct lstm_served l = { .in = input->d, .h = recurrent->d, .bytes = bytes };
	float *rest;

	if (bytes) {
		uint8_t *packed = memory;
		size_t first = i8_packed_size(gates, l.in);

		l.input_bytes = pack_bytes(packed, input);
		l.recurrent_bytes = pack_bytes(packed + first, recurrent);
		rest = (float *)(void *)(packed + first + i8_packed_size(gates, l.h));
		memcpy(rest + gates, input->scales, gates * sizeof(float));
		for (size_t i = 0; i < gates; i++)
			rest[2 * gates + i] = recurrent->scales[i] / 127.0f;
		l.input_scales = rest + gates;
		l.state_scales = rest + 2 * gates;
	} else {
		float *packed = memory;
		size_t first = f32_packed_size(gates, l.in);

		l.input = pack_floats(packed, input, row);
		l.recurrent = pack_floats(packed + first, recurrent, row);
		rest = packed + first + f32_packed_size(gates, l.h);
	}
	memcpy(rest, bias, gates * sizeof(float));
	l.bias = rest;
	return l;
}

void lstm_serve_states(int8_t *q, const float *states, size_t n)
{
	kernels->i8_round(q, states, n);
}

/* ---- running ---- */

/* One call: products are floats or int32_t, inputs floats or bytes. */
struct run {
	const struct lstm_served *l;
	const struct lstm_words *words;
	bool reversed;
	size_t ahead;		   /* steps before this one have their input products */
	void *inputs;		   /* (ROWS, in): of some steps, in each text by text */
	void *d_inputs, *d_states; /* (ROWS, 4 h) products */
	float *cells[2];	   /* (ROWS, h) each: of the step before, and of this one */
	void *before;		   /* (ROWS, h): states of the step before, floats or bytes */
	float *gates;		   /* (4 h) */
};

static size_t element(const struct lstm_served *l)
{
	return l->bytes ? sizeof(int8_t) : sizeof(float);
}

size_t lstm_serve_scratch(const struct lstm_served *l)
{
	size_t h = l->h * sizeof(float);

	return aligned(ROWS * l->in * element(l)) + 2 * aligned((size_t)ROWS * 4 * h) +
	       2 * aligned(ROWS * h) + aligned(ROWS * l->h * element(l)) + aligned(4 * h);
}

static void *take(char **at, size_t bytes)
{
	void *taken = *at;

	*at += aligned(bytes);
	return taken;
}

static struct run run_of(const struct lstm_served *l, const struct lstm_words *words, bool reversed,
			 void *scratch)
{
	size_t h = l->h * sizeof(float);
	char *at = scratch;
	struct run r = { .l = l, .words = words, .reversed = reversed };

	r.inputs = take(&at, ROWS * l->in * element(l));
	r.d_inputs = take(&at, (size_t)ROWS * 4 * h);
	r.d_states = take(&at, (size_t)ROWS * 4 * h);
	r.cells[0] = take(&at, ROWS * h);
	r.cells[1] = take(&at, ROWS * h);
	r.before = take(&at, ROWS * l->h * element(l));
	r.gates = take(&at, 4 * h);
	return r;
}

/* The row of the word that text k reads at step t. */
static size_t row_at(const struct run *r, size_t k, size_t t)
{
	return r->words->starts[k] + (r->reversed ? r->words->lengths[k] - 1 - t : t);
}

/* How many of the first `active` texts, longest first, still run at step t. */
static size_t active_at(const struct run *r, size_t active, size_t t)
{
	while (active && r->words->lengths[active - 1] <= t)
		active--;
	return active;
}

/* Input products of step t, and of as many more as there is room for. */
static void multiply_inputs(struct run *r, size_t active, size_t t)
{
	size_t bytes = r->l->in * element(r->l);
	const char *from = r->l->bytes ? (const void *)r->words->q : (const void *)r->words->x;
	size_t n = 0;

	for (; active && n + active <= ROWS; active = active_at(r, active, ++t))
		for (size_t k = 0; k < active; k++, n++)
			memcpy((char *)r->inputs + n * bytes, from + row_at(r, k, t) * bytes, bytes);
	r->ahead = t;
	if (r->l->bytes)
		i8_mul(r->d_inputs, r->inputs, n, &r->l->input_bytes);
	else
		f32_mul(r->d_inputs, r->inputs, n, &r->l->input);
}

static void multiply_states(struct run *r, size_t n)
{
	if (r->l->bytes)
		i8_mul(r->d_states, r->before, n, &r->l->recurrent_bytes);
	else
		f32_mul(r->d_states, r->before, n, &r->l->recurrent);
}

/* The gates of text k, whose input products are row `at`. */
static float *open_gates(const struct run *r, size_t k, size_t t, size_t at)
{
	size_t n = 4 * r->l->h;
	float *gates = (float *)r->d_inputs + at * n;

	if (r->l->bytes) {
		kernels->i8_gates(r->gates,
				  &(struct i8_gates){ (int32_t *)r->d_inputs + at * n,
						      (int32_t *)r->d_states + k * n, r->l->input_scales,
						      r->l->state_scales, r->l->bias,
						      r->words->scales[row_at(r, k, t)] },
				  n);
		return r->gates;
	}
	vec_axpy(gates, 1.0f, r->l->bias, n);
	if (t)
		vec_axpy(gates, 1.0f, (float *)r->d_states + k * n, n);
	return gates;
}

static void keep_state(const struct run *r, size_t k, const float *state)
{
	size_t h = r->l->h;

	if (r->l->bytes)
		kernels->i8_round((int8_t *)r->before + k * h, state, h);
	else
		memcpy((float *)r->before + k * h, state, h * sizeof(float));
}

void lstm_serve(const struct lstm_served *l, const struct lstm_words *words, bool reversed, float *y,
		size_t stride, void *scratch)
{
	struct run r = run_of(l, words, reversed, scratch);
	size_t active = words->texts;
	size_t at = 0;

	assert(active <= LSTM_TEXTS_MAX);
	memset(r.cells[1], 0, active * l->h * sizeof(float));
	memset(r.d_states, 0, active * 4 * l->h * sizeof(float)); /* there is no state before the first */
	for (size_t t = 0; active; active = active_at(&r, active, ++t)) {
		if (t == r.ahead) {
			multiply_inputs(&r, active, t);
			at = 0;
		}
		if (t)
			multiply_states(&r, active);
		for (size_t k = 0; k < active; k++, at++) {
			float *state = y + row_at(&r, k, t) * stride;

			kernels->lstm_step(open_gates(&r, k, t, at), r.cells[(t + 1) % 2] + k * l->h,
					   r.cells[t % 2] + k * l->h, state, l->h);
			keep_state(&r, k, state);
		}
	}
}
