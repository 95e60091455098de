/*
 * Texts through an LSTM: against the equations in doubles; written, opened and served the same; files of
 * which a part is missing.
 */
#include "embed/recurrent.h"

#include "base/err.h"
#include "base/random.h"
#include "embed/explain.h"
#include "embed/publish.h"
#include "embed/sentence.h"
#include "math/vec.h"
#include "model/model.h"
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

enum { WORDS = 60, D = 7, IN = 5, H = 9, GATES = 4 * H };

static struct scratch scratch;
static struct model *toy;
static float ih[2][GATES * IN], hh[2][GATES * H], b1[2][GATES], b2[2][GATES];

static void fill(float *x, size_t n, uint64_t *random)
{
	for (size_t i = 0; i < n; i++)
		x[i] = random_unit(random) - 0.5f;
}

static struct model *with_lstm(struct err *err)
{
	struct model parts = *toy;

	parts.lstm_h = H;
	for (size_t side = 0; side < 2; side++) {
		const float *at[4] = { ih[side], hh[side], b1[side], b2[side] };

		memcpy(parts.lstm_parts + 4 * side, at, sizeof(at));
	}
	parts.facts.method = METHOD_LSTM;
	return model_of_parts(&parts, NULL, NULL, err);
}

static double sigmoid(double z)
{
	return 1 / (1 + exp(-z));
}

/* PyTorch's equations, from its own tensors. */
static void step(size_t side, const double *x, double *h, double *c)
{
	double gates[GATES];

	for (size_t g = 0; g < GATES; g++) {
		gates[g] = (double)b1[side][g] + (double)b2[side][g];
		for (size_t i = 0; i < IN; i++)
			gates[g] += (double)ih[side][g * IN + i] * x[i];
		for (size_t i = 0; i < H; i++)
			gates[g] += (double)hh[side][g * H + i] * h[i];
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

static void is_the_mean_of_both_directions(void **state)
{
	static const uint32_t ids[] = { 3, 17, 3, 42, 5 };
	enum { N = sizeof(ids) / sizeof(ids[0]) };
	struct err err = { 0 };
	struct model *m = with_lstm(&err);
	struct sentence *s;
	struct seen seen;
	double expected[2 * H] = { 0 };
	float vector[2 * H];
	char text[64] = "nowhere ";
	char word[8];

	(void)state;
	assert_non_null(m);
	s = sentence_new(m, METHOD_LSTM, &err);
	assert_non_null(s);
	assert_int_equal(sentence_dimension(s), 2 * H);
	for (size_t side = 0; side < 2; side++) {
		double h[H] = { 0 }, c[H] = { 0 }, x[IN];

		for (size_t t = 0; t < N; t++) {
			input_of(ids[side ? N - 1 - t : t], x);
			step(side, x, h, c);
			for (size_t k = 0; k < H; k++)
				expected[side * H + k] += h[k] / N;
		}
	}
	for (size_t t = 0; t < N; t++)
		(void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s ",
			       toy_word(word, ids[t]));
	assert_int_equal(sentence_embed(s, text, strlen(text), false, vector, &seen, &err), 0);
	assert_int_equal(seen.words, N + 1);
	assert_int_equal(seen.known, N);
	for (size_t k = 0; k < 2 * H; k++)
		assert_true(fabs((double)vector[k] - expected[k]) < 1e-6);
	assert_int_equal(sentence_embed(s, "nowhere", 7, true, vector, &seen, &err), 0);
	for (size_t k = 0; k < 2 * H; k++)
		assert_true(vector[k] == 0.0f);
	sentence_free(s);
	model_release(m);
}

static void order_matters(void **state)
{
	static const uint32_t one[] = { 1, 2, 3 }, other[] = { 3, 2, 1 };
	struct err err = { 0 };
	struct model *m = with_lstm(&err);
	struct sentence *s = sentence_new(m, METHOD_LSTM, &err);
	float a[2 * H], b[2 * H];

	(void)state;
	assert_int_equal(sentence_of_words(s, one, 3, true, a, &err), 0);
	assert_int_equal(sentence_of_words(s, other, 3, true, b, &err), 0);
	assert_true(vec_cosine(a, b, 2 * H) < 0.9999f);
	sentence_free(s);
	model_release(m);
}

/* What lies behind the words that are read changes nothing, and takes no memory. */
static void reads_so_much_of_a_text(void **state)
{
	static uint32_t ids[3 * RECURRENT_WORDS_MAX];
	struct err err = { 0 };
	struct model *m = with_lstm(&err);
	struct sentence *s = sentence_new(m, METHOD_LSTM, &err);
	float a[2 * H], b[2 * H];

	(void)state;
	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
		ids[i] = (uint32_t)(i * 7 % WORDS);
	assert_int_equal(sentence_of_words(s, ids, RECURRENT_WORDS_MAX, true, a, &err), 0);
	assert_int_equal(sentence_of_words(s, ids, sizeof(ids) / sizeof(ids[0]), true, b, &err), 0);
	assert_memory_equal(a, b, sizeof(a));
	sentence_free(s);
	model_release(m);
}

static void a_file_gives_the_same_bits(void **state)
{
	struct err err = { 0 };
	struct model *m = with_lstm(&err);
	struct model *opened;
	const char *path = scratch_path(&scratch, "m.safetensors");
	struct sentence *s;
	float a[2 * H], b[2 * H];

	(void)state;
	s = sentence_new(m, METHOD_LSTM, &err);
	assert_int_equal(sentence_embed(s, "waa wab wac", 11, true, a, NULL, &err), 0);
	sentence_free(s);
	if (publish_model(m, path, false, &err))
		fail_msg("%s", err.text);
	if (model_verify(path, NULL, &err))
		fail_msg("%s", err.text);
	opened = model_open(path, NULL, &err);
	assert_non_null(opened);
	assert_string_equal(opened->fingerprint, m->fingerprint);
	s = sentence_new(opened, METHOD_LSTM, &err);
	assert_int_equal(sentence_embed(s, "waa wab wac", 11, true, b, NULL, &err), 0);
	assert_memory_equal(a, b, sizeof(a));
	sentence_free(s);
	model_release(opened);
	ih[1][3] += 0.25f;
	opened = with_lstm(&err);
	assert_string_not_equal(opened->fingerprint, m->fingerprint);
	ih[1][3] -= 0.25f;
	model_release(opened);
	model_release(m);
}

/* The name of one tensor in the header made another: then seven are left. */
static void a_missing_part_is_said(void **state)
{
	struct err err = { 0 };
	struct model *m = with_lstm(&err);
	const char *path = scratch_path(&scratch, "m.safetensors");
	static char bytes[1 << 20];
	size_t n;
	char *at;
	FILE *f;

	(void)state;
	assert_int_equal(model_write(m, path, false, "", &err), 0);
	model_release(m);
	f = fopen(path, "r+b");
	assert_non_null(f);
	n = fread(bytes, 1, sizeof(bytes), f);
	at = memmem(bytes, n, "\"lstm.bias_hh_l0\"", 17);
	assert_non_null(at);
	memcpy(at, "\"lstm.bias_xx_l0\"", 17);
	rewind(f);
	assert_int_equal(fwrite(bytes, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
	assert_null(model_open(path, NULL, &err));
	assert_non_null(strstr(err.text, "lstm.bias_xx_l0"));
}

static void no_word_has_a_share(void **state)
{
	struct err err = { 0 };
	struct model *m = with_lstm(&err);
	struct sentence *s = sentence_new(m, METHOD_LSTM, &err);
	struct explained e;

	(void)state;
	assert_int_equal(explain_text(&e, s, "waa wab", 7, &err), -1);
	assert_string_equal(err.param, "method");
	sentence_free(s);
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
	for (size_t side = 0; side < 2; side++) {
		fill(ih[side], GATES * IN, &random);
		fill(hh[side], GATES * H, &random);
		fill(b1[side], GATES, &random);
		fill(b2[side], GATES, &random);
	}
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
		cmocka_unit_test(is_the_mean_of_both_directions),
		cmocka_unit_test(order_matters),
		cmocka_unit_test(reads_so_much_of_a_text),
		cmocka_unit_test(a_file_gives_the_same_bits),
		cmocka_unit_test(a_missing_part_is_said),
		cmocka_unit_test(no_word_has_a_share),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
