/*
 * Training from a teacher: the gradient against finite differences; nearer to the teacher than the start; the
 * same bits for any number of workers, resumed or not; files that do not fit.
 */
#include "base/err.h"
#include "base/progress.h"
#include "base/random.h"
#include "embed/embedder.h"
#include "learn/train.h"
#include "math/mat.h"
#include "math/vec.h"
#include "model/model.h"
#include "support/scratch.h"
#include "support/taught.h"
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

enum { WORDS = 150, D = 12, TEXTS = TAUGHT_TEXTS, KEPT = 8 };

static struct scratch scratch;
static struct taught taught;
static struct model *m;

static struct train_options options(void)
{
	struct train_options o = train_options_default(TRAIN_VECTORS, false, true);

	o.teacher = taught.teacher;
	o.texts = taught.texts;
	o.draws = taught.draws;
	o.dimensions = KEPT;
	o.batch = 100;
	o.workers = 1;
	return o;
}

static struct model *distil(const struct train_options *o, struct train_report *report)
{
	struct err err = { 0 };
	struct model *distilled = train_model(m, METHOD_SUM, o, report, NULL, &err);

	if (!distilled)
		fail_msg("%s", err.text);
	return distilled;
}

static void gradients_are_those_of_the_loss(void **state)
{
	uint64_t random = 3;
	float target[D], sum[D], gradient[D], moved[D];
	const float *at = target;
	double loss;

	(void)state;
	for (size_t k = 0; k < D; k++) {
		target[k] = random_unit(&random) - 0.5f;
		sum[k] = 3 * random_unit(&random) - 1.0f;
	}
	(void)vec_unit(target, D);
	memcpy(gradient, sum, sizeof(sum));
	objective_teacher(gradient, &loss, &at, 1, D, 1.0f, NULL);
	for (size_t k = 0; k < D; k++) {
		double losses[2];

		for (int side = 0; side < 2; side++) {
			memcpy(moved, sum, sizeof(sum));
			moved[k] += side ? 1e-2f : -1e-2f;
			objective_teacher(moved, &losses[side], &at, 1, D, 1.0f, NULL);
		}
		assert_true(fabs((losses[1] - losses[0]) / 2e-2 - (double)gradient[k]) < 1e-3);
	}
}

static void comes_near_the_teacher(void **state)
{
	struct train_options o = options();
	struct train_report start, end;
	struct model *distilled;

	(void)state;
	o.rate = 1e-9;
	model_release(distil(&o, &start));
	o.rate = 1e-2;
	o.loop.epochs = 20;
	distilled = distil(&o, &end);
	assert_true(end.loop.loss < 0.5 * start.loop.loss);
	assert_int_equal(end.texts, TEXTS);
	assert_int_equal(end.drawn, TEXTS + 2 * TEXTS / 10);
	assert_true(end.energy > 0.5 && end.energy < 1.0);
	assert_true(model_has(distilled, METHOD_LEARNED));
	assert_int_equal(model_dimension(distilled, METHOD_LEARNED), KEPT);
	model_release(distilled);
}

static void workers_do_not_matter(void **state)
{
	struct train_options o = options();
	struct train_report report;
	struct model *one = distil(&o, &report);

	(void)state;
	for (o.workers = 2; o.workers <= 5; o.workers++) {
		struct model *more = distil(&o, &report);

		assert_string_equal(more->fingerprint, one->fingerprint);
		model_release(more);
	}
	o.seed = 2;
	{
		struct model *other = distil(&o, &report);

		assert_string_not_equal(other->fingerprint, one->fingerprint);
		model_release(other);
	}
	model_release(one);
}

static void *cancel_later(void *context)
{
	struct progress *p = context;

	while (!atomic_load(&p->phase) || strcmp(atomic_load(&p->phase), "training") != 0 ||
	       atomic_load(&p->done) < 2000)
		(void)sched_yield();
	atomic_store(&p->cancel, true);
	return NULL;
}

static void goes_on_where_it_was_stopped(void **state)
{
	struct train_options o = options();
	struct train_report report;
	struct progress progress = { 0 };
	struct err err = { 0 };
	struct model *whole, *resumed;
	pthread_t thread;

	(void)state;
	o.loop.epochs = 200;
	whole = distil(&o, &report);
	o.loop.checkpoint = scratch_path(&scratch, "checkpoint");
	assert_int_equal(pthread_create(&thread, NULL, cancel_later, &progress), 0);
	assert_null(train_model(m, METHOD_SUM, &o, &report, &progress, &err));
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(err.code, ERR_CANCELLED);
	o.loop.resume = true;
	resumed = distil(&o, &report);
	assert_true(report.loop.resumed);
	assert_string_equal(resumed->fingerprint, whole->fingerprint);
	model_release(whole);
	model_release(resumed);
}

static void refused(struct train_options o, const char *says)
{
	struct train_report report;
	struct err err = { 0 };

	assert_null(train_model(m, METHOD_SUM, &o, &report, NULL, &err));
	if (!strstr(err.text, says))
		fail_msg("'%s' does not say '%s'", err.text, says);
}

static void refuses_files_that_do_not_fit(void **state)
{
	struct train_options o = options();
	char *few = scratch_file(&scratch, "few.txt", "a b\nc\n");
	char *bad = scratch_file(&scratch, "bad.txt", "1\n1\nmany\n");
	char *odd = scratch_file(&scratch, "odd.txt", "good\nb\377d\n");

	(void)state;
	o.texts = few;
	o.draws = NULL;
	refused(o, "3000 vectors for the 2 texts");
	o.texts = odd;
	refused(o, "line 2: not valid UTF-8");
	o = options();
	o.draws = few;
	refused(o, "line 1: a whole number");
	o.draws = bad;
	refused(o, "line 3: a whole number");
	o = options();
	o.teacher = few;
	refused(o, "no .npy");
	o = options();
	o.dimensions = D + 1;
	refused(o, "dimensions");
	o = options();
	o.batch = 0;
	refused(o, "batch");
	free(few);
	free(bad);
	free(odd);
}

static int start(void **state)
{
	(void)state;
	vec_init();
	mat_init();
	scratch_open(&scratch);
	m = toy_model(
		(struct toy){ .n = WORDS, .d = D, .type = ROWS_F32, .method = METHOD_WEIGHTED, .seed = 7 });
	taught = taught_make(&scratch, m, WORDS, false);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	model_release(m);
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
		cmocka_unit_test(comes_near_the_teacher),
		cmocka_unit_test(workers_do_not_matter),
		cmocka_unit_test(goes_on_where_it_was_stopped),
		cmocka_unit_test(refuses_files_that_do_not_fit),
	};

	return cmocka_run_group_tests(tests, start, stop);
}
