#include "eval/classify.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/pipeline.h"
#include "base/progress.h"
#include "eval/embed_pairs.h"
#include "eval/logistic.h"
#include "model/model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { OUTER_FOLDS = 10, INNER_FOLDS = 2 };

/*
 * Candidates for C, for features of mean squared length 1.  The literature tries 0.01 to 100 on features as
 * they are, whose mean squared length is 15 for means of GloVe vectors, and a hundred or more for sums and
 * DisC.
 */
static const double c_values[] = { 0.15, 1.5, 15.0, 150.0, 1500.0, 15000.0 };
enum { C_VALUES = sizeof(c_values) / sizeof(c_values[0]) };

/*
 * One fold: the examples learnt from and those tested on.  C is chosen first, by cross-validation within the
 * former.
 */
struct cv_fold {
	size_t *train, *test;
	size_t train_n, test_n;
	size_t inner_correct[INNER_FOLDS][C_VALUES];
	size_t correct;
};

struct probe {
	const struct labelled_set *set;
	const float *x;
	size_t d;
	struct cv_fold *folds;
	size_t folds_n;
	size_t *order;		     /* (n) examples by class, then by place */
	struct logistic **logistics; /* one per worker */
	size_t *scratch;	     /* (workers, n) */
	size_t next, tasks;
	bool choosing; /* of C; else the test */
	struct progress *progress;
};

static int stopped(struct progress *progress, struct err *err)
{
	return progress_stop(progress) ? err_set(err, ERR_CANCELLED, "cancelled") : 0;
}

/*
 * Every k-th example, in the order of their classes, belongs to one fold: so each class is spread evenly over
 * all of them.  Puts the examples of `fold` first in out (n) and returns their number; the rest follows.
 */
static size_t split(size_t *out, const size_t *in, size_t n, size_t fold, size_t k)
{
	size_t taken = fold < n ? (n - fold + k - 1) / k : 0;
	size_t front = 0;
	size_t back = taken;

	for (size_t i = 0; i < n; i++)
		out[i % k == fold ? front++ : back++] = in[i];
	return taken;
}

/* The first n examples of the set in the order of their classes. */
static void order_by_class(size_t *order, const struct labelled_set *set, size_t n)
{
	for (uint32_t class = 0; class < set->classes_n; class ++)
		for (size_t i = 0; i < n; i++)
			if (set->label[i] == class)
				*order++ = i;
}

static int make_folds(struct probe *p, struct err *err)
{
	const struct labelled_set *set = p->set;
	size_t train = set->train ? set->train : set->n;

	p->folds_n = set->train ? 1 : set->n < OUTER_FOLDS ? set->n : OUTER_FOLDS;
	p->folds = mem_try(p->folds_n, sizeof(*p->folds), err);
	p->order = mem_try(set->n, sizeof(*p->order), err);
	if (!p->folds || !p->order)
		return -1;
	order_by_class(p->order, set, train);
	for (size_t i = train; i < set->n; i++)
		p->order[i] = i;
	for (size_t k = 0; k < p->folds_n; k++) {
		struct cv_fold *fold = &p->folds[k];

		fold->test = mem_try(set->n, sizeof(*fold->test), err);
		if (!fold->test)
			return -1;
		if (set->train) {
			memcpy(fold->test, p->order + train, (set->n - train) * sizeof(*p->order));
			memcpy(fold->test + set->n - train, p->order, train * sizeof(*p->order));
			fold->test_n = set->n - train;
		} else {
			fold->test_n = split(fold->test, p->order, set->n, k, p->folds_n);
		}
		fold->train = fold->test + fold->test_n;
		fold->train_n = set->n - fold->test_n;
	}
	return 0;
}

static struct examples examples_of(const struct probe *p, const size_t *which, size_t n)
{
	return (struct examples){
		.x = p->x, .y = p->set->label, .d = p->d, .classes = p->set->classes_n, .which = which, .n = n
	};
}

/* Fits on the examples outside an inner fold with each C, and tests on those within. */
static int try_c_values(struct probe *p, struct logistic *l, struct cv_fold *fold, size_t inner,
			size_t *scratch, struct err *err)
{
	size_t n = split(scratch, fold->train, fold->train_n, inner, INNER_FOLDS);
	struct examples test = examples_of(p, scratch, n);
	struct examples train = examples_of(p, scratch + n, fold->train_n - n);

	logistic_reset(l);
	for (size_t i = 0; i < C_VALUES; i++) {
		if (stopped(p->progress, err) || logistic_fit(l, &train, c_values[i], err))
			return -1;
		fold->inner_correct[inner][i] = logistic_correct(l, &test);
	}
	return 0;
}

/* The C with the most correct answers; of equals the smallest. */
static double best_c(const struct cv_fold *fold)
{
	size_t best = 0;
	size_t most = 0;

	for (size_t i = 0; i < C_VALUES; i++) {
		size_t correct = 0;

		for (size_t inner = 0; inner < INNER_FOLDS; inner++)
			correct += fold->inner_correct[inner][i];
		if (correct > most) {
			most = correct;
			best = i;
		}
	}
	return c_values[best];
}

static int test_fold(struct probe *p, struct logistic *l, struct cv_fold *fold, struct err *err)
{
	struct examples train = examples_of(p, fold->train, fold->train_n);
	struct examples test = examples_of(p, fold->test, fold->test_n);

	logistic_reset(l);
	if (stopped(p->progress, err) || logistic_fit(l, &train, best_c(fold), err))
		return -1;
	fold->correct = logistic_correct(l, &test);
	return 0;
}

/* A block of the pipeline is the number of a task. */

static int next_task(void *context, void *number, struct err *err)
{
	struct probe *p = context;

	(void)err;
	if (p->next == p->tasks)
		return 0;
	*(size_t *)number = p->next++;
	return 1;
}

static int do_task(void *context, void *number, size_t worker, struct err *err)
{
	struct probe *p = context;
	size_t task = *(const size_t *)number;
	struct logistic *l = p->logistics[worker];

	if (!p->choosing)
		return test_fold(p, l, &p->folds[task], err);
	return try_c_values(p, l, &p->folds[task / INNER_FOLDS], task % INNER_FOLDS,
			    p->scratch + worker * p->set->n, err);
}

static int task_done(void *context, void *number, struct err *err)
{
	struct probe *p = context;

	(void)err;
	progress_set(p->progress, *(const size_t *)number + 1 + (p->choosing ? 0 : p->folds_n * INNER_FOLDS));
	return 0;
}

static int run_folds(struct probe *p, size_t workers, struct err *err)
{
	struct pipeline pipeline = { .workers = workers,
				     .block_bytes = sizeof(size_t),
				     .read = next_task,
				     .work = do_task,
				     .finish = task_done,
				     .context = p };

	p->logistics = mem_try(workers, sizeof(struct logistic *), err);
	p->scratch = mem_try(workers, p->set->n * sizeof(*p->scratch), err);
	if (!p->logistics || !p->scratch || make_folds(p, err))
		return -1;
	for (size_t i = 0; i < workers; i++) {
		p->logistics[i] = logistic_new(p->d, p->set->classes_n, 1, err);
		if (!p->logistics[i])
			return -1;
	}
	progress_phase(p->progress, "learning classes", "parts", p->folds_n * (INNER_FOLDS + 1));
	p->choosing = true;
	p->tasks = p->folds_n * INNER_FOLDS;
	if (pipeline_run(&pipeline, err))
		return -1;
	p->choosing = false;
	p->tasks = p->folds_n;
	p->next = 0;
	return pipeline_run(&pipeline, err);
}

/* Divides all features by the root of a row's mean squared length. */
static void settle_scale(float *x, size_t n, size_t d)
{
	double sum = 0.0;
	float scale;

	for (size_t i = 0; i < n * d; i++)
		sum += (double)x[i] * (double)x[i];
	if (!(sum > 0.0))
		return;
	scale = (float)(1.0 / sqrt(sum / (double)n));
	for (size_t i = 0; i < n * d; i++)
		x[i] *= scale;
}

/* The share, in the test set, of the class that is most frequent in the training set. */
static double most_frequent(const struct labelled_set *set)
{
	size_t counts[LABELLED_CLASSES_MAX] = { 0 };
	size_t train = set->train ? set->train : set->n;
	size_t most = 0;
	size_t correct = 0;

	for (size_t i = 0; i < train; i++)
		counts[set->label[i]]++;
	for (size_t class = 0; class < set->classes_n; class ++)
		if (counts[class] > counts[most])
			most = class;
	for (size_t i = set->train; i < set->n; i++)
		correct += set->label[i] == most;
	return 100.0 * (double)correct / (double)(set->n - set->train);
}

static void probe_free(struct probe *p, size_t workers)
{
	for (size_t i = 0; p->folds && i < p->folds_n; i++)
		free(p->folds[i].test);
	for (size_t i = 0; p->logistics && i < workers; i++)
		logistic_free(p->logistics[i]);
	free(p->folds);
	free(p->order);
	free(p->logistics);
	free(p->scratch);
}

int classify_features(struct classify_result *result, float *x, size_t d, const struct labelled_set *set,
		      size_t workers, struct progress *progress, struct err *err)
{
	struct probe p = { .set = set, .x = x, .d = d, .progress = progress };
	size_t correct = 0;
	int rc;

	if (workers == 0)
		workers = pipeline_processors();
	settle_scale(x, set->n, d);
	rc = run_folds(&p, workers, err);
	if (rc == 0) {
		for (size_t i = 0; i < p.folds_n; i++)
			correct += p.folds[i].correct;
		result->texts = set->n - set->train;
		result->accuracy = 100.0 * (double)correct / (double)result->texts;
		result->most = most_frequent(set);
	}
	probe_free(&p, workers);
	return rc;
}

struct features {
	float *x; /* (n, d or 2 d) */
	size_t d;
};

static void put_features(void *context, size_t start, size_t n, const float *u, const float *v)
{
	const struct features *f = context;
	size_t d = f->d;
	float *x = f->x + start * (v ? 2 * d : d);

	if (!v) {
		memcpy(x, u, n * d * sizeof(*x));
		return;
	}
	for (size_t i = 0; i < n; i++, u += d, v += d, x += 2 * d)
		for (size_t j = 0; j < d; j++) {
			x[j] = u[j] * v[j];
			x[d + j] = fabsf(u[j] - v[j]);
		}
}

int classify_method(struct classify_result *result, struct model *m, enum method method,
		    const struct labelled_set *set, size_t workers, struct progress *progress,
		    struct err *err)
{
	struct features f = { .d = model_dimension(m, method) };
	size_t features = set->right ? 2 * f.d : f.d;
	struct embed_pairs pairs = {
		.left = set->left, .right = set->right, .n = set->n, .use = put_features, .context = &f
	};
	int rc = -1;

	f.x = mem_try_aligned(set->n, features * sizeof(*f.x), err);
	progress_phase(progress, "embedding", "texts", set->n);
	if (f.x && embed_pairs(&result->coverage, &pairs, m, method, workers, progress, err) == 0)
		rc = classify_features(result, f.x, features, set, workers, progress, err);
	free(f.x);
	return rc;
}
