/*
 * Texts through an LSTM of one or two layers and directions, by each pooling: against the equations in
 * doubles; written, opened and served the same; files of which a part is missing.
 */
#include "base/limits.h"
#include "embed/lstm_encoder.h"

#include "base/err.h"
#include "base/random.h"
#include "embed/embedder.h"
#include "embed/explain.h"
#include "embed/pool.h"
#include "embed/publish.h"
#include "math/kernels.h"
#include "math/vec.h"
#include "model/model.h"
#include "support/altered.h"
#include "support/scratch.h"
#include "support/toy.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { WORDS = 60, D = 7, IN = 5, H = 9, GATES = 4 * H, WIDTH = 2 * H, INPUTS = GATES * WIDTH };

static struct scratch scratch;
static struct model *toy;
/* Of a layer's direction: 2 layer + side. */
static float ih[4][INPUTS], hh[4][GATES * H], b1[4][GATES], b2[4][GATES], attention[WIDTH];

struct shape {
	size_t layers, sides;
	enum pooling pooling;
};

static const struct shape plain = { 1, 2, POOLING_MEAN };

static void fill(float *x, size_t n, uint64_t *random)
{
	for (size_t i = 0; i < n; i++)
		x[i] = random_unit(random) - 0.5f;
}

static struct model parts_of(struct shape shape)
{
	struct model parts = *toy;

	parts.lstm =
		(struct model_lstm){ .h = H,
				     .layers_n = shape.layers,
				     .directions_n = shape.sides,
				     .pooling = shape.pooling,
				     .attention = shape.pooling == POOLING_ATTENTION ? attention : NULL };
	for (size_t i = 0; i < 2 * shape.layers; i++) {
		size_t in = i / 2 ? shape.sides * H : model_lstm_inputs(&parts);

		if (i % 2 < shape.sides)
			parts.lstm.layers[i / 2].directions[i % 2] =
				(struct model_lstm_direction){ { ROWS_F32, GATES, in, ih[i], NULL },
							       { ROWS_F32, GATES, H, hh[i], NULL },
							       b1[i],
							       b2[i] };
	}
	parts.facts.sums = toy->facts.method;
	parts.facts.method = METHOD_LSTM;
	return parts;
}

static struct model *of_shape(struct shape shape, struct err *err)
{
	struct model parts = parts_of(shape);

	return model_of_parts(&parts, NULL, err);
}

/* With weights of bytes. */
static struct model *of_bytes(struct shape shape, struct err *err)
{
	struct model parts = parts_of(shape);
	struct owned owned = { 0 };

	assert_int_equal(model_lstm_encode(&parts, ROWS_I8, &owned, err), 0);
	return model_of_parts(&parts, &owned, err);
}

static struct model *with_lstm(struct err *err)
{
	return of_shape(plain, err);
}

static double sigmoid(double z)
{
	return 1 / (1 + exp(-z));
}

/* PyTorch's equations, from its own tensors. */
static void step(size_t i, const double *x, size_t in, double *h, double *c)
{
	double gates[GATES];

	for (size_t g = 0; g < GATES; g++) {
		gates[g] = (double)b1[i][g] + (double)b2[i][g];
		for (size_t k = 0; k < in; k++)
			gates[g] += (double)ih[i][g * in + k] * x[k];
		for (size_t k = 0; k < H; k++)
			gates[g] += (double)hh[i][g * H + k] * h[k];
	}
	for (size_t k = 0; k < H; k++) {
		c[k] = sigmoid(gates[H + k]) * c[k] + sigmoid(gates[k]) * tanh(gates[2 * H + k]);
		h[k] = sigmoid(gates[3 * H + k]) * tanh(c[k]);
	}
}

/* The word's row through the projection, sqrt(IN) long. */
static void input_of(uint32_t id, double *x)
{
	float row[D];
	double square = 0;

	rows_get(row, &toy->rows, id);
	for (size_t j = 0; j < IN; j++) {
		x[j] = 0;
		for (size_t i = 0; i < D; i++)
			x[j] += (double)row[i] * (double)toy->projection[i * IN + j];
		square += x[j] * x[j];
	}
	for (size_t j = 0; j < IN; j++)
		x[j] *= sqrt(IN / square);
}

static const uint32_t ids[] = { 3, 17, 3, 42, 5 };

enum { N = sizeof(ids) / sizeof(ids[0]) };

/* The last layer's states y (N, sides H). */
static void states_of(struct shape shape, double *y)
{
	double x[N * WIDTH];
	size_t in = IN;

	for (size_t t = 0; t < N; t++)
		input_of(ids[t], x + t * IN);
	for (size_t layer = 0; layer < shape.layers; layer++, in = shape.sides * H) {
		for (size_t side = 0; side < shape.sides; side++) {
			double h[H] = { 0 }, c[H] = { 0 };

			for (size_t k = 0; k < N; k++) {
				size_t t = side ? N - 1 - k : k;

				step(2 * layer + side, x + t * in, in, h, c);
				memcpy(y + (t * shape.sides + side) * H, h, sizeof(h));
			}
		}
		memcpy(x, y, N * shape.sides * H * sizeof(*x));
	}
}

/* embed/pool.c is right by tests of its own. */
static void pool(struct shape shape, const double *y, double *expected)
{
	size_t width = shape.sides * H;
	struct pool p = { shape.pooling, H, shape.sides, attention };
	float rows[N * WIDTH], vector[WIDTH], room[N];

	for (size_t i = 0; i < N * width; i++)
		rows[i] = (float)y[i];
	pool_states(&p, rows, N, vector, room);
	for (size_t k = 0; k < width; k++)
		expected[k] = (double)vector[k];
}

static void check_shape(struct shape shape)
{
	struct err err = { 0 };
	struct model *m = of_shape(shape, &err);
	struct embedder *s;
	struct seen seen;
	double y[N * WIDTH], expected[WIDTH];
	float vector[WIDTH];
	char text[64] = "nowhere ";
	char word[8];

	assert_non_null(m);
	s = embedder_new(m, METHOD_LSTM, &err);
	assert_non_null(s);
	assert_int_equal(embedder_dimension(s), shape.sides * H);
	states_of(shape, y);
	pool(shape, y, expected);
	for (size_t t = 0; t < N; t++)
		(void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s ",
			       toy_word(word, ids[t]));
	assert_int_equal(embedder_embed(s, text, strlen(text), false, vector, &seen, &err), 0);
	assert_int_equal(seen.words, N + 1);
	assert_int_equal(seen.known, N);
	for (size_t k = 0; k < shape.sides * H; k++)
		assert_true(fabs((double)vector[k] - expected[k]) < 1e-6);
	assert_int_equal(embedder_embed(s, "nowhere", 7, true, vector, &seen, &err), 0);
	for (size_t k = 0; k < shape.sides * H; k++)
		assert_true(vector[k] == 0.0f);
	embedder_free(s);
	model_release(m);
}

/* Runs check on every shape. */
static void each_shape(void (*check)(struct shape shape))
{
	for (size_t layers = 1; layers <= 2; layers++)
		for (size_t sides = 1; sides <= 2; sides++)
			for (int pooling = POOLING_MEAN; pooling <= POOLING_ATTENTION; pooling++)
				check((struct shape){ layers, sides, (enum pooling)pooling });
}

static void is_what_the_equations_say(void **state)
{
	(void)state;
	each_shape(check_shape);
}

/* Each half is what its own method gives, of one length. */
static void check_with_static(struct model *m, enum method sums)
{
	struct err err = { 0 };
	struct embedder *s = embedder_new(m, METHOD_LSTM_STATIC, &err);
	size_t rest = model_dimension(m, sums);
	float both[WIDTH + D], a[WIDTH], b[D];

	assert_int_equal(embedder_dimension(s), WIDTH + rest);
	for (int normalize = 0; normalize < 2; normalize++) {
		float length = normalize ? sqrtf(0.5f) : 1;

		assert_int_equal(embedder_use(s, m, METHOD_LSTM, &err), 0);
		assert_int_equal(embedder_embed_words(s, ids, N, true, a, &err), 0);
		assert_int_equal(embedder_use(s, m, sums, &err), 0);
		assert_int_equal(embedder_embed_words(s, ids, N, true, b, &err), 0);
		assert_int_equal(embedder_use(s, m, METHOD_LSTM_STATIC, &err), 0);
		assert_int_equal(embedder_embed_words(s, ids, N, normalize, both, &err), 0);
		for (size_t k = 0; k < WIDTH + rest; k++)
			assert_true(fabsf(both[k] - length * (k < WIDTH ? a[k] : b[k - WIDTH])) < 1e-6f);
	}
	assert_int_equal(embedder_embed(s, "nowhere", 7, true, both, NULL, &err), 0);
	for (size_t k = 0; k < WIDTH + rest; k++)
		assert_true(both[k] == 0.0f);
	embedder_free(s);
}

static void has_the_static_vector_beside_it(void **state)
{
	struct err err = { 0 };
	struct model *m = with_lstm(&err);
	struct model *kept = toy;

	(void)state;
	check_with_static(m, METHOD_WHITEN);
	model_release(m);
	toy = toy_model(
		(struct toy){ .n = WORDS, .d = IN, .type = ROWS_F32, .method = METHOD_WEIGHTED, .seed = 4 });
	m = with_lstm(&err);
	check_with_static(m, METHOD_WEIGHTED);
	model_release(m);
	model_release(toy);
	toy = kept;
}

/* Texts of every length up to a few hundred words, some of them of none, more than run together. */
enum { MANY = 700, MANY_BYTES = 4 * 400 };

static void check_many(struct model *m, enum method method)
{
	static char bytes[MANY][MANY_BYTES];
	struct err err = { 0 };
	struct embedder *s = embedder_new(m, method, &err);
	struct text texts[MANY];
	struct seen seen[MANY], one;
	size_t d = embedder_dimension(s);
	float *vectors = malloc(MANY * d * sizeof(float)), *alone = malloc(d * sizeof(float));
	uint64_t random = 3;
	char word[8];

	assert_true(vectors && alone);
	for (size_t i = 0; i < MANY; i++) {
		size_t n = random_below(&random, i % 50 ? 12 : 400);

		bytes[i][0] = '\0';
		for (size_t k = 0, at = 0; k < n; k++)
			at += (size_t)sprintf(bytes[i] + at, "%s ",
					      toy_word(word, (uint32_t)random_below(&random, WORDS)));
		if (i % 7 == 0)
			strcpy(bytes[i], "nowhere");
		texts[i] = (struct text){ bytes[i], strlen(bytes[i]) };
	}
	assert_int_equal(embedder_embed_many(s, texts, MANY, true, vectors, seen, &err), 0);
	for (size_t i = 0; i < MANY; i++) {
		assert_int_equal(embedder_embed(s, texts[i].at, texts[i].n, true, alone, &one, &err), 0);
		assert_memory_equal(alone, vectors + i * d, d * sizeof(float));
		assert_int_equal(one.words, seen[i].words);
		assert_int_equal(one.known, seen[i].known);
	}
	free(vectors);
	free(alone);
	embedder_free(s);
}

static void check_many_of_shape(struct shape shape)
{
	struct err err = { 0 };
	struct model *m = of_shape(shape, &err);

	check_many(m, METHOD_LSTM);
	check_many(m, METHOD_LSTM_STATIC);
	check_many(m, METHOD_FEATURES);
	check_many(m, METHOD_WHITEN);
	model_release(m);
}

static void embed_ids(struct model *m, float *vector)
{
	struct err err = { 0 };
	struct embedder *s = embedder_new(m, METHOD_LSTM, &err);

	assert_int_equal(embedder_embed_words(s, ids, N, false, vector, &err), 0);
	embedder_free(s);
}

/* Close to floats; the same by every kernel, from a file, and whatever is beside. */
static void check_bytes(struct shape shape)
{
	static const struct kernels *const sets[] = { &kernels_plain, &kernels_avx2, &kernels_avx512 };
	const struct kernels *kept = kernels;
	const char *path = scratch_path(&scratch, "bytes.safetensors");
	struct err err = { 0 };
	struct model *exact = of_shape(shape, &err);
	struct model *m = of_bytes(shape, &err);
	struct model *opened;
	float expected[WIDTH], a[WIDTH], b[WIDTH];
	size_t width = shape.sides * H;

	assert_true(model_lstm_of_bytes(m) && !model_lstm_of_bytes(exact));
	assert_string_not_equal(m->fingerprint, exact->fingerprint);
	embed_ids(exact, expected);
	embed_ids(m, a);
	for (size_t k = 0; k < width; k++)
		assert_true(fabsf(a[k] - expected[k]) < 0.02f);
	for (size_t set = 0; set < sizeof(sets) / sizeof(sets[0]); set++) {
		if (!kernels_runs(sets[set]))
			continue;
		kernels = sets[set];
		embed_ids(m, b);
		assert_memory_equal(a, b, width * sizeof(*a));
	}
	kernels = kept;
	check_many(m, METHOD_LSTM);
	assert_int_equal(publish_model(m, path, false, &err), 0);
	opened = model_open(path, NULL, &err);
	assert_non_null(opened);
	assert_true(model_lstm_of_bytes(opened));
	embed_ids(opened, b);
	assert_memory_equal(a, b, width * sizeof(*a));
	model_release(opened);
	model_release(exact);
	model_release(m);
}

static void bytes_are_close_to_floats(void **state)
{
	(void)state;
	each_shape(check_bytes);
}

static void many_at_a_time_are_one_by_one(void **state)
{
	struct err err = { 0 };
	struct model *m = model_open("models/default.safetensors", NULL, &err);

	(void)state;
	each_shape(check_many_of_shape);
	assert_non_null(m); /* of bytes, pooling residual; the words are spelled */
	check_many(m, METHOD_LSTM);
	check_many(m, METHOD_LSTM_STATIC);
	check_many(m, METHOD_FEATURES);
	model_release(m);
}

static void order_matters(void **state)
{
	static const uint32_t one[] = { 1, 2, 3 }, other[] = { 3, 2, 1 };
	struct err err = { 0 };
	struct model *m = with_lstm(&err);
	struct embedder *s = embedder_new(m, METHOD_LSTM, &err);
	float a[WIDTH], b[WIDTH];

	(void)state;
	assert_int_equal(embedder_embed_words(s, one, 3, true, a, &err), 0);
	assert_int_equal(embedder_embed_words(s, other, 3, true, b, &err), 0);
	assert_true(vec_cosine(a, b, 2 * H) < 0.9999f);
	embedder_free(s);
	model_release(m);
}

/* What lies behind the words that are read changes nothing, and takes no memory. */
static void reads_so_much_of_a_text(void **state)
{
	static uint32_t many[3 * LIMIT_LSTM_WORDS];
	struct err err = { 0 };
	struct model *m = with_lstm(&err);
	struct embedder *s = embedder_new(m, METHOD_LSTM, &err);
	float a[WIDTH], b[WIDTH];

	(void)state;
	for (size_t i = 0; i < sizeof(many) / sizeof(many[0]); i++)
		many[i] = (uint32_t)(i * 7 % WORDS);
	assert_int_equal(embedder_embed_words(s, many, LIMIT_LSTM_WORDS, true, a, &err), 0);
	assert_int_equal(embedder_embed_words(s, many, sizeof(many) / sizeof(many[0]), true, b, &err), 0);
	assert_memory_equal(a, b, sizeof(a));
	embedder_free(s);
	model_release(m);
}

static void check_file(struct shape shape)
{
	struct err err = { 0 };
	struct model *m = of_shape(shape, &err);
	struct model *opened;
	const char *path = scratch_path(&scratch, "m.safetensors");
	struct embedder *s;
	float a[WIDTH], b[WIDTH];

	s = embedder_new(m, METHOD_LSTM, &err);
	assert_int_equal(embedder_embed(s, "waa wab wac", 11, true, a, NULL, &err), 0);
	embedder_free(s);
	if (publish_model(m, path, false, &err))
		fail_msg("%s", err.text);
	if (model_verify(path, NULL, &err))
		fail_msg("%s", err.text);
	opened = model_open(path, NULL, &err);
	assert_non_null(opened);
	assert_string_equal(opened->fingerprint, m->fingerprint);
	s = embedder_new(opened, METHOD_LSTM, &err);
	assert_int_equal(embedder_embed(s, "waa wab wac", 11, true, b, NULL, &err), 0);
	assert_memory_equal(a, b, shape.sides * H * sizeof(*a));
	embedder_free(s);
	model_release(opened);
	model_release(m);
}

static void a_file_gives_the_same_bits(void **state)
{
	(void)state;
	each_shape(check_file);
}

/* Every fact of a shape, and every number. */
static void fingerprints_differ(void **state)
{
	static const struct shape others[] = {
		{ 2, 2, POOLING_MEAN }, { 1, 1, POOLING_MEAN }, { 1, 2, POOLING_MAX }, { 1, 2, POOLING_LAST }
	};
	struct err err = { 0 };
	struct model *m = with_lstm(&err);
	struct model *other;

	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		other = of_shape(others[i], &err);
		assert_string_not_equal(other->fingerprint, m->fingerprint);
		model_release(other);
	}
	ih[1][3] += 0.25f;
	other = with_lstm(&err);
	assert_string_not_equal(other->fingerprint, m->fingerprint);
	ih[1][3] -= 0.25f;
	model_release(other);
	model_release(m);
}

/* The file at `from` without a tensor, or with another value of a key of its metadata. */
static const char *damaged(const char *from, const char *tensor, const char *key, const char *value)
{
	const char *path = scratch_path(&scratch, "damaged.safetensors");
	struct altered a;

	altered_open(&a, from);
	if (tensor)
		altered_drop(&a, tensor);
	if (key)
		altered_set(&a, key, value);
	altered_unseal(&a);
	altered_write(&a, path);
	return path;
}

static void is_refused(const char *path, const char *why)
{
	struct err err = { 0 };

	assert_null(model_open(path, NULL, &err));
	if (err.code != ERR_FORMAT || !strstr(err.text, why))
		fail_msg("'%s' is not of %s", err.text, why);
}

static void a_missing_part_is_said(void **state)
{
	static const char *const names[] = { "lstm.bias_hh_l0",		  "lstm.weight_hh_l0_reverse",
					     "lstm.weight_ih_l0_reverse", "lstm.bias_ih_l1",
					     "lstm.weight_ih_l1_reverse", "lstm.attention" };
	struct err err = { 0 };
	struct model *m = of_shape((struct shape){ 2, 2, POOLING_ATTENTION }, &err);
	char *path = strdup(scratch_path(&scratch, "m.safetensors"));
	struct model *opened;

	(void)state;
	assert_int_equal(model_write(m, path, false, "", &err), 0);
	opened = model_open(damaged(path, NULL, NULL, NULL), NULL, &err);
	assert_non_null(opened);
	model_release(opened);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		is_refused(damaged(path, names[i], NULL, NULL), "lstm.");
	is_refused(damaged(path, NULL, "pooling", "most"), "'most'");
	is_refused(damaged(path, NULL, "pooling", "max"), "lstm.attention");
	free(path);
	model_release(m);
}

static void no_word_has_a_share(void **state)
{
	struct err err = { 0 };
	struct model *m = with_lstm(&err);
	struct embedder *s = embedder_new(m, METHOD_LSTM, &err);
	struct explained e;

	(void)state;
	assert_int_equal(explain_text(&e, s, "waa wab", 7, &err), -1);
	assert_string_equal(err.param, "method");
	assert_int_equal(embedder_use(s, m, METHOD_LSTM_STATIC, &err), 0);
	assert_int_equal(explain_text(&e, s, "waa wab", 7, &err), -1);
	embedder_free(s);
	model_release(m);
}

static int start(void **state)
{
	uint64_t random = 21;

	(void)state;
	vec_init();
	scratch_open(&scratch);
	toy = toy_model((struct toy){
		.n = WORDS, .d = D, .d_out = IN, .type = ROWS_F32, .method = METHOD_WHITEN, .seed = 3 });
	for (size_t i = 0; i < 4; i++) {
		fill(ih[i], INPUTS, &random);
		fill(hh[i], GATES * H, &random);
		fill(b1[i], GATES, &random);
		fill(b2[i], GATES, &random);
	}
	fill(attention, sizeof(attention) / sizeof(attention[0]), &random);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	model_release(toy);
	scratch_close(&scratch);
	return toy_alive();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_what_the_equations_say),
		cmocka_unit_test(order_matters),
		cmocka_unit_test(has_the_static_vector_beside_it),
		cmocka_unit_test(reads_so_much_of_a_text),
		cmocka_unit_test(a_file_gives_the_same_bits),
		cmocka_unit_test(fingerprints_differ),
		cmocka_unit_test(many_at_a_time_are_one_by_one),
		cmocka_unit_test(bytes_are_close_to_floats),
		cmocka_unit_test(a_missing_part_is_said),
		cmocka_unit_test(no_word_has_a_share),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
