/*
 * eval_table.h - the results of `sifd eval`, one row a set and one column a method, and the ways to show
 * them.
 */
#ifndef SIFD_CLI_EVAL_TABLE_H
#define SIFD_CLI_EVAL_TABLE_H

#include "eval/labelled.h"

#include <stdbool.h>
#include <stddef.h>

struct buf;

struct eval_cell {
	double pearson, spearman; /* x 100, of similarity sets */
	double accuracy;	  /* x 100, of the others */
	double coverage;
};

struct eval_row {
	const char *name;
	enum set_kind kind;
	size_t n;    /* pairs or texts judged */
	double most; /* accuracy of the most frequent class, x 100 */
};

struct eval_table {
	const char **columns;
	size_t columns_n;
	struct eval_row *rows;
	size_t rows_n;
	struct eval_cell *cells; /* (rows_n, columns_n) */
};

/* Blocks of aligned columns, similarity and accuracy apart, each with the mean of its sets. */
void eval_put_text(struct buf *out, const struct eval_table *t);

/* One object a set and method, a line each. */
void eval_put_json(struct buf *out, const struct eval_table *t);

/* The blocks as tables, the best of each row in bold; one figure a method: Pearson's, or the accuracy. */
void eval_put_markdown(struct buf *out, const struct eval_table *t);

/* A chart of bars (SVG), a row a method and a column a set, alone in its file. */
void eval_put_chart(struct buf *out, const struct eval_table *t);

#endif
