#include "embed/fit.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/progress.h"
#include "embed/embedder.h"
#include "embed/fit_private.h"
#include "math/mat.h"
#include "math/sif.h"
#include "math/vec.h"
#include "model/model.h"
#include "support/memory_file.h"
#include "support/toy.h"
#include "text/corpus.h"

#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

enum { WORDS = 150, D = 24, LINES = 400 };

/* cmocka's own compares floats. */
#define near(a, b, within) assert_true(fabs((double)(a) - (double)(b)) <= (within))

/* ---- helpers ---- */

struct lines {
	char **at;
	size_t *lengths;
	size_t n;
};

static struct lines make_lines(size_t n, size_t vocabulary, uint64_t seed)
{
	struct lines l = { mem_new(n, sizeof(char *)), mem_new(n, sizeof(size_t)), n };

	for (size_t i = 0; i < n; i++) {
		l.at[i] = toy_text(&seed, vocabulary, 1 + toy_random(&seed) % 14);
		l.lengths[i] = strlen(l.at[i]);
	}
	return l;
}

static void free_lines(struct lines l)
{
	for (size_t i = 0; i < l.n; i++)
		free(l.at[i]);
	free(l.at);
	free(l.lengths);
}

static struct model *toy(size_t d, enum rows_type type)
{
	return toy_model((struct toy){ .n = WORDS, .d = d, .type = type, .seed = 11 });
}

static struct fit_options by_line(enum method method)
{
	struct fit_options o = fit_options_default();

	o.method = method;
	o.by_line = true;
	o.workers = 2;
	return o;
}

static struct model *try_texts(struct model *m, const char *const *texts, const size_t *lengths, size_t n,
			       const struct fit_options *o, struct fit_report *report, struct err *err)
{
	struct corpus *corpus = corpus_of_texts(texts, lengths, n, err);
	struct model *fitted;

	assert_non_null(corpus);
	fitted = fit_model(m, corpus, o, report, NULL, err);
	corpus_close(corpus);
	return fitted;
}

static struct model *fit_lines(struct model *m, struct lines l, const struct fit_options *o,
			       struct fit_report *report)
{
	struct err err = { 0 };
	struct model *fitted = try_texts(m, (const char *const *)l.at, l.lengths, l.n, o, report, &err);

	if (!fitted)
		fail_msg("%s", err.text);
	return fitted;
}

/* A fit that must be refused; *err says why. */
static void refuse_text(struct model *m, const char *text, const struct fit_options *o, struct err *err)
{
	size_t length = strlen(text);

	*err = (struct err){ 0 };
	assert_null(try_texts(m, &text, &length, 1, o, NULL, err));
}

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

/* The definition, in doubles: n and the mean of v v' over lines with a known word. */
static size_t define_moment(double *moment, const struct model *m, struct lines l)
{
	size_t d = m->rows.d;
	size_t n = 0;
	float row[64];

	memset(moment, 0, d * d * sizeof(*moment));
	for (size_t i = 0; i < l.n; i++) {
		double v[64] = { 0 };
		size_t known = 0;
		char *copy = mem_text(l.at[i], l.lengths[i]);
		char *rest = NULL;

		for (char *w = strtok_r(copy, " ", &rest); w; w = strtok_r(NULL, " ", &rest)) {
			uint32_t id = vocab_find(&m->vocab, w, strlen(w));

			if (id == VOCAB_UNKNOWN)
				continue;
			rows_get(row, &m->rows, id);
			for (size_t j = 0; j < d; j++)
				v[j] += (double)m->weights[id] * (double)row[j];
			known++;
		}
		free(copy);
		for (size_t j = 0; known && j < d * d; j++)
			moment[j] += v[j / d] * v[j % d] / (double)(known * known);
		n += known > 0;
	}
	for (size_t j = 0; j < d * d; j++)
		moment[j] /= (double)n;
	return n;
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

/* ---- what a fit finds ---- */

static void components_are_the_moments_eigenvectors(void **state)
{
	struct model *m = toy(D, ROWS_F32);
	struct lines l = make_lines(LINES, WORDS, 3);
	struct fit_options o = by_line(METHOD_SIF);
	struct fit_report report;
	struct model *fitted;
	double moment[D * D], u[D], trace = 0.0, held = 0.0;

	(void)state;
	o.components = 4;
	fitted = fit_lines(m, l, &o, &report);
	assert_int_equal(fitted->k, 4);
	(void)define_moment(moment, fitted, l);
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
	free_lines(l);
}

/* More blocks than are ever in flight, so that each is used again. */
static void many_blocks_add_up(void **state)
{
	struct model *m = toy(D, ROWS_F32);
	struct lines l = make_lines(220000, WORDS, 15);
	struct fit_options o = by_line(METHOD_SIF);
	struct fit_report report;
	struct model *fitted;
	double moment[D * D];
	uint64_t sum = 0;

	(void)state;
	o.workers = 1;
	fitted = fit_lines(m, l, &o, &report);
	assert_true(report.bytes > 5 * CORPUS_BLOCK_BYTES);
	assert_int_equal(report.lines, l.n);
	near(fitted->facts.mass, define_moment(moment, fitted, l), 0.0);
	for (size_t i = 0; i < D * D; i++)
		near(fitted->moment[i], moment[i], 1e-6 * moment[0]);
	for (size_t i = 0; i < WORDS; i++)
		sum += fitted->counts[i];
	assert_int_equal(sum, report.known);
	model_release(fitted);
	model_release(m);
	free_lines(l);
}

/* With P the whitening of power p: eigenvalues of P M P are those of M to the power 1 - p. */
static void whitening_whitens(void **state)
{
	static const double powers[] = { 0.0, 0.5, 0.75, 1.0, 2.0 };
	struct model *m = toy(D, ROWS_F32);
	struct lines l = make_lines(LINES, WORDS, 4);
	double moment[D * D], product[D * D], left[D * D], values[D], after[D], vectors[D * D];
	struct err err;

	(void)state;
	for (size_t t = 0; t < sizeof(powers) / sizeof(powers[0]); t++) {
		struct fit_options o = by_line(METHOD_WHITEN);
		struct model *fitted;

		o.power = powers[t];
		fitted = fit_lines(m, l, &o, NULL);
		assert_true(model_has(fitted, METHOD_WHITEN) && model_has(fitted, METHOD_SIF));
		assert_int_equal(fitted->d_out, D);
		(void)define_moment(moment, fitted, l);
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
	free_lines(l);
}

static void usif_has_its_own_a_and_scales(void **state)
{
	static const char *const texts[] = { "wa wb wc", "wa wd", "wa we wf zzz", "wa", "zzz zzz" };
	static const size_t lengths[] = { 8, 5, 12, 2, 7 };
	struct model *m = toy(D, ROWS_F32);
	struct fit_options o = by_line(METHOD_USIF);
	struct err err = { 0 };
	struct fit_report report;
	struct model *fitted;
	double a;

	(void)state;
	fitted = try_texts(m, texts, lengths, 5, &o, &report, &err);
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
	fitted = try_texts(m, texts, lengths, 5, &o, &report, &err);
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
	struct model *m = toy(D, ROWS_F32);
	struct fit_options o = by_line(METHOD_SIF);
	struct fit_report report;
	struct err err = { 0 };
	struct model *fitted = try_texts(m, texts, lengths, 5, &o, &report, &err);

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
	fitted = try_texts(m, texts, lengths, 5, &o, &report, &err);
	assert_non_null(fitted);
	assert_int_equal(report.sentences, 5); /* the first line holds three */
	near(fitted->facts.mass, 5.0, 0.0);
	model_release(fitted);

	o.min_count = 2;
	fitted = try_texts(m, texts, lengths, 5, &o, &report, &err);
	assert_non_null(fitted);
	for (size_t i = 0; i < WORDS; i++)
		near(fitted->weights[i], 1e-3 / (1e-3 + 2 / 6.), 1e-9);
	assert_int_equal(fitted->counts[20], 0);
	model_release(fitted);
	model_release(m);
}

/* ---- the prior ---- */

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
	struct model *m = toy(D, ROWS_F32);
	struct model *general = knowing(m, 1000.0);
	struct fit_options o = by_line(METHOD_SIF);
	struct fit_report report;
	struct err err = { 0 };
	struct model *fitted;
	double alone[D * D];

	(void)state;
	o.prior = 6.0; /* 120 sentences of 1.5 words: 180 words, 144 of them wa, 36 wb */
	fitted = try_texts(general, texts, lengths, 2, &o, &report, &err);
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
	assert_int_equal(define_moment(alone, fitted,
				       (struct lines){ (char *[]){ (char[]){ "wb wc" }, (char[]){ "wc" } },
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
	struct model *m = toy(D, ROWS_F32);
	struct model *general = knowing(m, 3.0);
	struct fit_options o = by_line(METHOD_WHITEN);
	struct fit_report report;
	struct err err = { 0 };
	struct model *fitted = try_texts(general, &text, &length, 1, &o, &report, &err);

	(void)state;
	assert_non_null(fitted);
	near(fitted->facts.prior, 3.0, 0.0);
	near(fitted->facts.mass, 4.0, 0.0);
	/* 120 words of the prior's: 96 wa, 24 wb; and one wb, one wc */
	near(fitted->weights[1], 1e-3 / (1e-3 + 25 / 122.), 1e-9);
	model_release(fitted);

	o.prior = 0.0;
	fitted = try_texts(general, &text, &length, 1, &o, &report, &err);
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
	struct model *m = toy(D, ROWS_F32);
	uint64_t *counts = mem_new(WORDS, sizeof(*counts));
	struct model *counted;
	struct fit_options o = by_line(METHOD_SIF);
	struct fit_report report;
	struct err err = { 0 };
	struct model *fitted;

	(void)state;
	counts[0] = 1;
	counted = with_knowledge(m, counts, NULL, 0.0);
	o.prior = 1.0;
	fitted = try_texts(counted, &text, &length, 1, &o, &report, &err);
	assert_non_null(fitted);
	near(fitted->weights[0], 1e-3 / (1e-3 + 40 / 42.), 1e-9);
	near(fitted->facts.mass, 1.0, 0.0);
	near(report.share, 1.0, 0.0);
	model_release(fitted);
	model_release(counted);
	free(counts);

	fitted = try_texts(m, &text, &length, 1, &o, &report, &err);
	assert_non_null(fitted);
	near(fitted->weights[0], 1.0, 0.0);
	near(fitted->weights[1], 1e-3 / (1e-3 + 0.5), 1e-9);
	model_release(fitted);
	model_release(m);
}

/* An overlay stores no counts: its weights say the same. */
static void prior_from_weights_is_that_from_counts(void **state)
{
	struct model *m = toy(D, ROWS_F32);
	struct lines first = make_lines(LINES, WORDS, 5);
	struct lines second = make_lines(LINES / 4, WORDS, 6);
	struct fit_options o = by_line(METHOD_SIF);
	struct model *general = fit_lines(m, first, &o, NULL);
	struct model overlay = *general;
	struct model *uncounted, *with, *without, *usif;
	struct err err = { 0 };

	(void)state;
	overlay.counts = NULL;
	overlay.base = general;
	uncounted = model_of_parts(&overlay, NULL, &err);
	assert_non_null(uncounted);
	with = fit_lines(general, second, &o, NULL);
	without = fit_lines(uncounted, second, &o, NULL);
	for (size_t i = 0; i < WORDS; i++) {
		near(with->weights[i], (double)without->weights[i], 2e-5 * (double)with->weights[i]);
		assert_int_equal(with->counts[i], without->counts[i]);
	}
	model_release(with);
	model_release(without);

	/* From one method's weights to the other's and back. */
	o.method = METHOD_USIF;
	o.keep_counts = true;
	usif = fit_lines(general, first, &o, NULL);
	overlay = *usif;
	overlay.counts = NULL;
	overlay.base = usif;
	model_release(uncounted);
	uncounted = model_of_parts(&overlay, NULL, &err);
	assert_non_null(uncounted);
	o.method = METHOD_SIF;
	without = fit_lines(uncounted, first, &o, NULL);
	for (size_t i = 0; i < WORDS; i++)
		near(general->weights[i], (double)without->weights[i], 1e-4 * (double)general->weights[i]);
	model_release(without);
	model_release(uncounted);
	model_release(usif);
	model_release(general);
	model_release(m);
	free_lines(first);
	free_lines(second);
}

/* The same sentences under weights 2 a / (a + 2 p) have the moment of a / (a + 2 p), 4 times. */
static void prior_moment_crosses_methods(void **state)
{
	static const char *const text = "wb wc";
	static const size_t length = 5;
	struct model *m = toy(D, ROWS_F32);
	struct model *general = knowing(m, 1000.0);
	struct fit_options o = by_line(METHOD_USIF);
	struct err err = { 0 };
	struct model *fitted;
	double alone[D * D];

	(void)state;
	o.prior = 1.0;
	fitted = try_texts(general, &text, &length, 1, &o, NULL, &err);
	assert_non_null(fitted);
	(void)define_moment(alone, fitted,
			    (struct lines){ (char *[]){ (char[]){ "wb wc" } }, (size_t[]){ 5 }, 1 });
	for (size_t i = 0; i < D * D; i++)
		near(fitted->moment[i], (alone[i] + (i % (D + 1) ? 0.0 : 2.0)) / 2, 1e-6);
	model_release(fitted);
	forget(general);
	model_release(m);
}

/* A fit that says nothing goes on as the one before it. */
static void a_and_power_are_the_models(void **state)
{
	struct model *m = toy(D, ROWS_F32);
	struct lines l = make_lines(50, WORDS, 16);
	struct fit_options o = by_line(METHOD_WHITEN);
	struct model *first, *second;

	(void)state;
	first = fit_lines(m, l, &o, NULL);
	near(first->facts.a, 1e-3, 0.0);
	near(first->facts.power, 0.75, 0.0);
	model_release(first);
	o.a = 2e-3;
	o.power = 0.5;
	first = fit_lines(m, l, &o, NULL);
	o = by_line(METHOD_SIF);
	second = fit_lines(first, l, &o, NULL);
	near(second->facts.a, 2e-3, 0.0);
	near(second->facts.power, 0.5, 0.0);
	model_release(second);
	model_release(first);
	model_release(m);
	free_lines(l);
}

static void kept_counts_keep_weights(void **state)
{
	struct model *m = toy(D, ROWS_F32);
	struct lines l = make_lines(LINES, WORDS, 7);
	struct fit_options o = by_line(METHOD_WHITEN);
	struct model *fitted, *other;

	(void)state;
	o.keep_counts = true;
	fitted = fit_lines(m, l, &o, NULL);
	assert_memory_equal(fitted->weights, m->weights, WORDS * sizeof(float));
	assert_null(fitted->counts);
	o.a = 2e-3; /* the same probabilities under another a */
	other = fit_lines(m, l, &o, NULL);
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
	free_lines(l);
}

/* A corpus's counts would spoil them, so they stay without being asked for. */
static void learned_weights_are_kept(void **state)
{
	struct model *m = toy(D, ROWS_F32);
	struct lines l = make_lines(LINES, WORDS, 7);
	struct fit_options o = by_line(METHOD_SIF);
	struct model parts = *m;
	struct model *learned, *fitted, *again;
	struct err err = { 0 };

	(void)state;
	parts.facts.method = METHOD_LEARNED;
	learned = model_of_parts(&parts, NULL, &err);
	assert_non_null(learned);
	fitted = fit_lines(learned, l, &o, NULL);
	assert_memory_equal(fitted->weights, m->weights, WORDS * sizeof(float));
	assert_int_equal(fitted->facts.method, METHOD_SIF);
	model_release(fitted);
	o.method = METHOD_COUNT; /* left open: what was learnt serves on, components on request */
	fitted = fit_lines(learned, l, &o, NULL);
	assert_int_equal(fitted->facts.method, METHOD_WEIGHTED);
	assert_true(model_has(fitted, METHOD_SIF) && fitted->components);
	again = fit_lines(fitted, l, &o, NULL); /* and a fit of the fit knows it still */
	assert_memory_equal(again->weights, m->weights, WORDS * sizeof(float));
	assert_int_equal(again->facts.method, METHOD_WEIGHTED);
	assert_true(model_learned(again) && !model_learned(m));
	model_release(again);
	model_release(fitted);
	fitted = fit_lines(m, l, &o, NULL);
	assert_int_equal(fitted->facts.method, METHOD_SIF);
	model_release(fitted);
	o.method = METHOD_SIF;
	model_release(learned);
	parts.weights = NULL; /* in the rows' lengths alone */
	learned = model_of_parts(&parts, NULL, &err);
	assert_non_null(learned);
	fitted = fit_lines(learned, l, &o, NULL);
	for (size_t i = 0; i < WORDS; i++)
		near(fitted->weights[i], 1.0, 0.0);
	model_release(fitted);
	model_release(learned);
	model_release(m);
	free_lines(l);
}

/* ---- the same bytes ---- */

static char *folder;

static void path_of(char to[128], const char *name)
{
	(void)snprintf(to, 128, "%s/%s", folder, name);
}

static struct buf written(const struct model *m)
{
	struct err err = { 0 };
	struct buf bytes = { 0 };
	char path[128];

	path_of(path, "model.safetensors");
	assert_int_equal(model_write(m, path, false, "", &err), 0);
	assert_int_equal(file_read(&bytes, path, 1 << 28, &err), 0);
	return bytes;
}

static struct buf fit_file(struct model *m, const char *path, size_t workers, enum method method)
{
	struct err err = { 0 };
	struct corpus *corpus = corpus_open(&path, 1, false, &err);
	struct fit_options o = fit_options_default();
	struct model *fitted;
	struct buf bytes;

	assert_non_null(corpus);
	o.method = method;
	o.workers = workers;
	fitted = fit_model(m, corpus, &o, NULL, NULL, &err);
	if (!fitted)
		fail_msg("%s", err.text);
	bytes = written(fitted);
	model_release(fitted);
	corpus_close(corpus);
	return bytes;
}

static void assert_same(struct buf a, struct buf b)
{
	assert_int_equal(a.len, b.len);
	assert_memory_equal(a.data, b.data, a.len);
	buf_free(&b);
}

static struct buf corpus_text(size_t bytes, uint64_t seed)
{
	struct buf text = { 0 };

	while (text.len < bytes) {
		char *line = toy_text(&seed, WORDS, 1 + toy_random(&seed) % 30);

		buf_text(&text, line);
		buf_text(&text, toy_random(&seed) % 3 ? "? " : "\n");
		free(line);
	}
	assert_false(text.failed);
	return text;
}

static void save(const char *path, const struct buf *text)
{
	struct err err;
	struct output *out = output_open(path, &err);

	assert_non_null(out);
	assert_int_equal(output_write(out, text->data, text->len, &err), 0);
	assert_int_equal(output_commit(out, &err), 0);
}

static void any_number_of_workers_gives_the_same_bytes(void **state)
{
	static const enum method methods[] = { METHOD_WHITEN, METHOD_USIF };
	struct model *m = toy(D, ROWS_I8);
	struct buf text = corpus_text(6500000, 8);
	char path[128];

	(void)state;
	path_of(path, "corpus.txt");
	save(path, &text);
	for (size_t i = 0; i < 2; i++) {
		struct buf one = fit_file(m, path, 1, methods[i]);

		assert_same(one, fit_file(m, path, 1, methods[i]));
		assert_same(one, fit_file(m, path, 2, methods[i]));
		assert_same(one, fit_file(m, path, 3, methods[i]));
		assert_same(one, fit_file(m, path, 8, methods[i]));
		buf_free(&one);
	}
	buf_free(&text);
	model_release(m);
}

/* A model too wide for sums of its own in each block. */
static void wide_models_too(void **state)
{
	struct model *m = toy(1030, ROWS_F16);
	struct buf text = corpus_text(2200000, 9);
	char path[128];
	struct buf one;

	(void)state;
	path_of(path, "corpus.txt");
	text.len = 1100000; /* a second block, but little arithmetic */
	memset(text.data + 20000, ' ', 1040000);
	save(path, &text);
	one = fit_file(m, path, 1, METHOD_SIF);
	assert_same(one, fit_file(m, path, 3, METHOD_SIF));
	buf_free(&one);
	buf_free(&text);
	model_release(m);
}

/* A corpus too long to keep its words is read twice: the same sums, and the same counts. */
static void kept_words_are_the_corpus_again(void **state)
{
	struct model *m = toy(D, ROWS_F32);
	struct buf text = corpus_text(2300000, 14);
	struct fit_totals totals[3];
	uint64_t counts[2][WORDS] = { { 0 } };
	double sums[2][D * D] = { { 0 } };
	struct err err = { 0 };
	char path[128];

	(void)state;
	path_of(path, "corpus.txt");
	save(path, &text);
	for (size_t i = 0; i < 2; i++) {
		struct fit_kept kept = { 0 };
		const char *at = path;
		struct corpus *corpus = corpus_open(&at, 1, false, &err);
		struct fit_source source = {
			.m = m, .corpus = corpus, .kept = i ? &kept : NULL, .workers = 3
		};

		assert_non_null(corpus);
		assert_int_equal(fit_count(&source, counts[i], &totals[i], &err), 0);
		assert_int_equal(kept.whole, i);
		if (i == 0)
			assert_int_equal(corpus_rewind(corpus, &err), 0);
		else
			assert_true(kept.n > 2);
		assert_int_equal(fit_sum(&source, m->weights, sums[i], &totals[2], &err), 0);
		assert_memory_equal(&totals[2], &totals[0], sizeof(totals[0]));
		fit_kept_free(&kept);
		corpus_close(corpus);
	}
	assert_memory_equal(&totals[0], &totals[1], sizeof(totals[0]));
	assert_memory_equal(counts[0], counts[1], sizeof(counts[0]));
	assert_memory_equal(sums[0], sums[1], sizeof(sums[0]));
	buf_free(&text);
	model_release(m);
}

struct pipe_writer {
	const char *path;
	const struct buf *text;
};

static void *write_pipe(void *argument)
{
	const struct pipe_writer *w = argument;
	int fd = open(w->path, O_WRONLY);
	size_t done = 0;

	while (fd >= 0 && done < w->text->len) {
		ssize_t k = write(fd, w->text->data + done, w->text->len - done);

		if (k <= 0)
			break;
		done += (size_t)k;
	}
	(void)close(fd);
	return NULL;
}

static void compressed_and_piped_give_the_same_bytes(void **state)
{
	struct model *m = toy(D, ROWS_F32);
	struct buf text = corpus_text(2300000, 10);
	char plain[128], gz[128], fifo[128];
	struct pipe_writer writer = { fifo, &text };
	struct buf want;
	pthread_t thread;
	gzFile out;

	(void)state;
	path_of(plain, "corpus.txt");
	path_of(gz, "corpus.txt.gz");
	path_of(fifo, "corpus.pipe");
	save(plain, &text);
	out = gzopen(gz, "wb1");
	assert_non_null(out);
	assert_int_equal(gzwrite(out, text.data, (unsigned)text.len), text.len);
	assert_int_equal(gzclose(out), Z_OK);
	want = fit_file(m, plain, 2, METHOD_SIF);
	assert_same(want, fit_file(m, gz, 2, METHOD_SIF));
	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_int_equal(pthread_create(&thread, NULL, write_pipe, &writer), 0);
	assert_same(want, fit_file(m, fifo, 2, METHOD_SIF));
	assert_int_equal(pthread_join(thread, NULL), 0);
	buf_free(&want);
	buf_free(&text);
	model_release(m);
}

/* ---- folding, overlays, refusals ---- */

/* Embeds the first EMBEDDED lines. */
enum { EMBEDDED = 50 };
static void embed_lines(float *out, struct model *m, enum method method, struct lines l)
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
	struct lines l = make_lines(LINES, WORDS, 12);
	struct err err = { 0 };

	(void)state;
	for (size_t i = 0; i < 6; i++) {
		struct model *m = toy(D, types[i / 3]);
		struct fit_options o = by_line(methods[i % 3]);
		struct model *plain = fit_lines(m, l, &o, NULL);
		struct model *folded;

		o.fold = true;
		folded = fit_lines(m, l, &o, NULL);
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
	free_lines(l);
}

static void fits_stand_on_the_vectors_file(void **state)
{
	struct model *m = toy(D, ROWS_F32);
	struct lines l = make_lines(50, WORDS, 13);
	struct fit_options o = by_line(METHOD_SIF);
	struct model *first = fit_lines(m, l, &o, NULL);
	struct model *second = fit_lines(first, l, &o, NULL);

	(void)state;
	assert_ptr_equal(first->base, m);
	assert_ptr_equal(second->base, m);
	model_release(first);
	model_release(m);
	assert_int_equal(toy_alive(), 1);
	model_release(second);
	assert_int_equal(toy_alive(), 0);
	free_lines(l);
}

static void says_what_is_wrong(void **state)
{
	struct model *m = toy(D, ROWS_F32);
	struct fit_options good = by_line(METHOD_SIF);
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

/* Whatever the corpus counts: what was learnt is kept. */
static void learned_rows_keep_their_weights(void **state)
{
	struct model *m = toy(D, ROWS_F32);
	struct fit_options o = by_line(METHOD_SIF);
	struct lines l = make_lines(300, WORDS, 9);
	struct model parts = *m;
	struct err err = { 0 };
	struct model *learned, *fitted;

	(void)state;
	parts.facts.method = METHOD_LEARNED;
	parts.weights = NULL;
	parts.projection = NULL;
	learned = model_of_parts(&parts, NULL, &err);
	assert_non_null(learned);
	fitted = fit_lines(learned, l, &o, NULL);
	for (size_t i = 0; i < WORDS; i++)
		assert_true(fitted->weights[i] == 1.0f);
	model_release(fitted);
	model_release(learned);
	model_release(m);
	free_lines(l);
}

static void rows_without_numbers_are_refused(void **state)
{
	float rows[WORDS * D] = { 0 };
	struct model *m = toy(D, ROWS_F32);
	struct fit_options o = by_line(METHOD_SIF);
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

static void stops_when_asked(void **state)
{
	struct model *m = toy(D, ROWS_F32);
	struct fit_options o = by_line(METHOD_SIF);
	struct progress progress = { 0 };
	const char *text = "wa wb";
	size_t length = 5;
	struct err err = { 0 };
	struct corpus *corpus = corpus_of_texts(&text, &length, 1, &err);

	(void)state;
	atomic_store(&progress.cancel, true);
	assert_null(fit_model(m, corpus, &o, NULL, &progress, &err));
	assert_int_equal(err.code, ERR_CANCELLED);
	corpus_close(corpus);
	atomic_store(&progress.cancel, false);
	corpus = corpus_of_texts(&text, &length, 1, &err);
	o.components = 1;
	model_release(m);
	m = toy(D, ROWS_F32);
	{
		struct model *fitted = fit_model(m, corpus, &o, NULL, &progress, &err);

		assert_non_null(fitted);
		assert_string_equal(atomic_load(&progress.phase), "finding components");
		model_release(fitted);
	}
	corpus_close(corpus);
	model_release(m);
}

static int make_folder(void **state)
{
	static char at[] = "/tmp/sifd-fit-XXXXXX";

	(void)state;
	folder = mkdtemp(at);
	return folder ? 0 : -1;
}

static int remove_folder(void **state)
{
	static const char *const names[] = { "model.safetensors", "corpus.txt", "corpus.txt.gz",
					     "corpus.pipe" };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char path[128];

		path_of(path, names[i]);
		(void)unlink(path);
	}
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(components_are_the_moments_eigenvectors),
		cmocka_unit_test(many_blocks_add_up),
		cmocka_unit_test(whitening_whitens),
		cmocka_unit_test(usif_has_its_own_a_and_scales),
		cmocka_unit_test(counts_units_and_words),
		cmocka_unit_test(prior_is_pseudo_observations),
		cmocka_unit_test(prior_is_never_more_than_the_model_saw),
		cmocka_unit_test(prior_of_models_never_fitted),
		cmocka_unit_test(prior_from_weights_is_that_from_counts),
		cmocka_unit_test(prior_moment_crosses_methods),
		cmocka_unit_test(a_and_power_are_the_models),
		cmocka_unit_test(kept_counts_keep_weights),
		cmocka_unit_test(learned_weights_are_kept),
		cmocka_unit_test(any_number_of_workers_gives_the_same_bytes),
		cmocka_unit_test(wide_models_too),
		cmocka_unit_test(kept_words_are_the_corpus_again),
		cmocka_unit_test(compressed_and_piped_give_the_same_bytes),
		cmocka_unit_test(folded_is_unfolded_to_rounding),
		cmocka_unit_test(fits_stand_on_the_vectors_file),
		cmocka_unit_test(says_what_is_wrong),
		cmocka_unit_test(learned_rows_keep_their_weights),
		cmocka_unit_test(rows_without_numbers_are_refused),
		cmocka_unit_test(stops_when_asked),
	};

	vec_init();
	mat_init();
	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
