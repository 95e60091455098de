#include "cli/train_alacarte.h"

#include "base/err.h"
#include "embed/publish.h"
#include "model/model.h"
#include "text/corpus.h"

#include <inttypes.h>
#include <stdio.h>

static void report(const struct alacarte_report *r, const char *output)
{
	double tokens = r->tokens ? (double)r->tokens : 1.0;

	(void)fprintf(stderr, "%zu words got a vector from their contexts in %" PRIu64 " bytes -> %s\n",
		      r->new_words, r->bytes, output);
	(void)fprintf(stderr, "  %.2f %% of the corpus's %" PRIu64 " words were known, now %.2f %%\n",
		      100.0 * (double)r->known_before / tokens, r->tokens,
		      100.0 * (double)r->known_after / tokens);
	(void)fprintf(stderr,
		      "  learnt from %zu words; %zu of them held out: cosine with the true vector %.3f (with "
		      "another word's %.3f)\n",
		      r->fit_words, r->held_out_words, r->held_out, r->chance);
}

int cli_train_alacarte(const struct alacarte_options *options, const struct model_choice *choice,
		       const char *output, const struct arguments *corpora, bool lossy, struct err *err)
{
	struct alacarte_report r;
	struct progress_line line;
	struct corpus *corpus = corpus_open(corpora->at, corpora->n, lossy, err);
	struct model *m = corpus ? cli_open_model(choice, err) : NULL;
	struct model *grown = NULL;
	int rc = -1;

	if (m) {
		progress_line_start(&line);
		grown = alacarte_learn(m, corpus, options, &r, &line.progress, err);
		rc = grown ? publish_model(grown, output, false, err) : -1;
		progress_line_stop(&line);
	}
	if (rc == 0)
		report(&r, output);
	if (grown)
		model_release(grown);
	if (m)
		model_release(m);
	if (corpus)
		corpus_close(corpus);
	return rc;
}
