#include "cli/eval_table.h"

#include "base/buf.h"
#include "base/json.h"

#include <string.h>

enum { BLOCKS = 2, NAME_LETTERS = 20, COLUMN_LETTERS = 17 };

/* Rows come in two blocks, as their measures differ: similarity, and all that has an accuracy. */
static size_t block_of(const struct eval_row *row)
{
	return row->kind == SET_SIMILARITY ? 0 : 1;
}

static const struct eval_cell *row_cells(const struct eval_table *t, size_t row)
{
	return t->cells + row * t->columns_n;
}

static size_t count_rows(const struct eval_table *t, size_t block)
{
	size_t n = 0;

	for (size_t i = 0; i < t->rows_n; i++)
		n += block_of(&t->rows[i]) == block;
	return n;
}

static struct eval_cell mean_cell(const struct eval_table *t, size_t block, size_t column)
{
	struct eval_cell mean = { 0 };
	double n = (double)count_rows(t, block);

	for (size_t i = 0; i < t->rows_n; i++) {
		const struct eval_cell *cell = row_cells(t, i) + column;

		if (block_of(&t->rows[i]) != block)
			continue;
		mean.pearson += cell->pearson / n;
		mean.spearman += cell->spearman / n;
		mean.accuracy += cell->accuracy / n;
	}
	return mean;
}

/* Text */

/* Columns wide enough for every name. */
struct widths {
	int name, column;
};

static struct widths widths_of(const struct eval_table *t)
{
	struct widths w = { .name = NAME_LETTERS, .column = COLUMN_LETTERS };

	for (size_t i = 0; i < t->rows_n; i++)
		if ((int)strlen(t->rows[i].name) > w.name)
			w.name = (int)strlen(t->rows[i].name);
	for (size_t j = 0; j < t->columns_n; j++)
		if ((int)strlen(t->columns[j]) > w.column)
			w.column = (int)strlen(t->columns[j]);
	return w;
}

static void put_figures(struct buf *out, const struct eval_cell *cell, size_t block, struct widths w)
{
	if (block == 0)
		buf_printf(out, "  %*.4f %8.4f", w.column - 9, cell->pearson, cell->spearman);
	else
		buf_printf(out, "  %*.2f", w.column, cell->accuracy);
}

static void put_heads(struct buf *out, const struct eval_table *t, size_t block, struct widths w)
{
	buf_printf(out, "%-*s %6s %6s", w.name, "", "", "");
	for (size_t j = 0; j < t->columns_n; j++)
		buf_printf(out, "  %*s", w.column, t->columns[j]);
	buf_printf(out, "\n%-*s %6s %6s", w.name, "set", block == 0 ? "pairs" : "texts", "known");
	for (size_t j = 0; j < t->columns_n; j++)
		buf_printf(out, "  %*s %8s", w.column - 9, block == 0 ? "Pearson" : "",
			   block == 0 ? "Spearman" : "accuracy");
	buf_byte(out, '\n');
}

static void put_block(struct buf *out, const struct eval_table *t, size_t block)
{
	struct widths w = widths_of(t);

	put_heads(out, t, block, w);
	for (size_t i = 0; i < t->rows_n; i++) {
		const struct eval_cell *cells = row_cells(t, i);

		if (block_of(&t->rows[i]) != block)
			continue;
		buf_printf(out, "%-*s %6zu %5.1f%%", w.name, t->rows[i].name, t->rows[i].n,
			   100.0 * cells[0].coverage);
		for (size_t j = 0; j < t->columns_n; j++)
			put_figures(out, &cells[j], block, w);
		buf_byte(out, '\n');
	}
	if (count_rows(t, block) < 2)
		return;
	buf_printf(out, "%-*s %6s %6s", w.name, "mean", "", "");
	for (size_t j = 0; j < t->columns_n; j++) {
		struct eval_cell mean = mean_cell(t, block, j);

		put_figures(out, &mean, block, w);
	}
	buf_byte(out, '\n');
}

void eval_put_text(struct buf *out, const struct eval_table *t)
{
	bool before = false;

	for (size_t block = 0; block < BLOCKS; block++) {
		if (count_rows(t, block) == 0)
			continue;
		if (before)
			buf_byte(out, '\n');
		put_block(out, t, block);
		before = true;
	}
}

/* JSON */

static json_t *cell_object(const struct eval_row *row, const char *method, const struct eval_cell *cell)
{
	json_t *o = json_pack("{s:s, s:s, s:s, s:I}", "set", row->name, "task", set_kind_name(row->kind),
			      "method", method, "pairs", (json_int_t)row->n);

	if (row->kind == SET_SIMILARITY)
		(void)json_object_update_new(
			o, json_pack("{s:f, s:f}", "pearson", cell->pearson, "spearman", cell->spearman));
	else
		(void)json_object_update_new(
			o, json_pack("{s:f, s:f}", "accuracy", cell->accuracy, "most_frequent", row->most));
	(void)json_object_set_new(o, "coverage", json_real(cell->coverage));
	return o;
}

void eval_put_json(struct buf *out, const struct eval_table *t)
{
	for (size_t i = 0; i < t->rows_n; i++)
		for (size_t j = 0; j < t->columns_n; j++) {
			json_t *o = cell_object(&t->rows[i], t->columns[j], row_cells(t, i) + j);

			json_put(out, o);
			buf_byte(out, '\n');
			json_decref(o);
		}
}

/* Markdown */

static double figure_of(const struct eval_cell *cell, size_t block)
{
	return block == 0 ? cell->pearson : cell->accuracy;
}

static void put_markdown_row(struct buf *out, const struct eval_table *t, const char *name, size_t n,
			     const struct eval_cell *cells, size_t block)
{
	double best = figure_of(&cells[0], block);

	for (size_t j = 1; j < t->columns_n; j++)
		if (figure_of(&cells[j], block) > best)
			best = figure_of(&cells[j], block);
	buf_printf(out, "| %s | ", name);
	if (n)
		buf_printf(out, "%zu", n);
	for (size_t j = 0; j < t->columns_n; j++) {
		const char *bold = t->columns_n > 1 && !(figure_of(&cells[j], block) < best) ? "**" : "";

		buf_printf(out, " | %s%.2f%s", bold, figure_of(&cells[j], block), bold);
		if (block == 0)
			buf_printf(out, " / %.2f", cells[j].spearman);
	}
	buf_text(out, " |\n");
}

static void put_markdown_mean(struct buf *out, const struct eval_table *t, size_t block)
{
	struct eval_cell means[64];

	if (count_rows(t, block) < 2 || t->columns_n > sizeof(means) / sizeof(means[0]))
		return;
	for (size_t j = 0; j < t->columns_n; j++)
		means[j] = mean_cell(t, block, j);
	put_markdown_row(out, t, "mean", 0, means, block);
}

static void put_markdown_block(struct buf *out, const struct eval_table *t, size_t block)
{
	buf_printf(out, "| %s | %s |", block == 0 ? "Pearson / Spearman x 100" : "accuracy, %",
		   block == 0 ? "pairs" : "texts");
	for (size_t j = 0; j < t->columns_n; j++)
		buf_printf(out, " %s |", t->columns[j]);
	buf_text(out, "\n|---|---:|");
	for (size_t j = 0; j < t->columns_n; j++)
		buf_text(out, "---:|");
	buf_byte(out, '\n');
	for (size_t i = 0; i < t->rows_n; i++)
		if (block_of(&t->rows[i]) == block)
			put_markdown_row(out, t, t->rows[i].name, t->rows[i].n, row_cells(t, i), block);
	put_markdown_mean(out, t, block);
}

void eval_put_markdown(struct buf *out, const struct eval_table *t)
{
	bool before = false;

	for (size_t block = 0; block < BLOCKS; block++) {
		if (count_rows(t, block) == 0)
			continue;
		if (before)
			buf_byte(out, '\n');
		put_markdown_block(out, t, block);
		before = true;
	}
}
