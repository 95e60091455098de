/*
 * Every encoder with every kind of data, where no other test looks: the pooling residual from pairs, two
 * layers from a teacher, teacher and pairs together.  Each learns, gives the same bits for any number of
 * workers, and makes a model that can be written and opened.
 */
#include "base/err.h"
#include "embed/embedder.h"
#include "embed/publish.h"
#include "learn/train.h"
#include "math/mat.h"
#include "math/vec.h"
#include "model/model.h"
#include "support/scratch.h"
#include "support/taught.h"
#include "support/toy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { WORDS = 60, D = 12, H = 8, PAIRS = 200, PAIR_BYTES = 64 };

static struct scratch scratch;
static struct taught taught;
static struct model *words_model, *table; /* the teacher's words; rows learnt from the teacher */
static char *pairs_path, *dev_path;
static const char *files[1], *dev[1];

/*
 * Texts of two words; the other half of a pair has synonyms: word i and word WORDS - 1 - i.  scored: with 1
 * behind them, and every second time with other words and 0.
 */
static char *make_pairs(const char *name, bool scored)
{
	char *text = malloc((size_t)PAIRS * PAIR_BYTES);
	char *path;
	size_t at = 0;
	uint64_t random = 3;

	assert_non_null(text);
	for (size_t i = 0; i < PAIRS; i++) {
		uint32_t a = toy_random(&random) % WORDS;
		uint32_t b = toy_random(&random) % WORDS;
		uint32_t other = scored && i % 2 ? 7 : 0;
		char w[4][8];

		at += (size_t)snprintf(text + at, PAIR_BYTES, "%s %s\t%s %s%s\n", toy_word(w[0], a),
				       toy_word(w[1], b), toy_word(w[2], (2 * WORDS - 1 - a - other) % WORDS),
				       toy_word(w[3], (2 * WORDS - 1 - b - other) % WORDS),
				       !scored ? ""
				       : other ? "\t0"
					       : "\t1");
	}
	path = scratch_file(&scratch, name, text);
	free(text);
	return path;
}

static struct train_options options(enum train_learn learn, bool pairs, bool teacher)
{
	struct train_options o = train_options_default(learn, false, teacher);

	if (pairs) {
		o.files = files;
		o.files_n = 1;
	}
	if (teacher) {
		o.teacher = taught.teacher;
		o.texts = taught.texts;
		o.draws = taught.draws;
	}
	o.batch = teacher && learn == TRAIN_LSTM ? 400 : 40;
	o.loop.epochs = 10;
	o.states = H;
	o.workers = 2;
	return o;
}

static struct model *train(struct model *m, const struct train_options *o, struct train_report *r)
{
	struct err err = { 0 };
	struct model *trained = train_model(m, METHOD_SUM, o, r, NULL, &err);

	if (!trained)
		fail_msg("%s", err.text);
	return trained;
}

/*
 * The trained model: its loss at most `better` times that of the start, or its dev score better by so much;
 * of the same bits for any number of workers; opened again.
 */
static struct model *check(struct model *m, struct train_options o, double better, struct train_report *r)
{
	char *path = scratch_file(&scratch, "cell.safetensors", "");
	struct train_options still = o;
	struct train_report start;
	struct err err = { 0 };
	struct model *trained, *opened;

	still.rate = 1e-9;
	still.rows_rate = o.rows_rate > 0 ? 1e-9 : 0;
	trained = train(m, &o, r);
	if (o.dev_n == 0) {
		model_release(train(m, &still, &start));
		if (!(r->loop.loss < better * start.loop.loss))
			fail_msg("loss %.4f, at the start %.4f", r->loop.loss, start.loop.loss);
	} else if (!(r->loop.best_score > r->loop.first_score + better)) {
		fail_msg("dev %.2f, at the start %.2f", r->loop.best_score, r->loop.first_score);
	}
	for (o.workers = 1; o.workers <= 5; o.workers += 4) {
		struct model *again = train(m, &o, r);

		assert_string_equal(again->fingerprint, trained->fingerprint);
		model_release(again);
	}
	assert_int_equal(publish_model(trained, path, false, &err), 0);
	opened = model_open(path, NULL, &err);
	if (!opened)
		fail_msg("%s", err.text);
	assert_string_equal(opened->fingerprint, trained->fingerprint);
	model_release(trained);
	free(path);
	return opened;
}

static bool same_rows(const struct model *a, const struct model *b)
{
	return a->rows.type == b->rows.type &&
	       memcmp(a->rows.data, b->rows.data, a->rows.n * a->rows.d * rows_type_size(a->rows.type)) == 0;
}

static void the_residual_is_learnt_from_pairs(void **state)
{
	struct train_options o = options(TRAIN_LSTM, true, false);
	struct train_report r;
	struct model *trained;

	(void)state;
	o.pooling = POOLING_RESIDUAL;
	o.rate = 1e-2;
	trained = check(table, o, 0.9, &r);
	assert_int_equal(model_dimension(trained, METHOD_LSTM), D);
	assert_true(same_rows(trained, table)); /* rows stay unless they have a rate */
	model_release(trained);
	o.rows_rate = 1e-2;
	trained = check(table, o, 0.9, &r);
	assert_false(same_rows(trained, table));
	assert_true(model_has(trained, METHOD_LEARNED) && model_has(trained, METHOD_LSTM));
	model_release(trained);
}

/* What was learnt from pairs goes on with the LSTM that the model has. */
static void the_residual_goes_on(void **state)
{
	struct train_options o = options(TRAIN_LSTM, true, false);
	struct train_report r, more;
	struct model *once, *twice;

	(void)state;
	o.pooling = POOLING_RESIDUAL;
	o.rate = 1e-2;
	once = train(table, &o, &r);
	o.rate = 1e-9;
	twice = train(once, &o, &more);
	assert_true(more.loop.loss < 1.2 * r.loop.loss);
	model_release(twice);
	model_release(once);
}

static void two_layers_from_a_teacher(void **state)
{
	struct train_options o = options(TRAIN_LSTM, false, true);
	struct train_report r;
	struct model *trained;

	(void)state;
	o.layers = 2;
	o.rate = 1e-2;
	trained = check(table, o, 0.9, &r);
	assert_int_equal(trained->lstm.layers_n, 2);
	assert_int_equal(model_dimension(trained, METHOD_LSTM), D);
	model_release(trained);
}

static void teacher_and_pairs_together(void **state)
{
	struct train_options o = options(TRAIN_VECTORS, true, true);
	struct train_report r;

	(void)state;
	o.dev = dev;
	o.dev_n = 1;
	model_release(check(words_model, o, 10, &r));
	assert_true(r.pairs > 0 && r.drawn > 0);
	o = options(TRAIN_LSTM, true, true);
	o.dev = dev;
	o.dev_n = 1;
	o.rate = 1e-2;
	model_release(check(table, o, 10, &r));
	assert_true(r.pairs > 0 && r.drawn > 0);
}

/* Weights leave the rows alone, and so the LSTM that reads them; vectors change them, and the report says so.
 */
static void an_lstm_is_kept_where_it_stays_true(void **state)
{
	struct train_options o = options(TRAIN_LSTM, false, true);
	struct train_report r;
	struct model *both = train(table, &o, &r);
	struct model *trained;

	(void)state;
	o = options(TRAIN_WEIGHTS, true, false);
	trained = train(both, &o, &r);
	assert_true(model_has(trained, METHOD_LSTM));
	assert_false(r.lstm_dropped);
	model_release(trained);
	o = options(TRAIN_VECTORS, true, false);
	trained = train(both, &o, &r);
	assert_false(model_has(trained, METHOD_LSTM));
	assert_true(r.lstm_dropped);
	model_release(trained);
	trained = train(table, &o, &r);
	assert_false(r.lstm_dropped); /* there was none */
	model_release(trained);
	model_release(both);
}

static void refused(struct train_options o, const char *param)
{
	struct train_report r;
	struct err err = { 0 };

	assert_null(train_model(table, METHOD_SUM, &o, &r, NULL, &err));
	assert_string_equal(err.param, param);
}

static void refuses_what_has_no_meaning(void **state)
{
	struct train_options o = options(TRAIN_LSTM, false, true);

	(void)state;
	o.pooling = POOLING_MEAN;
	refused(o, "pooling");
	o = options(TRAIN_LSTM, true, false);
	o.rows_rate = 1e-3;
	refused(o, "lr_rows");
	o = options(TRAIN_WEIGHTS, false, true);
	refused(o, "learn");
	o = options(TRAIN_VECTORS, false, true);
	o.texts = NULL;
	refused(o, "texts");
}

static int start(void **state)
{
	struct train_options o;
	struct train_report r;

	(void)state;
	vec_init();
	mat_init();
	scratch_open(&scratch);
	words_model = toy_model(
		(struct toy){ .n = WORDS, .d = D, .type = ROWS_F32, .method = METHOD_WEIGHTED, .seed = 7 });
	taught = taught_make(&scratch, words_model, WORDS, true);
	files[0] = pairs_path = make_pairs("pairs.tsv", false);
	dev[0] = dev_path = make_pairs("dev.tsv", true);
	o = options(TRAIN_VECTORS, false, true);
	table = train(words_model, &o, &r);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	model_release(table);
	model_release(words_model);
	free(taught.texts);
	free(taught.draws);
	free(taught.teacher);
	free(pairs_path);
	free(dev_path);
	scratch_close(&scratch);
	return toy_alive();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_residual_is_learnt_from_pairs),
		cmocka_unit_test(the_residual_goes_on),
		cmocka_unit_test(two_layers_from_a_teacher),
		cmocka_unit_test(teacher_and_pairs_together),
		cmocka_unit_test(an_lstm_is_kept_where_it_stays_true),
		cmocka_unit_test(refuses_what_has_no_meaning),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
