/*
 * grow.h - a fit that first gives the corpus's own words vectors: what `sifd fit` and the job `fit` do.
 *
 * The frequent words of the corpus that the model does not know get rows by A La Carte (learn/alacarte.h),
 * then the model that has them is fitted (embed/fit.h).  A word spelled from pieces counts as known: the
 * pieces' rows tell more about it than its contexts.  (The shipped model, 27,000 sentences of papers, each of
 * 3,000 others to be found by its paraphrase: 47.6 % come first; 45.4 % when the spelled words seen 10 times
 * get rows of their own.)
 */
#ifndef SIFD_LEARN_GROW_H
#define SIFD_LEARN_GROW_H

#include "base/params.h"

#include <stddef.h>

struct corpus;
struct err;
struct fit_options;
struct fit_report;
struct model;
struct progress;

/* For a learned model as many as alacarte_options_default() says; for others none. */
#define GROW_USUAL ((size_t)-1)

extern const struct param_row grow_params[]; /* of the number of words, a size_t */

struct grow_report {
	size_t words;	 /* that were added */
	double coverage; /* share of the corpus's words that were known before; fit_report has it after */
	char none[160];	 /* why there is no new word, when some were asked for */
};

/*
 * fit_model() with at most `words` new words, 0 for none.  A corpus from which nothing can be learnt is no
 * failure: report->none says why, and the fit is that of the model as it came.  The same holds where A does
 * not prove itself: held-out words must come out .1 nearer to their own vectors than to other words'. With
 * new words the fitted model cannot be an overlay.  Errors of both.
 */
struct model *grow_and_fit(struct model *m, struct corpus *corpus, const struct fit_options *fit,
			   size_t words, struct fit_report *fitted, struct grow_report *grown,
			   struct progress *progress, struct err *err);

#endif
