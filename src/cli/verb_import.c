/* `sifd import`: other programs' word vectors as a model, or PyTorch's LSTM into one. */
#include "base/err.h"
#include "cli/cli.h"
#include "embed/publish.h"
#include "model/import.h"
#include "model/model.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct import_call {
	const char *output;
	struct import_options o;
	struct model_choice into; /* what an LSTM goes into */
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
		      import_format_names[r->format], m->rows.n, m->rows.d, m->facts.source, output);
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

static struct model *vectors(const struct import_call *c, struct err *err)
{
	struct import_report r = { 0 };
	struct progress_line line;
	struct model *m;

	progress_line_start(&line);
	m = import_vectors(&c->o, &r, &line.progress, err);
	if (m && publish_model(m, c->output, false, err)) {
		model_release(m);
		m = NULL;
	}
	progress_line_stop(&line);
	if (m)
		report(&r, m, c->output);
	return m;
}

/* PyTorch's nn.LSTM into a model that is there. */
static struct model *lstm(const struct import_call *c, struct err *err)
{
	struct model *m = cli_open_model(&c->into, err);
	struct model *imported = m ? import_lstm(m, c->o.path, c->o.pooling, c->o.type, err) : NULL;

	if (imported && publish_model(imported, c->output, c->overlay, err)) {
		model_release(imported);
		imported = NULL;
	}
	if (imported)
		(void)fprintf(stderr, "lstm: %zu layer%s of %zu direction%s, %zu states each -> %s\n",
			      imported->lstm.layers_n, imported->lstm.layers_n == 1 ? "" : "s",
			      imported->lstm.directions_n, imported->lstm.directions_n == 1 ? "" : "s",
			      imported->lstm.h, c->output);
	model_release(m);
	return imported;
}

static unsigned goal(void *call, struct err *err)
{
	const struct import_call *c = call;

	(void)err;
	return c->into.model ? IMPORT_OF_LSTM : IMPORT_OF_VECTORS;
}

static int run(void *call, const struct arguments *files, struct err *err)
{
	struct import_call *c = call;
	char output[4096];
	struct model *m;

	c->o.path = files->at[0];
	default_output(output, c->o.path);
	if (!c->output)
		c->output = output;
	m = c->into.model ? lstm(c, err) : vectors(c, err);
	if (!m)
		return -1;
	model_release(m);
	return 0;
}

#define TEXT(name, value, help, field, goals)                                                                \
	PARAM(PARAM_TEXT, name, value, help, NULL, PARAM_FIELD(struct import_call, field), PARAM_ANY,        \
	      { goals, 0 })

static const struct param_row options[] = {
	CLI_TEXT("output", 'o', "MODEL",
		 "the model file to write; default: NAME.safetensors in the current folder",
		 struct import_call, output),
	TEXT("counts", "FILE", "a file of `word count` lines; default: Zipf's law by rank", o.counts,
	     IMPORT_OF_VECTORS),
	CLI_TEXT("into", 0, "MODEL",
		 "VECTORS is the state_dict of a PyTorch nn.LSTM (.safetensors); adds it to this model",
		 struct import_call, into.model),
	TEXT("models", "DIR", "the models folder", into.models, IMPORT_OF_LSTM),
	PARAM(PARAM_FLAG, "overlay", NULL, "write only the LSTM", NULL,
	      PARAM_FIELD(struct import_call, overlay), PARAM_ANY, { IMPORT_OF_LSTM, 0 }),
	{ 0 },
};

static const struct param_goals goals[] = {
	{ "--into", IMPORT_OF_LSTM },
	{ "vectors", IMPORT_OF_VECTORS },
	{ NULL, 0 },
};

const struct verb verb_import = {
	.name = "import",
	.arguments = "VECTORS [-o MODEL] [OPTION]...",
	.summary = "Turns word vectors (GloVe, word2vec, fastText, safetensors; also .gz, .xz, .zst) into a "
		   "model.",
	.details = "The format is detected by content.  Examples:\n\n"
		   "  sifd import glove.6B.300d.txt -o models/glove.safetensors --dtype f16\n"
		   "  sifd import lstm-state.safetensors --into glove -o models/lstm.safetensors\n",
	.options = { { options, 0 }, { import_params, offsetof(struct import_call, o) } },
	.call_bytes = sizeof(struct import_call),
	.goal = goal,
	.goals = goals,
	.least = 1,
	.most = 1,
	.expected = "one vectors file is expected",
	.run = run,
};
