#include "base/err.h"
#include "cli/cli.h"
#include "embed/publish.h"
#include "model/import.h"
#include "model/model.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct call {
	const char *output, *format, *dtype, *counts;
	size_t max_words, workers;
	double a;
	struct model_choice into; /* what an LSTM goes into */
	const char *pooling;
	bool overlay;
};

static const char *ending(const char *path)
{
	const char *base = strrchr(path, '/');

	return base ? base + 1 : path;
}

/* glove.6B.100d.txt.gz -> glove.6B.100d.txt.gz.safetensors is ugly; cut the endings we know. */
static void default_output(char to[4096], const char *vectors)
{
	static const char *const known[] = { ".gz", ".xz", ".zst", ".txt", ".vec", ".bin", ".safetensors" };
	size_t n;

	(void)snprintf(to, 4096, "%s", strcmp(vectors, "-") == 0 ? "imported" : ending(vectors));
	n = strlen(to);
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		size_t k = strlen(known[i]);

		if (n > k && strcmp(to + n - k, known[i]) == 0)
			to[n -= k] = '\0';
	}
	(void)snprintf(to + n, 4096 - n, ".safetensors");
}

static void report(const struct import_report *r, const struct model *m, const char *output)
{
	(void)fprintf(stderr, "%s: %zu words x %zu dimensions from %s rows -> %s\n",
		      import_format_name(r->format), m->rows.n, m->rows.d, m->facts.source, output);
	if (r->duplicates)
		(void)fprintf(stderr,
			      "  %" PRIu64 " repeated words left out (the first row of each is kept)\n",
			      r->duplicates);
	if (r->empty)
		(void)fprintf(stderr, "  %" PRIu64 " empty words left out\n", r->empty);
	if (r->mended)
		(void)fprintf(stderr,
			      "  %" PRIu64 " words were not UTF-8; U+FFFD stands for their odd bytes\n",
			      r->mended);
	if (r->header_rows && r->header_rows != r->rows)
		(void)fprintf(stderr, "  the header promised %" PRIu64 " rows, there were %" PRIu64 "\n",
			      r->header_rows, r->rows);
	if (r->counted)
		(void)fprintf(stderr, "  the counts file knows %" PRIu64 " of the words\n", r->counted);
}

static int import_to(const struct import_options *options, const char *output, struct err *err)
{
	struct import_report r = { 0 };
	struct progress_line line;
	struct model *m;
	int failed;

	progress_line_start(&line);
	m = import_vectors(options, &r, &line.progress, err);
	failed = !m || publish_model(m, output, false, err);
	progress_line_stop(&line);
	if (!failed)
		report(&r, m, output);
	if (m)
		model_release(m);
	return failed ? -1 : 0;
}

/* PyTorch's nn.LSTM into a model that is there. */
static int lstm_to(const struct call *c, const char *path, enum rows_type type, const char *output,
		   struct err *err)
{
	int pooling = pooling_parse(c->pooling);
	struct model *m = NULL;
	struct model *imported = NULL;
	int failed;

	if (pooling < 0 || pooling > POOLING_ATTENTION)
		return err_set(err, ERR_INPUT, "--pooling %.40s: expected mean, max, last or attention",
			       c->pooling);
	m = cli_open_model(&c->into, err);
	if (m)
		imported = import_lstm(m, path, (enum pooling)pooling, type, err);
	failed = !imported || publish_model(imported, output, c->overlay, err);
	if (!failed)
		(void)fprintf(stderr, "lstm: %zu layer%s of %zu direction%s, %zu states each -> %s\n",
			      imported->lstm.layers_n, imported->lstm.layers_n == 1 ? "" : "s",
			      imported->lstm.directions_n, imported->lstm.directions_n == 1 ? "" : "s",
			      imported->lstm.h, output);
	if (imported)
		model_release(imported);
	if (m)
		model_release(m);
	return failed ? -1 : 0;
}

static int vectors_to(const struct call *c, struct import_options *options, const char *output,
		      struct err *err)
{
	options->max_words = c->max_words;
	options->counts = c->counts;
	options->a = c->a;
	options->workers = c->workers;
	return import_to(options, output, err);
}

static int run(const struct verb *verb, int argc, char **argv)
{
	struct call c = { .format = "auto", .dtype = "f32", .pooling = "mean" };
	const struct option_spec specs[] = {
		{ "output", 'o', OPTION_TEXT, &c.output, "MODEL",
		  "the model file to write; default: NAME.safetensors here" },
		{ "format", 0, OPTION_TEXT, &c.format, "FORMAT",
		  "auto, glove, word2vec, fasttext or safetensors" },
		{ "max-words", 0, OPTION_COUNT, &c.max_words, "N", "keep the first N words" },
		{ "dtype", 0, OPTION_TEXT, &c.dtype, "TYPE",
		  "of rows, or of an LSTM's weights: " ROWS_TYPE_NAMES "; default f32" },
		{ "counts", 0, OPTION_TEXT, &c.counts, "FILE", "`word count` lines; default: Zipf by rank" },
		{ "a", 0, OPTION_NUMBER, &c.a, "A", "of the weights a/(a+p); default 1e-3" },
		{ "into", 0, OPTION_TEXT, &c.into.model, "MODEL",
		  "VECTORS is a PyTorch nn.LSTM's state_dict (.safetensors), which goes into this model" },
		{ "models", 0, OPTION_TEXT, &c.into.models, "DIR", "with --into: the models folder" },
		{ "pooling", 0, OPTION_TEXT, &c.pooling, "HOW",
		  "with --into: mean (default), max, last or attention (by the tensor `attention`)" },
		{ "overlay", 0, OPTION_FLAG, &c.overlay, NULL, "with --into: write the LSTM alone" },
		{ "workers", 0, OPTION_COUNT, &c.workers, "N", "threads; default: one per processor" },
	};
	struct import_options options = { 0 };
	struct arguments rest;
	struct err err = { 0 };
	char output[4096];
	int format;
	int status = options_parse(verb, specs, sizeof(specs) / sizeof(specs[0]), argc, argv, &rest, &err);

	if (status)
		return status > 0 ? EXIT_DONE : cli_usage(verb, &err);
	format = import_format_parse(c.format);
	if (rest.n != 1)
		status = err_set(&err, ERR_INPUT, "one vectors file is expected, %zu given", rest.n);
	else if (format < 0)
		status = err_set(&err, ERR_INPUT,
				 "--format %s: expected auto, glove, word2vec, fasttext or safetensors",
				 c.format);
	else
		status = cli_parse_rows_type(&options.type, c.dtype, &err);
	if (!status) {
		options.path = rest.at[0];
		options.format = (enum import_format)format;
		default_output(output, options.path);
		if (c.output)
			(void)snprintf(output, sizeof(output), "%s", c.output);
		status = (c.into.model ? lstm_to(&c, options.path, options.type, output, &err)
				       : vectors_to(&c, &options, output, &err))
				 ? cli_failed(&err)
				 : EXIT_DONE;
	} else {
		status = cli_usage(verb, &err);
	}
	options_free(&rest);
	return status;
}

const struct verb verb_import = {
	.name = "import",
	.arguments = "VECTORS [-o MODEL] [OPTION]...",
	.summary = "Turns word vectors (GloVe, word2vec, fastText, safetensors; also .gz, .xz, .zst) into a "
		   "model.",
	.details = "The format is found by content.  Example:\n\n"
		   "  sifd import glove.6B.300d.txt -o models/glove.safetensors --dtype f16\n"
		   "  sifd import lstm-state.safetensors --into glove -o models/lstm.safetensors\n",
	.run = run,
};
