/*
 * train_alacarte.h - `sifd train --learn alacarte`, apart from the training on pairs.
 */
#ifndef SIFD_CLI_TRAIN_ALACARTE_H
#define SIFD_CLI_TRAIN_ALACARTE_H

#include "cli/cli.h"
#include "learn/alacarte.h"

/* Learns from the corpora, writes the model and says what came of it.  0 or -1. */
int cli_train_alacarte(const struct alacarte_options *options, const struct model_choice *choice,
		       const char *output, const struct arguments *corpora, bool lossy, struct err *err);

#endif
