/* Every loss against its formula in doubles, and every gradient against finite differences of that. */
#include "base/err.h"
#include "base/parallel_for.h"
#include "base/random.h"
#include "learn/objective.h"
#include "math/mat.h"
#include "math/vec.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { N = 21, D = 7 };

struct data {
	float u[N * D], v[N * D], gold[N];
	uint32_t u_keys[N], v_keys[N];
};

static const struct objective_options usual = { .temperature = 0.05f, .margin = 0.4f };

static struct data random_data(uint64_t seed)
{
	struct data x;

	for (size_t i = 0; i < (size_t)N * D; i++) {
		x.u[i] = random_unit(&seed) * 2 - 1;
		x.v[i] = x.u[i] * 0.5f + random_unit(&seed) - 0.5f;
	}
	for (size_t i = 0; i < N; i++) {
		x.gold[i] = (float)random_below(&seed, 6) / 5;
		x.u_keys[i] = (uint32_t)(2 * i);
		x.v_keys[i] = (uint32_t)(2 * i + 1);
	}
	return x;
}

static double cosine(const double *a, const double *b)
{
	double ab = 0;
	double aa = 0;
	double bb = 0;

	for (size_t i = 0; i < D; i++) {
		ab += a[i] * b[i];
		aa += a[i] * a[i];
		bb += b[i] * b[i];
	}
	return aa > 0 && bb > 0 ? ab / sqrt(aa * bb) : 0;
}

static bool collide(const struct data *x, size_t i, size_t j)
{
	return x->u_keys[i] == x->u_keys[j] || x->v_keys[i] == x->v_keys[j] || x->u_keys[i] == x->v_keys[j] ||
	       x->v_keys[i] == x->u_keys[j];
}

/* w: u then v, in doubles. */
static double infonce(const struct data *x, const double *w, double t)
{
	double loss = 0;

	for (size_t i = 0; i < N; i++) {
		double row = 0;
		double column = 0;

		for (size_t j = 0; j < N; j++) {
			if (j != i && collide(x, i, j))
				continue;
			row += exp(cosine(w + i * D, w + (N + j) * D) / t);
			column += exp(cosine(w + j * D, w + (N + i) * D) / t);
		}
		loss += log(row) + log(column) - 2 * cosine(w + i * D, w + (N + i) * D) / t;
	}
	return loss / (2 * N);
}

static double margin(const struct data *x, const double *w, double m)
{
	double loss = 0;

	for (size_t s = 0; s < (size_t)2 * N; s++) {
		double together = cosine(w + (s % N) * D, w + (N + s % N) * D);
		double most = -2;

		for (size_t p = 0; p < (size_t)2 * N; p++)
			if (p % N != s % N && !collide(x, s % N, p % N))
				most = fmax(most, cosine(w + s * D, w + p * D));
		if (most > -2)
			loss += fmax(0, m - together + most);
	}
	return loss / N;
}

static double pearson(const struct data *x, const double *w)
{
	double c[N];
	double cm = 0;
	double gm = 0;
	double cc = 0;
	double gg = 0;
	double cg = 0;

	for (size_t i = 0; i < N; i++) {
		c[i] = cosine(w + i * D, w + (N + i) * D);
		cm += c[i] / N;
		gm += (double)x->gold[i] / N;
	}
	for (size_t i = 0; i < N; i++) {
		cc += (c[i] - cm) * (c[i] - cm);
		gg += ((double)x->gold[i] - gm) * ((double)x->gold[i] - gm);
		cg += (c[i] - cm) * ((double)x->gold[i] - gm);
	}
	return 1 - cg / sqrt(cc * gg);
}

static double cosent(const struct data *x, const double *w, double t)
{
	double sum = 1;

	for (size_t i = 0; i < N; i++)
		for (size_t j = 0; j < N; j++)
			if (x->gold[i] > x->gold[j])
				sum += exp((cosine(w + j * D, w + (N + j) * D) -
					    cosine(w + i * D, w + (N + i) * D)) /
					   t);
	return log(sum);
}

static double expected(const struct objective_options *o, const struct data *x, const double *w)
{
	switch (o->kind) {
	case OBJECTIVE_INFONCE:
		return infonce(x, w, (double)o->temperature);
	case OBJECTIVE_MARGIN:
		return margin(x, w, (double)o->margin);
	case OBJECTIVE_PEARSON:
		return pearson(x, w);
	case OBJECTIVE_COSENT:
		return cosent(x, w, (double)o->temperature);
	case OBJECTIVES:
		break;
	}
	return 0;
}

static void compare(struct objective_options o, const struct data *x, size_t workers)
{
	struct err err = { 0 };
	struct threads *threads = threads_new(workers, &err);
	struct objective *objective = objective_new(&o, N + 3, D, threads, &err);
	struct objective_batch batch = { .n = N,
					 .d = D,
					 .u = x->u,
					 .v = x->v,
					 .u_keys = x->u_keys,
					 .v_keys = x->v_keys,
					 .gold = x->gold,
					 .random = 1 };
	float g[2 * N * D];
	double w[2 * N * D];
	double loss;

	assert_non_null(objective);
	loss = objective_run(objective, &batch, g, g + (size_t)N * D);
	for (size_t i = 0; i < (size_t)N * D; i++) {
		w[i] = (double)x->u[i];
		w[(size_t)N * D + i] = (double)x->v[i];
	}
	assert_true(fabs(loss - expected(&o, x, w)) < 1e-5 * (1 + fabs(loss)));
	for (size_t i = 0; i < (size_t)2 * N * D; i++) {
		const double step = 1e-5;
		double at = w[i];
		double slope;

		w[i] = at + step;
		slope = expected(&o, x, w);
		w[i] = at - step;
		slope = (slope - expected(&o, x, w)) / (2 * step);
		w[i] = at;
		if (fabs(slope - (double)g[i]) > 2e-5 * (1 + fabs(slope)))
			fail_msg("%s: element %zu: %.8f, not %.8f", objective_names[o.kind], i, (double)g[i],
				 slope);
	}
	objective_free(objective);
	threads_free(threads);
}

static void gradients_are_finite_differences(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 3; seed++) {
		struct data x = random_data(seed);

		for (int kind = 0; kind < OBJECTIVES; kind++) {
			struct objective_options o = usual;

			o.kind = (enum objective_kind)kind;
			o.temperature = seed == 2 ? 0.01f : 0.2f; /* 0.01: exponents beyond float's range */
			if (kind == OBJECTIVE_COSENT || seed != 2)
				compare(o, &x, seed);
			else
				compare(o, &x, 1);
		}
	}
}

static void equal_keys_are_no_negatives(void **state)
{
	struct data x = random_data(9);
	struct objective_options o = usual;

	(void)state;
	x.u_keys[4] = x.u_keys[2];
	x.v_keys[5] = x.u_keys[11];
	x.u_keys[7] = x.v_keys[7] = 500; /* a group's two texts */
	x.u_keys[8] = x.v_keys[8] = 500;
	x.v_keys[19] = 500;
	o.temperature = 0.1f;
	compare(o, &x, 2);
	o.kind = OBJECTIVE_MARGIN;
	compare(o, &x, 2);
}

static void zero_vectors_do_no_harm(void **state)
{
	struct data x = random_data(5);

	(void)state;
	memset(x.u + 3 * D, 0, D * sizeof(float));
	memset(x.v + 4 * D, 0, D * sizeof(float));
	for (int kind = 0; kind < OBJECTIVES; kind++) {
		struct objective_options o = usual;
		struct err err = { 0 };
		struct objective *objective;
		struct objective_batch b = { .n = N, .d = D, .u = x.u, .v = x.v, .gold = x.gold };
		float g[2 * N * D];

		o.kind = (enum objective_kind)kind;
		objective = objective_new(&o, N, D, NULL, &err);
		assert_non_null(objective);
		assert_true(isfinite(objective_run(objective, &b, g, g + (size_t)N * D)));
		for (size_t i = 0; i < (size_t)2 * N * D; i++)
			assert_true(isfinite(g[i]));
		for (size_t i = 0; i < D; i++) {
			assert_true(g[3 * D + i] == 0);
			assert_true(g[(N + 4) * D + i] == 0);
		}
		objective_free(objective);
	}
}

/* A batch of one pair, or of pairs that all collide, has no negatives: no gradient. */
static void without_negatives_nothing_moves(void **state)
{
	struct data x = random_data(6);

	(void)state;
	for (size_t i = 0; i < N; i++)
		x.u_keys[i] = x.v_keys[i] = 1;
	for (int kind = 0; kind < OBJECTIVE_PEARSON; kind++)
		for (int negatives = 0; negatives < NEGATIVES; negatives++)
			for (size_t n = 1; n <= N; n += N - 1) {
				struct objective_options o = usual;
				struct err err = { 0 };
				struct objective *objective;
				struct objective_batch b = { .n = n,
							     .d = D,
							     .u = x.u,
							     .v = x.v,
							     .u_keys = x.u_keys,
							     .v_keys = x.v_keys };
				float g[2 * N * D];

				o.kind = (enum objective_kind)kind;
				o.negatives = (enum negatives)negatives;
				objective = objective_new(&o, N, D, NULL, &err);
				assert_true(fabs(objective_run(objective, &b, g, g + n * D)) < 1e-6);
				for (size_t i = 0; i < 2 * n * D; i++)
					assert_true(fabsf(g[i]) < 1e-5f);
				objective_free(objective);
			}
}

/* At random: other sentences' hinges, within the bounds; the same seed the same, another another. */
static void random_negatives_follow_the_seed(void **state)
{
	struct data x = random_data(8);
	struct objective_options o = { OBJECTIVE_MARGIN, NEGATIVES_RANDOM, 0.05f, 0.4f };
	struct err err = { 0 };
	float g[2 * N * D];
	double worst;

	(void)state;
	for (int negatives = 0; negatives < NEGATIVES; negatives++) {
		struct objective *objective;
		struct objective_batch b = { .n = N, .d = D, .u = x.u, .v = x.v };
		double first;
		int others = 0;

		o.negatives = (enum negatives)negatives;
		objective = objective_new(&o, N, D, NULL, &err);
		first = objective_run(objective, &b, g, g + (size_t)N * D);
		if (negatives == NEGATIVES_MAX)
			worst = first;
		assert_true(first <= worst);
		for (uint64_t seed = 1; seed < 20; seed++) {
			b.random = seed;
			others += objective_run(objective, &b, g, g + (size_t)N * D) != first;
		}
		assert_true(negatives == NEGATIVES_MAX ? others == 0 : others > 15);
		b.random = 0;
		assert_true(objective_run(objective, &b, g, g + (size_t)N * D) == first);
		objective_free(objective);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gradients_are_finite_differences),
		cmocka_unit_test(equal_keys_are_no_negatives),
		cmocka_unit_test(zero_vectors_do_no_harm),
		cmocka_unit_test(without_negatives_nothing_moves),
		cmocka_unit_test(random_negatives_follow_the_seed),
	};

	vec_init();
	mat_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
