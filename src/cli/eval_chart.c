/* The table of `sifd eval` as a chart of bars, in SVG that needs nothing beside itself. */
#include "base/buf.h"
#include "cli/eval_table.h"
#include "text/utf8.h"

#include <string.h>

enum {
	BAR = 14,   /* px: one method's bar */
	GAP = 18,   /* between two sets */
	LEFT = 110, /* room for the axis, and for the first name */
	PLOT = 240,
	NAMES = 126, /* below the plot */
	KEY_ROW = 18,
	TOP = 34,
	BLOCKS = 2,
	LETTERS_MAX = 28, /* of a set's name */
};

/* Okabe and Ito's colours, which most people can tell apart. */
static const char *const colours[] = { "#0072b2", "#e69f00", "#009e73", "#cc79a7",
				       "#56b4e9", "#d55e00", "#f0e442", "#000000" };
enum { COLOURS = sizeof(colours) / sizeof(colours[0]) };

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

static size_t group_width(const struct eval_table *t)
{
	return t->columns_n * BAR + GAP;
}

/* The grey lines at 0, 20, ... 100 and what is measured. */
static void put_axis(struct buf *out, const char *title, size_t top, size_t right)
{
	buf_printf(out, "<text x=\"%d\" y=\"%zu\" font-weight=\"bold\">%s</text>\n", LEFT, top - 12, title);
	for (size_t value = 0; value <= 100; value += 20) {
		size_t y = top + PLOT - value * PLOT / 100;

		buf_printf(out, "<path d=\"M%d %zuH%zu\" stroke=\"#ccc\"/>", LEFT, y, right);
		buf_printf(out, "<text x=\"%d\" y=\"%zu\" text-anchor=\"end\">%zu</text>\n", LEFT - 6, y + 4,
			   value);
	}
}

static void put_group(struct buf *out, const struct eval_table *t, size_t row, size_t x, size_t top)
{
	size_t block = in_block(&t->rows[row]);
	size_t name_x = x + t->columns_n * BAR / 2 + 4;
	size_t name_y = top + PLOT + 14;

	for (size_t j = 0; j < t->columns_n; j++) {
		const struct eval_cell *cell = &t->cells[row * t->columns_n + j];
		double value = block == 0 ? cell->pearson : cell->accuracy;
		double height = value > 0.0 ? value * PLOT / 100.0 : 0.0;

		buf_printf(out, "<rect x=\"%zu\" y=\"%.1f\" width=\"%d\" height=\"%.1f\" fill=\"%s\"><title>",
			   x + j * BAR, (double)(top + PLOT) - height, BAR - 1, height, colours[j % COLOURS]);
		put_escaped(out, t->rows[row].name, LETTERS_MAX);
		buf_text(out, ", ");
		put_escaped(out, t->columns[j], LETTERS_MAX);
		buf_printf(out, ": %.2f</title></rect>\n", value);
	}
	buf_printf(out, "<text x=\"%zu\" y=\"%zu\" text-anchor=\"end\" transform=\"rotate(-35 %zu %zu)\">",
		   name_x, name_y, name_x, name_y);
	put_escaped(out, t->rows[row].name, LETTERS_MAX);
	buf_text(out, "</text>\n");
}

static void put_key(struct buf *out, const struct eval_table *t, size_t top)
{
	for (size_t j = 0; j < t->columns_n; j++) {
		size_t y = top + j * KEY_ROW;

		buf_printf(out, "<rect x=\"%d\" y=\"%zu\" width=\"12\" height=\"12\" fill=\"%s\"/>", LEFT, y,
			   colours[j % COLOURS]);
		buf_printf(out, "<text x=\"%d\" y=\"%zu\">", LEFT + 18, y + 10);
		put_escaped(out, t->columns[j], LETTERS_MAX);
		buf_text(out, "</text>\n");
	}
}

void eval_put_chart(struct buf *out, const struct eval_table *t)
{
	static const char *const titles[BLOCKS] = { "Similarity: Pearson x 100",
						    "Classification: accuracy, %" };
	size_t most = rows_of(t, 0) > rows_of(t, 1) ? rows_of(t, 0) : rows_of(t, 1);
	size_t panels = rows_of(t, 0) && rows_of(t, 1) ? 2 : 1;
	size_t width = LEFT + GAP + most * group_width(t) + GAP;
	size_t top = TOP;

	if (width < 320)
		width = 320;
	buf_printf(out,
		   "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%zu\" height=\"%zu\" "
		   "font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"100%%\" height=\"100%%\" "
		   "fill=\"white\"/>\n",
		   width, panels * (TOP + PLOT + NAMES) + t->columns_n * KEY_ROW + GAP);
	for (size_t block = 0; block < BLOCKS; block++) {
		size_t x = LEFT + GAP;

		if (rows_of(t, block) == 0)
			continue;
		put_axis(out, titles[block], top, width - GAP);
		for (size_t i = 0; i < t->rows_n; i++) {
			if (in_block(&t->rows[i]) != block)
				continue;
			put_group(out, t, i, x, top);
			x += group_width(t);
		}
		top += PLOT + NAMES + TOP;
	}
	put_key(out, t, top - TOP + 6);
	buf_text(out, "</svg>\n");
}
