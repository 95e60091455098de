/*
 * columns.h - a line of tab-separated columns.
 */
#ifndef SIFD_BASE_COLUMNS_H
#define SIFD_BASE_COLUMNS_H

#include <stdbool.h>
#include <stddef.h>

struct column {
	const char *at; /* in the line: not 0-terminated */
	size_t n;
};

/* Cuts line[0..n) at its tabs; returns the number of columns, of which the first `most` are in columns. */
size_t columns_cut(struct column *columns, size_t most, const char *line, size_t n);

/* Without the ASCII blanks at its ends. */
struct column column_trim(struct column c);

/* Whether it is a finite number, as strtod() reads it, with blanks around it or none. */
bool column_number(double *x, struct column c);

#endif
