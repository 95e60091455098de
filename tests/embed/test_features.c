/*
 * Method features: against its definition in doubles with and without an LSTM, folded or not; the same bits
 * with every kernel.
 */
#include "base/err.h"
#include "base/random.h"
#include "embed/embedder.h"
#include "embed/explain.h"
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
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { WORDS = 60, D = 7, IN = 5, H = 9, GATES = 4 * H, WIDTH = 2 * H, MOST = 3 * WIDTH };

static const uint32_t ids[] = { 3, 17, 3, 42, 5 };

enum { N = sizeof(ids) / sizeof(ids[0]) };

static const enum method sums[] = { METHOD_SUM,	   METHOD_MEAN, METHOD_WEIGHTED, METHOD_SIF,
				    METHOD_WHITEN, METHOD_USIF, METHOD_LEARNED };
enum { SUMS = sizeof(sums) / sizeof(sums[0]) };

static float ih[2][GATES * D], hh[2][GATES * H], bias[GATES], attention[WIDTH], residual[IN * WIDTH];

static void fill(float *x, size_t n, uint64_t *random)
{
	for (size_t i = 0; i < n; i++)
		x[i] = random_unit(random) - 0.5f;
}

/* A model of these sums, its rows IN long where they stay as they are and D where they are projected. */
static struct model *summing(enum method method, enum rows_type type)
{
	bool projected = method == METHOD_WHITEN || method == METHOD_LEARNED;
	bool removed = method == METHOD_SIF || method == METHOD_USIF;

	return toy_model((struct toy){ .n = WORDS,
				       .d = projected ? D : IN,
				       .k = removed ? 2 : 0,
				       .d_out = projected ? IN : 0,
				       .type = type,
				       .method = method,
				       .seed = 3 });
}

/* The model with an LSTM over its rows. */
static struct model *with_lstm(const struct model *m, enum pooling pooling)
{
	struct model parts = *m;
	struct err err = { 0 };
	struct model *made;

	model_without_lstm(&parts);
	parts.lstm.h = H;
	parts.lstm.layers_n = 1;
	parts.lstm.directions_n = 2;
	parts.lstm.pooling = pooling;
	for (size_t i = 0; i < 2; i++)
		parts.lstm.layers[0].directions[i] = (struct model_lstm_direction){
			{ ROWS_F32, 4 * H, IN, ih[i], NULL }, { ROWS_F32, 4 * H, H, hh[i], NULL }, bias, bias
		};
	if (pooling == POOLING_ATTENTION || pooling == POOLING_RESIDUAL)
		parts.lstm.attention = attention;
	if (pooling == POOLING_RESIDUAL)
		parts.lstm.residual = (struct rows){ ROWS_F32, IN, WIDTH, residual, NULL };
	made = model_of_parts(&parts, NULL, &err);
	if (!made)
		fail_msg("%s", err.text);
	return made;
}

/* The vector of words by a method; its length. */
static size_t embed(float *to, struct model *m, enum method method, const uint32_t *words, size_t n,
		    bool normalize)
{
	struct err err = { 0 };
	struct embedder *s = embedder_new(m, method, &err);
	size_t d;

	assert_non_null(s);
	d = embedder_dimension(s);
	assert_int_equal(d, model_dimension(m, method));
	assert_in_range(d, 1, MOST);
	assert_int_equal(embedder_embed_words(s, words, n, normalize, to, &err), 0);
	embedder_free(s);
	return d;
}

/* The mean of the unit vectors of the words as texts, by the method. */
static void words_mean(double *to, struct model *m, enum method method)
{
	for (size_t t = 0; t < N; t++) {
		float one[MOST];
		size_t d = embed(one, m, method, ids + t, 1, true);

		for (size_t k = 0; k < d; k++)
			to[k] = (t ? to[k] : 0.0) + (double)one[k] / N;
	}
}

/* features are the unit vector of `first`, of its own method, and `second` (rest) behind it. */
static void check_parts(struct model *m, enum method first, const double *second, size_t rest)
{
	float unit[MOST], joined[MOST], normalized[MOST];
	size_t d = embed(unit, m, first, ids, N, true);
	float norm;

	assert_int_equal(embed(joined, m, METHOD_FEATURES, ids, N, false), d + rest);
	for (size_t k = 0; k < d + rest; k++)
		assert_true(fabs((double)joined[k] - (k < d ? (double)unit[k] : second[k - d])) < 1e-6);
	(void)embed(normalized, m, METHOD_FEATURES, ids, N, true);
	norm = vec_norm(joined, d + rest);
	for (size_t k = 0; k < d + rest; k++)
		assert_true(fabsf(normalized[k] * norm - joined[k]) < 1e-6f);
}

static void without_an_lstm_words_follow(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2 * (size_t)SUMS; i++) {
		struct model *m = summing(sums[i / 2], i % 2 ? ROWS_I8 : ROWS_F32);
		double second[MOST];

		words_mean(second, m, sums[i / 2]);
		check_parts(m, sums[i / 2], second, IN);
		model_release(m);
	}
}

/* Two words of two dimensions, worked out by hand. */
static void is_what_a_hand_makes(void **state)
{
	static const float rows[] = { 3, 4, 0, -2 };
	static const float expected[] = { 0.83205029f, 0.55470020f, 0.3f, -0.1f };
	static const uint32_t both[] = { 0, 1 };
	struct model *toy = toy_model((struct toy){ .n = 2, .d = 2, .method = METHOD_SUM, .seed = 1 });
	struct model parts = *toy;
	struct err err = { 0 };
	struct model *m;
	float vector[MOST];

	(void)state;
	parts.rows.data = rows;
	m = model_of_parts(&parts, NULL, &err);
	assert_non_null(m);
	assert_int_equal(embed(vector, m, METHOD_FEATURES, both, 2, false), 4);
	for (size_t k = 0; k < 4; k++)
		assert_true(fabsf(vector[k] - expected[k]) < 1e-7f);
	model_release(m);
	model_release(toy);
}

static void folded_rows_agree(void **state)
{
	(void)state;
	for (size_t i = 0; i < SUMS; i++) {
		struct model *m = summing(sums[i], ROWS_F32);
		struct model *folded = toy_folded(m, sums[i]);
		float a[MOST], b[MOST];
		size_t d = embed(a, m, METHOD_FEATURES, ids, N, false);

		assert_int_equal(embed(b, folded, METHOD_FEATURES, ids, N, false), d);
		for (size_t k = 0; k < d; k++)
			assert_true(fabsf(a[k] - b[k]) < 1e-5f);
		model_release(folded);
		model_release(m);
	}
}

/* The mean of its states is what the same LSTM has for a vector when it pools by the mean. */
static void with_an_lstm_states_follow(void **state)
{
	(void)state;
	for (int pooling = POOLING_MEAN; pooling < POOLING_COUNT; pooling++) {
		struct model *base =
			summing(pooling == POOLING_RESIDUAL ? METHOD_SIF : METHOD_WHITEN, ROWS_F32);
		struct model *m = with_lstm(base, (enum pooling)pooling);
		struct model *mean = with_lstm(base, POOLING_MEAN);
		double second[MOST];
		float states[MOST];

		if (pooling == POOLING_MEAN) {
			words_mean(second, m, METHOD_WHITEN);
			check_parts(m, METHOD_LSTM, second, IN);
		} else {
			(void)embed(states, mean, METHOD_LSTM, ids, N, false);
			for (size_t k = 0; k < WIDTH; k++)
				second[k] = (double)states[k];
			check_parts(m, METHOD_LSTM, second, WIDTH);
		}
		model_release(mean);
		model_release(m);
		model_release(base);
	}
}

static void without_a_known_word_it_is_zero(void **state)
{
	struct model *base = summing(METHOD_WHITEN, ROWS_F32);
	struct model *m = with_lstm(base, POOLING_MAX);

	(void)state;
	for (int i = 0; i < 4; i++) {
		struct err err = { 0 };
		struct embedder *s = embedder_new(i % 2 ? m : base, METHOD_FEATURES, &err);
		float vector[MOST];

		memset(vector, 1, sizeof(vector));
		assert_int_equal(embedder_embed(s, "nowhere", i < 2 ? 7 : 0, i % 2, vector, NULL, &err), 0);
		for (size_t k = 0; k < embedder_dimension(s); k++)
			assert_true(vector[k] == 0.0f);
		embedder_free(s);
	}
	model_release(m);
	model_release(base);
}

/* Its scratch is as long as the longest model's, whichever comes first. */
static void a_sentence_changes_to_it_and_back(void **state)
{
	struct model *m[] = {
		toy_model((struct toy){ .n = WORDS, .d = 20, .d_out = 2, .method = METHOD_SUM }),
		summing(METHOD_WHITEN, ROWS_I8),
		toy_model((struct toy){ .n = WORDS, .d = 2, .d_out = 20, .method = METHOD_WHITEN })
	};
	struct err err = { 0 };
	struct embedder *s = embedder_new(m[0], METHOD_SUM, &err);

	(void)state;
	for (size_t i = 0; i < 12; i++) {
		float fresh[MOST], used[MOST];
		size_t d = embed(fresh, m[i % 3], METHOD_FEATURES, ids, N, true);

		assert_int_equal(embedder_use(s, m[i % 3], METHOD_SUM, &err), 0);
		assert_int_equal(embedder_embed_words(s, ids, N, true, used, &err), 0);
		assert_int_equal(embedder_use(s, m[i % 3], METHOD_FEATURES, &err), 0);
		assert_int_equal(embedder_embed_words(s, ids, N, true, used, &err), 0);
		assert_memory_equal(used, fresh, d * sizeof(*used));
	}
	embedder_free(s);
	for (size_t i = 0; i < 3; i++)
		model_release(m[i]);
}

static void no_word_has_a_share(void **state)
{
	struct model *m = summing(METHOD_SIF, ROWS_F32);
	struct err err = { 0 };
	struct embedder *s = embedder_new(m, METHOD_FEATURES, &err);
	struct explained e;
	struct explained_pair p;

	(void)state;
	assert_int_equal(explain_text(&e, s, "waa wab", 7, &err), -1);
	assert_int_equal(err.code, ERR_INPUT);
	assert_string_equal(err.param, "method");
	assert_non_null(strstr(err.text, "features"));
	assert_int_equal(explain_pair(&p, s, "waa", 3, "wab", 3, &err), -1);
	embedder_free(s);
	model_release(m);
}

/* The longest list of methods that a model has is said whole. */
static void its_name_is_among_the_methods(void **state)
{
	struct model *base = summing(METHOD_WHITEN, ROWS_F32);
	struct model *m = with_lstm(base, POOLING_MEAN);
	struct err err = { 0 };
	enum method method;

	(void)state;
	assert_int_equal(method_choose(&method, m, "features", &err), 0);
	assert_int_equal(method, METHOD_FEATURES);
	assert_int_equal(method_choose(&method, m, "feature", &err), -1);
	assert_non_null(
		strstr(err.text, "it has: sum, mean, weighted, whiten, disc, lstm, lstm+static, features"));
	model_release(m);
	model_release(base);
}

/* Bits of every kind of vector, one behind the other; the floats there are. */
static size_t embed_all(float *to)
{
	size_t n = 0;

	for (size_t i = 0; i < SUMS; i++) {
		struct model *m = summing(sums[i], i % 2 ? ROWS_F16 : ROWS_F32);

		n += embed(to + n, m, METHOD_FEATURES, ids, N, true);
		model_release(m);
	}
	for (int pooling = POOLING_MEAN; pooling < POOLING_COUNT; pooling++) {
		struct model *base = summing(METHOD_SIF, ROWS_F32);
		struct model *m = with_lstm(base, (enum pooling)pooling);

		n += embed(to + n, m, METHOD_FEATURES, ids, N, true);
		model_release(m);
		model_release(base);
	}
	return n;
}

enum { ALL = (SUMS + POOLING_COUNT) * MOST };

/* A child that computes with the given kernels: 0 same bits, 1 not, 2 the processor has no such. */
static int in_child(const char *kernels, const float *expected, size_t n)
{
	pid_t pid = fork();
	int status = 0;

	assert_true(pid >= 0);
	if (pid == 0) {
		static float all[ALL];

		(void)setenv("SIFD_KERNELS", kernels, 1);
		vec_init();
		if (strcmp(vec_kernels(), kernels) != 0)
			_exit(2);
		_exit(embed_all(all) != n || memcmp(all, expected, n * sizeof(*all)) != 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void same_bits_with_every_kernel(void **state)
{
	static const char *const kernels[] = { "plain", "avx2", "avx512" };
	static float expected[ALL];
	size_t n = embed_all(expected);

	(void)state;
	for (size_t i = 0; i < sizeof(kernels) / sizeof(kernels[0]); i++) {
		int rc = in_child(kernels[i], expected, n);

		if (rc == 2)
			(void)printf("SKIP kernels %s: this processor has none\n", kernels[i]);
		else
			assert_int_equal(rc, 0);
	}
}

/* A file may name any method as its sums; one that is none, features itself say, is taken as sum. */
static void sums_of_a_file_are_sums(void **state)
{
	struct model *base = summing(METHOD_WHITEN, ROWS_F32);
	struct model *m = with_lstm(base, POOLING_MEAN);
	struct scratch scratch;
	struct err err = { 0 };
	struct model *opened;
	float vector[MOST];

	(void)state;
	scratch_open(&scratch);
	m->facts.sums = METHOD_FEATURES;
	assert_int_equal(model_write(m, scratch_path(&scratch, "m.safetensors"), false, "", &err), 0);
	opened = model_open(scratch_path(&scratch, "m.safetensors"), NULL, &err);
	assert_non_null(opened);
	assert_int_equal(model_sums(opened), METHOD_SUM);
	assert_int_equal(embed(vector, opened, METHOD_FEATURES, ids, N, true), WIDTH + D);
	model_release(opened);
	scratch_close(&scratch);
	model_release(m);
	model_release(base);
}

static int start(void **state)
{
	uint64_t random = 21;

	(void)state;
	vec_init();
	for (size_t side = 0; side < 2; side++) {
		fill(ih[side], GATES * D, &random);
		fill(hh[side], GATES * H, &random);
	}
	fill(bias, GATES, &random);
	fill(attention, WIDTH, &random);
	fill(residual, (size_t)IN * WIDTH, &random);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	return toy_alive();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_what_a_hand_makes),
		cmocka_unit_test(without_an_lstm_words_follow),
		cmocka_unit_test(folded_rows_agree),
		cmocka_unit_test(with_an_lstm_states_follow),
		cmocka_unit_test(without_a_known_word_it_is_zero),
		cmocka_unit_test(a_sentence_changes_to_it_and_back),
		cmocka_unit_test(no_word_has_a_share),
		cmocka_unit_test(its_name_is_among_the_methods),
		cmocka_unit_test(same_bits_with_every_kernel),
		cmocka_unit_test(sums_of_a_file_are_sums),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
