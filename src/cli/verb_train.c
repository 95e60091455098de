#include "base/err.h"
#include "cli/cli.h"
#include "cli/train_alacarte.h"
#include "cli/train_distill.h"
#include "embed/publish.h"
#include "learn/train.h"
#include "model/model.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATH_BYTES = 4096 };

static const char ending[] = ".safetensors";

struct call {
	struct model_choice choice;
	const char *learn, *objective, *negatives, *kind, *output, *curve, *checkpoint;
	struct text_list pairs, scored, dev;
	double dropout, scramble;
	size_t states, layers, directions;
	const char *pooling;
	enum rows_type type; /* of an LSTM's weights */
	double temperature, margin, lr, lr_weights, lr_matrix, l2, warmup;
	size_t epochs, batch, dimensions, patience, scores, seed, workers;
	bool matrix, resume, overlay, lstm;

	struct alacarte_call alacarte;
	struct distill_call distill;
	struct train_options o;
	char curve_path[PATH_BYTES], checkpoint_path[PATH_BYTES];
};

#define LSTM_OPTIONS(call)                                                                                   \
	{ "states",	   0,	OPTION_COUNT,                                                                \
	  &(call)->states, "H", "with --learn lstm: states of a direction; default 128" },                   \
		{ "layers",	   0,	OPTION_COUNT,                                                        \
		  &(call)->layers, "N", "with --learn lstm: 1 (default) or 2, one over the other" },         \
		{ "directions",	       0,   OPTION_COUNT,                                                    \
		  &(call)->directions, "N", "with --learn lstm: 2 (default), or 1 to read forward alone" },  \
		{ "pooling",                                                                                 \
		  0,                                                                                         \
		  OPTION_TEXT,                                                                               \
		  &(call)->pooling,                                                                          \
		  "HOW",                                                                                     \
		  "with --learn lstm: a text's vector of its states: mean (default), max, last or "          \
		  "attention" },                                                                             \
		{ "dropout",	    0,	     OPTION_NUMBER,                                                  \
		  &(call)->dropout, "SHARE", "with --learn lstm: words left out; default 0.2" },             \
	{                                                                                                    \
		"scramble", 0, OPTION_NUMBER, &(call)->scramble, "SHARE",                                    \
			"with --learn lstm: texts read in another order; default 0.3"                        \
	}

static void report(const struct train_report *r, const struct call *c)
{
	const struct loop_report *l = &r->loop;

	(void)fprintf(stderr,
		      "%zu file%s, %" PRIu64 " texts (%.1f %% of their words known), %" PRIu64
		      " pairs an epoch, %zu words -> %s\n",
		      r->files, r->files == 1 ? "" : "s", r->texts, 100 * r->coverage, r->pairs, r->words,
		      c->output);
	(void)fprintf(stderr, "  %" PRIu64 " steps%s%s in %.1f s, %.0f pairs/s, loss %.4f", l->steps,
		      l->resumed ? " (resumed)" : "", l->stopped_early ? " (stopped early)" : "", l->seconds,
		      l->pairs_per_second, l->loss);
	if (isfinite(l->best_score))
		(void)fprintf(stderr, ", dev %.2f (best, at step %" PRIu64 ")", l->best_score, l->best_step);
	(void)fputc('\n', stderr);
	if (r->lstm_dropped)
		(void)fprintf(stderr,
			      "  the model's LSTM is left out: the rows that it was trained on changed\n");
}

/* OUTPUT without its ending, and with another. */
static int beside(char to[PATH_BYTES], const char *output, const char *tail, struct err *err)
{
	size_t n = strlen(output);

	if (n > strlen(ending) && strcmp(output + n - strlen(ending), ending) == 0)
		n -= strlen(ending);
	if (n + strlen(tail) + sizeof(".tsv") >= PATH_BYTES)
		return err_set(err, ERR_INPUT, "-o: the path is too long");
	(void)snprintf(to, PATH_BYTES, "%.*s%s", (int)n, output, tail);
	return 0;
}

static int settle_paths(struct call *c, struct err *err)
{
	if (!c->output)
		return err_set(err, ERR_INPUT, "-o TRAINED, the model file to write, is missing");
	if (beside(c->checkpoint_path, c->output, ".checkpoint", err) ||
	    beside(c->curve_path, c->output, ".curve", err))
		return -1;
	c->o.loop.checkpoint = c->checkpoint ? c->checkpoint : c->checkpoint_path;
	c->o.loop.curve = c->curve ? c->curve : c->curve_path;
	if (strcmp(c->o.loop.curve, "none") == 0)
		c->o.loop.curve = NULL;
	if (strcmp(c->o.loop.checkpoint, "none") == 0)
		c->o.loop.checkpoint = NULL;
	c->o.loop.resume = c->resume;
	if (c->resume && !c->o.loop.checkpoint)
		return err_set(err, ERR_INPUT, "--resume needs a checkpoint");
	return 0;
}

/* The files, from --pairs or --scored and the arguments behind them. */
static int settle_files(struct call *c, const struct arguments *rest, const char **files, struct err *err)
{
	const struct text_list *given = c->scored.n ? &c->scored : &c->pairs;
	int kind = pairs_parse(c->kind);

	if (c->pairs.n && c->scored.n)
		return err_set(err, ERR_INPUT,
			       "--pairs and --scored are two trainings: train on pairs, then on scores from "
			       "the model that came out");
	if (kind < 0)
		return err_set(err, ERR_INPUT, "--kind %.40s: expected pairs, groups, labelled or scored",
			       c->kind);
	for (size_t i = 0; i < given->n; i++)
		files[c->o.files_n++] = given->at[i];
	for (size_t i = 0; i < rest->n; i++)
		files[c->o.files_n++] = rest->at[i];
	if (c->o.files_n == 0)
		return err_set(err, ERR_INPUT, "no file to learn from: --pairs FILE... or --scored FILE...");
	c->o.kind = (enum pairs_kind)kind;
	c->o.files = files;
	c->o.dev = c->dev.at;
	c->o.dev_n = c->dev.n;
	return 0;
}

/* What to learn by what objective: the rest of the defaults hangs on these. */
static int settle_goal(struct call *c, struct err *err)
{
	bool scored = c->scored.n > 0;
	int objective = c->objective ? objective_parse(c->objective) : -1;
	int negatives = negatives_parse(c->negatives);

	if (!c->learn || (strcmp(c->learn, "weights") != 0 && strcmp(c->learn, "vectors") != 0 &&
			  strcmp(c->learn, "lstm") != 0))
		return err_set(err, ERR_INPUT, "--learn %.40s: expected weights, vectors, lstm or alacarte",
			       c->learn ? c->learn : "is missing");
	if (c->objective && objective < 0)
		return err_set(err, ERR_INPUT,
			       "--objective %.40s: expected infonce, margin, pearson or cosent",
			       c->objective);
	if (negatives < 0)
		return err_set(err, ERR_INPUT, "--negatives %.40s: expected max, mix or random",
			       c->negatives);
	if (c->objective && scored != objective_scored((enum objective_kind)objective))
		return err_set(err, ERR_INPUT, "--objective %s learns from %s", c->objective,
			       scored ? "--pairs, not from --scored" : "--scored, not from --pairs");
	c->lstm = strcmp(c->learn, "lstm") == 0;
	if (c->distill.dtype && !c->lstm)
		return err_set(err, ERR_INPUT, "--dtype goes with --learn lstm and with --teacher");
	if (c->distill.dtype && cli_parse_rows_type(&c->type, c->distill.dtype, err))
		return -1;
	c->o = train_options_default(c->lstm				? TRAIN_LSTM
				     : strcmp(c->learn, "vectors") == 0 ? TRAIN_VECTORS
									: TRAIN_WEIGHTS,
				     scored, false);
	if (c->objective)
		c->o.objective.kind = (enum objective_kind)objective;
	c->o.objective.negatives = (enum negatives)negatives;
	if (c->overlay && c->o.learn == TRAIN_VECTORS)
		return err_set(err, ERR_INPUT, "--overlay writes no rows: it goes with --learn weights");
	return 0;
}

static void settle_numbers(struct call *c)
{
	struct train_options *o = &c->o;

	o->objective.temperature =
		c->temperature >= 0 ? (float)c->temperature : objective_temperature(o->objective.kind);
	if (c->margin >= 0)
		o->objective.margin = (float)c->margin;
	if (c->epochs)
		o->loop.epochs = c->epochs;
	if (c->batch)
		o->batch = c->batch;
	if (c->lr >= 0)
		o->rate = c->lr;
	if (c->lr_weights >= 0)
		o->weight_rate = c->lr_weights;
	if (c->lr_matrix >= 0)
		o->matrix_rate = c->lr_matrix;
	o->matrix = o->matrix || c->matrix;
	o->dimensions = c->dimensions;
	o->l2 = c->l2;
	o->loop.warmup = c->warmup;
	o->loop.patience = c->patience;
	o->loop.scores = c->scores;
	o->seed = c->seed;
	o->workers = c->workers;
}

static void settle_lstm(const struct call *c, struct train_options *o)
{
	if (c->states)
		o->states = c->states;
	if (c->layers)
		o->layers = c->layers;
	if (c->directions)
		o->directions = c->directions;
	if (c->pooling)
		o->pooling = (enum pooling)pooling_parse(c->pooling);
	if (c->dropout >= 0)
		o->dropout = c->dropout;
	if (c->scramble >= 0)
		o->scramble = c->scramble;
	o->type = c->type;
}

static struct model *train(struct call *c, struct train_report *r, struct progress *progress, struct err *err)
{
	struct model *m = cli_open_model(&c->choice, err);
	struct model *trained = NULL;
	enum method start;

	if (!m)
		return NULL;
	if (method_choose(&start, m, c->lstm ? NULL : c->choice.method, err) == 0)
		trained = train_model(m, start, &c->o, r, progress, err);
	model_release(m);
	return trained;
}

static int train_to(struct call *c, struct err *err)
{
	struct train_report r;
	struct progress_line line;
	struct model *trained;
	int failed;

	progress_line_start(&line);
	trained = train(c, &r, &line.progress, err);
	failed = !trained || publish_model(trained, c->output, c->overlay, err);
	progress_line_stop(&line);
	if (!failed && c->o.loop.checkpoint && unlink(c->o.loop.checkpoint) && errno != ENOENT)
		failed = err_set(err, ERR_IO, "%.200s: %s", c->o.loop.checkpoint, strerror(errno));
	if (!failed)
		report(&r, c);
	if (trained)
		model_release(trained);
	return failed;
}

static int settle(struct call *c, const struct arguments *rest, const char **files, struct err *err)
{
	if (settle_goal(c, err))
		return -1;
	settle_numbers(c);
	settle_lstm(c, &c->o);
	return settle_files(c, rest, files, err) || settle_paths(c, err) ? -1 : 0;
}

static int work_alacarte(const struct verb *verb, struct call *c, const struct arguments *rest)
{
	struct err err = { 0 };

	if (cli_settle_alacarte(&c->alacarte, c->output, rest, &err))
		return cli_usage(verb, &err);
	return cli_train_alacarte(&c->alacarte, &c->choice, c->output, rest, c->workers, &err)
		       ? cli_failed(&err)
		       : EXIT_DONE;
}

/* What the training on pairs and the distillation have in common. */
static int settle_distill(struct call *c, const struct arguments *rest, struct train_options *o,
			  struct err *err)
{
	if (cli_settle_distill(&c->distill, c->output, rest, o, err) || settle_paths(c, err))
		return -1;
	o->loop.checkpoint = c->o.loop.checkpoint;
	o->loop.curve = c->o.loop.curve;
	o->loop.resume = c->resume;
	o->loop.scores = c->scores;
	o->loop.patience = c->patience;
	if (c->warmup > 0)
		o->loop.warmup = c->warmup;
	if (c->epochs)
		o->loop.epochs = c->epochs;
	if (c->batch)
		o->batch = c->batch;
	if (c->lr > 0)
		o->rate = c->lr;
	o->dimensions = c->dimensions;
	o->seed = c->seed;
	o->workers = c->workers;
	o->dev = c->dev.at;
	o->dev_n = c->dev.n;
	return 0;
}

static int work_distill(const struct verb *verb, struct call *c, const struct arguments *rest)
{
	bool recurrent = c->learn && strcmp(c->learn, "lstm") == 0;
	struct train_options o = train_options_default(recurrent ? TRAIN_LSTM : TRAIN_VECTORS, false, true);
	struct err err = { 0 };

	if (c->learn && !recurrent)
		(void)err_set(
			&err, ERR_INPUT,
			"--learn %.40s does not go with --teacher, which learns vectors, or an lstm over "
			"them",
			c->learn);
	if ((c->learn && !recurrent) || settle_distill(c, rest, &o, &err))
		return cli_usage(verb, &err);
	if (c->states)
		o.states = c->states;
	if (c->distill.rows_rate >= 0)
		o.rows_rate = c->distill.rows_rate;
	if (c->distill.static_share >= 0)
		o.static_share = c->distill.static_share;
	return cli_train_distill(&o, &c->choice, c->output, &err) ? cli_failed(&err) : EXIT_DONE;
}

static int work(const struct verb *verb, struct call *c, const struct arguments *rest)
{
	struct err err = { 0 };
	const char **files = calloc(c->pairs.n + c->scored.n + rest->n + 1, sizeof(*files));
	int status;

	if (!files)
		return cli_failed(&err);
	if (settle(c, rest, files, &err))
		status = cli_usage(verb, &err);
	else
		status = train_to(c, &err) ? cli_failed(&err) : EXIT_DONE;
	free(files);
	return status;
}

static struct call call_default(void)
{
	return (struct call){ .negatives = "max",
			      .kind = "auto",
			      .temperature = -1,
			      .margin = -1,
			      .lr = -1,
			      .lr_weights = -1,
			      .lr_matrix = -1,
			      .dropout = -1,
			      .scramble = -1,
			      .seed = 1,
			      .scores = 4,
			      .alacarte = alacarte_call_default(),
			      .distill = cli_distill_call() };
}

static int run(const struct verb *verb, int argc, char **argv)
{
	struct call c = call_default();
	const struct option_spec specs[] = {
		CLI_MODEL_OPTIONS(&c.choice),
		{ "method", 0, OPTION_TEXT, &c.choice.method, "METHOD",
		  "what to start from; default: the model's own" },
		{ "output", 'o', OPTION_TEXT, &c.output, "TRAINED", "the model file to write" },
		{ "learn", 0, OPTION_TEXT, &c.learn, "WHAT",
		  "weights (a number a word), vectors (weights, rows and a matrix), lstm (a recurrent layer "
		  "over the "
		  "words), or alacarte (vectors for "
		  "words that the model lacks, from a corpus)" },
		{ "pairs", 0, OPTION_LIST, &c.pairs, "FILE",
		  "texts that mean the same: `a TAB b`, `group TAB text`, `label TAB a TAB b`" },
		{ "scored", 0, OPTION_LIST, &c.scored, "FILE",
		  "`a TAB b TAB score`, or `label TAB a TAB b`" },
		{ "kind", 0, OPTION_TEXT, &c.kind, "KIND",
		  "pairs, groups, labelled or scored; default: told by the columns" },
		{ "dev", 0, OPTION_LIST, &c.dev, "FILE", "`a TAB b TAB score`: the best on it is kept" },
		{ "objective", 0, OPTION_TEXT, &c.objective, "NAME",
		  "infonce (default) or margin; for --scored pearson (default) or cosent" },
		{ "temperature", 0, OPTION_NUMBER, &c.temperature, "T",
		  "of infonce (default 0.05) and cosent (0.3)" },
		{ "margin", 0, OPTION_NUMBER, &c.margin, "M", "of margin; default 0.4" },
		{ "negatives", 0, OPTION_TEXT, &c.negatives, "WHICH",
		  "of margin: max (nearest, default), mix or random" },
		{ "epochs", 0, OPTION_COUNT, &c.epochs, "N", "default 3; 5 for --scored" },
		{ "batch", 0, OPTION_COUNT, &c.batch, "N", "pairs a step; default 256" },
		{ "lr", 0, OPTION_NUMBER, &c.lr, "RATE", "of vectors; default 0.003; 0.002 for --scored" },
		{ "lr-weights", 0, OPTION_NUMBER, &c.lr_weights, "RATE", "of log weights; default 0.01" },
		{ "lr-matrix", 0, OPTION_NUMBER, &c.lr_matrix, "RATE", "of the matrix; default 0.002" },
		{ "l2", 0, OPTION_NUMBER, &c.l2, "L", "pull towards the start; default 0" },
		{ "warmup", 0, OPTION_NUMBER, &c.warmup, "SHARE",
		  "of the steps, in which rates rise; default 0; then they fall to 0" },
		{ "matrix", 0, OPTION_FLAG, &c.matrix, NULL, "with --learn weights: learn a matrix too" },
		LSTM_OPTIONS(&c),
		{ "dimensions", 0, OPTION_COUNT, &c.dimensions, "D", "of the vectors; default: as they are" },
		{ "patience", 0, OPTION_COUNT, &c.patience, "N",
		  "stop after N dev scores without a better one; default: never" },
		{ "scores", 0, OPTION_COUNT, &c.scores, "N", "dev scores an epoch; default 4" },
		{ "seed", 0, OPTION_COUNT, &c.seed, "N",
		  "the same seed and workers: the same bits; default 1" },
		{ "workers", 0, OPTION_COUNT, &c.workers, "N", "threads; default: one per processor" },
		{ "checkpoint", 0, OPTION_TEXT, &c.checkpoint, "FILE",
		  "written every 20 s; default TRAINED with .checkpoint; or none" },
		{ "resume", 0, OPTION_FLAG, &c.resume, NULL,
		  "go on from the checkpoint, where there is one" },
		{ "curve", 0, OPTION_TEXT, &c.curve, "PREFIX",
		  "of the loss curve's .tsv and .svg; default TRAINED with .curve; or none" },
		{ "overlay", 0, OPTION_FLAG, &c.overlay, NULL,
		  "with --learn weights: write 4 bytes a word, not the vectors" },
		CLI_ALACARTE_OPTIONS(&c.alacarte),
		CLI_DISTILL_OPTIONS(&c.distill),
	};
	struct arguments rest;
	struct err err = { 0 };
	int status = options_parse(verb, specs, sizeof(specs) / sizeof(specs[0]), argc, argv, &rest, &err);

	if (status)
		return status > 0 ? EXIT_DONE : cli_usage(verb, &err);
	if (c.learn && strcmp(c.learn, "alacarte") == 0)
		status = work_alacarte(verb, &c, &rest);
	else if (c.distill.teacher || c.distill.texts)
		status = work_distill(verb, &c, &rest);
	else
		status = work(verb, &c, &rest);
	options_free(&rest);
	return status;
}

const struct verb verb_train = {
	.name = "train",
	.arguments = "--learn weights|vectors --pairs FILE... -o TRAINED | --learn alacarte CORPUS... -o "
		     "TRAINED | "
		     "--teacher FILE.npy --texts FILE -o TRAINED",
	.summary = "Learns word weights or vectors from pairs of texts, or new words from a corpus.",
	.details =
		"Files may be .gz, .xz or .zst.  A killed run goes on with --resume and the same options.  "
		"Example:\n\n"
		"  sifd train --learn vectors --pairs captions.tsv.xz paraphrases.tsv -o "
		"models/mine.safetensors "
		"--dev stsb.dev.tsv\n"
		"  sifd train --learn alacarte -m glove manuals.txt.gz -o models/manuals.safetensors\n",
	.run = run,
};
