/* `sifd fit`: a model fitted to a corpus. */
#include "base/err.h"
#include "cli/cli.h"
#include "embed/fit.h"
#include "embed/publish.h"
#include "learn/grow.h"
#include "model/model.h"
#include "text/corpus.h"

#include <inttypes.h>
#include <stdio.h>

struct fit_call {
	struct model_choice choice;
	struct fit_options fit;
	const char *output;
	size_t new_words;
	bool overlay, lossy;
};

static double percent(const struct fit_report *r)
{
	return r->tokens ? 100.0 * (double)r->known / (double)r->tokens : 0.0;
}

static void report(const struct fit_report *r, const struct grow_report *grown, const struct model *m,
		   const char *output)
{
	(void)fprintf(stderr,
		      "%" PRIu64 " sentences, %" PRIu64 " words (%.1f %% known) in %" PRIu64 " bytes -> %s\n",
		      r->sentences, r->tokens, percent(r), r->bytes, output);
	(void)fprintf(
		stderr,
		"  method %s, %zu components with %.1f %% of the variance, this corpus weighs %.0f %%\n",
		method_names[m->facts.method], m->k, 100.0 * r->explained, 100.0 * r->share);
	if (grown->words)
		(void)fprintf(stderr,
			      "  %zu new word%s got a vector from contexts: %.2f %% known, before %.2f %%\n",
			      grown->words, grown->words == 1 ? "" : "s", percent(r),
			      100.0 * grown->coverage);
	else if (*grown->none)
		(void)fprintf(stderr, "  no new words: %s; %.2f %% known, as before\n", grown->none,
			      percent(r));
}

static int run(void *call, const struct arguments *corpora, struct err *err)
{
	struct fit_call *c = call;
	struct fit_report r = { 0 };
	struct grow_report grown;
	struct progress_line line;
	struct corpus *corpus;
	struct model *base = cli_open_model(&c->choice, err);
	struct model *fitted;
	int failed;

	if (!base)
		return -1;
	corpus = corpus_open(corpora->at, corpora->n, c->lossy, err);
	if (!corpus) {
		model_release(base);
		return -1;
	}
	progress_line_start(&line);
	fitted = grow_and_fit(base, corpus, &c->fit, c->new_words, &r, &grown, &line.progress, err);
	failed = !fitted || publish_model(fitted, c->output, c->overlay, err);
	progress_line_stop(&line);
	if (!failed)
		report(&r, &grown, fitted, c->output);
	model_release(fitted);
	corpus_close(corpus);
	model_release(base);
	return failed ? -1 : 0;
}

static int check(void *call, const struct arguments *corpora, struct err *err)
{
	struct fit_call *c = call;

	if (corpora->n == 0)
		return err_set(err, ERR_INPUT,
			       "no corpus given: name files, folders or - for standard input");
	if (!c->output)
		return err_set(err, ERR_INPUT, "-o FITTED, the model file to write, is missing");
	if (c->fit.fold && c->overlay)
		return err_set(err, ERR_INPUT,
			       "--fold writes whole rows, --overlay writes none: give one of them");
	if (c->overlay && c->new_words != GROW_USUAL && c->new_words > 0)
		return err_set(err, ERR_INPUT,
			       "--new-words needs rows, --overlay writes none: give one of them");
	if (c->overlay)
		c->new_words = 0;
	return 0;
}

static const struct param_row options[] = {
	CLI_TEXT("output", 'o', "FITTED", "the model file to write", struct fit_call, output),
	CLI_FLAG("overlay", "write only what the fit adds (4 bytes per word)", struct fit_call, overlay),
	CLI_LOSSY(struct fit_call),
	{ 0 },
};

const struct verb verb_fit = {
	.name = "fit",
	.arguments = "CORPUS... -o FITTED [-m MODEL] [OPTION]...",
	.summary = "Fits word weights, common components and whitening to a corpus, and gives vectors to "
		   "words the model lacks.",
	.details = "CORPUS: text (a line holds a sentence, a paragraph or a document), JSONL with a `text` "
		   "field, .gz, .xz or\n.zst of either, a folder, or - for standard input.  Example:\n\n  "
		   "sifd fit corpus.txt.gz -o models/news.safetensors --method whiten --overlay\n",
	.options = { { options, 0 },
		     CLI_MODEL(struct fit_call),
		     { fit_params, offsetof(struct fit_call, fit) },
		     { grow_params, offsetof(struct fit_call, new_words) } },
	.call_bytes = sizeof(struct fit_call),
	.check = check,
	.run = run,
};
