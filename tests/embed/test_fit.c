#include "embed/fit.h"

#include "base/err.h"
#include "embed/embedder.h"
#include "math/mat.h"
#include "math/sif.h"
#include "math/vec.h"
#include "model/model.h"
#include "support/fits.h"
#include "support/toy.h"
#include "text/corpus.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

/* A fit that must be refused; *err says why. */
static void refuse_text(struct model *m, const char *text, const struct fit_options *o, struct err *err)
{
	size_t length = strlen(text);

	*err = (struct err){ 0 };
	assert_null(fits_try(m, &text, &length, 1, o, NULL, err));
}

/* The largest eigenpair by power iteration. */
static double power_iteration(double *u, const double *a, size_t d)
{
	double value = 0.0;

	for (size_t i = 0; i < d; i++)
		u[i] = 1.0 / (double)(i + 1);
	for (int round = 0; round < 20000; round++) {
		double v[64];
		double norm = 0.0;

		for (size_t i = 0; i < d; i++) {
			v[i] = 0.0;
			for (size_t j = 0; j < d; j++)
				v[i] += a[i * d + j] * u[j];
			norm += v[i] * v[i];
		}
		value = sqrt(norm);
		for (size_t i = 0; i < d; i++)
			u[i] = v[i] / value;
	}
	return value;
}

static void components_are_the_moments_eigenvectors(void **state)
{
	struct model *m = fits_toy(D, ROWS_F32);
	struct fits_texts l = fits_make(LINES, WORDS, 3);
	struct fit_options o = fits_by_line(METHOD_SIF);
	struct fit_report report;
	struct model *fitted;
	double moment[D * D], u[D], trace = 0.0, held = 0.0;

	(void)state;
	o.components = 4;
	fitted = fits_run(m, l, &o, &report);
	assert_int_equal(fitted->k, 4);
	(void)fits_moment(moment, fitted, l);
	for (size_t i = 0; i < D * D; i++)
		near(fitted->moment[i], moment[i], 1e-6);
	for (size_t i = 0; i < D; i++)
		trace += moment[i * D + i];
	for (size_t k = 0; k < 4; k++) {
		const float *c = fitted->components + k * D;
		double value = power_iteration(u, moment, D);
		double along = 0.0;

		for (size_t i = 0; i < D; i++)
			along += u[i] * (double)c[i];
		near(fabs(along), 1.0, 1e-5);
		for (size_t j = 0; j <= k; j++)
			near(vec_dot(fitted->components + j * D, c, D), j == k, 1e-6);
		for (size_t i = 0; i < D * D; i++)
			moment[i] -= value * u[i / D] * u[i % D];
		held += value;
	}
	near(report.explained, held / trace, 1e-6);
	near(fitted->facts.explained, report.explained, 0.0);
	assert_null(fitted->component_scales);
	model_release(fitted);
	model_release(m);
	fits_free(l);
}

/* More blocks than are ever in flight, so that each is used again. */
static void many_blocks_add_up(void **state)
{
	struct model *m = fits_toy(D, ROWS_F32);
	struct fits_texts l = fits_make(220000, WORDS, 15);
	struct fit_options o = fits_by_line(METHOD_SIF);
	struct fit_report report;
	struct model *fitted;
	double moment[D * D];
	uint64_t sum = 0;

	(void)state;
	o.workers = 1;
	fitted = fits_run(m, l, &o, &report);
	assert_true(report.bytes > 5 * CORPUS_BLOCK_BYTES);
	assert_int_equal(report.lines, l.n);
	near(fitted->facts.mass, fits_moment(moment, fitted, l), 0.0);
	for (size_t i = 0; i < D * D; i++)
		near(fitted->moment[i], moment[i], 1e-6 * moment[0]);
	for (size_t i = 0; i < WORDS; i++)
		sum += fitted->counts[i];
	assert_int_equal(sum, report.known);
	model_release(fitted);
	model_release(m);
	fits_free(l);
}

/* With P the whitening of power p: eigenvalues of P M P are those of M to the power 1 - p. */
static void whitening_whitens(void **state)
{
	static const double powers[] = { 0.0, 0.5, 0.75, 1.0, 2.0 };
	struct model *m = fits_toy(D, ROWS_F32);
	struct fits_texts l = fits_make(LINES, WORDS, 4);
	double moment[D * D], product[D * D], left[D * D], values[D], after[D], vectors[D * D];
	struct err err;

	(void)state;
	for (size_t t = 0; t < sizeof(powers) / sizeof(powers[0]); t++) {
		struct fit_options o = fits_by_line(METHOD_WHITEN);
		struct model *fitted;

		o.power = powers[t];
		fitted = fits_run(m, l, &o, NULL);
		assert_true(model_has(fitted, METHOD_WHITEN) && model_has(fitted, METHOD_SIF));
		assert_int_equal(fitted->d_out, D);
		(void)fits_moment(moment, fitted, l);
		for (size_t i = 0; i < D; i++)
			for (size_t j = 0; j < D; j++) {
				left[i * D + j] = 0.0;
				for (size_t k = 0; k < D; k++)
					left[i * D + j] +=
						(double)fitted->projection[i * D + k] * moment[k * D + j];
			}
		for (size_t i = 0; i < D; i++)
			for (size_t j = 0; j < D; j++) {
				product[i * D + j] = 0.0;
				for (size_t k = 0; k < D; k++)
					product[i * D + j] +=
						left[i * D + k] * (double)fitted->projection[k * D + j];
			}
		assert_int_equal(mat_eigen(values, vectors, moment, D, &err), 0);
		assert_int_equal(mat_eigen(after, vectors, product, D, &err), 0);
		for (size_t i = 0; i < D; i++) {
			double want = pow(values[powers[t] <= 1.0 ? i : D - 1 - i], 1.0 - powers[t]);

			near(after[i], want, 2e-4 * want);
		}
		if (powers[t] == 0.0)
			for (size_t i = 0; i < D * D; i++)
				near(fitted->projection[i], i % (D + 1) == 0, 0.0);
		model_release(fitted);
	}
	model_release(m);
	fits_free(l);
}

static void usif_has_its_own_a_and_scales(void **state)
{
	static const char *const texts[] = { "wa wb wc", "wa wd", "wa we wf zzz", "wa", "zzz zzz" };
	static const size_t lengths[] = { 8, 5, 12, 2, 7 };
	struct model *m = fits_toy(D, ROWS_F32);
	struct fit_options o = fits_by_line(METHOD_USIF);
	struct err err = { 0 };
	struct fit_report report;
	struct model *fitted;
	double a;

	(void)state;
	fitted = fits_try(m, texts, lengths, 5, &o, &report, &err);
	assert_non_null(fitted);
	assert_int_equal(report.sentences, 4);
	assert_int_equal(report.tokens, 12);
	assert_int_equal(report.known, 9);
	assert_true(model_has(fitted, METHOD_USIF));
	assert_false(model_has(fitted, METHOD_SIF) || model_has(fitted, METHOD_WHITEN));
	a = usif_a((const double[]){ 4 / 9., 1 / 9., 1 / 9., 1 / 9., 1 / 9., 1 / 9. }, 6, 9 / 4.);
	near(fitted->facts.a, a, 1e-12);
	near(fitted->weights[0], a / (a / 2 + 4 / 9.), 1e-7);
	for (size_t i = 1; i < WORDS; i++) /* never seen: as the rarest */
		near(fitted->weights[i], a / (a / 2 + 1 / 9.), 1e-7);
	/* Four vectors, four directions: a fifth component would be noise. */
	assert_int_equal(fitted->k, 4);
	model_release(fitted);

	o.components = 2;
	fitted = fits_try(m, texts, lengths, 5, &o, &report, &err);
	assert_non_null(fitted);
	assert_int_equal(fitted->k, 2);
	near(fitted->component_scales[0] + fitted->component_scales[1], 1.0, 1e-6);
	assert_true(fitted->component_scales[0] > fitted->component_scales[1]);
	model_release(fitted);
	model_release(m);
}

static void counts_units_and_words(void **state)
{
	static const char *const texts[] = { "wa wb? wc zzz! Wd", "", "zzz", "...", "wa\nwb" };
	static const size_t lengths[] = { 17, 0, 3, 3, 5 };
	struct model *m = fits_toy(D, ROWS_F32);
	struct fit_options o = fits_by_line(METHOD_SIF);
	struct fit_report report;
	struct err err = { 0 };
	struct model *fitted = fits_try(m, texts, lengths, 5, &o, &report, &err);

	(void)state;
	assert_non_null(fitted);
	assert_int_equal(report.lines, 6);
	assert_int_equal(report.bytes, 17 + 3 + 3 + 5 + 5);
	assert_int_equal(report.sentences, 3);
	assert_int_equal(report.tokens, 8);
	assert_int_equal(report.known, 6);
	near(fitted->facts.mass, 3.0, 0.0); /* the unknown line has no vector */
	assert_int_equal(fitted->facts.sentences, 3);
	assert_int_equal(fitted->counts[0], 2);
	near(fitted->weights[0], 1e-3 / (1e-3 + 2 / 6.), 1e-9);
	near(fitted->weights[20], 1.0, 0.0);
	model_release(fitted);

	o.by_line = false;
	fitted = fits_try(m, texts, lengths, 5, &o, &report, &err);
	assert_non_null(fitted);
	assert_int_equal(report.sentences, 5); /* the first line holds three */
	near(fitted->facts.mass, 5.0, 0.0);
	model_release(fitted);

	o.min_count = 2;
	fitted = fits_try(m, texts, lengths, 5, &o, &report, &err);
	assert_non_null(fitted);
	for (size_t i = 0; i < WORDS; i++)
		near(fitted->weights[i], 1e-3 / (1e-3 + 2 / 6.), 1e-9);
	assert_int_equal(fitted->counts[20], 0);
	model_release(fitted);
	model_release(m);
}

/* Embeds the first EMBEDDED lines. */
enum { EMBEDDED = 50 };
static void embed_lines(float *out, struct model *m, enum method method, struct fits_texts l)
{
	struct err err = { 0 };
	struct embedder *s = embedder_new(m, method, &err);

	assert_non_null(s);
	for (size_t i = 0; i < EMBEDDED; i++)
		assert_int_equal(embedder_embed(s, l.at[i], l.lengths[i], true, out + i * D, NULL, &err), 0);
	embedder_free(s);
}

static void folded_is_unfolded_to_rounding(void **state)
{
	static const enum method methods[] = { METHOD_SIF, METHOD_USIF, METHOD_WHITEN };
	static const enum rows_type types[] = { ROWS_F32, ROWS_I8 };
	static float want[EMBEDDED * D], got[EMBEDDED * D];
	struct fits_texts l = fits_make(LINES, WORDS, 12);
	struct err err = { 0 };

	(void)state;
	for (size_t i = 0; i < 6; i++) {
		struct model *m = fits_toy(D, types[i / 3]);
		struct fit_options o = fits_by_line(methods[i % 3]);
		struct model *plain = fits_run(m, l, &o, NULL);
		struct model *folded;

		o.fold = true;
		folded = fits_run(m, l, &o, NULL);
		assert_true(folded->facts.folded && folded->rows.type == types[i / 3]);
		for (int method = 0; method < METHOD_COUNT; method++)
			assert_int_equal(model_has(folded, (enum method)method),
					 method == (int)o.method || method == METHOD_FEATURES);
		embed_lines(want, plain, o.method, l);
		model_release(plain);
		model_release(m);
		assert_int_equal(toy_alive(), 1); /* the folded model still needs its words */
		embed_lines(got, folded, o.method, l);
		for (size_t k = 0; k < EMBEDDED * D; k++)
			near(want[k], got[k], i < 3 ? 2e-5 : 2e-2);
		refuse_text(folded, "wa", &o, &err);
		assert_int_equal(err.code, ERR_INPUT);
		assert_non_null(strstr(err.text, "folded"));
		model_release(folded);
	}
	assert_int_equal(toy_alive(), 0);
	fits_free(l);
}

static void says_what_is_wrong(void **state)
{
	struct model *m = fits_toy(D, ROWS_F32);
	struct fit_options good = fits_by_line(METHOD_SIF);
	struct fit_options o = good;
	struct err err = { 0 };

	(void)state;
	refuse_text(m, "", &o, &err);
	assert_int_equal(err.code, ERR_INPUT);
	assert_non_null(strstr(err.text, "empty"));
	refuse_text(m, "zzz zzz", &o, &err);
	assert_int_equal(err.code, ERR_INPUT);
	assert_non_null(strstr(err.text, "none of the corpus's 2 words"));
	o.keep_counts = true;
	refuse_text(m, "zzz zzz", &o, &err);
	assert_non_null(strstr(err.text, "none of"));
	o = good, o.method = METHOD_MEAN;
	refuse_text(m, "wa", &o, &err);
	assert_string_equal(err.param, "method");
	o = good, o.a = -1.0;
	refuse_text(m, "wa", &o, &err);
	assert_string_equal(err.param, "a");
	o = good, o.a = NAN;
	refuse_text(m, "wa", &o, &err);
	assert_string_equal(err.param, "a");
	o = good, o.power = 2.5;
	refuse_text(m, "wa", &o, &err);
	assert_string_equal(err.param, "power");
	o = good, o.prior = INFINITY;
	refuse_text(m, "wa", &o, &err);
	assert_string_equal(err.param, "prior");
	o = good, o.components = 65;
	refuse_text(m, "wa", &o, &err);
	assert_string_equal(err.param, "components");
	o.components = 0;
	refuse_text(m, "wa", &o, &err);
	assert_string_equal(err.param, "components");
	o = good, o.method = METHOD_USIF;
	refuse_text(m, "wa", &o, &err); /* a vocabulary of one word has no a */
	assert_non_null(strstr(err.text, "too few"));
	model_release(m);
}

static void rows_without_numbers_are_refused(void **state)
{
	float rows[WORDS * D] = { 0 };
	struct model *m = fits_toy(D, ROWS_F32);
	struct fit_options o = fits_by_line(METHOD_SIF);
	struct model parts = *m;
	struct err err = { 0 };
	struct model *zero, *nan;

	(void)state;
	parts.rows.data = rows;
	zero = model_of_parts(&parts, NULL, &err);
	refuse_text(zero, "wa wb", &o, &err);
	assert_non_null(strstr(err.text, "zero vector"));
	rows[3] = NAN;
	nan = model_of_parts(&parts, NULL, &err);
	refuse_text(nan, "wa wb", &o, &err);
	assert_non_null(strstr(err.text, "not finite"));
	model_release(zero);
	model_release(nan);
	model_release(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(components_are_the_moments_eigenvectors),
		cmocka_unit_test(many_blocks_add_up),
		cmocka_unit_test(whitening_whitens),
		cmocka_unit_test(usif_has_its_own_a_and_scales),
		cmocka_unit_test(counts_units_and_words),
		cmocka_unit_test(folded_is_unfolded_to_rounding),
		cmocka_unit_test(says_what_is_wrong),
		cmocka_unit_test(rows_without_numbers_are_refused),
	};

	vec_init();
	mat_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
