/*
 * An LSTM from a teacher: gradients against finite differences; better than the table it starts from,
 * where order matters; the same bits for any number of workers, resumed or not, stored and read; models that
 * do not fit.
 */
#include "base/err.h"
#include "base/progress.h"
#include "base/random.h"
#include "embed/embedder.h"
#include "embed/publish.h"
#include "learn/encoder_lstm_private.h"
#include "learn/texts.h"
#include "learn/train_private.h"
#include "math/mat.h"
#include "math/vec.h"
#include "model/model.h"
#include "support/scratch.h"
#include "support/taught.h"
#include "support/toy.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { WORDS = 60, D = 12, H = 8 };

static struct scratch scratch;
static struct taught taught;
static struct model *teacher, *table;

static struct train_options common(struct train_options o)
{
	o.teacher = taught.teacher;
	o.texts = taught.texts;
	o.draws = taught.draws;
	o.workers = 1;
	return o;
}

static struct train_options options(void)
{
	struct train_options o = train_options_default(TRAIN_LSTM, false, true);

	o = common(o);
	o.batch = 300;
	o.states = H;
	o.loop.epochs = 8;
	return o;
}

static struct model *distil(const struct train_options *o, struct train_report *report)
{
	struct err err = { 0 };
	struct model *distilled = train_model(table, METHOD_SUM, o, report, NULL, &err);

	if (!distilled)
		fail_msg("%s", err.text);
	return distilled;
}

/* ---- gradients ---- */

/* The batch whose gradient is looked at: texts of one length. */
static size_t batch_at;

static double loss_of(struct training *t)
{
	const struct teacher_batch *b = &t->teacher.batches[batch_at];
	struct err err;
	double loss;
	size_t n;

	assert_int_equal(steps_learn(t, batch_at, 1, &loss, &n, &err), 0);
	return loss * (double)b->n * (double)b->share;
}

static double slope(struct training *t, float *parameter, float step)
{
	float kept = *parameter;
	double losses[2];

	for (int side = 0; side < 2; side++) {
		*parameter = kept + (side ? step : -step);
		losses[side] = loss_of(t);
	}
	*parameter = kept;
	return (losses[1] - losses[0]) / (2 * (double)step);
}

/* The batch's gradient by number k of word `word`'s row: what its places add up to. */
static double d_row(const struct encoder_lstm *e, uint32_t word, size_t k)
{
	const struct word_places *at = &e->places;
	double sum = 0.0;

	for (size_t i = 0; i < at->words_n; i++)
		for (size_t p = at->starts[i]; at->words[i] == word && p < at->starts[i + 1]; p++)
			sum += (double)e->d_rows[at->places[p] * D + k];
	return sum;
}

static size_t length_of(const struct training *t, size_t batch)
{
	size_t n;

	(void)texts_words(t->teacher.texts, t->teacher.order[t->teacher.batches[batch].start], &n);
	return n;
}

/* Against finite differences, from parameters that are not those of the start. */
static void check_gradients(struct training *t, struct encoder_lstm *e)
{
	uint64_t random = 11;
	float *gradient = malloc(e->lstm.n * sizeof(*gradient));

	assert_non_null(gradient);
	for (size_t i = 0; i < e->lstm.n; i++) /* W and v too, which start at 0 */
		e->lstm.x[i] += 0.4f * (random_unit(&random) - 0.5f);
	for (batch_at = 0; length_of(t, batch_at) != 4; batch_at++)
		;
	(void)loss_of(t);
	memcpy(gradient, e->parts[0].gradient, e->lstm.n * sizeof(*gradient));
	for (size_t i = 0; i < e->lstm.n; i += 7) {
		double found = slope(t, &e->lstm.x[i], 1e-2f);

		if (fabs(found - (double)gradient[i]) > 5e-4)
			fail_msg("parameter %zu: %g, not %g", i, (double)gradient[i], found);
	}
	free(gradient);
	for (uint32_t word = 0; word < e->task.words->n; word += 5) {
		float length = vec_norm(e->rows.x + word * D, D);

		for (size_t k = 0; k < D; k++) {
			double told;
			double found;

			(void)loss_of(t);
			told = d_row(e, word, k);
			found = slope(t, &e->rows.x[word * D + k], 5e-3f * length);
			if (fabs(found - told) > 2e-3 * (1 + fabs(found)))
				fail_msg("word %u, %zu: %g, not %g (length %g)", word, k, told, found,
					 (double)length);
		}
	}
}

static void gradients_are_those_of_the_loss(void **state)
{
	(void)state;
	for (size_t layers = 1; layers <= 2; layers++) {
		struct train_options o = options();
		struct training t = { .m = table, .o = &o };
		struct train_report report;
		struct err err = { 0 };

		o.static_share = 0.0; /* which the reported loss leaves out */
		o.layers = layers;
		assert_int_equal(training_begin(&t, &report, NULL, &err), 0);
		assert_int_equal(steps_begin(&t, 0, &err), 0);
		check_gradients(&t, (struct encoder_lstm *)t.encoder);
		training_free(&t);
	}
}

/* ---- what it learns ---- */

static void beats_the_sum_where_order_counts(void **state)
{
	struct train_options o = options();
	struct train_report start, end;
	struct model *distilled;

	(void)state;
	o.rate = 1e-9;
	o.rows_rate = 0.0;
	o.loop.epochs = 1;
	model_release(distil(&o, &start));
	o = options();
	distilled = distil(&o, &end);
	print_message("loss %.4f -> %.4f\n", start.loop.loss, end.loop.loss);
	assert_true(end.loop.loss < 0.8 * start.loop.loss);
	assert_int_equal(distilled->facts.method, METHOD_LEARNED);
	assert_true(model_has(distilled, METHOD_LSTM));
	assert_int_equal(model_dimension(distilled, METHOD_LSTM), D);
	model_release(distilled);
}

static void workers_do_not_matter(void **state)
{
	struct train_options o = options();
	struct train_report report;
	struct model *one;

	(void)state;
	o.loop.epochs = 1;
	one = distil(&o, &report);
	for (o.workers = 2; o.workers <= 5; o.workers++) {
		struct model *more = distil(&o, &report);

		assert_string_equal(more->fingerprint, one->fingerprint);
		model_release(more);
	}
	model_release(one);
}

/* Stops when a second has gone by, as a killed run does. */
static void goes_on_where_it_was_stopped(void **state)
{
	struct train_options o = options();
	struct train_report report;
	struct progress stop = { .cancel = true };
	struct err err = { 0 };
	struct model *whole, *resumed;

	(void)state;
	o.loop.epochs = 2;
	whole = distil(&o, &report);
	o.loop.checkpoint = scratch_file(&scratch, "lstm.checkpoint", "");
	assert_int_equal(remove(o.loop.checkpoint), 0);
	assert_null(train_model(table, METHOD_SUM, &o, &report, &stop, &err));
	assert_int_equal(err.code, ERR_CANCELLED);
	o.loop.resume = true;
	resumed = distil(&o, &report);
	assert_true(report.loop.resumed);
	assert_string_equal(resumed->fingerprint, whole->fingerprint);
	model_release(resumed);
	model_release(whole);
	free((char *)(uintptr_t)o.loop.checkpoint);
}

/* ---- what it writes ---- */

static void embed(struct model *model, const char *text, float *vector)
{
	struct err err = { 0 };
	struct embedder *e = embedder_new(model, METHOD_LSTM, &err);
	struct seen seen;

	assert_non_null(e);
	assert_int_equal(embedder_embed(e, text, strlen(text), true, vector, &seen, &err), 0);
	assert_true(seen.known > 0);
	embedder_free(e);
}

static void is_stored_in_every_type(void **state)
{
	static const char text[] = "waa wab wac wad wae";
	float exact[D], stored[D], read[D];

	(void)state;
	for (int type = ROWS_F32; type <= ROWS_I8; type++) {
		struct train_options o = options();
		char *path = scratch_file(&scratch, "stored.safetensors", "");
		struct train_report report;
		struct err err = { 0 };
		struct model *made, *opened;

		o.type = (enum rows_type)type;
		o.loop.epochs = 2;
		made = distil(&o, &report);
		assert_int_equal(publish_model(made, path, false, &err), 0);
		opened = model_open(path, NULL, &err);
		if (!opened)
			fail_msg("%s", err.text);
		assert_string_equal(opened->fingerprint, made->fingerprint);
		embed(made, text, stored);
		embed(opened, text, read);
		assert_memory_equal(read, stored, sizeof(stored));
		if (type == ROWS_F32)
			memcpy(exact, stored, sizeof(exact));
		assert_true(vec_cosine(exact, stored, D) > 0.999f);
		model_release(opened);
		model_release(made);
		free(path);
	}
}

static void refuses_what_does_not_fit(void **state)
{
	struct train_options o = options();
	struct train_report report;
	struct err err = { 0 };

	(void)state;
	assert_null(train_model(teacher, METHOD_SUM, &o, &report, NULL, &err));
	assert_non_null(strstr(err.text, "learn them first"));
	o.states = 4;
	assert_null(train_model(table, METHOD_SUM, &o, &report, NULL, &err));
	assert_string_equal(err.param, "states");
	o = options();
	o.batch = 8;
	assert_null(train_model(table, METHOD_SUM, &o, &report, NULL, &err));
	assert_string_equal(err.param, "batch");
}

/* Rows that point elsewhere are no start. */
static void refuses_another_teachers_rows(void **state)
{
	struct model *other = toy_model(
		(struct toy){ .n = WORDS, .d = D, .type = ROWS_F32, .method = METHOD_SUM, .seed = 99 });
	struct model parts = *other;
	struct train_options o = options();
	struct train_report report;
	struct err err = { 0 };
	struct model *learned;

	(void)state;
	parts.facts.method = METHOD_LEARNED;
	parts.weights = NULL;
	learned = model_of_parts(&parts, NULL, &err);
	assert_non_null(learned);
	assert_null(train_model(learned, METHOD_SUM, &o, &report, NULL, &err));
	assert_non_null(strstr(err.text, "other vectors than the teacher's"));
	model_release(learned);
	model_release(other);
}

static int start(void **state)
{
	struct train_options o;
	struct train_report report;
	struct err err = { 0 };

	(void)state;
	vec_init();
	mat_init();
	scratch_open(&scratch);
	teacher = toy_model(
		(struct toy){ .n = WORDS, .d = D, .type = ROWS_F32, .method = METHOD_WEIGHTED, .seed = 7 });
	taught = taught_make(&scratch, teacher, WORDS, true);
	o = common(train_options_default(TRAIN_VECTORS, false, true));
	o.batch = 100;
	o.loop.epochs = 10;
	table = train_model(teacher, METHOD_SUM, &o, &report, NULL, &err);
	if (!table)
		fail_msg("%s", err.text);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	model_release(table);
	model_release(teacher);
	free(taught.texts);
	free(taught.draws);
	free(taught.teacher);
	scratch_close(&scratch);
	return toy_alive();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gradients_are_those_of_the_loss),
		cmocka_unit_test(beats_the_sum_where_order_counts),
		cmocka_unit_test(workers_do_not_matter),
		cmocka_unit_test(goes_on_where_it_was_stopped),
		cmocka_unit_test(is_stored_in_every_type),
		cmocka_unit_test(refuses_what_does_not_fit),
		cmocka_unit_test(refuses_another_teachers_rows),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
