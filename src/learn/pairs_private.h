/* Private to src/learn/pairs*.c: one line of a file of pairs. */
#ifndef SIFD_LEARN_PAIRS_PRIVATE_H
#define SIFD_LEARN_PAIRS_PRIVATE_H

#include "base/columns.h"
#include "learn/pairs.h"

enum { PAIRS_COLUMNS_MAX = 4 };

/* Whole number, sign allowed. */
bool pairs_is_whole(struct column c);

/* A finite number, blanks around it allowed. */
bool pairs_number(float *x, struct column c);

/* 1, 0.5 or 0 for a label; false when it is none. */
bool pairs_label(float *gold, struct column c);

/* What a file is, by the columns of its first line; PAIRS_AUTO: they do not tell. */
enum pairs_kind pairs_guess(const struct column *columns, size_t n);

#endif
