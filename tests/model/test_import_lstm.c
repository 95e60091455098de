/* LSTMs of PyTorch's into a model: its numbers (tests/golden/lstm_layers_golden.py), and files that are none.
 */
#include "model/import.h"

#include "base/err.h"
#include "base/file.h"
#include "embed/embedder.h"
#include "embed/publish.h"
#include "math/vec.h"
#include "model/model.h"
#include "support/altered.h"
#include "support/scratch.h"
#include "support/toy.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { WORDS = 8, D = 6, H = 5, NUMBERS = WORDS * D, WIDTH = 2 * H };

static const char two_layers[] = "tests/golden/lstm_two_layers.safetensors";
static const char forward[] = "tests/golden/lstm_forward.safetensors";

static struct scratch scratch;
static struct model *toy, *m; /* m: the toy with PyTorch's word vectors */
static float vectors[NUMBERS];
static FILE *golden;

static void read_numbers(float *to, size_t n)
{
	for (size_t i = 0; i < n; i++)
		assert_int_equal(fscanf(golden, "%f", &to[i]), 1);
}

static void check_text(struct model *imported, const float *expected, size_t outputs, float by)
{
	static const uint32_t ids[] = { 3, 1, 4, 1, 5 };
	struct err err = { 0 };
	struct embedder *s = embedder_new(imported, METHOD_LSTM, &err);
	float vector[WIDTH];

	assert_non_null(s);
	assert_int_equal(embedder_dimension(s), outputs);
	assert_int_equal(embedder_embed_words(s, ids, sizeof(ids) / sizeof(ids[0]), false, vector, &err), 0);
	for (size_t i = 0; i < outputs; i++)
		assert_true(fabsf(vector[i] - expected[i]) < by);
	embedder_free(s);
}

static void gives_pytorchs_numbers(void **state)
{
	struct err err = { 0 };

	(void)state;
	for (size_t sides = 2; sides >= 1; sides--)
		for (int pooling = POOLING_MEAN; pooling <= (sides == 2 ? POOLING_ATTENTION : POOLING_LAST);
		     pooling++) {
			const char *path = sides == 2 ? two_layers : forward;
			float expected[WIDTH];

			read_numbers(expected, sides * H);
			for (int bytes = 0; bytes < 2; bytes++) {
				struct model *imported = import_lstm(m, path, (enum pooling)pooling,
								     bytes ? ROWS_I8 : ROWS_F32, &err);

				if (!imported)
					fail_msg("%s", err.text);
				assert_int_equal(imported->facts.method, METHOD_LSTM);
				assert_int_equal(imported->lstm.layers_n, sides);
				assert_int_equal(model_lstm_of_bytes(imported), bytes);
				check_text(imported, expected, sides * H, bytes ? 0.01f : 3e-7f);
				model_release(imported);
			}
		}
}

/* Written as an overlay and whole, it opens as the same model. */
static void is_written_and_opened(void **state)
{
	const char *path = scratch_path(&scratch, "lstm.safetensors");
	char *base_path = strdup(scratch_path(&scratch, "base.safetensors"));
	struct err err = { 0 };
	struct model *base, *imported, *opened;

	(void)state;
	assert_int_equal(publish_model(m, base_path, false, &err), 0);
	base = model_open(base_path, NULL, &err);
	assert_non_null(base);
	imported = import_lstm(base, two_layers, POOLING_ATTENTION, ROWS_F32, &err);
	assert_non_null(imported);
	for (int overlay = 0; overlay < 2; overlay++) {
		path = scratch_path(&scratch, "lstm.safetensors");
		if (publish_model(imported, path, overlay, &err) || model_verify(path, NULL, &err))
			fail_msg("%s", err.text);
		opened = model_open(path, NULL, &err);
		assert_non_null(opened);
		assert_string_equal(opened->fingerprint, imported->fingerprint);
		model_release(opened);
	}
	model_release(imported);
	model_release(base);
	free(base_path);
}

/* What the model had for sums, it has, in the file too; an LSTM that it had is gone. */
static void keeps_the_other_methods(void **state)
{
	struct err err = { 0 };
	struct model *learned = toy_model((struct toy){
		.n = WORDS, .d = D, .d_out = D, .type = ROWS_F32, .method = METHOD_LEARNED, .seed = 6 });
	struct model *two = import_lstm(learned, two_layers, POOLING_ATTENTION, ROWS_F32, &err);
	struct model *one, *opened;
	char *path = strdup(scratch_path(&scratch, "kept.safetensors"));

	(void)state;
	assert_non_null(two);
	one = import_lstm(two, forward, POOLING_LAST, ROWS_F32, &err);
	assert_non_null(one);
	assert_int_equal(one->lstm.layers_n, 1);
	assert_null(one->lstm.attention);
	assert_int_equal(publish_model(one, path, false, &err), 0);
	opened = model_open(path, NULL, &err);
	assert_non_null(opened);
	for (int method = 0; method < METHOD_COUNT; method++) {
		bool had = model_has(learned, (enum method)method) || method_recurrent((enum method)method);

		assert_int_equal(model_has(one, (enum method)method), had);
		assert_int_equal(model_has(opened, (enum method)method), had);
	}
	assert_int_equal(opened->facts.method, METHOD_LSTM);
	model_release(opened);
	model_release(one);
	model_release(two);
	model_release(learned);
	free(path);
}

/* The two-layer file with a tensor left out, or under the name `more`. */
static const char *changed(const char *without, const char *more)
{
	const char *path = scratch_path(&scratch, "changed.safetensors");
	struct altered a;

	altered_open(&a, two_layers);
	if (more)
		altered_rename(&a, without, more);
	else
		altered_drop(&a, without);
	altered_write(&a, path);
	return path;
}

static void is_refused(struct model *to, const char *path, enum pooling pooling, const char *why)
{
	struct err err = { 0 };

	assert_null(import_lstm(to, path, pooling, ROWS_F32, &err));
	if (!strstr(err.text, why))
		fail_msg("'%s' does not say '%s'", err.text, why);
}

static void refuses_what_is_no_such_lstm(void **state)
{
	struct model *wider = toy_model((struct toy){
		.n = WORDS, .d = D + 1, .type = ROWS_F32, .method = METHOD_WEIGHTED, .seed = 1 });

	(void)state;
	is_refused(m, "tests/golden/none.safetensors", POOLING_MEAN, "none.safetensors");
	is_refused(m, "tests/golden/lstm_layers.txt", POOLING_MEAN, "lstm_layers.txt");
	is_refused(m, forward, POOLING_ATTENTION, "'attention'");
	is_refused(m, changed("weight_ih_l0", NULL), POOLING_MEAN, "weight_ih_l0");
	is_refused(m, changed("bias_hh_l0", NULL), POOLING_MEAN, "'bias_hh_l0' is missing");
	is_refused(m, changed("weight_ih_l0_reverse", NULL), POOLING_MEAN, "there alone");
	is_refused(m, changed("bias_ih_l1_reverse", NULL), POOLING_MEAN, "'bias_ih_l1_reverse' is missing");
	is_refused(m, changed("weight_ih_l1", NULL), POOLING_MEAN, "there alone");
	is_refused(m, changed("attention", "weight_ih_l2"), POOLING_MEAN, "more than 2 layers");
	is_refused(m, changed("attention", "x.weight_ih_l0"), POOLING_MEAN, "more than one");
	is_refused(m, changed("weight_hh_l0", "bias_hh_l2"), POOLING_MEAN, "'weight_hh_l0' is missing");
	is_refused(wider, two_layers, POOLING_MEAN, "(20, 7)");
	model_release(wider);
}

static int start(void **state)
{
	struct err err = { 0 };
	struct model parts;

	(void)state;
	vec_init();
	scratch_open(&scratch);
	golden = fopen("tests/golden/lstm_layers.txt", "r");
	if (!golden)
		return -1;
	read_numbers(vectors, NUMBERS);
	toy = toy_model(
		(struct toy){ .n = WORDS, .d = D, .type = ROWS_F32, .method = METHOD_WEIGHTED, .seed = 1 });
	parts = *toy;
	parts.rows.data = vectors;
	m = model_of_parts(&parts, NULL, &err);
	return m ? 0 : -1;
}

static int stop(void **state)
{
	(void)state;
	model_release(m);
	model_release(toy);
	scratch_close(&scratch);
	return fclose(golden) || toy_alive();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gives_pytorchs_numbers),
		cmocka_unit_test(is_written_and_opened),
		cmocka_unit_test(keeps_the_other_methods),
		cmocka_unit_test(refuses_what_is_no_such_lstm),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
