#include "learn/grow.h"

#include "base/err.h"
#include "embed/fit.h"
#include "learn/alacarte.h"
#include "model/model.h"
#include "text/corpus.h"

#include <stdio.h>

static const double least_proof = 0.1;

const struct param_row grow_params[] = {
	PARAM(PARAM_COUNT, "new_words", "N",
	      "give at most N frequent unknown words of the corpus a vector, from their contexts",
	      "100000 for a learned model not written as an overlay, else 0", PARAM_WHOLE(size_t),
	      PARAM_RANGE(0, ALACARTE_FORMS_MAX), { PARAM_ALWAYS, GROW_USUAL }),
	{ 0 },
};

static size_t usual_words(const struct model *m)
{
	bool passes = model_sums(m) == METHOD_LEARNED && m->projection; /* which a fit does not accept */
	bool fits = model_learned(m) && !m->facts.folded && !passes;

	return fits && !(m->rules.unknown & UNKNOWN_LAST) ? alacarte_options_default().max_words : 0;
}

/* A reference to the model with new words, or to the model itself, and why. */
static struct model *grow(struct model *m, struct corpus *corpus, const struct alacarte_options *o,
			  struct grow_report *report, struct progress *progress, struct err *err)
{
	struct alacarte_report r;
	struct err none = { 0 };
	struct model *grown = alacarte_learn(m, corpus, o, &r, progress, &none);

	if (!grown && !r.barren) {
		*err = none;
		return NULL;
	}
	report->coverage = r.tokens ? (double)r.known_before / (double)r.tokens : 0.0;
	if (grown && r.held_out >= r.chance + least_proof) {
		report->words = r.new_words;
		return grown;
	}
	if (grown) {
		model_release(grown);
		(void)err_set(&none, ERR_INPUT, "contexts tell too little of its words");
	}
	(void)snprintf(report->none, sizeof(report->none), "%.150s", none.text);
	return model_retain(m);
}

struct model *grow_and_fit(struct model *m, struct corpus *corpus, const struct fit_options *fit,
			   size_t words, struct fit_report *fitted, struct grow_report *grown,
			   struct progress *progress, struct err *err)
{
	struct alacarte_options o = alacarte_options_default();
	struct model *larger, *result = NULL;

	*grown = (struct grow_report){ 0 };
	o.max_words = words == GROW_USUAL ? usual_words(m) : words;
	o.by_line = fit->by_line;
	o.workers = fit->workers;
	if (o.max_words == 0) {
		result = fit_model(m, corpus, fit, fitted, progress, err);
		if (result)
			grown->coverage =
				fitted->tokens ? (double)fitted->known / (double)fitted->tokens : 0.0;
		return result;
	}
	larger = grow(m, corpus, &o, grown, progress, err);
	if (larger && corpus_rewind(corpus, err) == 0)
		result = fit_model(larger, corpus, fit, fitted, progress, err);
	model_release(larger);
	return result;
}
