/* A fit mixes what the model knows with the corpus: the prior, and weights that are kept. */
#include "embed/fit.h"

#include "base/err.h"
#include "base/mem.h"
#include "math/mat.h"
#include "math/vec.h"
#include "model/model.h"
#include "support/fits.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void *of_parts_memory[4];

/* `m` with counts, moment and mass of the test's, as a fitted model has them. */
static struct model *with_knowledge(struct model *m, const uint64_t *counts, const float *moment, double mass)
{
	struct model parts = *m;
	struct err err = { 0 };
	struct model *made;

	parts.counts = counts;
	parts.moment = moment;
	parts.facts.mass = mass;
	parts.facts.fitted = moment != NULL;
	parts.base = m;
	made = model_of_parts(&parts, NULL, &err);
	assert_non_null(made);
	return made;
}

/* The model knows 8 of wa, 2 of wb, a moment of .5 I, behind 1000 sentences. */
static struct model *knowing(struct model *m, double mass)
{
	uint64_t *counts = mem_new(WORDS, sizeof(*counts));
	float *moment = mem_new(D * D, sizeof(*moment));

	counts[0] = 8;
	counts[1] = 2;
	for (size_t i = 0; i < D; i++)
		moment[i * D + i] = 0.5f;
	of_parts_memory[0] = counts;
	of_parts_memory[1] = moment;
	return with_knowledge(m, counts, moment, mass);
}

static void forget(struct model *knower)
{
	model_release(knower);
	free(of_parts_memory[0]);
	free(of_parts_memory[1]);
}

static void prior_is_pseudo_observations(void **state)
{
	static const char *const texts[] = { "wb wc", "wc" };
	static const size_t lengths[] = { 5, 2 };
	struct model *m = fits_toy(D, ROWS_F32);
	struct model *general = knowing(m, 1000.0);
	struct fit_options o = fits_by_line(METHOD_SIF);
	struct fit_report report;
	struct err err = { 0 };
	struct model *fitted;
	double alone[D * D];

	(void)state;
	o.prior = 6.0; /* 120 sentences of 1.5 words: 180 words, 144 of them wa, 36 wb */
	fitted = fits_try(general, texts, lengths, 2, &o, &report, &err);
	assert_non_null(fitted);
	near(fitted->weights[0], 1e-3 / (1e-3 + 144 / 183.), 1e-9);
	near(fitted->weights[1], 1e-3 / (1e-3 + 37 / 183.), 1e-9);
	near(fitted->weights[2], 1e-3 / (1e-3 + 2 / 183.), 1e-8);
	assert_int_equal(fitted->counts[0], 144);
	assert_int_equal(fitted->counts[1], 37);
	assert_int_equal(fitted->counts[2], 2);
	near(fitted->facts.mass, 8.0, 0.0);
	near(fitted->facts.prior, 6.0, 0.0);
	near(report.share, 0.25, 1e-12);
	assert_int_equal(fits_moment(alone, fitted,
				     (struct fits_texts){ (char *[]){ (char[]){ "wb wc" }, (char[]){ "wc" } },
							  (size_t[]){ 5, 2 }, 2 }),
			 2);
	for (size_t i = 0; i < D * D; i++)
		near(fitted->moment[i], (2 * alone[i] + 6 * (i % (D + 1) ? 0.0 : 0.5)) / 8, 1e-7);
	model_release(fitted);
	forget(general);
	model_release(m);
}

static void prior_is_never_more_than_the_model_saw(void **state)
{
	static const char *const text = "wb wc";
	static const size_t length = 5;
	struct model *m = fits_toy(D, ROWS_F32);
	struct model *general = knowing(m, 3.0);
	struct fit_options o = fits_by_line(METHOD_WHITEN);
	struct fit_report report;
	struct err err = { 0 };
	struct model *fitted = fits_try(general, &text, &length, 1, &o, &report, &err);

	(void)state;
	assert_non_null(fitted);
	near(fitted->facts.prior, 3.0, 0.0);
	near(fitted->facts.mass, 4.0, 0.0);
	/* 120 words of the prior's: 96 wa, 24 wb; and one wb, one wc */
	near(fitted->weights[1], 1e-3 / (1e-3 + 25 / 122.), 1e-9);
	model_release(fitted);

	o.prior = 0.0;
	fitted = fits_try(general, &text, &length, 1, &o, &report, &err);
	assert_non_null(fitted);
	near(fitted->weights[0], 1.0, 0.0);
	near(fitted->weights[1], 1e-3 / (1e-3 + 0.5), 1e-9);
	near(fitted->facts.mass, 1.0, 0.0);
	near(report.share, 1.0, 0.0);
	model_release(fitted);
	forget(general);
	model_release(m);
}

/* Counts of a counts file stand behind no moment; Zipf's weights behind nothing at all. */
static void prior_of_models_never_fitted(void **state)
{
	static const char *const text = "wb wc";
	static const size_t length = 5;
	struct model *m = fits_toy(D, ROWS_F32);
	uint64_t *counts = mem_new(WORDS, sizeof(*counts));
	struct model *counted;
	struct fit_options o = fits_by_line(METHOD_SIF);
	struct fit_report report;
	struct err err = { 0 };
	struct model *fitted;

	(void)state;
	counts[0] = 1;
	counted = with_knowledge(m, counts, NULL, 0.0);
	o.prior = 1.0;
	fitted = fits_try(counted, &text, &length, 1, &o, &report, &err);
	assert_non_null(fitted);
	near(fitted->weights[0], 1e-3 / (1e-3 + 40 / 42.), 1e-9);
	near(fitted->facts.mass, 1.0, 0.0);
	near(report.share, 1.0, 0.0);
	model_release(fitted);
	model_release(counted);
	free(counts);

	fitted = fits_try(m, &text, &length, 1, &o, &report, &err);
	assert_non_null(fitted);
	near(fitted->weights[0], 1.0, 0.0);
	near(fitted->weights[1], 1e-3 / (1e-3 + 0.5), 1e-9);
	model_release(fitted);
	model_release(m);
}

/* An overlay stores no counts: its weights say the same. */
static void prior_from_weights_is_that_from_counts(void **state)
{
	struct model *m = fits_toy(D, ROWS_F32);
	struct fits_texts first = fits_make(LINES, WORDS, 5);
	struct fits_texts second = fits_make(LINES / 4, WORDS, 6);
	struct fit_options o = fits_by_line(METHOD_SIF);
	struct model *general = fits_run(m, first, &o, NULL);
	struct model overlay = *general;
	struct model *uncounted, *with, *without, *usif;
	struct err err = { 0 };

	(void)state;
	overlay.counts = NULL;
	overlay.base = general;
	uncounted = model_of_parts(&overlay, NULL, &err);
	assert_non_null(uncounted);
	with = fits_run(general, second, &o, NULL);
	without = fits_run(uncounted, second, &o, NULL);
	for (size_t i = 0; i < WORDS; i++) {
		near(with->weights[i], (double)without->weights[i], 2e-5 * (double)with->weights[i]);
		assert_int_equal(with->counts[i], without->counts[i]);
	}
	model_release(with);
	model_release(without);

	/* From one method's weights to the other's and back. */
	o.method = METHOD_USIF;
	o.keep_counts = true;
	usif = fits_run(general, first, &o, NULL);
	overlay = *usif;
	overlay.counts = NULL;
	overlay.base = usif;
	model_release(uncounted);
	uncounted = model_of_parts(&overlay, NULL, &err);
	assert_non_null(uncounted);
	o.method = METHOD_SIF;
	without = fits_run(uncounted, first, &o, NULL);
	for (size_t i = 0; i < WORDS; i++)
		near(general->weights[i], (double)without->weights[i], 1e-4 * (double)general->weights[i]);
	model_release(without);
	model_release(uncounted);
	model_release(usif);
	model_release(general);
	model_release(m);
	fits_free(first);
	fits_free(second);
}

/* The same sentences under weights 2 a / (a + 2 p) have the moment of a / (a + 2 p), 4 times. */
static void prior_moment_crosses_methods(void **state)
{
	static const char *const text = "wb wc";
	static const size_t length = 5;
	struct model *m = fits_toy(D, ROWS_F32);
	struct model *general = knowing(m, 1000.0);
	struct fit_options o = fits_by_line(METHOD_USIF);
	struct err err = { 0 };
	struct model *fitted;
	double alone[D * D];

	(void)state;
	o.prior = 1.0;
	fitted = fits_try(general, &text, &length, 1, &o, NULL, &err);
	assert_non_null(fitted);
	(void)fits_moment(alone, fitted,
			  (struct fits_texts){ (char *[]){ (char[]){ "wb wc" } }, (size_t[]){ 5 }, 1 });
	for (size_t i = 0; i < D * D; i++)
		near(fitted->moment[i], (alone[i] + (i % (D + 1) ? 0.0 : 2.0)) / 2, 1e-6);
	model_release(fitted);
	forget(general);
	model_release(m);
}

/* A fit that says nothing goes on as the one before it. */
static void a_and_power_are_the_models(void **state)
{
	struct model *m = fits_toy(D, ROWS_F32);
	struct fits_texts l = fits_make(50, WORDS, 16);
	struct fit_options o = fits_by_line(METHOD_WHITEN);
	struct model *first, *second;

	(void)state;
	first = fits_run(m, l, &o, NULL);
	near(first->facts.a, 1e-3, 0.0);
	near(first->facts.power, 0.75, 0.0);
	model_release(first);
	o.a = 2e-3;
	o.power = 0.5;
	first = fits_run(m, l, &o, NULL);
	o = fits_by_line(METHOD_SIF);
	second = fits_run(first, l, &o, NULL);
	near(second->facts.a, 2e-3, 0.0);
	near(second->facts.power, 0.5, 0.0);
	model_release(second);
	model_release(first);
	model_release(m);
	fits_free(l);
}

static void kept_counts_keep_weights(void **state)
{
	struct model *m = fits_toy(D, ROWS_F32);
	struct fits_texts l = fits_make(LINES, WORDS, 7);
	struct fit_options o = fits_by_line(METHOD_WHITEN);
	struct model *fitted, *other;

	(void)state;
	o.keep_counts = true;
	fitted = fits_run(m, l, &o, NULL);
	assert_memory_equal(fitted->weights, m->weights, WORDS * sizeof(float));
	assert_null(fitted->counts);
	o.a = 2e-3; /* the same probabilities under another a */
	other = fits_run(m, l, &o, NULL);
	for (size_t i = 0; i < WORDS; i++) {
		double p = 1e-3 / (double)m->weights[i] - 1e-3;
		double total = 0.0;

		for (size_t j = 0; j < WORDS; j++)
			total += 1e-3 / (double)m->weights[j] - 1e-3;
		near(other->weights[i], 2e-3 / (2e-3 + p / total), 1e-5);
	}
	model_release(other);
	model_release(fitted);
	model_release(m);
	fits_free(l);
}

/* A corpus's counts would spoil them, so they stay without being asked for. */
static void learned_weights_are_kept(void **state)
{
	struct model *m = fits_toy(D, ROWS_F32);
	struct fits_texts l = fits_make(LINES, WORDS, 7);
	struct fit_options o = fits_by_line(METHOD_SIF);
	struct model parts = *m;
	struct model *learned, *fitted, *again;
	struct err err = { 0 };

	(void)state;
	parts.facts.method = METHOD_LEARNED;
	learned = model_of_parts(&parts, NULL, &err);
	assert_non_null(learned);
	fitted = fits_run(learned, l, &o, NULL);
	assert_memory_equal(fitted->weights, m->weights, WORDS * sizeof(float));
	assert_int_equal(fitted->facts.method, METHOD_SIF);
	model_release(fitted);
	o.method = METHOD_COUNT; /* left open: what was learnt serves on, components on request */
	fitted = fits_run(learned, l, &o, NULL);
	assert_int_equal(fitted->facts.method, METHOD_WEIGHTED);
	assert_true(model_has(fitted, METHOD_SIF) && fitted->components);
	again = fits_run(fitted, l, &o, NULL); /* and a fit of the fit knows it still */
	assert_memory_equal(again->weights, m->weights, WORDS * sizeof(float));
	assert_int_equal(again->facts.method, METHOD_WEIGHTED);
	assert_true(model_learned(again) && !model_learned(m));
	model_release(again);
	model_release(fitted);
	fitted = fits_run(m, l, &o, NULL);
	assert_int_equal(fitted->facts.method, METHOD_SIF);
	model_release(fitted);
	o.method = METHOD_SIF;
	model_release(learned);
	parts.weights = NULL; /* in the rows' lengths alone */
	learned = model_of_parts(&parts, NULL, &err);
	assert_non_null(learned);
	fitted = fits_run(learned, l, &o, NULL);
	for (size_t i = 0; i < WORDS; i++)
		near(fitted->weights[i], 1.0, 0.0);
	model_release(fitted);
	model_release(learned);
	model_release(m);
	fits_free(l);
}

/* Whatever the corpus counts: what was learnt is kept. */
static void learned_rows_keep_their_weights(void **state)
{
	struct model *m = fits_toy(D, ROWS_F32);
	struct fit_options o = fits_by_line(METHOD_SIF);
	struct fits_texts l = fits_make(300, WORDS, 9);
	struct model parts = *m;
	struct err err = { 0 };
	struct model *learned, *fitted;

	(void)state;
	parts.facts.method = METHOD_LEARNED;
	parts.weights = NULL;
	parts.projection = NULL;
	learned = model_of_parts(&parts, NULL, &err);
	assert_non_null(learned);
	fitted = fits_run(learned, l, &o, NULL);
	for (size_t i = 0; i < WORDS; i++)
		assert_true(fitted->weights[i] == 1.0f);
	model_release(fitted);
	model_release(learned);
	model_release(m);
	fits_free(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(prior_is_pseudo_observations),
		cmocka_unit_test(prior_is_never_more_than_the_model_saw),
		cmocka_unit_test(prior_of_models_never_fitted),
		cmocka_unit_test(prior_from_weights_is_that_from_counts),
		cmocka_unit_test(prior_moment_crosses_methods),
		cmocka_unit_test(a_and_power_are_the_models),
		cmocka_unit_test(kept_counts_keep_weights),
		cmocka_unit_test(learned_weights_are_kept),
		cmocka_unit_test(learned_rows_keep_their_weights),
	};

	vec_init();
	mat_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
