/*
 * A fit over a model with an LSTM: the shipped one, whose LSTM reads rows as they are.  The fitted model has
 * it still, to the bit, in memory, as a file and as an overlay, which leaves it in its base.
 */
#include "embed/fit.h"

#include "base/err.h"
#include "embed/embedder.h"
#include "embed/publish.h"
#include "math/mat.h"
#include "math/vec.h"
#include "model/model.h"
#include "support/altered.h"
#include "support/memory_file.h"
#include "support/scratch.h"
#include "text/corpus.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#define SHIPPED "models/default.safetensors"

static const char text[] = "The committee postponed its decision, to everybody's surprise.";
static const char *const corpus_texts[] = { "A dog runs through the wet grass.",
					    "Two children play in the sun.",
					    "The market closed lower on Monday.",
					    "She sells shells at the shore." };

enum { TEXTS = sizeof(corpus_texts) / sizeof(corpus_texts[0]) };

static struct scratch scratch;

static struct model *must_open(const char *path)
{
	struct err err = { 0 };
	struct model *m = model_open(path, NULL, &err);

	if (!m)
		fail_msg("%s", err.text);
	return m;
}

static struct model *fitted(struct model *m, struct fit_options o)
{
	struct err err = { 0 };
	size_t lengths[TEXTS];
	struct corpus *corpus;
	struct model *fit;

	for (size_t i = 0; i < TEXTS; i++)
		lengths[i] = strlen(corpus_texts[i]);
	corpus = corpus_of_texts(corpus_texts, lengths, TEXTS, &err);
	assert_non_null(corpus);
	fit = fit_model(m, corpus, &o, NULL, NULL, &err);
	if (!fit)
		fail_msg("%s", err.text);
	corpus_close(corpus);
	return fit;
}

static struct model *whitened(struct model *m)
{
	struct fit_options o = fit_options_default();

	o.method = METHOD_WHITEN;
	return fitted(m, o);
}

static float *vector_of(struct model *m, enum method method)
{
	struct err err = { 0 };
	float *vector = calloc(model_dimension(m, method), sizeof(*vector));
	struct embedder *s = embedder_new(m, method, &err);

	assert_non_null(s);
	assert_int_equal(embedder_embed(s, text, strlen(text), true, vector, NULL, &err), 0);
	embedder_free(s);
	return vector;
}

static void same_lstm(struct model *m, struct model *as)
{
	size_t d = model_dimension(as, METHOD_LSTM);
	float *a = vector_of(m, METHOD_LSTM);
	float *b = vector_of(as, METHOD_LSTM);
	float *both = vector_of(m, METHOD_LSTM_STATIC); /* that first, and all of it of length 1 */

	assert_int_equal(model_dimension(m, METHOD_LSTM), d);
	assert_memory_equal(a, b, d * sizeof(*a));
	assert_true(vec_cosine(both, b, d) > 0.999999f);
	free(a);
	free(b);
	free(both);
}

static void published(struct model *m, const char *path, bool as_overlay)
{
	struct err err = { 0 };

	if (publish_model(m, path, as_overlay, &err) || model_verify(path, NULL, &err))
		fail_msg("%s", err.text);
}

static void a_fit_keeps_it(void **state)
{
	struct model *m = must_open(SHIPPED);
	struct model *fit = whitened(m);
	struct model *twice = whitened(fit);

	(void)state;
	assert_true(fit->projection && model_has(fit, METHOD_WHITEN) && model_has(fit, METHOD_FEATURES));
	assert_int_equal(fit->facts.method, METHOD_WHITEN);
	model_release(m); /* what they borrow lives on */
	same_lstm(fit, twice);
	m = must_open(SHIPPED);
	same_lstm(twice, m);
	model_release(m);
	model_release(twice);
	model_release(fit);
}

static void a_file_has_it(void **state)
{
	struct model *m = must_open(SHIPPED);
	struct model *fit = whitened(m);
	struct model *opened;

	(void)state;
	published(fit, scratch_path(&scratch, "whole.safetensors"), false);
	opened = must_open(scratch_path(&scratch, "whole.safetensors"));
	assert_null(opened->base);
	assert_string_equal(opened->fingerprint, fit->fingerprint);
	same_lstm(opened, m);
	model_release(opened);
	model_release(fit);
	model_release(m);
}

/* The shipped model as a file of the scratch folder. */
static struct model *copied(void)
{
	struct model *m = must_open(SHIPPED);
	const char *path = scratch_path(&scratch, "base.safetensors");

	published(m, path, false);
	model_release(m);
	return must_open(path);
}

static void an_overlay_leaves_it_in_its_base(void **state)
{
	struct model *base = copied();
	struct model *fit = whitened(base);
	struct stat status;
	struct model *opened;
	struct model *refit;
	size_t d = base->rows.d;

	(void)state;
	published(fit, scratch_path(&scratch, "over.safetensors"), true);
	assert_int_equal(stat(scratch.path, &status), 0);
	assert_true((size_t)status.st_size < 4 * (base->rows.n + 2 * d * d + 64 * d) + 8192);
	opened = must_open(scratch.path);
	assert_string_equal(opened->fingerprint, fit->fingerprint);
	assert_ptr_equal(opened->base, base);
	assert_ptr_equal(opened->lstm.layers[0].directions[0].input_bias,
			 base->lstm.layers[0].directions[0].input_bias);
	assert_memory_equal(opened->lstm.served, base->lstm.served,
			    sizeof(base->lstm.served)); /* laid out once */
	same_lstm(opened, base);
	refit = whitened(opened);
	published(refit, scratch_path(&scratch, "over.safetensors"), true);
	model_release(opened);
	opened = must_open(scratch.path);
	same_lstm(opened, base);
	model_release(opened);
	model_release(refit);
	model_release(fit);
	model_release(base);
}

/* Learned rows keep their weights in a fit, so the other half beside the LSTM is the same too. */
static void both_halves_are_the_base_s(void **state)
{
	struct model *m = must_open(SHIPPED);
	struct model *fit = fitted(m, fit_options_default());
	size_t d = model_dimension(m, METHOD_LSTM_STATIC);
	float *a = vector_of(m, METHOD_LSTM_STATIC);
	float *b = vector_of(fit, METHOD_LSTM_STATIC);

	(void)state;
	assert_int_equal(fit->facts.method, METHOD_WEIGHTED);
	assert_true(fit->projection != NULL);
	assert_int_equal(model_dimension(fit, METHOD_LSTM_STATIC), d);
	assert_memory_equal(a, b, d * sizeof(*a));
	free(a);
	free(b);
	model_release(fit);
	model_release(m);
}

/* Rows that carry weights are none that its LSTM has learnt to read. */
static void folded_rows_are_others(void **state)
{
	struct model *m = must_open(SHIPPED);
	struct fit_options o = fit_options_default();
	struct model *fit;

	(void)state;
	o.fold = true;
	fit = fitted(m, o);
	assert_false(model_has(fit, METHOD_LSTM));
	model_release(fit);
	model_release(m);
}

/* Of a model whose LSTM reads projected rows a fit makes another projection, and so keeps no LSTM. */
static void one_behind_a_projection_is_left(void **state)
{
	struct model *m = must_open(SHIPPED);
	struct model parts;
	struct err err = { 0 };
	struct model *fit = whitened(m);
	struct model *behind;

	(void)state;
	parts = *fit;
	parts.lstm.reads_rows = false;
	parts.lstm.pooling = POOLING_MEAN;
	parts.lstm.attention = NULL;
	parts.lstm.residual = (struct rows){ ROWS_F32, 0, 0, NULL, NULL };
	behind = model_of_parts(&parts, NULL, &err);
	assert_non_null(behind);
	assert_true(model_has(behind, METHOD_LSTM) && !model_lstm_reads_rows(behind));
	assert_string_not_equal(behind->fingerprint, fit->fingerprint);
	model_release(m);
	m = whitened(behind);
	assert_false(model_has(m, METHOD_LSTM));
	model_release(m);
	model_release(behind);
	model_release(fit);
}

/* The overlay's file with another value of a key, or with a tensor's name on its moment, is refused. */
static void refused(const char *key, const char *value, const char *tensor, const char *why)
{
	struct err err = { 0 };
	struct altered a;

	altered_open(&a, scratch_path(&scratch, "over.safetensors"));
	if (key)
		altered_set(&a, key, value);
	if (tensor)
		altered_rename(&a, "moment", tensor);
	altered_unseal(&a);
	altered_write(&a, scratch_path(&scratch, "damaged.safetensors"));
	assert_null(model_open(scratch.path, NULL, &err));
	if (err.code != ERR_FORMAT || !strstr(err.text, why))
		fail_msg("'%s' is not of %s", err.text, why);
}

static void damage_is_said(void **state)
{
	struct model *base = copied();
	struct model *fit = whitened(base);
	struct model *bare;
	struct model parts = *base;
	struct err err = { 0 };

	(void)state;
	published(fit, scratch_path(&scratch, "over.safetensors"), true);
	refused("lstm_reads", "tea leaves", NULL, "'tea leaves'");
	refused(NULL, NULL, "lstm.attention", "'lstm.attention' is there alone");
	refused(NULL, NULL, "lstm.bias_ih_l0", "'lstm.bias_ih_l0' is there alone");
	/* A base without one. */
	model_without_lstm(&parts);
	parts.facts.method = METHOD_LEARNED;
	bare = model_of_parts(&parts, NULL, &err);
	assert_non_null(bare);
	published(bare, scratch_path(&scratch, "bare.safetensors"), false);
	refused("base_fingerprint", bare->fingerprint, NULL, "none that reads rows");
	model_release(bare);
	model_release(fit);
	model_release(base);
}

static int start(void **state)
{
	(void)state;
	vec_init();
	mat_init();
	scratch_open(&scratch);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	scratch_close(&scratch);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_fit_keeps_it),
		cmocka_unit_test(a_file_has_it),
		cmocka_unit_test(an_overlay_leaves_it_in_its_base),
		cmocka_unit_test(both_halves_are_the_base_s),
		cmocka_unit_test(folded_rows_are_others),
		cmocka_unit_test(one_behind_a_projection_is_left),
		cmocka_unit_test(damage_is_said),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
