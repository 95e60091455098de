/*
 * Training as a whole: gradients of weights, rows and matrix against finite differences; better than the
 * start; the same bits each time, resumed or not; what comes out, served.
 */
#include "learn/train.h"

#include "base/err.h"
#include "base/parallel_for.h"
#include "base/progress.h"
#include "base/random.h"
#include "embed/embedder.h"
#include "embed/publish.h"
#include "learn/encoder_table_private.h"
#include "learn/train_private.h"
#include "math/mat.h"
#include "math/vec.h"
#include "model/model.h"
#include "support/scratch.h"
#include "support/toy.h"

#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { WORDS = 120, D = 6, WIDE = 4, BATCH = 9, PAIRS = 400 };

static struct scratch scratch;
static char *pairs_path, *dev_path, *scored_path;

/* Words come in synonyms, 2k and 2k + 1; every third word says nothing. */
static void add_side(char *text, size_t size, uint64_t *random, const uint32_t *topics)
{
	char word[8];

	for (size_t i = 0; i < 3; i++)
		(void)snprintf(text + strlen(text), size - strlen(text), "%s ",
			       toy_word(word, topics[i] * 2 + (uint32_t)random_below(random, 2)));
	(void)snprintf(text + strlen(text), size - strlen(text), "%s",
		       toy_word(word, 80 + (uint32_t)random_below(random, 40)));
}

static void make_files(void)
{
	static char pairs[100000], scored[100000];
	uint64_t random = 11;

	for (size_t i = 0; i < PAIRS; i++) {
		uint32_t topics[6];
		char score[16];

		for (size_t k = 0; k < 6; k++)
			topics[k] = (uint32_t)random_below(&random, 40);
		add_side(pairs + strlen(pairs), 200, &random, topics);
		(void)strcat(pairs, "\t");
		add_side(pairs + strlen(pairs), 200, &random, topics);
		(void)strcat(pairs, "\n");
		/* As many topics in common as the score says. */
		add_side(scored + strlen(scored), 200, &random, topics);
		(void)strcat(scored, "\t");
		add_side(scored + strlen(scored), 200, &random, topics + i % 4);
		(void)snprintf(score, sizeof(score), "\t%zu\n", 3 - i % 4);
		(void)strcat(scored, score);
	}
	pairs_path = scratch_file(&scratch, "pairs.tsv", pairs);
	dev_path = scratch_file(&scratch, "dev.tsv", scored);
	scored_path = scratch_file(&scratch, "scored.tsv", scored);
}

static struct model *toy(enum method method, enum rows_type type)
{
	bool projected = method == METHOD_WHITEN;
	bool removed = method == METHOD_SIF;

	return toy_model((struct toy){ .n = WORDS,
				       .d = D,
				       .k = removed ? 2 : 0,
				       .d_out = projected ? WIDE : 0,
				       .type = type,
				       .method = method,
				       .seed = 3 });
}

static struct train_options options(enum train_learn learn, bool scored)
{
	static const char *files[1], *dev[1];
	struct train_options o = train_options_default(learn, scored, false);

	files[0] = scored ? scored_path : pairs_path;
	dev[0] = dev_path;
	o.files = files;
	o.files_n = 1;
	o.dev = dev;
	o.dev_n = 1;
	o.batch = 32;
	o.seed = 1;
	o.workers = 1;
	return o;
}

static struct model *train(struct model *m, const struct train_options *o, struct train_report *r)
{
	struct err err = { 0 };
	struct model *trained = train_model(m, m->facts.method, o, r, NULL, &err);

	if (!trained)
		fail_msg("%s", err.text);
	return trained;
}

/* The loss of a batch by its definition, in doubles, with parts of the table changed by hand. */
static double loss_of(const struct training *t, const struct pair *pairs, size_t n)
{
	const struct table *table = (const struct table *)t->encoder;
	double v[2 * BATCH][D];
	double loss = 0;

	for (size_t s = 0; s < 2 * n; s++) {
		size_t text = s < n ? pairs[s].a : pairs[s - n].b;
		double x[D] = { 0 };
		double norm = 0;
		size_t words_n;
		const uint32_t *words = texts_words(t->pairs.texts, (uint32_t)text, &words_n);

		for (size_t j = 0; j < words_n; j++)
			for (size_t k = 0; k < table->d; k++)
				x[k] += exp((double)table->logs.x[words[j]]) *
					(double)table->rows.x[words[j] * table->d + k];
		for (size_t o = 0; o < table->d_out; o++) {
			v[s][o] = table->matrix.x ? 0 : x[o];
			for (size_t k = 0; k < table->d && table->matrix.x; k++)
				v[s][o] += x[k] * (double)table->matrix.x[k * table->d_out + o];
			norm += v[s][o] * v[s][o];
		}
		for (size_t o = 0; o < table->d_out; o++)
			v[s][o] /= sqrt(norm);
	}
	for (size_t i = 0; i < n; i++) {
		double row = 0;
		double column = 0;
		double own = 0;

		for (size_t j = 0; j < n; j++) {
			double a = 0;
			double b = 0;

			for (size_t o = 0; o < table->d_out; o++) {
				a += v[i][o] * v[n + j][o];
				b += v[j][o] * v[n + i][o];
			}
			row += exp(a / 0.5);
			column += exp(b / 0.5);
			own = i == j ? a : own;
		}
		loss += log(row) + log(column) - 2 * own / 0.5;
	}
	return loss / (2 * (double)n);
}

/* Adam's first moment after one step is a tenth of the gradient. */
static void check_part(struct training *t, const struct param *part, const struct param *moved,
		       const struct pair *pairs, size_t n, double l2)
{
	for (size_t i = 0; i < part->n; i++) {
		const float step = 1e-2f;
		float at = part->x[i];
		double slope;
		double far;

		part->x[i] = at + step;
		slope = loss_of(t, pairs, n);
		far = (double)part->x[i];
		part->x[i] = at - step;
		slope = (slope - loss_of(t, pairs, n)) / (far - (double)part->x[i]);
		part->x[i] = at;
		if (part->from && moved->m[i] != 0)
			slope += l2 * ((double)at - (double)part->from[i]);
		if (fabs(slope - 10 * (double)moved->m[i]) > 2e-3 * (0.1 + fabs(slope)))
			fail_msg("element %zu: %f, not %f", i, 10 * (double)moved->m[i], slope);
	}
}

static void layers_are_finite_differences(void **state)
{
	(void)state;
	for (int matrix = 0; matrix < 2; matrix++) {
		struct err err = { 0 };
		struct model *m = toy(matrix ? METHOD_WHITEN : METHOD_SUM, ROWS_F32);
		struct train_options o = options(TRAIN_VECTORS, false);
		struct training t = { .m = m, .start = m->facts.method, .o = &o };
		struct train_report report;
		struct table *table;
		double loss;
		size_t n;
		const struct pair *pairs;

		o.dev_n = 0;
		o.batch = BATCH;
		o.matrix = matrix;
		o.l2 = 0.1;
		o.objective.temperature = 0.5f;
		o.rate = o.weight_rate = o.matrix_rate = 1e-9; /* so the parameters stay */
		o.workers = 2;
		assert_int_equal(training_begin(&t, &report, NULL, &err), 0);
		table = (struct table *)t.encoder;
		for (size_t i = 0; i < table->rows.n; i++)
			table->rows.from[i] += i % 2 ? 0.3f : -0.2f;
		for (size_t i = 0; i < table->logs.n; i++)
			table->logs.x[i] += i % 3 ? 0.5f : -0.5f;
		assert_int_equal(steps_begin(&t, 0, &err), 0);
		assert_int_equal(steps_take(&t, 0, 1, 1, &loss, &n, &err), 0);
		pairs = t.epoch.pairs + t.epoch.batches[0].start;
		assert_true(fabs(loss - loss_of(&t, pairs, n)) < 1e-5);
		check_part(&t, &table->logs, &table->logs, pairs, n, o.l2);
		check_part(&t, &table->rows, &table->rows, pairs, n, o.l2);
		if (matrix)
			check_part(&t, &table->matrix, &table->matrix, pairs, n, 0);
		training_free(&t);
		model_release(m);
	}
}

/* The dev score at the start, and the best one after training. */
static void check_learning(struct train_options o)
{
	struct model *m = toy(METHOD_WHITEN, ROWS_F32);
	struct train_report r;
	struct model *trained;

	o.loop.epochs = 40;
	o.workers = 2;
	o.weight_rate = 0.05;
	o.rate = 0.02;
	trained = train(m, &o, &r);
	assert_int_equal(trained->facts.method, METHOD_LEARNED);
	assert_int_equal(r.pairs, PAIRS);
	assert_true(r.loop.best_step > 0);
	model_release(trained);
	/* Words' weights alone cannot make synonyms alike. */
	assert_true(r.loop.best_score > r.loop.first_score + (o.learn == TRAIN_VECTORS ? 20 : 1));
	model_release(m);
}

static void it_learns(void **state)
{
	(void)state;
	for (int kind = 0; kind < OBJECTIVES; kind++)
		for (int learn = 0; learn < 2; learn++) {
			bool scored = objective_scored((enum objective_kind)kind);
			struct train_options o = options((enum train_learn)learn, scored);

			o.objective.kind = (enum objective_kind)kind;
			check_learning(o);
		}
}

static bool same_rows(const struct model *a, const struct model *b)
{
	return strcmp(a->fingerprint, b->fingerprint) == 0;
}

static void seeds_make_the_bits(void **state)
{
	struct model *m = toy(METHOD_WHITEN, ROWS_F32);
	struct train_options o = options(TRAIN_VECTORS, false);
	struct train_report r;

	(void)state;
	for (size_t workers = 1; workers <= 3; workers++)
		for (int kind = 0; kind < OBJECTIVE_PEARSON; kind++) {
			struct model *a, *b, *c;

			o.workers = workers;
			o.objective.kind = (enum objective_kind)kind;
			o.objective.negatives = NEGATIVES_MIX;
			o.seed = 1;
			a = train(m, &o, &r);
			b = train(m, &o, &r);
			o.seed = 2;
			c = train(m, &o, &r);
			assert_true(same_rows(a, b));
			assert_false(same_rows(a, c));
			model_release(a);
			model_release(b);
			model_release(c);
		}
	model_release(m);
}

/* Asks the run to stop once it is under way. */
static void *interrupt(void *context)
{
	struct progress *progress = context;

	while (atomic_load(&progress->done) < (uint64_t)PAIRS * 3)
		(void)sched_yield();
	atomic_store(&progress->cancel, true);
	return NULL;
}

/* Stopped in the middle, at whatever step, and gone on with: the bits of one run. */
static void resumed_has_the_same_bits(void **state)
{
	char *path = strdup(scratch_path(&scratch, "checkpoint"));
	struct model *m = toy(METHOD_WHITEN, ROWS_F32);
	struct train_options o = options(TRAIN_VECTORS, false);
	struct train_report r;
	struct model *whole;
	struct model *resumed;
	struct progress progress = { 0 };
	pthread_t thread;
	struct err err = { 0 };

	(void)state;
	o.workers = 2;
	o.loop.epochs = 60;
	o.l2 = 0.01;
	whole = train(m, &o, &r);
	o.loop.checkpoint = path;
	o.loop.resume = true;
	assert_int_equal(pthread_create(&thread, NULL, interrupt, &progress), 0);
	assert_null(train_model(m, METHOD_WHITEN, &o, &r, &progress, &err));
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_true(r.loop.steps > 30);
	assert_int_equal(err.code, ERR_CANCELLED);
	assert_int_equal(access(path, R_OK), 0);
	resumed = train(m, &o, &r);
	assert_true(r.loop.resumed);
	assert_true(same_rows(whole, resumed));
	model_release(resumed);
	/* Another seed is another run. */
	o.seed = 5;
	assert_int_equal(train_model(m, METHOD_WHITEN, &o, &r, NULL, &err) == NULL, 1);
	assert_non_null(strstr(err.text, "another run"));
	model_release(whole);
	model_release(m);
	(void)unlink(path);
	free(path);
}

static void embed(struct model *m, const char *text, float *to)
{
	struct err err = { 0 };
	struct embedder *s = embedder_new(m, m->facts.method, &err);

	assert_non_null(s);
	assert_int_equal(embedder_embed(s, text, strlen(text), true, to, NULL, &err), 0);
	embedder_free(s);
}

/* With rates of 0 what comes out gives the vectors that the start's method gave, in every number format. */
static void the_start_is_the_method(void **state)
{
	static const enum method methods[] = { METHOD_SUM, METHOD_WEIGHTED, METHOD_SIF, METHOD_WHITEN,
					       METHOD_LEARNED };

	(void)state;
	for (size_t k = 0; k < sizeof(methods) / sizeof(methods[0]); k++)
		for (int learn = 0; learn < 2; learn++)
			for (int type = ROWS_F32; type <= ROWS_I8; type++) {
				struct model *m = toy(methods[k], (enum rows_type)type);
				struct train_options o = options((enum train_learn)learn, false);
				struct train_report r;
				struct model *trained;
				float a[D], b[D];

				o.loop.epochs = 1;
				o.dev_n = 0;
				o.weight_rate = o.rate = o.matrix_rate = 0;
				trained = train(m, &o, &r);
				assert_int_equal(trained->rows.type, type);
				for (uint32_t i = 0; i < WORDS; i += 7) {
					char text[40], x[8], y[8];

					(void)snprintf(text, sizeof(text), "%s %s", toy_word(x, i),
						       toy_word(y, WORDS - 1 - i));
					embed(m, text, a);
					embed(trained, text, b);
					for (size_t j = 0; j < model_dimension(m, methods[k]); j++)
						assert_true(fabsf(a[j] - b[j]) <
							    (type == ROWS_F32 ? 1e-4f : 0.05f));
				}
				model_release(trained);
				model_release(m);
			}
}

/* A run whose dev sets like the start best makes no model, and says so. */
static void nothing_learnt_is_said(void **state)
{
	struct model *m = toy(METHOD_WHITEN, ROWS_F32);
	struct train_options o = options(TRAIN_VECTORS, false);
	struct train_report r;
	struct err err = { 0 };

	(void)state;
	o.weight_rate = o.rate = o.matrix_rate = 0;
	assert_null(train_model(m, METHOD_WHITEN, &o, &r, NULL, &err));
	assert_int_equal(err.code, ERR_INPUT);
	assert_non_null(strstr(err.text, "nothing was learnt: the start was best"));
	assert_int_equal(r.loop.best_step, 0);
	model_release(m);
}

/* Weights go into an overlay of a few bytes a word, which is opened and served. */
static void weights_are_an_overlay(void **state)
{
	struct err err = { 0 };
	struct model *toys = toy(METHOD_WHITEN, ROWS_F32);
	char *base_path = strdup(scratch_path(&scratch, "base.safetensors"));
	char *path = strdup(scratch_path(&scratch, "over.safetensors"));
	struct train_options o = options(TRAIN_WEIGHTS, false);
	struct train_report r;
	struct model *base, *trained, *opened;
	float a[D], b[D];

	(void)state;
	assert_int_equal(publish_model(toys, base_path, false, &err), 0);
	base = publish_open(base_path, NULL, &err);
	assert_non_null(base);
	trained = train(base, &o, &r);
	assert_int_equal(publish_model(trained, path, true, &err), 0);
	opened = publish_open(path, NULL, &err);
	assert_non_null(opened);
	assert_ptr_not_equal(opened->base, NULL);
	embed(trained, "wa web wc wib", a);
	embed(opened, "wa web wc wib", b);
	assert_memory_equal(a, b, WIDE * sizeof(float));
	assert_int_equal(model_verify(path, NULL, &err), 0);
	model_release(opened);
	model_release(trained);
	model_release(base);
	model_release(toys);
	free(base_path);
	free(path);
}

static void wide_and_narrow(void **state)
{
	(void)state;
	for (size_t wide = 2; wide <= 9; wide += 7) {
		struct model *m = toy(METHOD_WEIGHTED, ROWS_F32);
		struct train_options o = options(TRAIN_VECTORS, false);
		struct train_report r;
		struct model *trained;

		o.dimensions = wide;
		trained = train(m, &o, &r);
		assert_int_equal(trained->rows.d, wide);
		assert_int_equal(model_dimension(trained, METHOD_LEARNED), wide);
		model_release(trained);
		model_release(m);
	}
}

static void refused(struct train_options o, const char *param)
{
	struct model *m = toy(METHOD_WHITEN, ROWS_F32);
	struct train_report r;
	struct err err = { 0 };

	assert_null(train_model(m, METHOD_WHITEN, &o, &r, NULL, &err));
	assert_int_equal(err.code, ERR_INPUT);
	assert_string_equal(err.param, param);
	model_release(m);
}

static void options_have_bounds(void **state)
{
	struct train_options o = options(TRAIN_VECTORS, false);
	struct train_options bad;

	(void)state;
	bad = o, bad.files_n = 0, refused(bad, "pairs");
	bad = o, bad.batch = 1, refused(bad, "batch");
	bad = o, bad.batch = 1 << 20, refused(bad, "batch");
	bad = o, bad.loop.epochs = 0, refused(bad, "epochs");
	bad = o, bad.objective.temperature = 0, refused(bad, "temperature");
	bad = o, bad.objective.temperature = NAN, refused(bad, "temperature");
	bad = o, bad.objective.margin = -1, refused(bad, "margin");
	bad = o, bad.rate = -1, refused(bad, "lr");
	bad = o, bad.matrix_rate = (double)INFINITY, refused(bad, "lr_matrix");
	bad = o, bad.l2 = -1, refused(bad, "l2");
	bad = o, bad.loop.warmup = 1, refused(bad, "warmup");
	bad = o, bad.dimensions = 1 << 20, refused(bad, "dimensions");
}

static int setup(void **state)
{
	(void)state;
	scratch_open(&scratch);
	make_files();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	scratch_close(&scratch);
	free(pairs_path);
	free(dev_path);
	free(scored_path);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(layers_are_finite_differences), cmocka_unit_test(it_learns),
		cmocka_unit_test(seeds_make_the_bits),		 cmocka_unit_test(resumed_has_the_same_bits),
		cmocka_unit_test(the_start_is_the_method),	 cmocka_unit_test(nothing_learnt_is_said),
		cmocka_unit_test(weights_are_an_overlay),	 cmocka_unit_test(wide_and_narrow),
		cmocka_unit_test(options_have_bounds),
	};

	vec_init();
	mat_init();
	return cmocka_run_group_tests(tests, setup, teardown);
}
