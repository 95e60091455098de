/* The table of `sifd eval` as a chart of bars, in SVG that needs nothing beside itself. */
#include "base/buf.h"
#include "base/utf8.h"
#include "cli/eval_table.h"

#include <string.h>

enum {
	LEFT = 14,
	LETTER = 7, /* px of a letter, about */
	CELL = 150, /* a set's column */
	BAR = 100,  /* in it, of a figure of 100; its number stands behind */
	ROW = 20,   /* a method's */
	HEAD = 54,  /* title and names above the rows */
	FOOT = 26,
	BLOCKS = 2,
	LETTERS_MAX = 21,	 /* of a set's name */
	METHOD_LETTERS_MAX = 32, /* of a method's */
};

static const char *const plain = "#9ecae1", *const best = "#0072b2";

/* At most so many letters; what is not UTF-8 has no place in XML. */
static void put_escaped(struct buf *out, const char *text, size_t most)
{
	bool valid = utf8_invalid(text, strlen(text)) == strlen(text);

	for (size_t n = 0; *text; text++) {
		bool inside = ((unsigned char)*text & 0xC0U) == 0x80U;

		if (!inside && n++ == most)
			break;
		if (*text == '<')
			buf_text(out, "&lt;");
		else if (*text == '&')
			buf_text(out, "&amp;");
		else if (*text == '"')
			buf_text(out, "&quot;");
		else if ((unsigned char)*text >= 0x20)
			buf_byte(out, valid || !((unsigned char)*text & 0x80U) ? *text : '?');
	}
}

static size_t in_block(const struct eval_row *row)
{
	return row->kind == SET_SIMILARITY ? 0 : 1;
}

static size_t rows_of(const struct eval_table *t, size_t block)
{
	size_t n = 0;

	for (size_t i = 0; i < t->rows_n; i++)
		n += in_block(&t->rows[i]) == block;
	return n;
}

static double figure(const struct eval_table *t, size_t row, size_t column)
{
	const struct eval_cell *cell = &t->cells[row * t->columns_n + column];

	return in_block(&t->rows[row]) == 0 ? cell->pearson : cell->accuracy;
}

/* Room for the methods' names. */
static size_t names_width(const struct eval_table *t)
{
	size_t most = 0;

	for (size_t j = 0; j < t->columns_n; j++) {
		size_t n = strlen(t->columns[j]);

		most = n > most ? n : most;
	}
	return LETTER * (most < METHOD_LETTERS_MAX ? most : METHOD_LETTERS_MAX) + LEFT;
}

static void put_names(struct buf *out, const struct eval_table *t, const char *title, size_t top)
{
	buf_printf(out, "<text x=\"%d\" y=\"%zu\" font-weight=\"bold\">%s</text>\n", LEFT, top + 16, title);
	for (size_t j = 0; j < t->columns_n; j++) {
		buf_printf(out, "<text x=\"%d\" y=\"%zu\">", LEFT, top + HEAD + j * ROW + 14);
		put_escaped(out, t->columns[j], METHOD_LETTERS_MAX);
		buf_text(out, "</text>\n");
	}
}

/* A set: a bar and a number for each method, the best of them dark. */
static void put_set(struct buf *out, const struct eval_table *t, size_t row, size_t x, size_t top)
{
	double most = figure(t, row, 0);

	for (size_t j = 1; j < t->columns_n; j++)
		most = figure(t, row, j) > most ? figure(t, row, j) : most;
	buf_printf(out, "<text x=\"%zu\" y=\"%zu\">", x, top + HEAD - 8);
	put_escaped(out, t->rows[row].name, LETTERS_MAX);
	buf_text(out, "</text>\n");
	for (size_t j = 0; j < t->columns_n; j++) {
		double value = figure(t, row, j);
		double width = value > 0.0 ? value * BAR / 100.0 : 0.0;
		size_t y = top + HEAD + j * ROW;

		buf_printf(out, "<rect x=\"%zu\" y=\"%zu\" width=\"%.1f\" height=\"%d\" fill=\"%s\"><title>",
			   x, y + 2, width, ROW - 4, value >= most ? best : plain);
		put_escaped(out, t->rows[row].name, LETTERS_MAX);
		buf_text(out, ", ");
		put_escaped(out, t->columns[j], METHOD_LETTERS_MAX);
		buf_printf(out, ": %.2f</title></rect>", value);
		buf_printf(out, "<text x=\"%.1f\" y=\"%zu\" fill=\"#333\"%s>%.1f</text>\n",
			   (double)x + width + 4, y + 14, value >= most ? " font-weight=\"bold\"" : "",
			   value);
	}
}

void eval_put_chart(struct buf *out, const struct eval_table *t)
{
	static const char *const titles[BLOCKS] = { "Similarity: Pearson x 100",
						    "Classification: accuracy, %" };
	size_t sets = rows_of(t, 0) > rows_of(t, 1) ? rows_of(t, 0) : rows_of(t, 1);
	size_t panels = rows_of(t, 0) && rows_of(t, 1) ? 2 : 1;
	size_t names = names_width(t);
	size_t panel = HEAD + t->columns_n * ROW + FOOT;
	size_t width = names + sets * CELL + LEFT;
	size_t top = 0;

	if (width < 320)
		width = 320;
	buf_printf(out,
		   "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%zu\" height=\"%zu\" "
		   "font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"100%%\" height=\"100%%\" "
		   "fill=\"white\"/>\n",
		   width, panels * panel);
	for (size_t block = 0; block < BLOCKS; block++) {
		size_t x = names + LEFT;

		if (rows_of(t, block) == 0)
			continue;
		put_names(out, t, titles[block], top);
		for (size_t i = 0; i < t->rows_n; i++) {
			if (in_block(&t->rows[i]) != block)
				continue;
			put_set(out, t, i, x, top);
			x += CELL;
		}
		top += panel;
	}
	buf_text(out, "</svg>\n");
}
