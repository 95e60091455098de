/* Every row of every table of options: its bounds, by text and by JSON; its defaults; that no goal has two.
 */
#include "learn/params.h"

#include "base/buf.h"
#include "base/err.h"
#include "embed/embedder.h"
#include "embed/fit.h"
#include "learn/alacarte.h"
#include "learn/grow.h"
#include "model/import.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct {
	const char *name;
	const struct param_row *rows;
} tables[] = {
	{ "train", train_params }, { "alacarte", alacarte_params }, { "fit", fit_params },
	{ "grow", grow_params },   { "import", import_params },	    { "embed", embedder_params },
};

enum { TABLES = sizeof(tables) / sizeof(tables[0]) };

/* Room for the options of any table. */
union options {
	struct train_options train;
	struct alacarte_options alacarte;
	struct fit_options fit;
	struct import_options import;
};

/* The value by text and by JSON: both take it, or both refuse it with the same words. */
static bool taken(const struct param_row *rows, const struct param_row *row, unsigned goal, const char *text,
		  const char *json)
{
	union options by_text, by_json;
	struct err said = { 0 }, answered = { 0 };
	char label[80], object_text[400];
	json_t *object;
	bool good;

	memset(&by_text, 0, sizeof(by_text));
	memset(&by_json, 0, sizeof(by_json));
	(void)snprintf(label, sizeof(label), "`%s`", row->name);
	(void)snprintf(object_text, sizeof(object_text), "{\"%s\": %s}", row->name, json);
	object = json_read(object_text, strlen(object_text), (struct json_limits){ 4, 10 }, &answered);
	if (!object)
		fail_msg("%s: %s", object_text, answered.text);
	params_default(rows, goal, &by_text);
	good = param_set(row, &by_text, label, text, &said) == 0;
	if (good != (params_read(rows, goal, &by_json, object, &answered) == 0))
		fail_msg("%s: %s and %s: '%s', '%s'", row->name, text, json, said.text, answered.text);
	assert_string_equal(said.text, answered.text);
	if (good)
		assert_memory_equal(&by_text, &by_json, sizeof(by_text));
	else
		assert_string_equal(answered.param, row->name);
	json_decref(object);
	return good;
}

static void check_number(const struct param_row *rows, const struct param_row *row, unsigned goal,
			 long double value, bool good)
{
	char text[64];

	(void)snprintf(text, sizeof(text), row->kind == PARAM_COUNT ? "%.0Lf" : "%.17Lg", value);
	if (taken(rows, row, goal, text, text) != good)
		fail_msg("%s: %s is %s", row->name, text, good ? "refused" : "taken");
}

static void check_values(const struct param_row *rows, const struct param_row *row, unsigned goal)
{
	assert_false(row->kind != PARAM_TEXT && taken(rows, row, goal, "two", "\"two\""));
	if (row->kind == PARAM_COUNT || row->kind == PARAM_NUMBER) {
		check_number(rows, row, goal, row->least - 1, false);
		check_number(rows, row, goal, row->least, true);
		check_number(rows, row, goal, row->most, true);
		if (row->most < PARAM_MOST)
			check_number(rows, row, goal, row->most + 1, false);
		assert_false(row->kind == PARAM_COUNT && taken(rows, row, goal, "1.5", "1.5"));
	} else if (row->kind == PARAM_CHOICE) {
		for (size_t i = (size_t)row->least; i <= (size_t)row->most; i++) {
			char json[64];

			(void)snprintf(json, sizeof(json), "\"%s\"", row->choices[i]);
			assert_true(taken(rows, row, goal, row->choices[i], json));
		}
	} else if (row->kind == PARAM_FLAG) {
		assert_true(taken(rows, row, goal, "true", "true"));
		assert_true(taken(rows, row, goal, "no", "false"));
	}
}

static void both_ways_decide_alike(void **state)
{
	(void)state;
	for (size_t t = 0; t < TABLES; t++)
		for (unsigned bit = 0; bit < 32; bit++)
			for (const struct param_row *row = tables[t].rows; row->name; row++)
				if (params_find(tables[t].rows, row->name, 1U << bit) == row)
					check_values(tables[t].rows, row, 1U << bit);
}

static void a_goal_has_one_row_of_a_name(void **state)
{
	(void)state;
	for (size_t t = 0; t < TABLES; t++)
		for (const struct param_row *row = tables[t].rows; row->name; row++) {
			unsigned goals = 0;

			for (const struct param_default *d = row->defaults; d->goals; d++)
				goals |= d->goals;
			assert_true(goals && strlen(row->help) > 3);
			for (const struct param_row *other = tables[t].rows; other < row; other++)
				if (strcmp(row->name, other->name) == 0 &&
				    params_find(other, row->name, goals) == other)
					fail_msg("%s: two rows for a goal", row->name);
		}
}

/* What is said to be the default is a value that may be given. */
static void defaults_are_in_range(void **state)
{
	(void)state;
	for (size_t t = 0; t < TABLES; t++)
		for (const struct param_row *row = tables[t].rows; row->name; row++)
			for (const struct param_default *d = row->defaults; d->goals; d++) {
				if (row->usual || row->kind == PARAM_FLAG)
					continue;
				if (d->value < row->least || d->value > row->most)
					fail_msg("%s: its default is out of range", row->name);
			}
}

static void the_engines_check_too(void **state)
{
	struct train_options o = train_options_default(TRAIN_LSTM, false, true);
	struct fit_options fit = fit_options_default();
	struct err err = { 0 };

	(void)state;
	assert_int_equal(params_check(train_params, GOAL_LSTM_TEACHER, &o, &err), 0);
	assert_int_equal(params_check(fit_params, PARAM_ALWAYS, &fit, &err), 0);
	o.batch = 63;
	assert_int_equal(params_check(train_params, GOAL_LSTM_TEACHER, &o, &err), -1);
	assert_string_equal(err.text, "`batch` must be a whole number from 64 to 1048576");
	assert_string_equal(err.param, "batch");
	o.batch = 64;
	o.rows_rate = (double)NAN;
	assert_int_equal(params_check(train_params, GOAL_LSTM_TEACHER, &o, &err), -1);
	assert_string_equal(err.param, "lr_rows");
}

static void others_options_are_refused(void **state)
{
	static const struct param_row *const all[] = { train_params, alacarte_params, NULL };
	struct err err = { 0 };

	(void)state;
	assert_int_equal(params_refuse(all, "epochs", GOAL_LSTM, train_goals, "--epochs", &err), 0);
	assert_int_equal(params_refuse(all, "colour", GOAL_LSTM, train_goals, "--colour", &err), 0);
	assert_int_equal(params_refuse(all, "states", GOAL_WEIGHTS, train_goals, "--states", &err), -1);
	assert_string_equal(err.text, "--states is not for weights, but for lstm");
	assert_int_equal(params_refuse(all, "l2", GOAL_VECTORS_TEACHER, train_goals, "--l2", &err), -1);
	assert_string_equal(err.text,
			    "--l2 is not for vectors from a teacher, but for weights, vectors from pairs");
	assert_int_equal(params_refuse(all, "lr", GOAL_ALACARTE, train_goals, "--lr", &err), -1);
	assert_string_equal(err.text, "--lr is not for alacarte, but for vectors, lstm");
}

static void help_is(const char *name, unsigned goals, const char *expected)
{
	struct buf help = { 0 };

	param_put_help(&help, params_find(train_params, name, goals), train_goals);
	assert_string_equal(buf_string(&help), expected);
	buf_free(&help);
}

static void help_says_range_and_defaults(void **state)
{
	(void)state;
	help_is("lr", GOAL_VECTORS,
		"vectors from pairs: learning rate of the vectors; 0 to 5; default 0.003; 0.002 for "
		"--scored");
	help_is("states", GOAL_LSTM,
		"lstm: length of the state per direction; 8 to 1024; default 128; 256 for lstm from a "
		"teacher");
	help_is("seed", GOAL_LSTM, "the same seed gives the same bits; default 1");
	help_is("workers", GOAL_LSTM,
		"threads; the result is the same for any number; 1 to 1024; default: one per processor");
	help_is("matrix", GOAL_WEIGHTS, "weights: learn a matrix too");
}

static void counts_have_suffixes(void **state)
{
	const struct param_row *row = params_find(train_params, "batch", GOAL_LSTM_TEACHER);
	struct train_options o;
	struct err err = { 0 };

	(void)state;
	assert_int_equal(param_set(row, &o, "--batch", "4k", &err), 0);
	assert_int_equal(o.batch, 4000);
	assert_int_equal(param_set(row, &o, "--batch", "1Mi", &err), 0);
	assert_int_equal(o.batch, 1 << 20);
	assert_int_equal(param_set(row, &o, "--batch", "20000000000G", &err), -1);
	assert_int_equal(param_set(row, &o, "--batch", "-4", &err), -1);
	assert_int_equal(param_set(row, &o, "--batch", "4 k", &err), -1);
	assert_string_equal(err.text, "--batch must be a whole number from 64 to 1048576");
	assert_int_equal(o.batch, 1 << 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_ways_decide_alike),     cmocka_unit_test(a_goal_has_one_row_of_a_name),
		cmocka_unit_test(defaults_are_in_range),      cmocka_unit_test(the_engines_check_too),
		cmocka_unit_test(others_options_are_refused), cmocka_unit_test(help_says_range_and_defaults),
		cmocka_unit_test(counts_have_suffixes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
