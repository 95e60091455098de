#include "eval/logistic.h"

#include "base/err.h"
#include "base/mem.h"
#include "math/mat.h"

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { STEPS_MAX = 100, HALVINGS_MAX = 30, BLOCK_ROWS = 512 };

/* The gradient's length that ends a fit, relative to that at zero weights. */
static const double tolerance = 1e-6;

struct logistic {
	size_t d; /* features, the constant included */
	int constant;
	size_t classes;
	size_t fitted;	 /* regressions: one for two classes */
	double *weights; /* (classes, d), and in the same allocation: */
	double *g, *step, *trial;
	double *hessian; /* (d, d) */
	float *products; /* (d, d): scratch of mat_add_second_moment() */
	float *block;	 /* (BLOCK_ROWS, d) */
	double *scores;	 /* (scores_cap) */
	size_t scores_cap;
	bool *seen; /* (classes): had an example */
};

void logistic_free(struct logistic *l)
{
	if (!l)
		return;
	free(l->weights);
	free(l->products);
	free(l->block);
	free(l->scores);
	free(l->seen);
	free(l);
}

struct logistic *logistic_new(size_t d, size_t classes, int constant, struct err *err)
{
	struct logistic *l = mem_try(1, sizeof(*l), err);
	size_t wide = d + (constant ? 1 : 0);
	size_t row_bytes;

	if (!l)
		return NULL;
	if (__builtin_mul_overflow(wide, sizeof(double), &row_bytes)) {
		(void)err_set(err, ERR_MEMORY, "%zu features are too many", d);
		logistic_free(l);
		return NULL;
	}
	l->d = wide;
	l->constant = constant;
	l->classes = classes;
	l->fitted = classes == 2 ? 1 : classes;
	l->weights = mem_try(classes + 3 + wide, row_bytes, err);
	l->products = mem_try(wide, wide * sizeof(*l->products), err);
	l->block = mem_try(BLOCK_ROWS, wide * sizeof(*l->block), err);
	l->seen = mem_try(classes, sizeof(*l->seen), err);
	if (!l->weights || !l->products || !l->block || !l->seen) {
		logistic_free(l);
		return NULL;
	}
	l->g = l->weights + classes * wide;
	l->step = l->g + wide;
	l->trial = l->step + wide;
	l->hessian = l->trial + wide;
	return l;
}

void logistic_reset(struct logistic *l)
{
	memset(l->weights, 0, l->classes * l->d * sizeof(*l->weights));
}

const double *logistic_weights(const struct logistic *l, size_t class)
{
	return l->weights + (l->fitted == 1 ? 0 : class) * l->d;
}

/* w.x over features that are float; four sums, so that the additions need not wait for each other. */
static double score(const double *w, const float *x, size_t d, int constant)
{
	double sum[4] = { 0 };
	size_t i = 0;

	for (; i + 4 <= d; i += 4)
		for (size_t j = 0; j < 4; j++)
			sum[j] += w[i + j] * (double)x[i + j];
	for (; i < d; i++)
		sum[0] += w[i] * (double)x[i];
	return (sum[0] + sum[1]) + (sum[2] + sum[3]) + (constant ? w[d] : 0.0);
}

/* log(1 + exp(-z)), whatever z. */
static double loss(double z)
{
	return z > 0.0 ? log1p(exp(-z)) : log1p(exp(z)) - z;
}

static double sigmoid(double z)
{
	return z > 0.0 ? 1.0 / (1.0 + exp(-z)) : exp(z) / (1.0 + exp(z));
}

static const float *row_of(const struct examples *e, size_t i)
{
	return e->x + e->which[i] * e->d;
}

static double sign_of(const struct examples *e, size_t i, size_t class)
{
	return e->y[e->which[i]] == class ? 1.0 : -1.0;
}

/* The gradient at w, whose scores are known. */
static void fill_gradient(double *g, const double *w, const double *scores, const struct examples *e,
			  size_t class, int constant, double c)
{
	memcpy(g, w, (e->d + (constant ? 1 : 0)) * sizeof(*g));
	for (size_t i = 0; i < e->n; i++) {
		const float *x = row_of(e, i);
		double y = sign_of(e, i, class);
		double factor = -c * y * sigmoid(-y * scores[i]);

		for (size_t j = 0; j < e->d; j++)
			g[j] += factor * (double)x[j];
		if (constant)
			g[e->d] += factor;
	}
}

double logistic_objective(double *g, double *scores, const double *w, const struct examples *e, size_t class,
			  int constant, double c)
{
	size_t d = e->d + (constant ? 1 : 0);
	double f = 0.0;
	double norm = 0.0;

	for (size_t i = 0; i < e->n; i++) {
		scores[i] = score(w, row_of(e, i), e->d, constant);
		f += loss(sign_of(e, i, class) * scores[i]);
	}
	for (size_t j = 0; j < d; j++)
		norm += w[j] * w[j];
	if (g)
		fill_gradient(g, w, scores, e, class, constant, c);
	return 0.5 * norm + c * f;
}

/*
 * The second derivatives, I + C sum_i s_i (1 - s_i) x_i x_i'.  A little more on the diagonal keeps it
 * positive definite where C is large and float products round.
 */
static void fill_hessian(struct logistic *l, const struct examples *e, double c)
{
	size_t d = l->d;

	memset(l->hessian, 0, d * d * sizeof(*l->hessian));
	for (size_t start = 0, rows; start < e->n; start += rows) {
		rows = e->n - start < BLOCK_ROWS ? e->n - start : BLOCK_ROWS;
		for (size_t i = 0; i < rows; i++) {
			const float *x = row_of(e, start + i);
			double s = sigmoid(l->scores[start + i]);
			float root = (float)sqrt(c * s * (1.0 - s));
			float *to = l->block + i * d;

			for (size_t j = 0; j < e->d; j++)
				to[j] = root * x[j];
			if (l->constant)
				to[e->d] = root;
		}
		mat_add_second_moment(l->hessian, l->block, rows, d, l->products);
	}
	for (size_t j = 0; j < d; j++)
		l->hessian[j * d + j] = l->hessian[j * d + j] * (1.0 + 1e-6) + 1.0;
}

static double length(const double *x, size_t n)
{
	double sum = 0.0;

	for (size_t i = 0; i < n; i++)
		sum += x[i] * x[i];
	return sqrt(sum);
}

/* Goes along l->step until f falls enough (Armijo), with the scores of that point; false when f falls no
 * more. */
static bool line_search(struct logistic *l, double *w, double *f, const struct examples *e, size_t class,
			double c)
{
	double slope = 0.0;
	double t = 1.0;

	for (size_t j = 0; j < l->d; j++)
		slope -= l->g[j] * l->step[j];
	for (int halvings = 0; halvings < HALVINGS_MAX; halvings++, t *= 0.5) {
		double trial;

		for (size_t j = 0; j < l->d; j++)
			l->trial[j] = w[j] - t * l->step[j];
		trial = logistic_objective(NULL, l->scores, l->trial, e, class, l->constant, c);
		if (trial <= *f + 1e-4 * t * slope && trial < *f) {
			*f = trial;
			memcpy(w, l->trial, l->d * sizeof(*w));
			return true;
		}
	}
	return false;
}

/* From the weights w to the best ones, in Newton steps. */
static int descend(struct logistic *l, double *w, const struct examples *e, size_t class, double c,
		   struct err *err)
{
	double f;
	double first;

	memset(l->trial, 0, l->d * sizeof(*l->trial));
	(void)logistic_objective(l->g, l->scores, l->trial, e, class, l->constant, c);
	first = length(l->g, l->d);
	f = logistic_objective(l->g, l->scores, w, e, class, l->constant, c);
	for (int step = 0; step < STEPS_MAX; step++) {
		if (!isfinite(f))
			return err_set(err, ERR_INPUT, "a feature is not finite, or too large to learn from");
		if (length(l->g, l->d) <= tolerance * first)
			break;
		fill_hessian(l, e, c);
		memcpy(l->step, l->g, l->d * sizeof(*l->step));
		if (mat_solve(l->step, l->hessian, l->d, 1, err))
			return -1;
		if (!line_search(l, w, &f, e, class, c))
			break;
		fill_gradient(l->g, w, l->scores, e, class, l->constant, c);
	}
	return 0;
}

static int fit_class(struct logistic *l, const struct examples *e, size_t class, double c, struct err *err)
{
	assert(e->d + (l->constant ? 1 : 0) == l->d && e->classes == l->classes);
	assert(class < l->classes && (l->fitted > 1 || class == 1));
	if (mem_reserve(&l->scores, &l->scores_cap, e->n, sizeof(*l->scores), err))
		return -1;
	l->seen[class] = l->fitted == 1;
	for (size_t i = 0; i < e->n && !l->seen[class]; i++)
		l->seen[class] = e->y[e->which[i]] == class;
	if (!l->seen[class])
		return 0;
	return descend(l, l->weights + (l->fitted == 1 ? 0 : class) * l->d, e, class, c, err);
}

int logistic_fit(struct logistic *l, const struct examples *e, double c, struct err *err)
{
	if (l->fitted == 1)
		return fit_class(l, e, 1, c, err);
	for (size_t class = 0; class < l->classes; class ++)
		if (fit_class(l, e, class, c, err))
			return -1;
	return 0;
}

uint32_t logistic_class(const struct logistic *l, const float *x)
{
	size_t d = l->d - (l->constant ? 1 : 0);
	double best = -HUGE_VAL;
	uint32_t answer = 0;

	if (l->fitted == 1)
		return score(l->weights, x, d, l->constant) > 0.0 ? 1 : 0;
	for (size_t class = 0; class < l->classes; class ++) {
		double at = l->seen[class] ? score(l->weights + class * l->d, x, d, l->constant) : -HUGE_VAL;

		if (at > best) {
			best = at;
			answer = (uint32_t) class;
		}
	}
	return answer;
}

size_t logistic_correct(const struct logistic *l, const struct examples *e)
{
	size_t correct = 0;

	for (size_t i = 0; i < e->n; i++)
		correct += logistic_class(l, row_of(e, i)) == e->y[e->which[i]];
	return correct;
}
