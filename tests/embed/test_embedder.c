#include "embed/embedder.h"

#include "base/err.h"
#include "base/mem.h"
#include "math/vec.h"
#include "model/model.h"
#include "support/toy.h"
#include "text/lookup.h"

#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { WORDS = 200, D = 37, D_OUT = 21, TEXTS = 60, THREADS = 4 };

static const enum method methods[] = { METHOD_SUM,    METHOD_MEAN, METHOD_WEIGHTED, METHOD_SIF,
				       METHOD_WHITEN, METHOD_USIF, METHOD_LEARNED };
enum { METHODS = sizeof(methods) / sizeof(methods[0]) };

/* A model that holds the method. */
static struct model *model_for(enum method method, enum rows_type type)
{
	bool projected = method == METHOD_WHITEN || method == METHOD_LEARNED;
	bool removed = method == METHOD_SIF || method == METHOD_USIF;

	return toy_model((struct toy){ .n = WORDS,
				       .d = D,
				       .k = removed ? 3 : 0,
				       .d_out = projected ? D_OUT : 0,
				       .type = type,
				       .method = method,
				       .seed = 5 });
}

static struct embedder *sentence_for(struct model *m, enum method method)
{
	struct err err;
	struct embedder *s = embedder_new(m, method, &err);

	assert_non_null(s);
	return s;
}

static void embed(struct embedder *s, const char *text, bool normalize, float *vector, struct seen *seen)
{
	struct err err;

	assert_int_equal(embedder_embed(s, text, strlen(text), normalize, vector, seen, &err), 0);
}

/* The definitions of model/method.h in doubles. */
static void define(const struct model *m, enum method method, const uint32_t *ids, size_t n, double *out)
{
	bool plain = method == METHOD_SUM || method == METHOD_MEAN;
	bool mean = method != METHOD_SUM && method != METHOD_LEARNED;
	double x[D] = { 0 };
	float row[D];

	for (size_t i = 0; i < n; i++) {
		rows_get(row, &m->rows, ids[i]);
		for (size_t j = 0; j < D; j++)
			x[j] += (plain ? 1.0 : (double)m->weights[ids[i]]) * (double)row[j];
	}
	for (size_t j = 0; j < D && mean && n; j++)
		x[j] /= (double)n;
	if (method == METHOD_WHITEN || method == METHOD_LEARNED) {
		for (size_t o = 0; o < D_OUT; o++) {
			out[o] = 0.0;
			for (size_t j = 0; j < D; j++)
				out[o] += x[j] * (double)m->projection[j * D_OUT + o];
		}
		return;
	}
	for (size_t c = 0; c < m->k; c++) {
		const float *u = m->components + c * D;
		double along = 0.0;

		for (size_t j = 0; j < D; j++)
			along += x[j] * (double)u[j];
		for (size_t j = 0; j < D; j++)
			x[j] -= along * (double)u[j] *
				(m->component_scales ? (double)m->component_scales[c] : 1.0);
	}
	memcpy(out, x, sizeof(x));
}

static void check_definition(enum method method, enum rows_type type)
{
	struct model *m = model_for(method, type);
	struct embedder *s = sentence_for(m, method);
	size_t d = embedder_dimension(s);
	uint64_t state = 9;

	for (size_t t = 0; t < TEXTS; t++) {
		char *text = toy_text(&state, WORDS, t);
		struct err err;
		const uint32_t *ids;
		size_t unknown;
		ptrdiff_t known = lookup_ids(embedder_lookup(s), text, strlen(text), &ids, &unknown, &err);
		double expected[D] = { 0 };
		float vector[D];
		struct seen seen;

		assert_true(known >= 0);
		define(m, method, ids, (size_t)known, expected);
		embed(s, text, false, vector, &seen);
		assert_int_equal(seen.words, t);
		assert_int_equal(seen.known, known);
		for (size_t j = 0; j < d; j++)
			assert_true(fabs((double)vector[j] - expected[j]) < 1e-5 * (double)(t + 1));
		embed(s, text, true, vector, NULL);
		assert_true(known == 0 || fabsf(vec_norm(vector, d) - 1.0f) < 1e-6f);
		free(text);
	}
	embedder_free(s);
	model_release(m);
}

static void every_method_is_as_defined(void **state)
{
	(void)state;
	for (size_t i = 0; i < METHODS; i++) {
		check_definition(methods[i], ROWS_F32);
		check_definition(methods[i], ROWS_I8);
	}
	check_definition(METHOD_SIF, ROWS_F16);
	check_definition(METHOD_SIF, ROWS_BF16);
}

static void folded_rows_agree(void **state)
{
	(void)state;
	for (size_t i = 0; i < METHODS; i++) {
		struct model *m = model_for(methods[i], ROWS_F32);
		struct model *f = toy_folded(m, methods[i]);
		struct embedder *s = sentence_for(m, methods[i]);
		struct embedder *sf = sentence_for(f, methods[i]);
		size_t d = embedder_dimension(s);
		uint64_t at = 3;

		assert_int_equal(embedder_dimension(sf), d);
		for (size_t t = 1; t < TEXTS; t++) {
			char *text = toy_text(&at, WORDS, t);
			float a[D], b[D];

			embed(s, text, false, a, NULL);
			embed(sf, text, false, b, NULL);
			for (size_t j = 0; j < d; j++)
				assert_true(fabsf(a[j] - b[j]) < 1e-5f * (float)t);
			free(text);
		}
		embedder_free(s);
		embedder_free(sf);
		model_release(m);
		model_release(f);
	}
}

static void without_a_known_word_it_is_zero(void **state)
{
	static const char *const texts[] = { "", "   ", "zzz", "zzz zzz, zzz!", "?!" };
	struct model *m = model_for(METHOD_WHITEN, ROWS_F32);
	struct embedder *s = sentence_for(m, METHOD_WHITEN);

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		float vector[D_OUT];
		struct seen seen;

		memset(vector, 1, sizeof(vector));
		embed(s, texts[i], i % 2, vector, &seen);
		assert_int_equal(seen.known, 0);
		assert_true(seen_coverage(seen) == 0.0f);
		for (size_t j = 0; j < D_OUT; j++)
			assert_true(vector[j] == 0.0f);
	}
	assert_true(seen_coverage((struct seen){ .words = 4, .known = 3 }) == 0.75f);
	embedder_free(s);
	model_release(m);
}

/* All texts' vectors of all methods, in (METHODS, TEXTS, D), from `first` on and around. */
static void embed_all(float *all, size_t first)
{
	memset(all, 0, METHODS * TEXTS * D * sizeof(*all));
	for (size_t i = 0; i < METHODS; i++) {
		struct model *m = model_for(methods[i], i % 2 ? ROWS_F16 : ROWS_F32);
		struct embedder *s = sentence_for(m, methods[i]);

		for (size_t t = 0; t < TEXTS; t++) {
			size_t which = (first + t) % TEXTS;
			uint64_t state = which;
			char *text = toy_text(&state, WORDS, which);

			embed(s, text, true, all + (i * TEXTS + which) * D, NULL);
			free(text);
		}
		embedder_free(s);
		model_release(m);
	}
}

static float *embedded(size_t first)
{
	float *all = mem_new(METHODS * TEXTS * D, sizeof(*all));

	embed_all(all, first);
	return all;
}

struct job {
	float *all;
	size_t first;
};

static void *run_job(void *job)
{
	struct job *j = job;

	j->all = embedded(j->first);
	return NULL;
}

static void same_bits_in_any_order_and_thread(void **state)
{
	float *alone = embedded(0);
	struct job jobs[THREADS];
	pthread_t threads[THREADS];

	(void)state;
	for (size_t i = 0; i < THREADS; i++) {
		jobs[i].first = 7 * i + 1;
		assert_int_equal(pthread_create(&threads[i], NULL, run_job, &jobs[i]), 0);
	}
	for (size_t i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_memory_equal(jobs[i].all, alone, METHODS * TEXTS * D * sizeof(*alone));
		free(jobs[i].all);
	}
	free(alone);
}

/* A child that computes with the given kernels: 0 same bits, 1 not, 2 the processor has no such. */
static int in_child(const char *kernels, const float *expected)
{
	pid_t pid = fork();
	int status = 0;

	assert_true(pid >= 0);
	if (pid == 0) {
		float *all;

		(void)setenv("SIFD_KERNELS", kernels, 1);
		vec_init();
		if (strcmp(vec_kernels(), kernels) != 0)
			_exit(2);
		all = embedded(0);
		_exit(memcmp(all, expected, METHODS * TEXTS * D * sizeof(*all)) != 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void same_bits_with_every_kernel(void **state)
{
	static const char *const kernels[] = { "plain", "avx2", "avx512" };
	float *expected = embedded(0);

	(void)state;
	for (size_t i = 0; i < sizeof(kernels) / sizeof(kernels[0]); i++) {
		int rc = in_child(kernels[i], expected);

		if (rc == 2)
			(void)printf("SKIP kernels %s: this processor has none\n", kernels[i]);
		else
			assert_int_equal(rc, 0);
	}
	free(expected);
}

/* More models than lookups are kept, used in turns: right vectors every time. */
static void models_in_turns(void **state)
{
	enum { MODELS = 7, TURNS = 40 };
	struct model *m[MODELS];
	float expected[MODELS][D];
	struct embedder *s = NULL;
	struct err err;
	uint64_t at = 1;

	(void)state;
	for (size_t i = 0; i < MODELS; i++) {
		m[i] = toy_model((struct toy){
			.n = 50 + 10 * i, .d = D - i, .method = METHOD_MEAN, .seed = (unsigned)i });
		s = sentence_for(m[i], METHOD_MEAN);
		embed(s, "wa web wc wib wd", true, expected[i], NULL);
		embedder_free(s);
	}
	s = sentence_for(m[0], METHOD_SUM);
	for (size_t turn = 0; turn < TURNS; turn++) {
		size_t i = toy_random(&at) % MODELS;
		float vector[D];

		assert_int_equal(embedder_use(s, m[i], turn % 3 ? METHOD_MEAN : METHOD_SUM, &err), 0);
		assert_ptr_equal(embedder_model(s), m[i]);
		assert_int_equal(embedder_dimension(s), D - i);
		embed(s, "wa web wc wib wd", true, vector, NULL);
		for (size_t j = 0; j < D - i; j++)
			assert_true(fabsf(vector[j] - expected[i][j]) < 1e-6f);
	}
	embedder_free(s);
	for (size_t i = 0; i < MODELS; i++)
		model_release(m[i]);
	assert_int_equal(toy_alive(), 0);
}

static void from_a_small_model_to_a_big_one(void **state)
{
	struct model *small =
		toy_model((struct toy){ .n = 20, .d = 3, .d_out = 2, .method = METHOD_WHITEN, .seed = 1 });
	struct model *big =
		toy_model((struct toy){ .n = 20, .d = 3000, .d_out = 2, .method = METHOD_WHITEN, .seed = 1 });
	struct embedder *s = sentence_for(small, METHOD_WHITEN);
	struct embedder *fresh = sentence_for(big, METHOD_WHITEN);
	float a[2], b[2];
	struct err err;

	(void)state;
	assert_int_equal(embedder_use(s, big, METHOD_WHITEN, &err), 0);
	embed(s, "wa wb", true, a, NULL);
	embed(fresh, "wa wb", true, b, NULL);
	assert_memory_equal(a, b, sizeof(a));
	embedder_free(s);
	embedder_free(fresh);
	model_release(small);
	model_release(big);
}

/* More words than there is room for weights at first. */
static void a_long_text(void **state)
{
	enum { LONG = 5000 };
	struct model *m = model_for(METHOD_WEIGHTED, ROWS_F32);
	struct embedder *s = sentence_for(m, METHOD_WEIGHTED);
	char *text = mem_new(LONG, 3);
	float one[D], many[D];

	(void)state;
	for (size_t i = 0; i < (size_t)LONG * 3 - 1; i++)
		text[i] = "wb "[i % 3];
	embed(s, "wb", true, one, NULL);
	embed(s, text, true, many, NULL);
	for (size_t j = 0; j < D; j++)
		assert_true(fabsf(one[j] - many[j]) < 1e-4f);
	free(text);
	embedder_free(s);
	model_release(m);
}

/* Keeping a lookup must not keep the model: it may be gigabytes. */
static void a_model_left_behind_is_free_to_go(void **state)
{
	struct model *a = model_for(METHOD_SIF, ROWS_F32);
	struct model *b = model_for(METHOD_MEAN, ROWS_F32);
	struct embedder *s = sentence_for(a, METHOD_SIF);
	struct lookup *first;
	struct err err;

	(void)state;
	model_release(a);
	assert_int_equal(toy_alive(), 2);
	first = embedder_lookup(s);
	assert_int_equal(embedder_use(s, b, METHOD_MEAN, &err), 0);
	assert_int_equal(toy_alive(), 1);
	assert_ptr_not_equal(embedder_lookup(s), first);
	embedder_free(s);
	model_release(b);
	assert_int_equal(toy_alive(), 0);
}

/* Two models over one vocabulary (an overlay, say): one lookup, and coming back finds it again. */
static void a_lookup_is_found_again(void **state)
{
	struct model *a = model_for(METHOD_SIF, ROWS_F32);
	struct model *b = model_for(METHOD_MEAN, ROWS_F32);
	struct model overlay = *a;
	struct model *o;
	struct embedder *s = sentence_for(a, METHOD_SIF);
	struct lookup *first = embedder_lookup(s);
	struct err err;

	(void)state;
	overlay.base = a;
	overlay.components = NULL;
	overlay.k = 0;
	overlay.facts.method = METHOD_WEIGHTED;
	o = model_of_parts(&overlay, NULL, &err);
	assert_non_null(o);
	assert_int_equal(embedder_use(s, o, METHOD_WEIGHTED, &err), 0);
	if (o->base == a)
		assert_ptr_equal(embedder_lookup(s), first);
	assert_int_equal(embedder_use(s, b, METHOD_MEAN, &err), 0);
	assert_ptr_not_equal(embedder_lookup(s), first);
	assert_int_equal(embedder_use(s, a, METHOD_SIF, &err), 0);
	assert_ptr_equal(embedder_lookup(s), first);
	embedder_free(s);
	model_release(o);
	model_release(a);
	model_release(b);
}

static void numbers_that_are_not_finite_are_refused(void **state)
{
	static const float bad[] = { INFINITY, -INFINITY, NAN };
	struct model *m = model_for(METHOD_MEAN, ROWS_F32);
	float *data = mem_new(WORDS * D, sizeof(*data));
	struct model parts = *m;

	(void)state;
	memcpy(data, m->rows.data, WORDS * D * sizeof(*data));
	parts.rows.data = data;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct model *damaged;
		struct embedder *s;
		struct err err = { 0 };
		float vector[D];

		data[2 * D + 5] = bad[i];
		damaged = model_of_parts(&parts, NULL, &err);
		assert_non_null(damaged);
		s = sentence_for(damaged, METHOD_MEAN);
		for (int normalize = 0; normalize < 2; normalize++) {
			assert_int_equal(embedder_embed(s, "wa wc", 5, normalize, vector, NULL, &err), -1);
			assert_int_equal(err.code, ERR_FORMAT);
			assert_int_equal(embedder_embed(s, "wa wb", 5, normalize, vector, NULL, &err), 0);
		}
		embedder_free(s);
		model_release(damaged);
	}
	free(data);
	model_release(m);
}

/* A word taken by itself and transformed adds up to the whole. */
static void words_add_up(void **state)
{
	(void)state;
	for (size_t i = 0; i < METHODS; i++) {
		struct model *m = model_for(methods[i], ROWS_F32);
		struct embedder *s = sentence_for(m, methods[i]);
		static const uint32_t ids[] = { 3, 77, 3, 150 };
		size_t d = embedder_dimension(s);
		float sum[D] = { 0 };
		float whole[D];
		struct err err;

		for (size_t w = 0; w < 4; w++) {
			float row[D], part[D];

			rows_get(row, &m->rows, ids[w]);
			vec_scale(row, embedder_weight(s, ids[w]) * embedder_factor(s, 4), D);
			embedder_transform(s, row, part);
			vec_axpy(sum, 1.0f, part, d);
		}
		assert_int_equal(embedder_embed_words(s, ids, 4, false, whole, &err), 0);
		for (size_t j = 0; j < d; j++)
			assert_true(fabsf(sum[j] - whole[j]) < 1e-5f);
		embedder_free(s);
		model_release(m);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_method_is_as_defined),
		cmocka_unit_test(folded_rows_agree),
		cmocka_unit_test(without_a_known_word_it_is_zero),
		cmocka_unit_test(same_bits_in_any_order_and_thread),
		cmocka_unit_test(same_bits_with_every_kernel),
		cmocka_unit_test(models_in_turns),
		cmocka_unit_test(from_a_small_model_to_a_big_one),
		cmocka_unit_test(a_long_text),
		cmocka_unit_test(a_model_left_behind_is_free_to_go),
		cmocka_unit_test(a_lookup_is_found_again),
		cmocka_unit_test(numbers_that_are_not_finite_are_refused),
		cmocka_unit_test(words_add_up),
	};

	vec_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
