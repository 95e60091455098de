/*
 * train_alacarte.h - `sifd train --learn alacarte`: its options and its run, apart from the training on
 * pairs.
 */
#ifndef SIFD_CLI_TRAIN_ALACARTE_H
#define SIFD_CLI_TRAIN_ALACARTE_H

#include "cli/cli.h"
#include "learn/alacarte.h"

struct alacarte_call {
	struct alacarte_options o;
	size_t fit_count, min_count;
	const char *unit;
	bool lossy;
};

struct alacarte_call alacarte_call_default(void);

#define CLI_ALACARTE_OPTIONS(call)                                                                           \
	{ "min-count",	      0,   OPTION_COUNT,                                                             \
	  &(call)->min_count, "N", "alacarte: words seen so often get a vector; default 10" },               \
		{ "fit-count",	      0,   OPTION_COUNT,                                                     \
		  &(call)->fit_count, "N", "alacarte: known words seen so often teach; default 100" },       \
		{ "max-words",		0,   OPTION_COUNT,                                                   \
		  &(call)->o.max_words, "N", "alacarte: new words at most; default 100k" },                  \
		{ "window",	     0,	  OPTION_COUNT,                                                      \
		  &(call)->o.window, "N", "alacarte: words to either side; default 5" },                     \
		{ "unit",	 0,	 OPTION_TEXT,                                                        \
		  &(call)->unit, "UNIT", "alacarte: contexts end with the sentence (default) or the line" }, \
	{                                                                                                    \
		"lossy", 0, OPTION_FLAG, &(call)->lossy, NULL, "alacarte: mend what is not UTF-8"            \
	}

/* What is wrong with the call, if anything. */
int cli_settle_alacarte(struct alacarte_call *call, const char *output, const struct arguments *corpora,
			struct err *err);

/* Learns from the corpora, writes the model and says what came of it.  0 or -1. */
int cli_train_alacarte(struct alacarte_call *call, const struct model_choice *choice, const char *output,
		       const struct arguments *corpora, size_t workers, struct err *err);

#endif
