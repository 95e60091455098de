#include "eval/classify.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/pipeline.h"
#include "base/progress.h"
#include "embed/embedder.h"
#include "eval/logistic.h"
#include "model/model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { OUTER_FOLDS = 10, INNER_FOLDS = 2, TEXTS_A_BLOCK = 64 };

/*
 * C to choose from, for features of mean squared length 1.  The literature tries 0.01 to 100 on features as
 * they are: the mean squared length of means of GloVe vectors is 15, that of sums and of DisC a hundred or
 * more.
 */
static const double strengths[] = { 0.15, 1.5, 15.0, 150.0, 1500.0, 15000.0 };
enum { STRENGTHS = sizeof(strengths) / sizeof(strengths[0]) };

/* Features */

struct embedding {
	const struct labelled_set *set;
	struct embedder **sentences; /* one a worker */
	float *vectors;		     /* (workers, 2, TEXTS_A_BLOCK, d): of pairs */
	float *x;		     /* (set->n, features) */
	size_t d, features;
	size_t next;
	uint64_t words, known;
	struct progress *progress;
};

struct some_texts {
	size_t start, stop;
	uint64_t words, known;
};

static int stopped(struct progress *progress, struct err *err)
{
	return progress_stop(progress) ? err_set(err, ERR_CANCELLED, "cancelled") : 0;
}

static int hand_out_texts(void *context, void *block, struct err *err)
{
	struct embedding *c = context;
	struct some_texts *b = block;

	if (c->next == c->set->n)
		return 0;
	b->start = c->next;
	b->stop = c->set->n - c->next > TEXTS_A_BLOCK ? c->next + TEXTS_A_BLOCK : c->set->n;
	b->words = b->known = 0;
	c->next = b->stop;
	return stopped(c->progress, err) ? -1 : 1;
}

/* The block's texts of one side, to vectors (TEXTS_A_BLOCK, d). */
static int embed_side(struct embedding *c, struct some_texts *b, size_t worker, const char *const *side,
		      float *vectors, struct err *err)
{
	struct text texts[TEXTS_A_BLOCK] = { { NULL, 0 } };
	struct seen seen[TEXTS_A_BLOCK];
	size_t n = b->stop - b->start;

	for (size_t i = 0; i < n; i++)
		texts[i] = (struct text){ side[b->start + i], strlen(side[b->start + i]) };
	if (embedder_embed_many(c->sentences[worker], texts, n, false, vectors, seen, err))
		return -1;
	for (size_t i = 0; i < n; i++) {
		b->words += seen[i].words;
		b->known += seen[i].known;
	}
	return 0;
}

static int embed_texts(void *context, void *block, size_t worker, struct err *err)
{
	struct embedding *c = context;
	struct some_texts *b = block;
	size_t d = c->d;
	float *u = c->vectors + worker * 2 * TEXTS_A_BLOCK * d;
	float *v = u + TEXTS_A_BLOCK * d;

	if (!c->set->right)
		return embed_side(c, b, worker, c->set->left, c->x + b->start * d, err);
	if (embed_side(c, b, worker, c->set->left, u, err) || embed_side(c, b, worker, c->set->right, v, err))
		return -1;
	for (size_t i = b->start; i < b->stop; i++, u += d, v += d) {
		float *x = c->x + i * c->features;

		for (size_t j = 0; j < d; j++) {
			x[j] = u[j] * v[j];
			x[d + j] = fabsf(u[j] - v[j]);
		}
	}
	return 0;
}

static int count_texts(void *context, void *block, struct err *err)
{
	struct embedding *c = context;
	const struct some_texts *b = block;

	(void)err;
	c->words += b->words;
	c->known += b->known;
	progress_set(c->progress, b->stop);
	return 0;
}

static int embed_set(struct embedding *c, struct model *m, enum method method, size_t workers,
		     struct err *err)
{
	struct pipeline pipeline = { .workers = workers,
				     .block_bytes = sizeof(struct some_texts),
				     .read = hand_out_texts,
				     .work = embed_texts,
				     .finish = count_texts,
				     .context = c };

	c->sentences = mem_try(workers, sizeof(struct embedder *), err);
	c->vectors = mem_try_aligned(workers, (size_t)2 * TEXTS_A_BLOCK * c->d * sizeof(*c->vectors), err);
	c->x = mem_try_aligned(c->set->n, c->features * sizeof(*c->x), err);
	if (!c->sentences || !c->vectors || !c->x)
		return -1;
	for (size_t i = 0; i < workers; i++) {
		c->sentences[i] = embedder_new(m, method, err);
		if (!c->sentences[i])
			return -1;
	}
	progress_phase(c->progress, "embedding", "texts", c->set->n);
	return pipeline_run(&pipeline, err);
}

/* Judging */

/* A fold, first of the strengths, then of the judgement. */
struct outer {
	size_t *learnt, *judged; /* examples */
	size_t learnt_n, judged_n;
	size_t rights[INNER_FOLDS][STRENGTHS];
	size_t right;
};

struct judging {
	const struct labelled_set *set;
	const float *x;
	size_t d;
	struct outer *folds;
	size_t folds_n;
	size_t *order;		     /* (n) examples by class, then by place */
	struct logistic **logistics; /* one a worker */
	size_t *scratch;	     /* (workers, n) */
	size_t next, tasks;
	bool choosing; /* of strengths; else the judgement */
	struct progress *progress;
};

struct task {
	size_t number;
};

/*
 * Every k-th of the examples in order of their classes, from number `fold`, is one fold: so each
 * class is spread evenly over all of them.  Takes out[0..return value) from in (n, in that order); the rest
 * goes behind.
 */
static size_t part(size_t *out, const size_t *in, size_t n, size_t fold, size_t k)
{
	size_t taken = fold < n ? (n - fold + k - 1) / k : 0;
	size_t front = 0;
	size_t back = taken;

	for (size_t i = 0; i < n; i++)
		out[i % k == fold ? front++ : back++] = in[i];
	return taken;
}

/* The set's examples in order of their classes. */
static void order_by_class(size_t *order, const struct labelled_set *set, size_t start, size_t stop)
{
	size_t n = 0;

	for (uint32_t class = 0; class < set->classes_n; class ++)
		for (size_t i = start; i < stop; i++)
			if (set->label[i] == class)
				order[n++] = i;
}

static int make_folds(struct judging *c, struct err *err)
{
	const struct labelled_set *set = c->set;
	size_t learnt = set->train ? set->train : set->n;

	c->folds_n = set->train ? 1 : set->n < OUTER_FOLDS ? set->n : OUTER_FOLDS;
	c->folds = mem_try(c->folds_n, sizeof(*c->folds), err);
	c->order = mem_try(set->n, sizeof(*c->order), err);
	if (!c->folds || !c->order)
		return -1;
	order_by_class(c->order, set, 0, learnt);
	for (size_t i = learnt; i < set->n; i++)
		c->order[i] = i;
	for (size_t k = 0; k < c->folds_n; k++) {
		struct outer *fold = &c->folds[k];

		fold->judged = mem_try(set->n, sizeof(*fold->judged), err);
		if (!fold->judged)
			return -1;
		if (set->train) {
			memcpy(fold->judged, c->order + learnt, (set->n - learnt) * sizeof(*c->order));
			memcpy(fold->judged + set->n - learnt, c->order, learnt * sizeof(*c->order));
			fold->judged_n = set->n - learnt;
		} else {
			fold->judged_n = part(fold->judged, c->order, set->n, k, c->folds_n);
		}
		fold->learnt = fold->judged + fold->judged_n;
		fold->learnt_n = set->n - fold->judged_n;
	}
	return 0;
}

static struct examples examples_of(const struct judging *c, const size_t *which, size_t n)
{
	return (struct examples){
		.x = c->x, .y = c->set->label, .d = c->d, .classes = c->set->classes_n, .which = which, .n = n
	};
}

/* One inner fold: what the other learns under each strength, this one judges. */
static int try_strengths(struct judging *c, struct logistic *l, struct outer *fold, size_t inner,
			 size_t *scratch, struct err *err)
{
	size_t n = part(scratch, fold->learnt, fold->learnt_n, inner, INNER_FOLDS);
	struct examples judged = examples_of(c, scratch, n);
	struct examples learnt = examples_of(c, scratch + n, fold->learnt_n - n);

	logistic_reset(l);
	for (size_t i = 0; i < STRENGTHS; i++) {
		if (stopped(c->progress, err) || logistic_fit(l, &learnt, strengths[i], err))
			return -1;
		fold->rights[inner][i] = logistic_right(l, &judged);
	}
	return 0;
}

/* The strength under which most classes were told rightly; of equals the smallest. */
static double best_strength(const struct outer *fold)
{
	size_t best = 0;
	size_t best_right = 0;

	for (size_t i = 0; i < STRENGTHS; i++) {
		size_t right = 0;

		for (size_t inner = 0; inner < INNER_FOLDS; inner++)
			right += fold->rights[inner][i];
		if (right > best_right) {
			best_right = right;
			best = i;
		}
	}
	return strengths[best];
}

static int judge_fold(struct judging *c, struct logistic *l, struct outer *fold, struct err *err)
{
	struct examples learnt = examples_of(c, fold->learnt, fold->learnt_n);
	struct examples judged = examples_of(c, fold->judged, fold->judged_n);

	logistic_reset(l);
	if (stopped(c->progress, err) || logistic_fit(l, &learnt, best_strength(fold), err))
		return -1;
	fold->right = logistic_right(l, &judged);
	return 0;
}

static int hand_out_task(void *context, void *block, struct err *err)
{
	struct judging *c = context;
	struct task *task = block;

	(void)err;
	if (c->next == c->tasks)
		return 0;
	task->number = c->next++;
	return 1;
}

static int do_task(void *context, void *block, size_t worker, struct err *err)
{
	struct judging *c = context;
	size_t number = ((const struct task *)block)->number;
	struct logistic *l = c->logistics[worker];

	if (!c->choosing)
		return judge_fold(c, l, &c->folds[number], err);
	return try_strengths(c, l, &c->folds[number / INNER_FOLDS], number % INNER_FOLDS,
			     c->scratch + worker * c->set->n, err);
}

static int task_done(void *context, void *block, struct err *err)
{
	struct judging *c = context;
	size_t done = ((const struct task *)block)->number + 1;

	(void)err;
	progress_set(c->progress, done + (c->choosing ? 0 : c->folds_n * INNER_FOLDS));
	return 0;
}

static int run_folds(struct judging *c, size_t workers, struct err *err)
{
	struct pipeline pipeline = { .workers = workers,
				     .block_bytes = sizeof(struct task),
				     .read = hand_out_task,
				     .work = do_task,
				     .finish = task_done,
				     .context = c };
	c->logistics = mem_try(workers, sizeof(struct logistic *), err);
	c->scratch = mem_try(workers, c->set->n * sizeof(*c->scratch), err);
	if (!c->logistics || !c->scratch || make_folds(c, err))
		return -1;
	for (size_t i = 0; i < workers; i++) {
		c->logistics[i] = logistic_new(c->d, c->set->classes_n, 1, err);
		if (!c->logistics[i])
			return -1;
	}
	progress_phase(c->progress, "learning classes", "parts", c->folds_n * (INNER_FOLDS + 1));
	c->choosing = true;
	c->tasks = c->folds_n * INNER_FOLDS;
	if (pipeline_run(&pipeline, err))
		return -1;
	c->choosing = false;
	c->tasks = c->folds_n;
	c->next = 0;
	return pipeline_run(&pipeline, err);
}

/* Divides all by the root of the mean squared length of a row. */
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

/* The share of the most frequent class of what is learnt from, among what is judged. */
static double most_frequent(const struct labelled_set *set, size_t *counts)
{
	size_t learnt = set->train ? set->train : set->n;
	size_t most = 0;
	size_t right = 0;

	for (size_t i = 0; i < learnt; i++)
		counts[set->label[i]]++;
	for (size_t class = 0; class < set->classes_n; class ++)
		if (counts[class] > counts[most])
			most = class;
	for (size_t i = set->train; i < set->n; i++)
		right += set->label[i] == most;
	return 100.0 * (double)right / (double)(set->n - set->train);
}

static void judging_free(struct judging *c, size_t workers)
{
	for (size_t i = 0; c->folds && i < c->folds_n; i++)
		free(c->folds[i].judged);
	for (size_t i = 0; c->logistics && i < workers; i++)
		logistic_free(c->logistics[i]);
	free(c->folds);
	free(c->order);
	free(c->logistics);
	free(c->scratch);
}

int classify_features(struct classify_result *result, float *x, size_t d, const struct labelled_set *set,
		      size_t workers, struct progress *progress, struct err *err)
{
	struct judging c = { .set = set, .x = x, .d = d, .progress = progress };
	size_t *counts = mem_try(set->classes_n, sizeof(*counts), err);
	size_t right = 0;
	int rc = counts ? 0 : -1;

	if (workers == 0)
		workers = pipeline_processors();
	if (rc == 0) {
		settle_scale(x, set->n, d);
		rc = run_folds(&c, workers, err);
	}
	if (rc == 0) {
		for (size_t i = 0; i < c.folds_n; i++)
			right += c.folds[i].right;
		result->texts = set->n - set->train;
		result->accuracy = 100.0 * (double)right / (double)result->texts;
		result->most = most_frequent(set, counts);
	}
	judging_free(&c, workers);
	free(counts);
	return rc;
}

int classify_method(struct classify_result *result, struct model *m, enum method method,
		    const struct labelled_set *set, size_t workers, struct progress *progress,
		    struct err *err)
{
	struct embedding c = { .set = set, .progress = progress };
	int rc;

	if (workers == 0)
		workers = pipeline_processors();
	c.d = model_dimension(m, method);
	c.features = set->right ? 2 * c.d : c.d;
	rc = embed_set(&c, m, method, workers, err);
	if (rc == 0) {
		result->coverage = c.words ? (double)c.known / (double)c.words : 0.0;
		rc = classify_features(result, c.x, c.features, set, workers, progress, err);
	}
	for (size_t i = 0; c.sentences && i < workers; i++)
		embedder_free(c.sentences[i]);
	free(c.sentences);
	free(c.vectors);
	free(c.x);
	return rc;
}
