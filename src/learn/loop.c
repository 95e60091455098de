#include "learn/loop.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/progress.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { POINTS = 120, CHECKPOINT_SECONDS = 20, NAME_BYTES = 80 };

/* What a checkpoint holds beside the learner's arrays. */
struct state {
	uint64_t step; /* done */
	uint64_t pairs;
	uint64_t best_step, since_best; /* scores since then */
	uint64_t stopped;
	double best_score, score;
	double loss_sum; /* since the last point, over loss_steps */
	uint64_t loss_steps;
	struct curve curve;
};

struct loop {
	const struct learner *learner;
	const struct loop_options *options;
	struct progress *progress;
	uint64_t total; /* steps */
	struct state *state;
	void **best; /* (parameters_n) those of the best score; NULL without dev sets */
	char (*best_names)[NAME_BYTES];
	struct checkpoint_part parts[CHECKPOINT_PARTS_MAX];
	size_t parts_n;
	double saved; /* when */
	double scoring, start;
	uint64_t pairs_before;
};

/* The factor of the learning rate at step 1, 2, ...: it rises to 1 in the warm-up, then falls to 0. */
static double rate_at(const struct loop *l, uint64_t step)
{
	double at = (double)step;
	double total = (double)l->total;
	double warm = floor(l->options->warmup * total);

	return at <= warm ? at / (warm + 1) : (total - at + 1) / (total - warm);
}

static int save(struct loop *l, struct err *err)
{
	l->saved = clock_s();
	if (l->options->curve && curve_write(&l->state->curve, l->options->curve, "training", err))
		return -1;
	if (!l->options->checkpoint)
		return 0;
	return checkpoint_save(l->options->checkpoint, l->learner->run, l->parts, l->parts_n, err);
}

static void add_point(struct loop *l, double score)
{
	struct state *s = l->state;

	if (s->curve.n == CURVE_POINTS_MAX)
		return;
	s->curve.points[s->curve.n++] = (struct curve_point){
		.step = s->step,
		.epoch = (double)s->step / (double)l->learner->batches,
		.loss = s->loss_steps ? s->loss_sum / (double)s->loss_steps : (double)NAN,
		.score = score,
		.rate = s->step ? rate_at(l, s->step) : 0,
	};
	s->loss_sum = 0;
	s->loss_steps = 0;
}

static int score(struct loop *l, struct err *err)
{
	struct state *s = l->state;
	double began = clock_s();

	if (l->learner->score(l->learner->context, &s->score, err))
		return -1;
	if (l->progress)
		atomic_store(&l->progress->score, s->score);
	s->since_best++;
	if (s->step == 0 || s->score > s->best_score) {
		s->best_score = s->score;
		s->best_step = s->step;
		s->since_best = 0;
		for (size_t i = 0; i < l->learner->parameters_n; i++)
			memcpy(l->best[i], l->learner->parameters[i].data, l->learner->parameters[i].bytes);
	}
	add_point(l, s->score);
	s->stopped = l->options->patience && s->since_best >= l->options->patience;
	l->scoring += clock_s() - began;
	return 0;
}

/* Is a dev score due after this step? */
static bool score_due(const struct loop *l, uint64_t step)
{
	uint64_t batches = l->learner->batches;
	uint64_t scores = l->options->scores ? l->options->scores : 1;
	uint64_t in_epoch = (step - 1) % batches;

	return l->learner->score && in_epoch * scores / batches != (in_epoch + 1) * scores / batches;
}

static int take_step(struct loop *l, struct err *err)
{
	const struct learner *learner = l->learner;
	struct state *s = l->state;
	size_t batch = (size_t)(s->step % learner->batches);
	uint64_t every = l->total / POINTS + 1;
	double loss;
	size_t pairs;

	if (batch == 0 && learner->begin(learner->context, s->step / learner->batches, err))
		return -1;
	if (learner->step(learner->context, batch, s->step + 1, rate_at(l, s->step + 1), &loss, &pairs, err))
		return -1;
	if (!isfinite(loss))
		return err_set(
			err, ERR_INPUT,
			"the loss is no finite number any more at step %llu: try smaller learning rates",
			(unsigned long long)s->step + 1);
	s->step++;
	s->pairs += pairs;
	s->loss_sum += loss;
	s->loss_steps++;
	progress_set(l->progress, s->pairs);
	if (l->progress)
		atomic_store(&l->progress->loss, s->loss_sum / (double)s->loss_steps);
	if (score_due(l, s->step))
		return score(l, err);
	if (s->step % every == 0)
		add_point(l, (double)NAN);
	return 0;
}

static int steps(struct loop *l, struct err *err)
{
	while (l->state->step < l->total && !l->state->stopped) {
		if (progress_stop(l->progress)) {
			if (!atomic_load(&l->progress->drop) && save(l, err))
				return -1;
			return err_set(err, ERR_CANCELLED, "the training was cancelled%s",
				       l->options->checkpoint ? "; --resume goes on with it" : "");
		}
		if (take_step(l, err))
			return -1;
		if (clock_s() - l->saved > CHECKPOINT_SECONDS && save(l, err))
			return -1;
	}
	return 0;
}

static void add_part(struct loop *l, const char *name, void *data, size_t bytes)
{
	assert(l->parts_n < CHECKPOINT_PARTS_MAX);
	l->parts[l->parts_n++] = (struct checkpoint_part){ name, data, bytes };
}

static void add_parts(struct loop *l, const struct checkpoint_part *parts, size_t n)
{
	for (size_t i = 0; i < n; i++)
		add_part(l, parts[i].name, parts[i].data, parts[i].bytes);
}

/* Allocates room for the best parameters; the checkpoint holds them too. */
static int add_best(struct loop *l, struct err *err)
{
	size_t n = l->learner->parameters_n;

	l->best = mem_new(n, sizeof(*l->best));
	l->best_names = mem_new(n, sizeof(*l->best_names));
	for (size_t i = 0; i < n; i++) {
		const struct checkpoint_part *p = &l->learner->parameters[i];

		l->best[i] = mem_try(p->bytes, 1, err);
		if (!l->best[i])
			return -1;
		(void)snprintf(l->best_names[i], NAME_BYTES, "best.%s", p->name);
		add_part(l, l->best_names[i], l->best[i], p->bytes);
	}
	return 0;
}

static int list_parts(struct loop *l, struct err *err)
{
	add_part(l, "loop", l->state, sizeof(*l->state));
	add_parts(l, l->learner->state, l->learner->state_n);
	add_parts(l, l->learner->parameters, l->learner->parameters_n);
	return l->learner->score ? add_best(l, err) : 0;
}

static void drop_parts(struct loop *l)
{
	for (size_t i = 0; l->best && i < l->learner->parameters_n; i++)
		free(l->best[i]);
	free(l->best);
	free(l->best_names);
	free(l->state);
}

/* Starts the run, or resumes it from the checkpoint. */
static int begin(struct loop *l, struct loop_report *report, struct err *err)
{
	const struct loop_options *o = l->options;

	if (o->resume && o->checkpoint) {
		if (checkpoint_load(o->checkpoint, l->learner->run, l->parts, l->parts_n, err) == 0)
			report->resumed = true;
		else if (err->code != ERR_NOT_FOUND)
			return -1;
	}
	progress_phase(l->progress, "training", "pairs", l->learner->pairs * o->epochs);
	if (l->progress) {
		atomic_store(&l->progress->from, l->state->pairs);
		atomic_store(&l->progress->score, l->state->score);
	}
	l->pairs_before = l->state->pairs;
	if (!report->resumed)
		return l->learner->score ? score(l, err) : 0;
	if (l->state->step % l->learner->batches == 0)
		return 0; /* the next step begins its epoch itself */
	return l->learner->begin(l->learner->context, l->state->step / l->learner->batches, err);
}

static void tell(const struct loop *l, struct loop_report *report)
{
	const struct state *s = l->state;
	double best = l->learner->score ? s->best_score : (double)NAN;

	report->steps = s->step;
	report->pairs = s->pairs;
	report->seconds = clock_s() - l->start - l->scoring;
	report->pairs_per_second =
		report->seconds > 0 ? (double)(s->pairs - l->pairs_before) / report->seconds : 0;
	for (size_t i = 0; i < s->curve.n; i++)
		if (isfinite(s->curve.points[i].loss))
			report->loss = s->curve.points[i].loss;
	report->score = l->learner->score ? s->score : (double)NAN;
	report->first_score = l->learner->score && s->curve.n ? s->curve.points[0].score : (double)NAN;
	report->best_score = best;
	report->best_step = s->best_step;
	report->stopped_early = s->stopped != 0;
}

/* Restores the best parameters and writes the curve. */
static int finish(struct loop *l, struct err *err)
{
	const struct learner *learner = l->learner;

	if (l->state->loss_steps)
		add_point(l, (double)NAN);
	if (l->best && l->state->best_step != l->state->step)
		for (size_t i = 0; i < learner->parameters_n; i++)
			memcpy(learner->parameters[i].data, l->best[i], learner->parameters[i].bytes);
	return l->options->curve ? curve_write(&l->state->curve, l->options->curve, "training", err) : 0;
}

int loop_run(const struct learner *learner, const struct loop_options *options, struct loop_report *report,
	     struct progress *progress, struct err *err)
{
	struct loop l = { .learner = learner, .options = options, .progress = progress };
	int failed;

	assert(learner->batches > 0);
	*report = (struct loop_report){ 0 };
	if (__builtin_mul_overflow(learner->batches, options->epochs, &l.total))
		return err_set(err, ERR_INPUT, "too many epochs");
	l.state = mem_try(1, sizeof(*l.state), err);
	if (!l.state)
		return -1;
	failed = list_parts(&l, err);
	l.start = l.saved = clock_s();
	failed = failed || begin(&l, report, err) || steps(&l, err);
	if (!failed)
		failed = finish(&l, err);
	tell(&l, report);
	drop_parts(&l);
	return failed ? -1 : 0;
}
