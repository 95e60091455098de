/*
 * Training of an LSTM: better than its start; the same bits each
 * time, resumed or not; what comes out, written as an overlay; options out of range.
 */
#include "learn/train.h"

#include "base/err.h"
#include "base/progress.h"
#include "base/random.h"
#include "embed/embedder.h"
#include "embed/publish.h"
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

#include <cmocka.h>

enum { WORDS = 40, D = 8, PAIRS = 300, STATES = 16 };

static struct scratch scratch;
static char *pairs_path, *model_path;
static struct model *m;
static const char *files[1];

static void make_pairs(void)
{
	static char text[PAIRS * 64];
	uint64_t random = 8;

	for (size_t i = 0; i < PAIRS; i++) {
		char a[8], b[8], c[8];
		uint32_t x = (uint32_t)random_below(&random, WORDS);
		uint32_t y = (uint32_t)random_below(&random, WORDS);

		(void)snprintf(text + strlen(text), 64, "%s %s\t%s %s %s\n", toy_word(a, x), toy_word(b, y),
			       toy_word(a, x), toy_word(b, y),
			       toy_word(c, (uint32_t)random_below(&random, WORDS)));
	}
	pairs_path = scratch_file(&scratch, "pairs.tsv", text);
	files[0] = pairs_path;
}

static struct train_options common(void)
{
	struct train_options o = train_options_default(TRAIN_LSTM, false, false);

	o.files = files;
	o.files_n = 1;
	o.batch = 32;
	o.workers = 2;
	o.seed = 1;
	o.loop.epochs = 4;
	return o;
}

static struct model *train(const struct train_options *c, double rate, struct train_report *report)
{
	struct train_options o = *c;
	struct err err = { 0 };
	struct model *trained;

	o.states = STATES;
	o.rate = rate;
	trained = train_model(m, METHOD_SUM, &o, report, NULL, &err);
	if (!trained)
		fail_msg("%s", err.text);
	return trained;
}

static void embed(struct model *model, const char *text, float *vector)
{
	struct err err;
	struct embedder *s = embedder_new(model, METHOD_LSTM, &err);

	assert_non_null(s);
	assert_int_equal(embedder_embed(s, text, strlen(text), true, vector, NULL, &err), 0);
	embedder_free(s);
}

static void learns(void **state)
{
	struct train_options c = common();
	struct train_report start, end;
	struct model *trained;

	(void)state;
	model_release(train(&c, 1e-9, &start));
	c.loop.epochs = 30;
	trained = train(&c, 1e-2, &end);
	assert_true(end.loop.loss < 0.7 * start.loop.loss);
	assert_int_equal(trained->facts.method, METHOD_LSTM);
	assert_int_equal(model_dimension(trained, METHOD_LSTM), 2 * STATES);
	assert_true(model_has(trained, METHOD_WEIGHTED)); /* what the model had, it has */
	model_release(trained);
}

/* Every shape and pooling gets better than its start, and has the parts that it says. */
static void learns_in_every_shape(void **state)
{
	struct train_options c = common();
	struct train_options o = c;
	struct err err = { 0 };

	(void)state;
	o.states = STATES;
	for (size_t layers = 1; layers <= 2; layers++)
		for (size_t directions = 1; directions <= 2; directions++)
			for (int pooling = POOLING_MEAN; pooling <= POOLING_ATTENTION; pooling++) {
				struct train_report start, end;
				struct model *first, *trained;

				o.layers = layers;
				o.directions = directions;
				o.pooling = (enum pooling)pooling;
				o.rate = 1e-9;
				o.loop.epochs = 1;
				first = train_model(m, METHOD_SUM, &o, &start, NULL, &err);
				o.rate = 1e-2;
				o.loop.epochs = 20;
				trained = train_model(m, METHOD_SUM, &o, &end, NULL, &err);
				assert_non_null(first);
				assert_non_null(trained);
				assert_true(end.loop.loss < 0.85 * start.loop.loss);
				assert_int_equal(trained->lstm.layers_n, layers);
				assert_int_equal(model_dimension(trained, METHOD_LSTM), directions * STATES);
				assert_int_equal(trained->lstm.pooling, pooling);
				model_release(first);
				model_release(trained);
			}
}

static struct model *go_on(struct model *from, struct train_options *c, size_t layers, enum pooling pooling)
{
	struct train_options o = *c;
	struct train_report report;
	struct err err = { 0 };
	struct model *trained;

	o.states = STATES;
	o.layers = layers;
	o.pooling = pooling;
	o.rate = 1e-9;
	trained = train_model(from, METHOD_SUM, &o, &report, NULL, &err);
	if (!trained)
		fail_msg("%s", err.text);
	return trained;
}

static float weight_of(const struct model *from, size_t layer, size_t direction)
{
	return ((const float *)from->lstm.layers[layer].directions[direction].input.data)[5];
}

/* From an LSTM of the same shape, steps that are nearly nothing change nearly nothing; from another, all. */
static void goes_on_from_its_model(void **state)
{
	struct train_options c = common();
	struct model *two = go_on(m, &c, 2, POOLING_ATTENTION);
	struct model *again, *one;

	(void)state;
	c.seed = 9;
	again = go_on(two, &c, 2, POOLING_ATTENTION);
	one = go_on(two, &c, 1, POOLING_MEAN);
	for (size_t layer = 0; layer < 2; layer++)
		for (size_t i = 0; i < 2; i++)
			assert_true(fabsf(weight_of(two, layer, i) - weight_of(again, layer, i)) < 1e-6f);
	assert_true(fabsf(weight_of(two, 0, 0) - weight_of(one, 0, 0)) > 1e-6f);
	assert_int_equal(one->lstm.layers_n, 1);
	assert_null(one->lstm.attention);
	model_release(two);
	model_release(again);
	model_release(one);
}

static void the_same_bits_each_time(void **state)
{
	struct train_options c = common();
	struct train_report report;
	struct model *one = train(&c, 1e-2, &report);
	struct model *two = train(&c, 1e-2, &report);
	struct model *other;

	(void)state;
	assert_string_equal(one->fingerprint, two->fingerprint);
	c.seed = 2;
	other = train(&c, 1e-2, &report);
	assert_string_not_equal(one->fingerprint, other->fingerprint);
	model_release(one);
	model_release(two);
	model_release(other);
}

static void *cancel_later(void *context)
{
	struct progress *p = context;

	while (!atomic_load(&p->phase) || strcmp(atomic_load(&p->phase), "training") != 0 ||
	       atomic_load(&p->done) < 500)
		(void)sched_yield();
	atomic_store(&p->cancel, true);
	return NULL;
}

static void goes_on_where_it_was_stopped(void **state)
{
	struct train_options c = common();
	struct train_options o = c;
	struct train_report report;
	struct progress progress = { 0 };
	struct err err = { 0 };
	struct model *whole, *resumed;
	pthread_t thread;

	(void)state;
	c.loop.epochs = 40;
	whole = train(&c, o.rate, &report);
	c.loop.checkpoint = scratch_path(&scratch, "checkpoint");
	o = c;
	o.states = STATES;
	assert_int_equal(pthread_create(&thread, NULL, cancel_later, &progress), 0);
	assert_null(train_model(m, METHOD_SUM, &o, &report, &progress, &err));
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(err.code, ERR_CANCELLED);
	c.loop.resume = true;
	resumed = train(&c, o.rate, &report);
	assert_true(report.loop.resumed);
	assert_string_equal(resumed->fingerprint, whole->fingerprint);
	model_release(whole);
	model_release(resumed);
}

static void an_overlay_gives_the_same_bits(void **state)
{
	struct train_options c = common();
	struct train_report report;
	struct model *trained = train(&c, 1e-2, &report);
	struct err err = { 0 };
	const char *path = scratch_path(&scratch, "lstm.safetensors");
	struct model *opened;
	float a[2 * STATES], b[2 * STATES];

	(void)state;
	if (publish_model(trained, path, true, &err) || model_verify(path, scratch.folder, &err))
		fail_msg("%s", err.text);
	opened = model_open(path, scratch.folder, &err);
	assert_non_null(opened);
	assert_non_null(opened->base);
	embed(trained, "waa wab wac", a);
	embed(opened, "waa wab wac", b);
	assert_memory_equal(a, b, sizeof(a));
	model_release(opened);
	model_release(trained);
}

static void refuses_options_out_of_range(void **state)
{
	struct train_options c = common();
	struct train_options o = c;
	struct train_report report;
	struct err err = { 0 };

	(void)state;
	o.states = MODEL_LSTM_MAX + 1;
	assert_null(train_model(m, METHOD_SUM, &o, &report, NULL, &err));
	assert_string_equal(err.param, "states");
	o = c;
	o.dropout = 1;
	assert_null(train_model(m, METHOD_SUM, &o, &report, NULL, &err));
	assert_string_equal(err.param, "dropout");
	o = c;
	o.layers = 3;
	assert_null(train_model(m, METHOD_SUM, &o, &report, NULL, &err));
	assert_string_equal(err.param, "layers");
	o = c;
	o.pooling = (enum pooling)pooling_parse("most");
	assert_null(train_model(m, METHOD_SUM, &o, &report, NULL, &err));
	assert_string_equal(err.param, "pooling");
	o = c;
	o.batch = 1;
	assert_null(train_model(m, METHOD_SUM, &o, &report, NULL, &err));
	assert_string_equal(err.param, "batch");
}

static int start(void **state)
{
	struct err err = { 0 };
	struct model *toy;

	(void)state;
	vec_init();
	mat_init();
	scratch_open(&scratch);
	make_pairs();
	toy = toy_model(
		(struct toy){ .n = WORDS, .d = D, .type = ROWS_F32, .method = METHOD_WEIGHTED, .seed = 5 });
	model_path = strdup(scratch_path(&scratch, "base.safetensors"));
	if (publish_model(toy, model_path, false, &err))
		return -1;
	model_release(toy);
	m = model_open(model_path, NULL, &err);
	return m ? 0 : -1;
}

static int stop(void **state)
{
	(void)state;
	model_release(m);
	free(model_path);
	free(pairs_path);
	scratch_close(&scratch);
	return toy_alive();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(learns),
		cmocka_unit_test(learns_in_every_shape),
		cmocka_unit_test(goes_on_from_its_model),
		cmocka_unit_test(the_same_bits_each_time),
		cmocka_unit_test(goes_on_where_it_was_stopped),
		cmocka_unit_test(an_overlay_gives_the_same_bits),
		cmocka_unit_test(refuses_options_out_of_range),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
