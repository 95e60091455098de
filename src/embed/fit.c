#include "embed/fit.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/progress.h"
#include "embed/fit_private.h"
#include "text/corpus.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static const double usual_power = 0.75;
static const double usual_prior = 100000.0;

#define IN(field) PARAM_FIELD(struct fit_options, field)

const struct param_row fit_params[] = {
	PARAM(PARAM_CHOICE, "method", "METHOD", "the fitted model's own method",
	      "sif, or weighted for a learned model", IN(method),
	      PARAM_NAMES(method_names, METHOD_WEIGHTED, METHOD_WHITEN), { PARAM_ALWAYS, METHOD_COUNT }),
	PARAM(PARAM_NUMBER, "a", "A", "a of the word weights a/(a+p)", "the model's own, else 1e-3", IN(a),
	      PARAM_RANGE(1e-12, 1e3), { PARAM_ALWAYS, 0 }),
	PARAM(PARAM_COUNT, "components", "K", "how many components to remove", "1 for sif, 5 for usif",
	      IN(components), PARAM_RANGE(0, MODEL_COMPONENTS_MAX), { PARAM_ALWAYS, SIZE_MAX }),
	PARAM(PARAM_NUMBER, "power", "P", "power of the whitening", "the model's own, else 0.75", IN(power),
	      PARAM_RANGE(0, 2), { PARAM_ALWAYS, -1 }),
	PARAM(PARAM_NUMBER, "prior", "SENTENCES",
	      "how many sentences the model's earlier knowledge counts for; 0: none", "100000", IN(prior),
	      PARAM_RANGE(0, 1e9), { PARAM_ALWAYS, -1 }),
	PARAM(PARAM_CHOICE, "unit", "UNIT", "what a text is", NULL, IN(by_line),
	      PARAM_NAMES(corpus_units, 0, 1), { PARAM_ALWAYS, 0 }),
	PARAM(PARAM_COUNT, "min_count", "N", "treat words seen fewer than N times as seen N times", NULL,
	      IN(min_count), PARAM_RANGE(0, PARAM_MOST), { PARAM_ALWAYS, 0 }),
	PARAM(PARAM_FLAG, "keep_counts", NULL,
	      "keep the model's word weights and fit the rest (always so for a learned model)", NULL,
	      IN(keep_counts), PARAM_ANY, { PARAM_ALWAYS, 0 }),
	PARAM(PARAM_FLAG, "fold", NULL, "bake the weights and components into the rows", NULL, IN(fold),
	      PARAM_ANY, { PARAM_ALWAYS, 0 }),
	PARAM(PARAM_COUNT, "seed", "N", "accepted for scripts; a fit uses no random numbers", NULL,
	      PARAM_NO_FIELD, PARAM_RANGE(0, PARAM_MOST), { PARAM_ALWAYS, 0 }),
	PARAM_WORKERS(struct fit_options, workers),
	{ 0 },
};

struct fit_options fit_options_default(void)
{
	struct fit_options o = { 0 };

	params_default(fit_params, PARAM_ALWAYS, &o);
	return o;
}

static int check_numbers(const struct fit_options *o, struct err *err)
{
	if (params_check(fit_params, PARAM_ALWAYS, o, err))
		return -1;
	if (o->components == 0 && o->method != METHOD_WHITEN)
		return err_field(err, ERR_INPUT, "components",
				 "`components` must be at least 1; none at all is the method `weighted`");
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

/* Options left open are as the model has them (a prior made otherwise would not fit), else as usual. */
static void settle(struct fit_options *o, const struct model *m)
{
	const struct model_facts *facts = &m->facts;
	bool usif = facts->method == METHOD_USIF;

	/* Learned rows know more about their words than frequency: a corpus's counts would spoil them. */
	if (model_learned(m))
		o->keep_counts = true;
	if (o->method == METHOD_COUNT)
		o->method = model_learned(m) ? METHOD_WEIGHTED : METHOD_SIF;
	if (o->components == SIZE_MAX)
		o->components = o->method == METHOD_USIF ? 5 : 1;
	if (o->components > m->rows.d)
		o->components = m->rows.d;
	if (o->a == 0.0)
		o->a = facts->a > 0.0 && !usif ? facts->a : fit_usual_a;
	if (o->power < 0.0)
		o->power = facts->fitted && !usif ? facts->power : usual_power;
	if (o->prior < 0.0)
		o->prior = usual_prior;
}

/* How many sentences the model's own counts and moment stand for. */
static void weigh_prior(struct fit *f)
{
	const struct model *m = f->m;
	double most = m->facts.mass > 0.0 ? fmin(f->o.prior, m->facts.mass) : f->o.prior;

	f->mass = m->moment && m->facts.mass > 0.0 ? most : 0.0;
	f->counted = m->counts || (m->facts.fitted && m->weights) ? most : 0.0;
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
				     .explained = f->totals.explained };

	memcpy(facts.source, f->m->facts.source, sizeof(facts.source));
	corpus_digest(corpus, facts.corpus);
	return facts;
}

float *fit_floats(struct fit *f, size_t n, struct err *err)
{
	return owned_memory(&f->owned, mem_try_aligned(n, sizeof(float), err));
}

/* Gives the model rows of its own with everything baked in, and so only the one method. */
static int bake_rows(struct fit *f, struct progress *progress, struct err *err)
{
	struct rows *rows = &f->parts.rows;
	void *data = owned_memory(&f->owned, mem_try_aligned(f->n * f->d, rows_type_size(rows->type), err));
	float *scales = rows->type == ROWS_I8 ? fit_floats(f, f->n, err) : NULL;

	if (!data || (rows->type == ROWS_I8 && !scales) ||
	    bake_into_rows(data, scales, &f->parts, f->o.workers, progress, err))
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
		if (bake_rows(f, progress, err))
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
	weigh_prior(&f);
	if (fit_weights(&f, &source, err) == 0 && fit_directions(&f, &source, err) == 0)
		fitted = make_model(&f, corpus, progress, err);
	if (fitted && report) {
		double n = (double)f.totals.sentences;

		*report = f.totals;
		report->share = n / (n + f.mass);
	}
	fit_kept_free(&kept);
	free(f.p);
	owned_free(&f.owned);
	return fitted;
}
