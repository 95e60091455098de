/*
 * The first half of a fit: the words' probabilities, and weights made of them.
 */
#include "base/err.h"
#include "base/mem.h"
#include "embed/fit_private.h"
#include "math/sif.h"
#include "text/corpus.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* How much more the prior weighs in the counts than in the moment; fit.h says why. */
static const double counts_share = 20.0;

/* The probability behind a weight of the model: the inverse of how its method made weights. */
static double weight_probability(const struct model *m, size_t i)
{
	double a = m->facts.a > 0.0 ? m->facts.a : fit_usual_a;
	double w = (double)m->weights[i];

	if (!(w > 0.0))
		return 1.0;
	return fmax(0.0, model_sums(m) == METHOD_USIF ? a / w - a / 2.0 : sif_probability(m->weights[i], a));
}

/* p <- the probabilities that the model knows, with sum 1; all 0 when it knows none. */
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

int fit_no_words(const struct fit *f, struct err *err)
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
 * uSIF's a is a property of the vocabulary in use, so words that were never seen do not count for it; they
 * weigh as much as the rarest, as in the reference.
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

/* The first pass: counts (n), and the totals. */
static int count_corpus(struct fit *f, const struct fit_source *source, uint64_t *counts, struct err *err)
{
	if (!counts || fit_count(source, counts, &f->totals, err))
		return -1;
	if (f->totals.known == 0)
		return fit_no_words(f, err);
	f->words = (double)f->totals.known / (double)f->totals.sentences;
	return 0;
}

/* Weighs the words and rewinds for the second pass, unless the first one was kept. */
static int end_first_pass(struct fit *f, const struct fit_source *source, struct err *err)
{
	if (weigh_words(f, err))
		return -1;
	return source->kept->whole ? 0 : corpus_rewind(source->corpus, err);
}

/* Counts the corpus's words: p, weights and counts. */
static int weights_of_corpus(struct fit *f, const struct fit_source *source, struct err *err)
{
	f->counts = owned_memory(&f->owned, mem_try(f->n, sizeof(*f->counts), err));
	if (count_corpus(f, source, f->counts, err))
		return -1;
	if (f->counted > 0.0)
		know_probabilities(f->p, f->m);
	mix_counts(f);
	return end_first_pass(f, source, err);
}

/* uSIF's a needs the words per sentence of the corpus, so it is read even where counts are kept. */
static int usif_of_kept(struct fit *f, const struct fit_source *source, struct err *err)
{
	uint64_t *unused = mem_try(f->n, sizeof(*unused), err);
	int failed = count_corpus(f, source, unused, err);

	free(unused);
	return failed ? -1 : end_first_pass(f, source, err);
}

/* The model's own weights; made anew from its probabilities only for another method or another a. */
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

int fit_weights(struct fit *f, const struct fit_source *source, struct err *err)
{
	f->p = mem_try(f->n, sizeof(*f->p), err);
	f->weights = f->p ? fit_floats(f, f->n, err) : NULL;
	if (!f->weights)
		return -1;
	return f->o.keep_counts ? weights_of_model(f, source, err) : weights_of_corpus(f, source, err);
}
