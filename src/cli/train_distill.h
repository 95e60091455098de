/*
 * train_distill.h - `sifd train --teacher`: its options and its run, apart from the training on pairs.
 */
#ifndef SIFD_CLI_TRAIN_DISTILL_H
#define SIFD_CLI_TRAIN_DISTILL_H

#include "cli/cli.h"
#include "learn/train.h"

#include <stdbool.h>

struct distill_call {
	const char *teacher, *texts, *draws, *dtype;
	double a, rows_rate, static_share;
};

#define CLI_DISTILL_OPTIONS(call)                                                                             \
	{ "teacher",	    0,		OPTION_TEXT,                                                          \
	  &(call)->teacher, "FILE.npy", "distil: a teacher's vectors of the texts, a row each" },             \
		{ "texts", 0, OPTION_TEXT, &(call)->texts, "FILE", "distil: the texts, one a line" },         \
		{ "draws",     0,                                                                             \
		  OPTION_TEXT, &(call)->draws,                                                                \
		  "FILE",      "distil: how often an epoch draws each text, a number a line; default once" }, \
		{ "a",	      0,   OPTION_NUMBER,                                                             \
		  &(call)->a, "A", "distil: of the weights a/(a+p) at the start; default 3e-4" },             \
		{ "lr-rows",	      0,      OPTION_NUMBER,                                                  \
		  &(call)->rows_rate, "RATE", "distil an lstm: of the rows; 0 leaves them; default 5e-4" },   \
		{ "static-share",                                                                             \
		  0,                                                                                          \
		  OPTION_NUMBER,                                                                              \
		  &(call)->static_share,                                                                      \
		  "SHARE",                                                                                    \
		  "distil an lstm: of the plain sum's loss, which keeps rows good on their own; default "     \
		  "1" },                                                                                      \
	{                                                                                                     \
		"dtype", 0, OPTION_TEXT, &(call)->dtype, "TYPE",                                              \
			"of distilled rows, or of an LSTM's weights: f32, f16, bf16 or i8; default f32"       \
	}

/* Unset, where 0 is a choice. */
struct distill_call cli_distill_call(void);

/* The files and the number format into *o; what is wrong with the call, if anything. */
int cli_settle_distill(const struct distill_call *call, const char *output, const struct arguments *rest,
		       struct train_options *o, struct err *err);

/* Distils writes the model, drops the checkpoint and says what
 * came of it.  0 or -1. */
int cli_train_distill(const struct train_options *o, const struct model_choice *choice, const char *output,
		      struct err *err);

#endif
