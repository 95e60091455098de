#include "embed/lstm_encoder.h"

#include "base/limits.h"
#include "base/mem.h"
#include "embed/pool.h"
#include "math/vec.h"
#include "model/model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Texts that run together. */
struct batch {
	struct lstm_text *texts;
	size_t n, words;
	size_t starts[LSTM_TEXTS_MAX];	  /* of a text's first word */
	uint32_t lengths[LSTM_TEXTS_MAX]; /* words of it that are read */
};

enum { BATCH_WORDS = LIMIT_LSTM_WORDS }; /* together */

struct lstm_encoder {
	char *memory;
	size_t room;
};

struct lstm_encoder *lstm_encoder_new(struct err *err)
{
	return mem_try(1, sizeof(struct lstm_encoder), err);
}

void lstm_encoder_free(struct lstm_encoder *e)
{
	if (!e)
		return;
	free(e->memory);
	free(e);
}

void lstm_encoder_input(const struct model *m, uint32_t id, float *to, float *scratch)
{
	size_t in = model_lstm_inputs(m);

	if (model_lstm_reads_rows(m)) {
		rows_get(to, &m->rows, id);
	} else {
		rows_get(scratch, &m->rows, id);
		vec_times_matrix(to, scratch, m->projection, m->rows.d, in);
	}
	(void)vec_unit(to, in);
	vec_scale(to, sqrtf((float)in), in);
}

/* ---- memory ---- */

/* Buffers of a batch, in the encoder's memory. */
struct buffers {
	float *y;      /* (words, outputs): outputs of the layers so far */
	float *above;  /* (words, outputs): of the next layer */
	void *x;       /* (words, inputs), floats or bytes; then rows, for the pooling residual */
	float *scales; /* (words) */
	float *sums;   /* (texts, outputs) */
	float *mixed;  /* (texts, d) */
	float *row;    /* (d + inputs), or (words) */
	void *scratch; /* of lstm_serve() */
};

/* The next n * bytes of memory, of which *at are taken; with memory NULL it only counts. */
static void *take(char *memory, size_t *at, size_t n, size_t bytes)
{
	void *taken = memory ? memory + *at : NULL;

	*at += (n * bytes + 63) / 64 * 64;
	return taken;
}

static size_t scratch_of(const struct model *m)
{
	size_t most = 0;

	for (size_t layer = 0; layer < m->lstm.layers_n; layer++) {
		size_t bytes = lstm_serve_scratch(&m->lstm.served[layer][0]);

		most = most > bytes ? most : bytes;
	}
	return most;
}

/* Lays the buffers out; returns the bytes that they take. */
static size_t lay_out(struct buffers *p, const struct model *m, const struct batch *b, char *memory)
{
	size_t at = 0;
	size_t outputs = model_lstm_outputs(m);
	size_t d = m->rows.d;
	size_t in = model_lstm_inputs(m);
	size_t row = b->words > d + in ? b->words : d + in;
	size_t x = in * sizeof(float) > outputs ? in * sizeof(float) : outputs; /* outputs as bytes */

	p->y = take(memory, &at, b->words, outputs * sizeof(float));
	p->above = take(memory, &at, b->words, outputs * sizeof(float));
	p->x = take(memory, &at, b->words, x);
	p->scales = take(memory, &at, b->words, sizeof(float));
	p->sums = take(memory, &at, b->n, outputs * sizeof(float));
	p->mixed = take(memory, &at, b->n, d * sizeof(float));
	p->row = take(memory, &at, row, sizeof(float));
	p->scratch = take(memory, &at, scratch_of(m), 1);
	return at;
}

static int make_room(struct lstm_encoder *e, const struct model *m, const struct batch *b, struct buffers *p,
		     struct err *err)
{
	size_t bytes = lay_out(p, m, b, NULL);

	if (bytes > e->room) {
		free(e->memory);
		e->room = 0;
		e->memory = mem_try_aligned(bytes, 1, err);
		if (!e->memory)
			return -1;
		e->room = bytes;
	}
	(void)lay_out(p, m, b, e->memory);
	return 0;
}

/* ---- running ---- */

/* A row of bytes as it is, with the scale that gives it the length of lstm_encoder_input(). */
static void take_row(const struct model *m, uint32_t id, int8_t *q, float *scale)
{
	size_t d = m->rows.d;
	int32_t square = 0;

	memcpy(q, (const int8_t *)m->rows.data + id * d, d);
	for (size_t k = 0; k < d; k++)
		square += q[k] * q[k];
	*scale = square ? sqrtf((float)d) / sqrtf((float)square) : 0.0f;
}

static void take_words(const struct model *m, const struct batch *b, struct buffers *p)
{
	size_t in = model_lstm_inputs(m);
	bool bytes = m->lstm.served[0][0].bytes;
	bool rows_are_bytes = m->rows.type == ROWS_I8 && model_lstm_reads_rows(m);

	for (size_t i = 0; i < b->n; i++) {
		for (size_t t = 0; t < b->lengths[i]; t++) {
			uint32_t id = b->texts[i].ids[t];
			size_t at = b->starts[i] + t;

			if (!bytes) {
				lstm_encoder_input(m, id, (float *)p->x + at * in, p->row);
			} else if (rows_are_bytes) {
				take_row(m, id, (int8_t *)p->x + at * in, p->scales + at);
			} else {
				lstm_encoder_input(m, id, p->row, p->row + in);
				rows_encode((int8_t *)p->x + at * in, p->scales + at, ROWS_I8, p->row, in);
			}
		}
	}
}

/* Feeds a layer's outputs to the next one. */
static void pass_up(const struct model *m, const struct batch *b, struct buffers *p, struct lstm_words *words)
{
	words->x = p->y;
	if (!m->lstm.served[0][0].bytes)
		return;
	lstm_serve_states(p->x, p->y, b->words * model_lstm_outputs(m));
	for (size_t i = 0; i < b->words; i++)
		p->scales[i] = LSTM_STATE_SCALE;
}

/* Leaves the outputs of the last layer in p->y. */
static void run_layers(const struct model *m, const struct batch *b, struct buffers *p)
{
	struct lstm_words words = { .x = p->x,
				    .q = p->x,
				    .scales = p->scales,
				    .texts = b->n,
				    .starts = b->starts,
				    .lengths = b->lengths };
	const struct model_lstm *l = &m->lstm;
	size_t outputs = model_lstm_outputs(m);

	for (size_t layer = 0; layer < l->layers_n; layer++) {
		float *y = layer ? p->above : p->y;

		if (layer)
			pass_up(m, b, p, &words);
		for (size_t direction = 0; direction < l->directions_n; direction++)
			lstm_serve(&l->served[layer][direction], &words, direction == 1, y + direction * l->h,
				   outputs, p->scratch);
		p->y = y;
	}
}

/* Pooling residual.  W is the same for all texts, so it multiplies all sums of states at once. */
static void read_residual(const struct model *m, const struct batch *b, const struct buffers *p)
{
	size_t d = m->rows.d;
	size_t width = model_lstm_outputs(m);

	for (size_t i = 0; i < b->n; i++) {
		float *rows = (float *)p->x + b->starts[i] * d;

		for (size_t t = 0; t < b->lengths[i]; t++)
			rows_get(rows + t * d, &m->rows, b->texts[i].ids[t]);
		readout_sums(&m->lstm.readout, rows, p->y + b->starts[i] * width, b->lengths[i],
			     b->texts[i].vector, p->sums + i * width);
	}
	f32_mul(p->mixed, p->sums, b->n, &m->lstm.mix);
	for (size_t i = 0; i < b->n; i++)
		vec_axpy(b->texts[i].vector, 1.0f, p->mixed + i * d, d);
}

static void read_pooled(const struct model *m, const struct batch *b, const struct buffers *p)
{
	size_t width = model_lstm_outputs(m);
	struct pool pool = { m->lstm.pooling, m->lstm.h, m->lstm.directions_n, m->lstm.attention };

	for (size_t i = 0; i < b->n; i++)
		pool_states(&pool, p->y + b->starts[i] * width, b->lengths[i], b->texts[i].vector, p->row);
}

static void average_states(const struct model *m, const struct batch *b, const struct buffers *p)
{
	size_t width = model_lstm_outputs(m);
	struct pool evenly = { POOLING_MEAN, m->lstm.h, m->lstm.directions_n, NULL };

	for (size_t i = 0; i < b->n; i++)
		if (b->texts[i].mean)
			pool_states(&evenly, p->y + b->starts[i] * width, b->lengths[i], b->texts[i].mean,
				    p->row);
}

static int run_batch(struct lstm_encoder *e, const struct model *m, const struct batch *b, struct err *err)
{
	struct buffers p;

	if (make_room(e, m, b, &p, err))
		return -1;
	take_words(m, b, &p);
	run_layers(m, b, &p);
	average_states(m, b, &p);
	if (m->lstm.pooling == POOLING_RESIDUAL)
		read_residual(m, b, &p);
	else
		read_pooled(m, b, &p);
	return 0;
}

/* ---- batches ---- */

static int longer_first(const void *a, const void *b)
{
	size_t x = ((const struct lstm_text *)a)->n;
	size_t y = ((const struct lstm_text *)b)->n;

	return (x < y) - (x > y);
}

static uint32_t words_read(const struct lstm_text *text)
{
	return (uint32_t)(text->n < LIMIT_LSTM_WORDS ? text->n : LIMIT_LSTM_WORDS);
}

/* As many of the first texts as run together; none where the first has no word. */
static void take_batch(struct batch *b, struct lstm_text *texts, size_t n)
{
	*b = (struct batch){ .texts = texts };
	while (b->n < n && b->n < LSTM_TEXTS_MAX) {
		uint32_t length = words_read(&texts[b->n]);

		if (length == 0 || (b->n && b->words + length > BATCH_WORDS))
			return;
		b->starts[b->n] = b->words;
		b->lengths[b->n++] = length;
		b->words += length;
	}
}

/* Zero vectors, for texts without a word. */
static void clear(const struct model *m, const struct lstm_text *texts, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		memset(texts[i].vector, 0, model_lstm_vector(m) * sizeof(float));
		if (texts[i].mean)
			memset(texts[i].mean, 0, model_lstm_outputs(m) * sizeof(float));
	}
}

int lstm_encoder_embed(struct lstm_encoder *e, const struct model *m, struct lstm_text *texts, size_t n,
		       struct err *err)
{
	struct batch b;

	/* Texts of like lengths run together. */
	if (n > 1)
		qsort(texts, n, sizeof(*texts), longer_first);
	for (size_t i = 0; i < n; i += b.n) {
		take_batch(&b, texts + i, n - i);
		if (b.n == 0) {
			clear(m, texts + i, n - i);
			return 0;
		}
		if (run_batch(e, m, &b, err))
			return -1;
	}
	return 0;
}
