#include "cli/train_alacarte.h"

#include "base/err.h"
#include "embed/publish.h"
#include "model/model.h"
#include "text/corpus.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct alacarte_call alacarte_call_default(void)
{
	struct alacarte_options o = alacarte_options_default();

	return (struct alacarte_call){
		.o = o, .fit_count = (size_t)o.fit_count, .min_count = (size_t)o.min_count, .unit = "sentence"
	};
}

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

int cli_settle_alacarte(struct alacarte_call *call, const char *output, const struct arguments *corpora,
			struct err *err)
{
	if (!output)
		return err_set(err, ERR_INPUT, "-o TRAINED, the model file to write, is missing");
	if (corpora->n == 0)
		return err_set(err, ERR_INPUT, "no corpus: files, folders or - behind the options");
	if (strcmp(call->unit, "sentence") != 0 && strcmp(call->unit, "line") != 0)
		return err_set(err, ERR_INPUT, "--unit %.40s: expected sentence or line", call->unit);
	call->o.by_line = strcmp(call->unit, "line") == 0;
	call->o.fit_count = call->fit_count;
	call->o.min_count = call->min_count;
	return 0;
}

int cli_train_alacarte(struct alacarte_call *call, const struct model_choice *choice, const char *output,
		       const struct arguments *corpora, size_t workers, struct err *err)
{
	struct alacarte_report r;
	struct progress_line line;
	struct corpus *corpus;
	struct model *m;
	struct model *grown = NULL;
	int rc;

	call->o.workers = workers;
	corpus = corpus_open(corpora->at, corpora->n, call->lossy, err);
	m = corpus ? cli_open_model(choice, err) : NULL;
	rc = m ? 0 : -1;
	if (rc == 0) {
		progress_line_start(&line);
		grown = alacarte_learn(m, corpus, &call->o, &r, &line.progress, err);
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
