/* The JSON of POST /v1/jobs for a train job: what is taken, and which member is named when it is not. */
#include "jobs/job_request.h"

#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { MEMBERS_MOST = 1000 };

/* {"type": "train", "output": "new", MEMBERS}, with ' for ". */
static json_t *object_of(const char *members)
{
	char text[MEMBERS_MOST + 64];
	struct json_limits limits = { .depth = 8, .nodes = 100 };
	struct err err = { 0 };
	json_t *object;

	(void)snprintf(text, sizeof(text), "{'type': 'train', 'output': 'new', %s}", members);
	for (char *at = text; *at; at++)
		if (*at == '\'')
			*at = '"';
	object = json_read(text, strlen(text), limits, &err);
	if (!object)
		fail_msg("%s: %s", text, err.text);
	return object;
}

static json_t *taken(struct job_request *spec, const char *members)
{
	json_t *object = object_of(members);
	struct err err = { 0 };

	if (job_request_read(spec, object, &err) != 0)
		fail_msg("%s: %s", members, err.text);
	assert_int_equal(spec->type, JOB_TRAIN);
	assert_string_equal(spec->output, "new");
	return object;
}

static void refused(const char *members, const char *param, const char *message)
{
	json_t *object = object_of(members);
	struct job_request spec;
	struct err err = { 0 };

	assert_int_equal(job_request_read(&spec, object, &err), -1);
	assert_int_equal(err.code, ERR_INPUT);
	assert_string_equal(err.param, param);
	if (!strstr(err.text, message))
		fail_msg("%s: %s", members, err.text);
	json_decref(object);
}

static void defaults_are_the_verb_s(void **state)
{
	struct job_request spec;
	struct train_options pairs = train_options_default(TRAIN_VECTORS, false, false);
	struct train_options scored = train_options_default(TRAIN_WEIGHTS, true, false);
	const struct train_options *o = &spec.train.pairs;
	json_t *object = taken(&spec, "'learn': 'vectors', 'pairs': ['a', 'b'], 'dev': 'c'");

	(void)state;
	assert_string_equal(spec.model, "");
	assert_int_equal(spec.corpora_n, 3);
	assert_int_equal(spec.train.files_n, 2);
	assert_string_equal(job_train_member(&spec, 1), "pairs");
	assert_string_equal(job_train_member(&spec, 2), "dev");
	assert_int_equal(o->learn, TRAIN_VECTORS);
	assert_int_equal(o->matrix, pairs.matrix);
	assert_int_equal(o->batch, pairs.batch);
	assert_int_equal(o->loop.epochs, pairs.loop.epochs);
	assert_int_equal(o->loop.scores, 4);
	assert_int_equal(o->seed, 1);
	assert_true(o->rate == pairs.rate && o->weight_rate == pairs.weight_rate);
	assert_int_equal(o->objective.kind, OBJECTIVE_INFONCE);
	assert_false(spec.has_texts || spec.overlay);
	json_decref(object);
	object = taken(&spec, "'learn': 'weights', 'scored': [['a', 'b', 3]], 'dev': ['c']");
	assert_true(spec.has_texts && spec.train.scored && spec.overlay);
	assert_int_equal(spec.train.files_n, 1);
	assert_string_equal(job_train_member(&spec, 0), "dev");
	assert_int_equal(o->learn, TRAIN_WEIGHTS);
	assert_int_equal(o->kind, PAIRS_SCORED);
	assert_int_equal(o->objective.kind, OBJECTIVE_PEARSON);
	assert_int_equal(o->loop.epochs, scored.loop.epochs);
	json_decref(object);
}

static void all_is_read(void **state)
{
	struct job_request spec;
	const struct train_options *o = &spec.train.pairs;
	json_t *object =
		taken(&spec, "'learn': 'weights', 'model': 'news:sif', 'pairs': 'a', 'kind': 'groups', "
			     "'objective': 'margin', 'margin': 0.25, 'negatives': 'mix', 'epochs': 7, "
			     "'batch': 32, 'warmup': 0.5, 'patience': 3, 'scores': 2, 'seed': 9, "
			     "'lr_weights': 0.5, 'lr_matrix': 0.25, 'l2': 0.125, 'dimensions': 64, "
			     "'matrix': true, 'workers': 2, 'overlay': false, 'method': 'usif'");

	(void)state;
	assert_string_equal(spec.model, "news:sif");
	assert_string_equal(spec.methods[0], "usif");
	assert_int_equal(o->kind, PAIRS_GROUPS);
	assert_int_equal(o->objective.kind, OBJECTIVE_MARGIN);
	assert_int_equal(o->objective.negatives, NEGATIVES_MIX);
	assert_true(o->objective.margin == 0.25f && o->loop.warmup == 0.5);
	assert_true(o->weight_rate == 0.5 && o->matrix_rate == 0.25 && o->l2 == 0.125);
	assert_int_equal(o->loop.epochs, 7);
	assert_int_equal(o->batch, 32);
	assert_int_equal(o->loop.patience, 3);
	assert_int_equal(o->loop.scores, 2);
	assert_int_equal(o->seed, 9);
	assert_int_equal(o->dimensions, 64);
	assert_int_equal(o->workers, 2);
	assert_true(o->matrix && !spec.overlay);
	json_decref(object);
	object = taken(&spec, "'learn': 'lstm', 'pairs': [['a', 'b']], 'lr': 0.5, 'states': 16, 'layers': 2, "
			      "'directions': 1, 'pooling': 'max', 'dtype': 'i8', "
			      "'dropout': 0.25, 'scramble': 1, 'temperature': 0.5");
	assert_int_equal(o->kind, PAIRS_PAIRS);
	assert_int_equal(spec.train.pairs.states, 16);
	assert_int_equal(spec.train.pairs.layers, 2);
	assert_int_equal(spec.train.pairs.directions, 1);
	assert_int_equal(spec.train.pairs.pooling, POOLING_MAX);
	assert_int_equal(spec.train.pairs.type, ROWS_I8);
	assert_true(spec.train.pairs.rate == 0.5 && spec.train.pairs.dropout == 0.25);
	assert_true(spec.train.pairs.scramble == 1 && o->objective.temperature == 0.5f);
	json_decref(object);
	object = taken(&spec, "'learn': 'alacarte', 'corpus': 'c', 'unit': 'line', 'window': 3, "
			      "'min_count': 4, 'fit_count': 5, 'max_words': 6, 'workers': 1");
	assert_true(spec.train.alacarte.by_line);
	assert_int_equal(spec.train.alacarte.window, 3);
	assert_int_equal(spec.train.alacarte.min_count, 4);
	assert_int_equal(spec.train.alacarte.fit_count, 5);
	assert_int_equal(spec.train.alacarte.max_words, 6);
	assert_string_equal(job_train_member(&spec, 0), "corpus");
	json_decref(object);
}

static void every_type_of_rows_is_known(void **state)
{
	(void)state;
	for (int i = 0; i < ROWS_TYPES; i++) {
		struct job_request spec;
		char members[80];
		json_t *object;

		(void)snprintf(members, sizeof(members), "'learn': 'lstm', 'pairs': 'a', 'dtype': '%s'",
			       rows_type_names[i]);
		object = taken(&spec, members);
		assert_int_equal(spec.train.pairs.type, i);
		json_decref(object);
	}
}

/* As its record has it: the pairs are a file by then, and their number is left. */
static void a_record_is_read_again(void **state)
{
	struct job_request spec;
	json_t *object = taken(&spec, "'learn': 'weights', 'pairs': 300, 'dev': null, 'states': null");

	(void)state;
	assert_true(spec.has_texts);
	assert_int_equal(spec.train.files_n, 1);
	assert_int_equal(spec.corpora_n, 0);
	json_decref(object);
}

static void a_wrong_member_is_named(void **state)
{
	static const struct {
		const char *members, *param, *message;
	} cases[] = {
		{ "'pairs': 'a'", "learn", "weights, vectors, lstm or alacarte" },
		{ "'learn': 'all', 'pairs': 'a'", "learn", "weights, vectors, lstm or alacarte" },
		{ "'learn': 'weights'", "pairs", "either that or `scored`" },
		{ "'learn': 'weights', 'pairs': 'a', 'scored': 'b'", "pairs", "either that or `scored`" },
		{ "'learn': 'weights', 'pairs': []", "pairs", "names of uploaded corpora" },
		{ "'learn': 'weights', 'pairs': '../a'", "pairs", "PUT to /v1/corpora" },
		{ "'learn': 'weights', 'pairs': true", "pairs", "name of a corpus" },
		{ "'learn': 'weights', 'pairs': ['a', ['b', 'c']]", "pairs", "name of a corpus" },
		{ "'learn': 'weights', 'pairs': 'a', 'dev': [['a', 'b', 1]]", "dev", "name of a corpus" },
		{ "'learn': 'weights', 'pairs': 'a', 'kind': 'triples'", "kind", "groups" },
		{ "'learn': 'weights', 'pairs': [['1', 'b']], 'kind': 'groups'", "kind", "absent" },
		{ "'learn': 'weights', 'pairs': 'a', 'teacher': 'x'", "teacher", "sifd train --teacher" },
		{ "'learn': 'weights', 'pairs': 'a', 'colour': 1", "colour", "not a field" },
		{ "'learn': 'weights', 'pairs': 'a', 'states': 64", "states", "but for lstm" },
		{ "'learn': 'weights', 'pairs': 'a', 'lr': 1", "lr", "but for vectors, lstm" },
		{ "'learn': 'vectors', 'pairs': 'a', 'overlay': true", "overlay", "but for weights, lstm" },
		{ "'learn': 'lstm', 'pairs': 'a', 'matrix': true", "matrix", "but for weights" },
		{ "'learn': 'lstm', 'pairs': 'a', 'model': 'm:sif'", "model", "without a method" },
		{ "'learn': 'alacarte', 'corpus': 'c', 'epochs': 3", "epochs", "but for weights, vectors" },
		{ "'learn': 'alacarte'", "corpus", "unless there are `texts`" },
		{ "'learn': 'alacarte', 'corpus': 'c', 'window': 65", "window", "64" },
		{ "'learn': 'alacarte', 'corpus': 'c', 'unit': 'page'", "unit", "sentence or line" },
		{ "'learn': 'weights', 'pairs': 'a', 'objective': 'pearson'", "objective", "infonce" },
		{ "'learn': 'weights', 'scored': 'a', 'objective': 'margin'", "objective", "cosent" },
		{ "'learn': 'weights', 'pairs': 'a', 'negatives': 'none'", "negatives", "mix" },
		{ "'learn': 'weights', 'pairs': 'a', 'margin': 3", "margin", "2" },
		{ "'learn': 'weights', 'pairs': 'a', 'temperature': 0", "temperature", "0.001" },
		{ "'learn': 'weights', 'pairs': 'a', 'epochs': 0", "epochs", "1" },
		{ "'learn': 'weights', 'pairs': 'a', 'epochs': 1e9", "epochs", "" },
		{ "'learn': 'weights', 'pairs': 'a', 'batch': 1", "batch", "8192" },
		{ "'learn': 'weights', 'pairs': 'a', 'warmup': 1", "warmup", "0.99" },
		{ "'learn': 'weights', 'pairs': 'a', 'seed': -1", "seed", "" },
		{ "'learn': 'weights', 'pairs': 'a', 'workers': 0", "workers", "1024" },
		{ "'learn': 'vectors', 'pairs': 'a', 'lr': 11", "lr", "5" },
		{ "'learn': 'vectors', 'pairs': 'a', 'lr_matrix': -1", "lr_matrix", "5" },
		{ "'learn': 'vectors', 'pairs': 'a', 'l2': 1e9", "l2", "" },
		{ "'learn': 'vectors', 'pairs': 'a', 'dimensions': 99999", "dimensions", "16384" },
		{ "'learn': 'lstm', 'pairs': 'a', 'states': 7", "states", "1024" },
		{ "'learn': 'lstm', 'pairs': 'a', 'layers': 3", "layers", "2" },
		{ "'learn': 'lstm', 'pairs': 'a', 'directions': 0", "directions", "1" },
		{ "'learn': 'lstm', 'pairs': 'a', 'pooling': 'min'", "pooling", "attention" },
		{ "'learn': 'lstm', 'pairs': 'a', 'dtype': 'i4'", "dtype", "i8" },
		{ "'learn': 'vectors', 'pairs': 'a', 'dtype': 'i8'", "dtype", "lstm" },
		{ "'learn': 'lstm', 'pairs': 'a', 'lr': 0", "lr", "5" },
		{ "'learn': 'lstm', 'pairs': 'a', 'dropout': 1", "dropout", "0.99" },
		{ "'learn': 'lstm', 'pairs': 'a', 'scramble': 2", "scramble", "1" },
		{ "'learn': 'lstm', 'pairs': 'a', 'states': 1024, 'batch': 512", "batch", "262144" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		refused(cases[i].members, cases[i].param, cases[i].message);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_are_the_verb_s),     cmocka_unit_test(all_is_read),
		cmocka_unit_test(every_type_of_rows_is_known), cmocka_unit_test(a_record_is_read_again),
		cmocka_unit_test(a_wrong_member_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
