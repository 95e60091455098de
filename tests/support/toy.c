#include "support/toy.h"

#include "base/err.h"
#include "base/mem.h"
#include "math/sif.h"
#include "math/vec.h"
#include "model/model.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORD_BYTES = 8 };

static atomic_int alive;

struct toy_memory {
	void *parts[10];
	size_t n;
};

static void *keep(struct toy_memory *memory, size_t n, size_t size)
{
	return memory->parts[memory->n++] = mem_new(n, size);
}

static void drop(void *context)
{
	struct toy_memory *memory = context;

	for (size_t i = 0; i < memory->n; i++)
		free(memory->parts[i]);
	free(memory);
	(void)atomic_fetch_sub(&alive, 1);
}

int toy_alive(void)
{
	return atomic_load(&alive);
}

uint32_t toy_random(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*state >> 33);
}

static float uniform(uint64_t *state)
{
	return (float)toy_random(state) / 2147483648.0f - 0.5f;
}

const char *toy_word(char to[8], uint32_t id)
{
	size_t n = 0;

	to[n++] = 'w';
	do {
		to[n++] = (char)('a' + id % 13);
		id /= 13;
	} while (id && n < WORD_BYTES - 1);
	to[n] = '\0';
	return to;
}

char *toy_text(uint64_t *state, size_t n, size_t words)
{
	char *text = mem_new(words + 1, WORD_BYTES + 1);

	for (size_t i = 0; i < words; i++) {
		char word[WORD_BYTES];
		uint32_t r = toy_random(state);

		if (i)
			(void)strcat(text, " ");
		(void)strcat(text, r % 8 ? toy_word(word, r / 8 % (uint32_t)n) : "zzz");
	}
	return text;
}

static void make_words(struct model *m, struct toy_memory *memory, size_t n, const char *const *words)
{
	char *bytes = keep(memory, n, WORD_BYTES);
	uint64_t *offsets = keep(memory, n + 1, sizeof(*offsets));
	size_t slots_n = vocab_slots(n);
	uint64_t *slots = keep(memory, slots_n, sizeof(*slots));

	for (size_t i = 0; i < n; i++) {
		char made[WORD_BYTES];
		const char *word = words ? words[i] : toy_word(made, (uint32_t)i);
		size_t length = strnlen(word, WORD_BYTES);

		memcpy(bytes + offsets[i], word, length);
		offsets[i + 1] = offsets[i] + length;
	}
	vocab_index(slots, slots_n, bytes, offsets, n, 1);
	m->vocab = (struct vocab){
		.n = n, .bytes = bytes, .offsets = offsets, .slots = slots, .slots_n = slots_n, .seed = 1
	};
}

static void make_rows(struct model *m, struct toy_memory *memory, struct toy toy, uint64_t *state)
{
	size_t row_bytes = toy.d * rows_type_size(toy.type);
	char *data = keep(memory, toy.n, row_bytes);
	float *scales = keep(memory, toy.n, sizeof(*scales));
	float *row = mem_new(toy.d, sizeof(*row));

	for (size_t i = 0; i < toy.n; i++) {
		for (size_t j = 0; j < toy.d; j++)
			row[j] = uniform(state);
		rows_encode(data + i * row_bytes, &scales[i], toy.type, row, toy.d);
	}
	free(row);
	m->rows = (struct rows){ .type = toy.type,
				 .n = toy.n,
				 .d = toy.d,
				 .data = data,
				 .scales = toy.type == ROWS_I8 ? scales : NULL };
}

/* Orthonormal rows, by Gram and Schmidt. */
static void make_components(struct model *m, struct toy_memory *memory, struct toy toy, uint64_t *state)
{
	float *u = keep(memory, toy.k * toy.d, sizeof(*u));
	float *scales = keep(memory, toy.k, sizeof(*scales));

	for (size_t i = 0; i < toy.k; i++) {
		float *row = u + i * toy.d;

		for (size_t j = 0; j < toy.d; j++)
			row[j] = uniform(state);
		for (int twice = 0; twice < 2; twice++)
			sif_remove(row, u, NULL, i, toy.d);
		(void)vec_unit(row, toy.d);
		scales[i] = 0.5f / (float)(i + 1);
	}
	m->k = toy.k;
	m->components = u;
	m->component_scales = toy.method == METHOD_USIF ? scales : NULL;
}

static struct model *finish(const struct model *parts, struct toy_memory *memory)
{
	struct err err;
	struct owned owned = { 0 };
	struct model *m;

	owned_add(&owned, drop, memory);
	m = model_of_parts(parts, &owned, &err);
	if (!m) {
		(void)fprintf(stderr, "toy model: %s\n", err.text);
		abort();
	}
	(void)atomic_fetch_add(&alive, 1);
	return m;
}

struct model *toy_model(struct toy toy)
{
	struct toy_memory *memory = mem_new(1, sizeof(*memory));
	uint64_t state = toy.seed;
	struct model m = { .rules = token_rules_default(), .facts = { .method = toy.method, .a = 1e-3 } };
	float *weights = keep(memory, toy.n, sizeof(*weights));
	float *projection;

	make_words(&m, memory, toy.n, toy.words);
	make_rows(&m, memory, toy, &state);
	for (size_t i = 0; i < toy.n; i++)
		weights[i] = sif_weight(0.1 / (double)(i + 3), m.facts.a);
	m.weights = weights;
	m.facts.fitted = toy.k || toy.d_out;
	if (toy.k)
		make_components(&m, memory, toy, &state);
	m.d_out = toy.d;
	if (toy.d_out) {
		projection = keep(memory, toy.d * toy.d_out, sizeof(*projection));
		for (size_t i = 0; i < toy.d * toy.d_out; i++)
			projection[i] = uniform(&state);
		m.projection = projection;
		m.d_out = toy.d_out;
	}
	if (toy.window) {
		float *matrix = keep(memory, toy.d * toy.d, sizeof(*matrix));

		for (size_t i = 0; i < toy.d * toy.d; i++)
			matrix[i] = uniform(&state);
		m.alacarte = matrix;
		m.alacarte_window = toy.window;
	}
	return finish(&m, memory);
}

struct model *toy_folded(const struct model *m, enum method method)
{
	struct toy_memory *memory = mem_new(1, sizeof(*memory));
	bool projected = method == METHOD_WHITEN || method == METHOD_LEARNED;
	bool removed = method == METHOD_SIF || method == METHOD_USIF;
	bool weighted = method != METHOD_SUM && method != METHOD_MEAN;
	size_t d = projected ? m->d_out : m->rows.d;
	float *data = keep(memory, m->rows.n * d, sizeof(*data));
	float *row = mem_new(m->rows.d, sizeof(*row));
	float *weights;
	struct model folded = { .rules = m->rules, .facts = m->facts, .d_out = d };

	make_words(&folded, memory, m->rows.n, NULL);
	for (size_t i = 0; i < m->rows.n; i++) {
		float *to = data + i * d;

		rows_get(row, &m->rows, (uint32_t)i);
		if (weighted)
			vec_scale(row, m->weights[i], m->rows.d);
		if (removed)
			sif_remove(row, m->components, m->component_scales, m->k, m->rows.d);
		if (projected)
			vec_times_matrix(to, row, m->projection, m->rows.d, d);
		else
			memcpy(to, row, d * sizeof(*to));
	}
	free(row);
	/* They stay for whoever wants to know them; the rows carry them already. */
	weights = keep(memory, m->rows.n, sizeof(*weights));
	memcpy(weights, m->weights, m->rows.n * sizeof(*weights));
	folded.weights = weights;
	folded.rows = (struct rows){ .type = ROWS_F32, .n = m->rows.n, .d = d, .data = data };
	folded.facts.folded = true;
	folded.facts.method = method;
	return finish(&folded, memory);
}
