/* The loop with a learner that counts: rates, scores, early stop, and resumes that change nothing. */
#include "learn/loop.h"

#include "base/err.h"
#include "base/progress.h"
#include "base/random.h"
#include "support/scratch.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { N = 10, BATCHES = 25, EPOCHS = 4 };

static struct scratch scratch;

/* A random walk whose steps depend on (epoch, batch) and on a second array, as Adam's moments do. */
struct walk {
	double x[N], moment[N];
	uint64_t epoch;
	double rates[BATCHES * EPOCHS];
	size_t taken, scored;
	size_t stop_after; /* steps; then it asks to be cancelled */
	double best_at;	   /* the score is highest where x[0] passes this step number */
	bool diverges, drops;
	struct progress *progress;
};

static int begin(void *context, uint64_t epoch, struct err *err)
{
	struct walk *w = context;

	(void)err;
	w->epoch = epoch;
	return 0;
}

static int step(void *context, size_t batch, uint64_t number, double rate, double *loss, size_t *pairs,
		struct err *err)
{
	struct walk *w = context;
	uint64_t random = random_seed(7, w->epoch, batch);

	(void)err;
	assert_int_equal(number, w->epoch * BATCHES + batch + 1);
	for (size_t i = 0; i < N; i++) {
		w->moment[i] = 0.9 * w->moment[i] + (double)random_unit(&random);
		w->x[i] += rate * w->moment[i];
	}
	w->x[0] = (double)number;
	w->rates[number - 1] = rate;
	*loss = w->diverges && number == 30 ? (double)NAN : 1 / (double)number;
	*pairs = 8;
	if (++w->taken == w->stop_after) {
		atomic_store(&w->progress->drop, w->drops);
		atomic_store(&w->progress->cancel, true);
	}
	return 0;
}

static int score(void *context, double *to, struct err *err)
{
	struct walk *w = context;

	(void)err;
	w->scored++;
	*to = 50 - fabs(w->x[0] - w->best_at);
	return 0;
}

static int run(struct walk *w, const struct loop_options *options, bool scores, struct loop_report *report,
	       struct err *err)
{
	struct progress progress = { 0 };
	struct checkpoint_part parameters[] = { { "x", w->x, sizeof(w->x) } };
	struct checkpoint_part state[] = { { "moment", w->moment, sizeof(w->moment) } };
	struct learner learner = { .begin = begin,
				   .step = step,
				   .score = scores ? score : NULL,
				   .context = w,
				   .batches = BATCHES,
				   .pairs = (uint64_t)8 * BATCHES,
				   .parameters = parameters,
				   .parameters_n = 1,
				   .state = state,
				   .state_n = 1,
				   .run = "walk" };

	w->progress = &progress;
	return loop_run(&learner, options, report, &progress, err);
}

static struct loop_options options(void)
{
	return (struct loop_options){ .epochs = EPOCHS, .scores = 1 };
}

static void rates_rise_and_fall(void **state)
{
	struct walk w = { 0 };
	struct loop_options o = options();
	struct loop_report r;
	struct err err = { 0 };

	(void)state;
	o.warmup = 0.1;
	assert_int_equal(run(&w, &o, false, &r, &err), 0);
	assert_int_equal(r.steps, BATCHES * EPOCHS);
	assert_int_equal(r.pairs, 8 * BATCHES * EPOCHS);
	assert_true(isnan(r.best_score));
	for (size_t i = 0; i < (size_t)BATCHES * EPOCHS; i++) {
		assert_true(w.rates[i] > 0 && w.rates[i] <= 1);
		if (i > 0)
			assert_true(i <= 10 ? w.rates[i] > w.rates[i - 1] : w.rates[i] < w.rates[i - 1]);
	}
	assert_true(w.rates[10] == 1);
}

static void the_best_is_kept(void **state)
{
	struct walk w = { .best_at = 52 };
	struct loop_options o = options();
	struct loop_report r;
	struct err err = { 0 };

	(void)state;
	assert_int_equal(run(&w, &o, true, &r, &err), 0);
	assert_int_equal(w.scored, 1 + EPOCHS);
	assert_int_equal(r.best_step, 50);
	assert_true(r.best_score == 48 && r.score == 2 && r.first_score == -2);
	assert_true(w.x[0] == 50);
	assert_false(r.stopped_early);

	w = (struct walk){ .best_at = 12 };
	o.patience = 2;
	o.scores = 5;
	assert_int_equal(run(&w, &o, true, &r, &err), 0);
	assert_true(r.stopped_early);
	assert_int_equal(r.steps, 20); /* best at 10, then two worse ones */
	assert_true(w.x[0] == 10);

	w = (struct walk){ .best_at = -100 };
	o.patience = 0;
	assert_int_equal(run(&w, &o, true, &r, &err), 0);
	assert_int_equal(r.best_step, 0); /* nothing was better than the start */
	assert_true(w.x[0] == 0);
}

/* Cancelled and resumed at every step: the same bits as in one go. */
static void resumed_is_as_if_never_stopped(void **state)
{
	char *path = strdup(scratch_path(&scratch, "walk"));
	char *curve = strdup(scratch_path(&scratch, "curve"));
	struct walk whole = { .best_at = 80 };
	struct loop_options o = options();
	struct loop_report r;
	struct err err = { 0 };

	(void)state;
	o.scores = 2;
	o.checkpoint = path;
	o.resume = true;
	assert_int_equal(run(&whole, &o, true, &r, &err), 0);
	assert_false(r.resumed);
	for (size_t stop = 1; stop < (size_t)BATCHES * EPOCHS; stop += 7) {
		struct walk first = { .best_at = 80, .stop_after = stop };
		struct walk second = { .best_at = 80 };
		struct loop_report again;

		assert_int_equal(run(&first, &o, true, &again, &err), -1);
		assert_int_equal(err.code, ERR_CANCELLED);
		o.curve = curve;
		assert_int_equal(run(&second, &o, true, &again, &err), 0);
		o.curve = NULL;
		assert_true(again.resumed);
		assert_int_equal(again.steps, r.steps);
		assert_int_equal(again.best_step, r.best_step);
		assert_true(again.loss == r.loss);
		assert_int_equal(second.taken, (size_t)BATCHES * EPOCHS - stop);
		assert_memory_equal(whole.x, second.x, sizeof(whole.x));
		assert_int_equal(unlink(path), 0);
	}
	free(path);
	free(curve);
}

/* Nobody goes on with what was cancelled for good: it leaves no checkpoint. */
static void dropped_is_not_saved(void **state)
{
	char *path = strdup(scratch_path(&scratch, "dropped"));
	struct walk w = { .stop_after = 9, .drops = true };
	struct loop_options o = options();
	struct loop_report r;
	struct err err = { 0 };

	(void)state;
	o.checkpoint = path;
	assert_int_equal(run(&w, &o, false, &r, &err), -1);
	assert_int_equal(err.code, ERR_CANCELLED);
	assert_int_not_equal(access(path, F_OK), 0);
	free(path);
}

static void the_curve_is_written(void **state)
{
	char *curve = strdup(scratch_path(&scratch, "run"));
	struct walk w = { .best_at = 100 };
	struct loop_options o = options();
	struct loop_report r;
	struct err err = { 0 };
	char line[200];
	FILE *f;
	int lines = 0;
	int scores = 0;

	(void)state;
	o.curve = curve;
	assert_int_equal(run(&w, &o, true, &r, &err), 0);
	f = fopen(scratch_path(&scratch, "run.tsv"), "r");
	assert_non_null(f);
	assert_non_null(fgets(line, sizeof(line), f));
	assert_string_equal(line, "step\tepoch\tloss\tscore\trate\n");
	for (; fgets(line, sizeof(line), f); lines++)
		scores += strstr(line, "\t\t0.") == NULL && strstr(line, "\t\t1") == NULL;
	(void)fclose(f);
	assert_true(lines > BATCHES && scores == 1 + EPOCHS);
	f = fopen(scratch_path(&scratch, "run.svg"), "r");
	assert_non_null(f);
	assert_non_null(fgets(line, sizeof(line), f));
	assert_memory_equal(line, "<svg xmlns=", 11);
	(void)fclose(f);
	free(curve);
}

static void a_loss_that_is_no_number_ends_it(void **state)
{
	struct walk w = { .diverges = true };
	struct loop_options o = options();
	struct loop_report r;
	struct err err = { 0 };

	(void)state;
	assert_int_equal(run(&w, &o, false, &r, &err), -1);
	assert_int_equal(err.code, ERR_INPUT);
	assert_non_null(strstr(err.text, "step 30"));
}

static int setup(void **state)
{
	(void)state;
	scratch_open(&scratch);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	scratch_close(&scratch);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rates_rise_and_fall),
		cmocka_unit_test(the_best_is_kept),
		cmocka_unit_test(resumed_is_as_if_never_stopped),
		cmocka_unit_test(dropped_is_not_saved),
		cmocka_unit_test(the_curve_is_written),
		cmocka_unit_test(a_loss_that_is_no_number_ends_it),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
