/*
 * counts.h - a file of `word count` lines into counts by vocabulary number.
 *
 * A blank or TAB separates word and count; words the vocabulary lacks only add to the total.
 * .gz, .xz, .zst are read as streams.  A line without a whole number at its end is ERR_INPUT with its number.
 */
#ifndef SIFD_TEXT_COUNTS_H
#define SIFD_TEXT_COUNTS_H

#include "text/vocab.h"

struct err;

/* counts (v->n), zeroed by the caller; *total is the sum over the whole file, *known how many lines the
 * vocabulary has. */
int counts_read(uint64_t *counts, uint64_t *total, uint64_t *known, const struct vocab *v, const char *path,
		struct err *err);

#endif
