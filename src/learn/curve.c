#include "learn/curve.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

/* The picture's frame, in its own units. */
enum { WIDTH = 720, HEIGHT = 360, LEFT = 64, RIGHT = 656, TOP = 40, BOTTOM = 312, PATH_BYTES = 4096 };

struct range {
	double low, high;
};

static int write_file(const struct buf *b, const char *prefix, const char *ending, struct err *err)
{
	char path[PATH_BYTES];
	struct output *out;

	if ((size_t)snprintf(path, sizeof(path), "%s%s", prefix, ending) >= sizeof(path))
		return err_set(err, ERR_INPUT, "the curve's file name is too long");
	if (b->failed)
		return err_set(err, ERR_MEMORY, "no memory for the curve");
	out = output_open(path, err);
	if (!out)
		return -1;
	if (output_write(out, b->data, b->len, err)) {
		output_abandon(out);
		return -1;
	}
	return output_commit(out, err);
}

static void table(struct buf *b, const struct curve *c)
{
	buf_text(b, "step\tepoch\tloss\tscore\trate\n");
	for (size_t i = 0; i < c->n; i++) {
		const struct curve_point *p = &c->points[i];

		buf_printf(b, "%" PRIu64 "\t%.4f\t", p->step, p->epoch);
		if (isfinite(p->loss))
			buf_printf(b, "%.6f", p->loss);
		buf_byte(b, '\t');
		if (isfinite(p->score))
			buf_printf(b, "%.4f", p->score);
		buf_printf(b, "\t%.6g\n", p->rate);
	}
}

static double loss_of(const struct curve_point *p)
{
	return p->loss;
}

static double score_of(const struct curve_point *p)
{
	return p->score;
}

static struct range range_of(const struct curve *c, double (*of)(const struct curve_point *))
{
	struct range r = { HUGE_VAL, -HUGE_VAL };

	for (size_t i = 0; i < c->n; i++) {
		double y = of(&c->points[i]);

		if (!isfinite(y))
			continue;
		r.low = fmin(r.low, y);
		r.high = fmax(r.high, y);
	}
	if (r.low == r.high) {
		r.low -= 0.5;
		r.high += 0.5;
	}
	return r;
}

static double place(double x, struct range r, double from, double to)
{
	return from + (x - r.low) / (r.high - r.low) * (to - from);
}

/* One line and its axis at x, in the same colour. */
static void line(struct buf *b, const struct curve *c, double (*of)(const struct curve_point *),
		 const char *name, const char *colour, int x)
{
	struct range y = range_of(c, of);
	struct range epochs = { 0, c->points[c->n - 1].epoch };
	const char *anchor = x == LEFT ? "end" : "start";
	int label = x == LEFT ? x - 6 : x + 6;

	if (!isfinite(y.low))
		return;
	buf_printf(b, "<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"2\" points=\"", colour);
	for (size_t i = 0; i < c->n; i++)
		if (isfinite(of(&c->points[i])))
			buf_printf(b, "%.1f,%.1f ", place(c->points[i].epoch, epochs, LEFT, RIGHT),
				   place(of(&c->points[i]), y, BOTTOM, TOP));
	buf_text(b, "\"/>\n");
	buf_printf(b, "<g fill=\"%s\" text-anchor=\"%s\">", colour, anchor);
	for (int i = 0; i <= 4; i++)
		buf_printf(b, "<text x=\"%d\" y=\"%.1f\">%.4g</text>", label,
			   4 + BOTTOM + i / 4.0 * (TOP - BOTTOM), y.low + i / 4.0 * (y.high - y.low));
	buf_printf(b, "<text x=\"%d\" y=\"%d\">%s</text></g>\n", label, TOP - 16, name);
}

/* Escapes nothing: our own titles hold no markup, and file names stay out of them. */
static void escaped(struct buf *b, const char *text)
{
	for (; *text; text++) {
		if (*text == '<' || *text == '>' || *text == '&')
			buf_printf(b, "&#%d;", *text);
		else
			buf_byte(b, *text);
	}
}

static void picture(struct buf *b, const struct curve *c, const char *title)
{
	double epochs = c->n ? c->points[c->n - 1].epoch : 0;

	buf_printf(
		b,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" font-family=\"sans-serif\" "
		"font-size=\"12\">\n<rect width=\"%d\" height=\"%d\" fill=\"#fff\"/>\n",
		WIDTH, HEIGHT, WIDTH, HEIGHT);
	buf_printf(b, "<text x=\"%d\" y=\"20\" text-anchor=\"middle\">", WIDTH / 2);
	escaped(b, title);
	buf_printf(b, "</text>\n<path d=\"M%d %dV%dH%dV%d\" fill=\"none\" stroke=\"#999\"/>\n", LEFT, TOP,
		   BOTTOM, RIGHT, TOP);
	for (int i = 0; i <= 4; i++)
		buf_printf(b, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%.3g</text>\n",
			   LEFT + i / 4.0 * (RIGHT - LEFT), BOTTOM + 18, i / 4.0 * epochs);
	buf_printf(b, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">epochs</text>\n", WIDTH / 2,
		   BOTTOM + 38);
	if (epochs > 0) {
		line(b, c, loss_of, "loss", "#b2182b", LEFT);
		line(b, c, score_of, "dev", "#2166ac", RIGHT);
	}
	buf_text(b, "</svg>\n");
}

int curve_write(const struct curve *curve, const char *prefix, const char *title, struct err *err)
{
	struct buf b = { 0 };
	int failed;

	table(&b, curve);
	failed = write_file(&b, prefix, ".tsv", err);
	buf_reset(&b);
	if (!failed) {
		picture(&b, curve, title);
		failed = write_file(&b, prefix, ".svg", err);
	}
	buf_free(&b);
	return failed;
}
