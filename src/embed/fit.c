#include "embed/fit.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/progress.h"
#include "embed/fit_private.h"
#include "math/mat.h"
#include "math/sif.h"
#include "model/model.h"
#include "text/corpus.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Eigenvalues below this part of the largest are rounding: no direction of the corpus. */
static const double least_part = 1e-7;

static const double usual_a = 1e-3;
static const double usual_power = 0.75;
static const double usual_prior = 100000.0;

/* How much more the prior counts for in the counts than in the moment; fit.h says why. */
static const double counts_share = 20.0;

/* One fit, from the corpus to the parts of the model.  n words, d dimensions. */
struct fit {
	struct model *m;
	struct fit_options o; /* settled: no 0 or negative stands for a default any more */
	struct fit_totals totals;
	size_t n, d;
	double *p;	    /* (n) probabilities; before weights_of_corpus() those the model knows */
	double counted;	    /* sentences that these count for */
	double mass;	    /* sentences that the model's moment counts for */
	double words;	    /* a sentence, of the corpus */
	double a;	    /* of the weights */
	double explained;   /* share of the trace in the components */
	struct model parts; /* of the fitted model; weights and counts below while they are written */
	struct owned owned; /* what parts point to */
	uint64_t *counts;   /* (n) or NULL */
	float *weights;	    /* (n) */
};

bool fit_method(enum method method)
{
	return method == METHOD_SIF || method == METHOD_USIF || method == METHOD_WHITEN ||
	       method == METHOD_WEIGHTED;
}

struct fit_options fit_options_default(void)
{
	return (struct fit_options){
		.method = METHOD_COUNT, .components = SIZE_MAX, .power = -1.0, .prior = -1.0
	};
}

static int refuse(struct err *err, const char *param, const char *expected)
{
	(void)err_set(err, ERR_INPUT, "%s: expected %s", param, expected);
	return err_param(err, param);
}

static int check_numbers(const struct fit_options *o, struct err *err)
{
	if (!fit_method(o->method) && o->method != METHOD_COUNT)
		return refuse(err, "method", "sif, usif, whiten or weighted");
	if (!isfinite(o->a) || o->a < 0.0)
		return refuse(err, "a", "a number above 0, such as 1e-3");
	if (!isfinite(o->power) || o->power > 2.0)
		return refuse(err, "power", "a number from 0 to 2");
	if (!isfinite(o->prior))
		return refuse(err, "prior", "a number of sentences, 0 or more");
	if (o->components != SIZE_MAX && o->components > MODEL_COMPONENTS_MAX)
		return refuse(err, "components", "at most 64 components");
	if (o->components == 0 && o->method != METHOD_WHITEN)
		return refuse(err, "components", "at least 1; none at all is the method `weighted`");
	return 0;
}

static int check_model(const struct model *m, const struct fit_options *o, struct err *err)
{
	bool learned = model_learned(m);

	if (m->facts.folded)
		return err_set(err, ERR_INPUT,
			       "the model is folded: its rows carry weights already and cannot be weighted "
			       "again; fit the model it was made from");
	if (model_sums(m) == METHOD_LEARNED && m->projection)
		return err_set(err, ERR_INPUT,
			       "the model's vectors pass through a learned matrix, which a fit would lose");
	if (o->keep_counts && !learned && !m->counts && !m->weights)
		return err_set(err, ERR_INPUT, "the model has no counts and no weights to keep");
	return 0;
}

/* What was left open is as the model has it (a prior made otherwise would not fit), else as usual. */
static void settle(struct fit_options *o, const struct model *m)
{
	const struct model_facts *facts = &m->facts;
	bool usif = facts->method == METHOD_USIF;

	/* Learned rows know more of their words than frequency: a corpus's counts would spoil them. */
	if (model_learned(m))
		o->keep_counts = true;
	if (o->method == METHOD_COUNT)
		o->method = model_learned(m) ? METHOD_WEIGHTED : METHOD_SIF;
	if (o->components == SIZE_MAX)
		o->components = o->method == METHOD_USIF ? 5 : 1;
	if (o->components > m->rows.d)
		o->components = m->rows.d;
	if (o->a == 0.0)
		o->a = facts->a > 0.0 && !usif ? facts->a : usual_a;
	if (o->power < 0.0)
		o->power = facts->fitted && !usif ? facts->power : usual_power;
	if (o->prior < 0.0)
		o->prior = usual_prior;
}

/* The probability that has this weight in the model: the inverse of how its method made the weight. */
static double weight_probability(const struct model *m, size_t i)
{
	double a = m->facts.a > 0.0 ? m->facts.a : usual_a;
	double w = (double)m->weights[i];

	if (!(w > 0.0))
		return 1.0;
	return fmax(0.0, model_sums(m) == METHOD_USIF ? a / w - a / 2.0 : sif_probability(m->weights[i], a));
}

/* p <- the probabilities that the model knows, their sum 1; all 0 when it knows none. */
static void know_probabilities(double *p, const struct model *m)
{
	double sum = 0.0;

	for (size_t i = 0; i < m->rows.n; i++) {
		p[i] = m->counts ? (double)m->counts[i] : m->weights ? weight_probability(m, i) : 0.0;
		sum += p[i];
	}
	for (size_t i = 0; sum > 0.0 && i < m->rows.n; i++)
		p[i] /= sum;
}

/* How many sentences the model's own counts and moment stand for. */
static void weigh_prior(struct fit *f)
{
	const struct model *m = f->m;
	double most = m->facts.mass > 0.0 ? fmin(f->o.prior, m->facts.mass) : f->o.prior;

	f->mass = m->moment && m->facts.mass > 0.0 ? most : 0.0;
	f->counted = m->counts || (m->facts.fitted && m->weights) ? most : 0.0;
}

static int no_words(const struct fit *f, struct err *err)
{
	if (f->totals.tokens == 0)
		return err_set(err, ERR_INPUT, "the corpus is empty: it has no word at all");
	return err_set(err, ERR_INPUT,
		       "none of the corpus's %llu words is in the model's vocabulary: is it in another "
		       "language?",
		       (unsigned long long)f->totals.tokens);
}

/* p <- probabilities of corpus and prior together; f->counts <- the same, rounded to whole counts. */
static void mix_counts(struct fit *f)
{
	double prior = counts_share * f->counted * f->words; /* words that the prior stands for */
	double total = (double)f->totals.known;
	double known = 0.0;
	uint64_t least = f->o.min_count > 1 ? f->o.min_count : 0;

	for (size_t i = 0; i < f->n; i++)
		known += f->p[i];
	if (known > 0.0)
		total += prior;
	for (size_t i = 0; i < f->n; i++) {
		double c = (double)f->counts[i] + f->p[i] * prior;

		f->counts[i] = (uint64_t)llround(c);
		f->p[i] = fmax(c, (double)least) / total;
	}
}

/*
 * uSIF's a is a property of the vocabulary in use, so words that were never seen do not count; they then
 * weigh as the rarest, as in the reference.
 */
static int usif_weights(struct fit *f, struct err *err)
{
	double *seen = mem_try(f->n, sizeof(*seen), err);
	double least = 1.0;
	size_t n = 0;

	if (!seen)
		return -1;
	for (size_t i = 0; i < f->n; i++)
		if (f->p[i] > 0.0) {
			seen[n++] = f->p[i];
			least = fmin(least, f->p[i]);
		}
	f->a = n ? usif_a(seen, n, f->words) : 0.0;
	free(seen);
	if (!(f->a > 0.0))
		return err_set(err, ERR_INPUT, "the corpus has too few different words for usif");
	for (size_t i = 0; i < f->n; i++)
		f->weights[i] = usif_weight(f->p[i] > 0.0 ? f->p[i] : least, f->a);
	return 0;
}

static int weigh_words(struct fit *f, struct err *err)
{
	if (f->o.method == METHOD_USIF)
		return usif_weights(f, err);
	f->a = f->o.a;
	for (size_t i = 0; i < f->n; i++)
		f->weights[i] = sif_weight(f->p[i], f->a);
	return 0;
}

/* Makes ready for the second pass. */
static int again(const struct fit_source *source, struct err *err)
{
	return source->kept->whole ? 0 : corpus_rewind(source->corpus, err);
}

/* Pass 1, and from it p, weights and counts. */
static int weights_of_corpus(struct fit *f, const struct fit_source *source, struct err *err)
{
	f->counts = owned_memory(&f->owned, mem_try(f->n, sizeof(*f->counts), err));
	if (!f->counts || fit_count(source, f->counts, &f->totals, err))
		return -1;
	if (f->totals.known == 0)
		return no_words(f, err);
	f->words = (double)f->totals.known / (double)f->totals.sentences;
	if (f->counted > 0.0)
		know_probabilities(f->p, f->m);
	mix_counts(f);
	return weigh_words(f, err) || again(source, err) ? -1 : 0;
}

/* uSIF's a needs the corpus's words a sentence, so even with kept counts it counts; for nothing else. */
static int usif_of_kept(struct fit *f, const struct fit_source *source, struct err *err)
{
	uint64_t *unused = mem_try(f->n, sizeof(*unused), err);
	int failed = !unused || fit_count(source, unused, &f->totals, err);

	free(unused);
	if (failed)
		return -1;
	if (f->totals.known == 0)
		return no_words(f, err);
	f->words = (double)f->totals.known / (double)f->totals.sentences;
	return weigh_words(f, err) || again(source, err) ? -1 : 0;
}

/* The weights that the model has; made anew from its probabilities only for another method or another a. */
static int weights_of_model(struct fit *f, const struct fit_source *source, struct err *err)
{
	const struct model *m = f->m;
	bool usif = f->o.method == METHOD_USIF;

	if (m->counts) {
		f->counts = owned_memory(&f->owned, mem_try(f->n, sizeof(*f->counts), err));
		if (!f->counts)
			return -1;
		memcpy(f->counts, m->counts, f->n * sizeof(*m->counts));
	}
	if (model_learned(m)) {
		for (size_t i = 0; i < f->n; i++)
			f->weights[i] = m->weights ? m->weights[i] : 1.0f;
		f->a = f->o.a;
		return 0;
	}
	if (m->weights && usif == (model_sums(m) == METHOD_USIF) && (usif || f->o.a == m->facts.a)) {
		memcpy(f->weights, m->weights, f->n * sizeof(*m->weights));
		f->a = m->facts.a;
		return 0;
	}
	know_probabilities(f->p, m);
	return usif ? usif_of_kept(f, source, err) : weigh_words(f, err);
}

/*
 * sum <- (sum + mass * prior's mean) / (n + mass).  A moment of uSIF's weights is 4 times one of SIF's:
 * a / (a/2 + p) = 2 * (a/2) / (a/2 + p).
 */
static void mix_moment(struct fit *f, double *sum, float *moment)
{
	double total = (double)f->totals.sentences + f->mass;
	bool was = model_sums(f->m) == METHOD_USIF;
	bool is = f->o.method == METHOD_USIF;
	double scale = was == is || model_learned(f->m) ? 1.0 : is ? 4.0 : 0.25;

	for (size_t i = 0; i < f->d * f->d; i++) {
		double prior = f->mass > 0.0 ? f->mass * scale * (double)f->m->moment[i] : 0.0;

		sum[i] = (sum[i] + prior) / total;
		moment[i] = (float)sum[i];
	}
}

static float *new_floats(struct fit *f, size_t n, struct err *err)
{
	return owned_memory(&f->owned, mem_try_aligned(n, sizeof(float), err));
}

/* The first components, and for uSIF how much of each is taken out. */
static int take_components(struct fit *f, const double *values, const double *vectors, struct err *err)
{
	double trace = 0.0;
	double held = 0.0;
	float *components;
	float *scales;
	size_t k = 0;

	for (size_t i = 0; i < f->d; i++)
		trace += fmax(values[i], 0.0);
	while (k < f->o.components && values[k] > least_part * values[0])
		held += values[k++];
	f->explained = held / trace;
	f->parts.k = k;
	if (k == 0)
		return 0;
	f->parts.components = components = new_floats(f, k * f->d, err);
	if (!components)
		return -1;
	for (size_t i = 0; i < k * f->d; i++)
		components[i] = (float)vectors[i];
	if (f->o.method != METHOD_USIF)
		return 0;
	f->parts.component_scales = scales = new_floats(f, k, err);
	if (!scales)
		return -1;
	for (size_t i = 0; i < k; i++)
		scales[i] = (float)(values[i] / held);
	return 0;
}

/* Components and whitening of the mean second moment, which is overwritten. */
static int take_directions(struct fit *f, double *moment, struct err *err)
{
	size_t d = f->d;
	double *values = mem_try(d, sizeof(*values), err);
	double *vectors = values ? mem_try(d * d, sizeof(*vectors), err) : NULL;
	float *projection;
	int failed = -1;

	if (!vectors)
		goto out;
	if (mat_eigen(values, vectors, moment, d, err)) {
		(void)err_prefix(err, "the second moment of the corpus's sentence vectors");
		goto out;
	}
	if (!(values[0] > 0.0)) {
		(void)err_set(err, ERR_INPUT, "every sentence of the corpus has the zero vector");
		goto out;
	}
	if (take_components(f, values, vectors, err))
		goto out;
	if (f->o.method != METHOD_USIF) {
		f->parts.projection = projection = new_floats(f, d * d, err);
		if (!projection)
			goto out;
		sif_whitening(projection, values, vectors, d, f->o.power);
	}
	failed = 0;
out:
	free(vectors);
	free(values);
	return failed;
}

/* Pass 2, and from it moment, components and projection. */
static int directions_of_corpus(struct fit *f, const struct fit_source *source, struct err *err)
{
	double *sum = mem_try_aligned(f->d * f->d, sizeof(*sum), err);
	float *moment;
	int failed = -1;

	if (!sum || fit_sum(source, f->weights, sum, &f->totals, err))
		goto out;
	if (f->totals.known == 0) {
		(void)no_words(f, err);
		goto out;
	}
	progress_phase(source->progress, "finding components", "bytes", corpus_size(source->corpus));
	progress_set(source->progress, corpus_size(source->corpus));
	f->parts.moment = moment = new_floats(f, f->d * f->d, err);
	if (!moment)
		goto out;
	mix_moment(f, sum, moment);
	failed = take_directions(f, sum, err);
out:
	free(sum);
	return failed;
}

static struct model_facts facts_of(const struct fit *f, const struct corpus *corpus)
{
	struct model_facts facts = { .method = f->o.method,
				     .fitted = true,
				     .learned = model_learned(f->m),
				     .folded = f->o.fold,
				     .a = f->a,
				     .power = f->o.method == METHOD_USIF ? 0.0 : f->o.power,
				     .prior = fmax(f->mass, f->o.keep_counts ? 0.0 : f->counted),
				     .sentences = f->totals.sentences,
				     .tokens = f->totals.tokens,
				     .known = f->totals.known,
				     .mass = (double)f->totals.sentences + f->mass,
				     .explained = f->explained };

	memcpy(facts.source, f->m->facts.source, sizeof(facts.source));
	corpus_digest(corpus, facts.corpus);
	return facts;
}

/* Rows of its own, which have weights, components and projection in them: it has that one method. */
static int fold_rows(struct fit *f, struct progress *progress, struct err *err)
{
	struct rows *rows = &f->parts.rows;
	void *data = owned_memory(&f->owned, mem_try_aligned(f->n * f->d, rows_type_size(rows->type), err));
	float *scales = rows->type == ROWS_I8 ? new_floats(f, f->n, err) : NULL;

	if (!data || (rows->type == ROWS_I8 && !scales) ||
	    fit_fold(data, scales, &f->parts, f->o.workers, progress, err))
		return -1;
	f->parts = (struct model){ .rows = *rows,
				   .vocab = f->parts.vocab,
				   .rules = f->parts.rules,
				   .d_out = f->d,
				   .facts = f->parts.facts };
	rows->data = data;
	rows->scales = scales;
	return 0;
}

static struct model *make_model(struct fit *f, const struct corpus *corpus, struct progress *progress,
				struct err *err)
{
	struct model *ground = f->m->base ? f->m->base : f->m;

	f->parts.rows = f->m->rows;
	f->parts.vocab = f->m->vocab;
	f->parts.rules = f->m->rules;
	f->parts.d_out = f->d;
	f->parts.facts = facts_of(f, corpus);
	f->parts.counts = f->counts;
	f->parts.weights = f->weights;
	if (f->o.fold) {
		if (fold_rows(f, progress, err))
			return NULL;
		owned_model(&f->owned, ground);
	} else {
		f->parts.base = ground;
		if (f->m->lstm.h && model_lstm_reads_rows(f->m)) {
			model_lend_lstm(&f->parts, f->m);
			owned_model(&f->owned, f->m);
		}
	}
	return model_of_parts(&f->parts, &f->owned, err);
}

static int fit_parts(struct fit *f, const struct fit_source *source, struct err *err)
{
	f->p = mem_try(f->n, sizeof(*f->p), err);
	f->weights = f->p ? new_floats(f, f->n, err) : NULL;
	if (!f->weights)
		return -1;
	weigh_prior(f);
	if (f->o.keep_counts ? weights_of_model(f, source, err) : weights_of_corpus(f, source, err))
		return -1;
	return directions_of_corpus(f, source, err);
}

struct model *fit_model(struct model *m, struct corpus *corpus, const struct fit_options *options,
			struct fit_report *report, struct progress *progress, struct err *err)
{
	struct fit f = { .m = m, .n = m->rows.n, .d = m->rows.d };
	struct fit_kept kept = { 0 };
	struct fit_source source = { .m = m,
				     .corpus = corpus,
				     .progress = progress,
				     .kept = &kept,
				     .workers = options->workers,
				     .by_line = options->by_line };
	struct model *fitted = NULL;

	if (check_numbers(options, err) || check_model(m, options, err))
		return NULL;
	f.o = *options;
	settle(&f.o, m);
	if (fit_parts(&f, &source, err) == 0)
		fitted = make_model(&f, corpus, progress, err);
	if (fitted && report) {
		double n = (double)f.totals.sentences;

		*report = (struct fit_report){ .bytes = f.totals.bytes,
					       .lines = f.totals.lines,
					       .sentences = f.totals.sentences,
					       .tokens = f.totals.tokens,
					       .known = f.totals.known,
					       .explained = f.explained,
					       .share = n / (n + f.mass) };
	}
	fit_kept_free(&kept);
	free(f.p);
	owned_free(&f.owned);
	return fitted;
}
