#include "base/err.h"
#include "cli/cli.h"
#include "embed/fit.h"
#include "embed/publish.h"
#include "learn/grow.h"
#include "model/model.h"
#include "text/corpus.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct call {
	struct model_choice choice;
	struct fit_options fit;
	const char *output, *unit;
	size_t min_count, new_words, seed;
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
		method_name(m->facts.method), m->k, 100.0 * r->explained, 100.0 * r->share);
	if (grown->words)
		(void)fprintf(stderr,
			      "  %zu new word%s got a vector from contexts: %.2f %% known, before %.2f %%\n",
			      grown->words, grown->words == 1 ? "" : "s", percent(r),
			      100.0 * grown->coverage);
	else if (*grown->none)
		(void)fprintf(stderr, "  no new words: %s; %.2f %% known, as before\n", grown->none,
			      percent(r));
}

static int fit_to(struct call *c, const struct arguments *rest, struct err *err)
{
	struct fit_report r = { 0 };
	struct grow_report grown;
	struct progress_line line;
	struct corpus *corpus;
	struct model *base = cli_open_model(&c->choice, err);
	struct model *fitted;
	int failed;

	if (!base)
		return -1;
	corpus = corpus_open(rest->at, rest->n, c->lossy, err);
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
	if (fitted)
		model_release(fitted);
	corpus_close(corpus);
	model_release(base);
	return failed ? -1 : 0;
}

static int settle(struct call *c, const struct arguments *rest, struct err *err)
{
	const char *name = c->choice.method;
	int method = name ? method_parse(name, strlen(name)) : METHOD_COUNT;

	if (rest->n == 0)
		return err_set(err, ERR_INPUT,
			       "no corpus given: name files, folders or - for standard input");
	if (!c->output)
		return err_set(err, ERR_INPUT, "-o FITTED, the model file to write, is missing");
	if (name && (method < 0 || !fit_method((enum method)method)))
		return err_set(err, ERR_INPUT, "--method %s: expected sif, usif, whiten or weighted", name);
	if (strcmp(c->unit, "sentence") != 0 && strcmp(c->unit, "line") != 0)
		return err_set(err, ERR_INPUT, "--unit %s: expected sentence or line", c->unit);
	if (c->fit.fold && c->overlay)
		return err_set(err, ERR_INPUT,
			       "--fold writes whole rows, --overlay writes none: give one of them");
	if (c->overlay && c->new_words != GROW_USUAL && c->new_words > 0)
		return err_set(err, ERR_INPUT,
			       "--new-words needs rows, --overlay writes none: give one of them");
	if (c->overlay)
		c->new_words = 0;
	c->fit.method = (enum method)method;
	c->fit.by_line = strcmp(c->unit, "line") == 0;
	c->fit.min_count = c->min_count;
	return 0;
}

static int run(const struct verb *verb, int argc, char **argv)
{
	struct call c = { .fit = fit_options_default(), .unit = "sentence", .new_words = GROW_USUAL };
	const struct option_spec specs[] = {
		CLI_MODEL_OPTIONS(&c.choice),
		{ "output", 'o', OPTION_TEXT, &c.output, "FITTED", "the model file to write" },
		{ "method", 0, OPTION_TEXT, &c.choice.method, "METHOD",
		  "sif, usif, whiten or weighted; default sif, of a learned model weighted" },
		{ "a", 0, OPTION_NUMBER, &c.fit.a, "A",
		  "of the weights a/(a+p); default: the model's own, else 1e-3" },
		{ "components", 0, OPTION_COUNT, &c.fit.components, "K",
		  "components to remove; default: sif 1, usif 5" },
		{ "power", 0, OPTION_NUMBER, &c.fit.power, "P",
		  "of the whitening, 0 to 2; default: the model's own, else 0.75" },
		{ "prior", 0, OPTION_NUMBER, &c.fit.prior, "SENTENCES",
		  "how many sentences the model's own knowledge counts for; default 100000, 0 = none" },
		{ "unit", 0, OPTION_TEXT, &c.unit, "UNIT", "sentence (default) or line" },
		{ "min-count", 0, OPTION_COUNT, &c.min_count, "N",
		  "words seen less often weigh as if seen N times" },
		{ "keep-counts", 0, OPTION_FLAG, &c.fit.keep_counts, NULL,
		  "keep the model's word weights; fit the rest (always of a learned model)" },
		{ "new-words", 0, OPTION_COUNT, &c.new_words, "N",
		  "at most so many of the corpus's frequent unknown words get a vector, from their contexts; "
		  "default 100000 of a learned model, else 0 = none; none with --overlay" },
		{ "workers", 0, OPTION_COUNT, &c.fit.workers, "N",
		  "threads; default: one per processor; the result is the same" },
		{ "fold", 0, OPTION_FLAG, &c.fit.fold, NULL,
		  "write the weights and components into the rows" },
		{ "overlay", 0, OPTION_FLAG, &c.overlay, NULL,
		  "write only what the fit adds (4 bytes a word)" },
		{ "lossy", 0, OPTION_FLAG, &c.lossy, NULL,
		  "mend text that is not UTF-8 instead of refusing it" },
		{ "seed", 0, OPTION_COUNT, &c.seed, "N",
		  "accepted for scripts; a fit uses no random numbers" },
	};
	struct arguments rest;
	struct err err = { 0 };
	int status = options_parse(verb, specs, sizeof(specs) / sizeof(specs[0]), argc, argv, &rest, &err);

	if (status)
		return status > 0 ? EXIT_DONE : cli_usage(verb, &err);
	if (settle(&c, &rest, &err))
		status = cli_usage(verb, &err);
	else
		status = fit_to(&c, &rest, &err) ? cli_failed(&err) : EXIT_DONE;
	options_free(&rest);
	return status;
}

const struct verb verb_fit = {
	.name = "fit",
	.arguments = "CORPUS... -o FITTED [-m MODEL] [OPTION]...",
	.summary = "Fits word weights, common components and whitening to a corpus; gives its own words "
		   "vectors.",
	.details = "CORPUS: text (a line holds a sentence, a paragraph or a document), JSONL with a `text` "
		   "field, .gz, .xz or\n"
		   ".zst of either, a folder, or - for standard input.  Example:\n\n"
		   "  sifd fit corpus.txt.gz -o models/news.safetensors --method whiten --overlay\n",
	.run = run,
};
