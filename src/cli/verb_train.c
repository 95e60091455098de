/* `sifd train`: learns from pairs, scored pairs, a teacher's vectors, or (alacarte) a corpus. */
#include "base/err.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "embed/publish.h"
#include "learn/alacarte.h"
#include "learn/params.h"
#include "model/model.h"
#include "text/corpus.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATH_BYTES = 4096 };

static const char ending[] = ".safetensors";

struct train_call {
	struct model_choice choice;
	unsigned learn; /* LEARNS: not given */
	unsigned goal;
	struct text_list pairs, scored, dev;
	const char *teacher, *texts, *draws;
	const char *output, *curve, *checkpoint;
	bool resume, overlay, lossy;
	struct train_options o;
	struct alacarte_options alacarte;
	char curve_path[PATH_BYTES], checkpoint_path[PATH_BYTES];
};

static void report(const struct train_report *r, const struct train_call *c)
{
	const struct loop_report *l = &r->loop;

	if (r->files)
		(void)fprintf(stderr, "%zu file%s, ", r->files, r->files == 1 ? "" : "s");
	(void)fprintf(stderr, "%" PRIu64 " texts (%.1f %% of their words known)", r->texts,
		      100 * r->coverage);
	if (r->pairs)
		(void)fprintf(stderr, ", %" PRIu64 " pairs", r->pairs);
	if (r->drawn)
		(void)fprintf(stderr, ", %" PRIu64 " drawn", r->drawn);
	(void)fprintf(stderr, " per epoch, %zu words -> %s\n", r->words, c->output);
	if (r->drawn)
		(void)fprintf(stderr, "  %.1f %% of the teacher's second moment kept\n", 100 * r->energy);
	(void)fprintf(stderr, "  %" PRIu64 " steps%s%s in %.1f s, %.0f %s/s, loss %.4f", l->steps,
		      l->resumed ? " (resumed)" : "", l->stopped_early ? " (stopped early)" : "", l->seconds,
		      l->pairs_per_second, r->drawn ? "texts" : "pairs", l->loss);
	if (isfinite(l->best_score))
		(void)fprintf(stderr, ", dev %.2f (best, at step %" PRIu64 ")", l->best_score, l->best_step);
	(void)fputc('\n', stderr);
	if (r->lstm_dropped)
		(void)fprintf(stderr,
			      "  the model's LSTM is left out: the rows that it was trained on changed\n");
}

static struct model *train(const struct train_call *c, struct train_report *r, struct progress *progress,
			   struct err *err)
{
	struct model *m = cli_open_model(&c->choice, err);
	struct model *trained = NULL;
	enum method start;

	if (!m)
		return NULL;
	if (method_choose(&start, m, c->choice.method, err) == 0)
		trained = train_model(m, start, &c->o, r, progress, err);
	model_release(m);
	return trained;
}

static int train_to(const struct train_call *c, struct err *err)
{
	struct train_report r = { 0 };
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
	model_release(trained);
	return failed ? -1 : 0;
}

static void report_alacarte(const struct alacarte_report *r, const char *output)
{
	double tokens = r->tokens ? (double)r->tokens : 1.0;

	(void)fprintf(stderr, "%zu words got a vector from their contexts in %" PRIu64 " bytes -> %s\n",
		      r->new_words, r->bytes, output);
	(void)fprintf(stderr, "  %.2f %% of the corpus's %" PRIu64 " words were known, now %.2f %%\n",
		      100.0 * (double)r->known_before / tokens, r->tokens,
		      100.0 * (double)r->known_after / tokens);
	(void)fprintf(stderr,
		      "  learnt from %zu words; %zu of them held out: cosine with the true vector %.3f (with "
		      "another word's %.3f)\n",
		      r->fit_words, r->held_out_words, r->held_out, r->chance);
}

static int run_alacarte(const struct train_call *c, const struct arguments *corpora, struct err *err)
{
	struct alacarte_report r;
	struct progress_line line;
	struct corpus *corpus = corpus_open(corpora->at, corpora->n, c->lossy, err);
	struct model *m = corpus ? cli_open_model(&c->choice, err) : NULL;
	struct model *grown = NULL;
	int rc = -1;

	if (m) {
		progress_line_start(&line);
		grown = alacarte_learn(m, corpus, &c->alacarte, &r, &line.progress, err);
		rc = grown ? publish_model(grown, c->output, false, err) : -1;
		progress_line_stop(&line);
	}
	if (rc == 0)
		report_alacarte(&r, c->output);
	model_release(grown);
	model_release(m);
	corpus_close(corpus);
	return rc;
}

static int run(void *call, const struct arguments *rest, struct err *err)
{
	struct train_call *c = call;
	const struct text_list *given = c->scored.n ? &c->scored : &c->pairs;
	const char **files;
	int rc;

	if (c->goal == GOAL_ALACARTE)
		return run_alacarte(c, rest, err);
	files = mem_try(given->n + rest->n, sizeof(*files), err);
	if (!files)
		return -1;
	for (size_t i = 0; i < given->n; i++)
		files[c->o.files_n++] = given->at[i];
	for (size_t i = 0; i < rest->n; i++)
		files[c->o.files_n++] = rest->at[i];
	c->o.files = files;
	rc = train_to(c, err);
	free(files);
	return rc;
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

static int check_paths(struct train_call *c, struct err *err)
{
	struct loop_options *loop = &c->o.loop;

	if (beside(c->checkpoint_path, c->output, ".checkpoint", err) ||
	    beside(c->curve_path, c->output, ".curve", err))
		return -1;
	loop->checkpoint = c->checkpoint ? c->checkpoint : c->checkpoint_path;
	loop->curve = c->curve ? c->curve : c->curve_path;
	if (strcmp(loop->curve, "none") == 0)
		loop->curve = NULL;
	if (strcmp(loop->checkpoint, "none") == 0)
		loop->checkpoint = NULL;
	loop->resume = c->resume;
	if (c->resume && !loop->checkpoint)
		return err_set(err, ERR_INPUT, "--resume needs a checkpoint");
	return 0;
}

static int check(void *call, const struct arguments *rest, struct err *err)
{
	struct train_call *c = call;

	if (!c->output)
		return err_set(err, ERR_INPUT, "-o TRAINED, the model file to write, is missing");
	if (c->goal == GOAL_ALACARTE)
		return rest->n ? 0
			       : err_set(err, ERR_INPUT, "no corpus: files, folders or - after the options");
	if (c->goal & GOALS_TEACHER) {
		if (!c->teacher || !c->texts)
			return err_set(err, ERR_INPUT, "--teacher FILE.npy and --texts FILE go together");
		if (rest->n)
			return err_set(err, ERR_INPUT, "%.100s: the texts come by --texts", rest->at[0]);
	} else if (c->pairs.n + c->scored.n + rest->n == 0) {
		return err_set(err, ERR_INPUT, "no file to learn from: --pairs FILE... or --scored FILE...");
	}
	c->o.teacher = c->teacher;
	c->o.texts = c->texts;
	c->o.draws = c->draws;
	c->o.dev = c->dev.at;
	c->o.dev_n = c->dev.n;
	return check_paths(c, err);
}

static unsigned goal(void *call, struct err *err)
{
	struct train_call *c = call;
	bool teacher = c->teacher || c->texts;
	bool scored = c->scored.n > 0;

	if (c->pairs.n && scored)
		return err_set(err, ERR_INPUT,
			       "--pairs and --scored are two trainings: train on pairs, then on scores from "
			       "the model that came out"),
		       0;
	if (c->learn == LEARNS && teacher)
		c->learn = TRAIN_VECTORS;
	if (c->learn == LEARNS)
		return err_set(err, ERR_INPUT,
			       "--learn is missing: weights, vectors, lstm or alacarte was expected"),
		       0;
	if (teacher && c->learn != TRAIN_VECTORS && c->learn != TRAIN_LSTM)
		return err_set(err, ERR_INPUT,
			       "--learn %s does not go with --teacher, which learns vectors, or an lstm over "
			       "them",
			       learn_names[c->learn]),
		       0;
	if (c->learn == LEARN_ALACARTE)
		return c->goal = GOAL_ALACARTE;
	c->o = train_options_default((enum train_learn)c->learn, scored, teacher);
	return c->goal = train_goal((enum train_learn)c->learn, scored, teacher);
}

#define OWN(kind, name, value, help, field, goals)                                                           \
	PARAM(kind, name, value, help, NULL, PARAM_FIELD(struct train_call, field), PARAM_ANY, { goals, 0 })

static const struct param_row options[] = {
	CLI_TEXT("output", 'o', "TRAINED", "the model file to write", struct train_call, output),
	PARAM(PARAM_CHOICE, "learn", "WHAT",
	      "weights: one number per word; vectors: weights, rows and a matrix; lstm: an LSTM over the "
	      "words; alacarte: rows for words that the model lacks, from a corpus",
	      "vectors with --teacher", PARAM_FIELD(struct train_call, learn),
	      PARAM_NAMES(learn_names, 0, LEARN_ALACARTE), { PARAM_ALWAYS, LEARNS }),
	OWN(PARAM_LIST, "pairs", "FILE",
	    "texts that mean the same: `a TAB b`, `group TAB text`, `label TAB a TAB b`", pairs,
	    GOALS_UNSCORED),
	OWN(PARAM_LIST, "scored", "FILE", "`a TAB b TAB score`, or `label TAB a TAB b`", scored,
	    GOALS_SCORED),
	OWN(PARAM_TEXT, "teacher", "FILE.npy", "a teacher's vectors of the texts, one row per text", teacher,
	    GOALS_TEACHER),
	OWN(PARAM_TEXT, "texts", "FILE", "the texts, one per line", texts, GOALS_TEACHER),
	OWN(PARAM_TEXT, "draws", "FILE",
	    "how often an epoch draws each text, one number per line; default: once", draws, GOALS_TEACHER),
	OWN(PARAM_LIST, "dev", "FILE", "`a TAB b TAB score`: keeps the parameters that score best on it", dev,
	    GOALS_TRAINED),
	OWN(PARAM_TEXT, "method", "METHOD", "the method to start from; default: the model's own",
	    choice.method, GOALS_TABLE),
	OWN(PARAM_FLAG, "overlay", NULL, "write only what was learnt, not the vectors", overlay,
	    GOALS_WEIGHTS | GOALS_LSTM),
	OWN(PARAM_TEXT, "checkpoint", "FILE",
	    "where the checkpoint is written every 20 s, or none; default: TRAINED with .checkpoint",
	    checkpoint, GOALS_TRAINED),
	OWN(PARAM_FLAG, "resume", NULL, "continue from the checkpoint, if there is one", resume,
	    GOALS_TRAINED),
	OWN(PARAM_TEXT, "curve", "PREFIX",
	    "prefix of the loss curve's .tsv and .svg, or none; default: TRAINED with .curve", curve,
	    GOALS_TRAINED),
	OWN(PARAM_FLAG, "lossy", NULL, "repair text that is not UTF-8 instead of refusing it", lossy,
	    GOAL_ALACARTE),
	{ 0 },
};

const struct verb verb_train = {
	.name = "train",
	.arguments = "--learn weights|vectors|lstm --pairs FILE... -o TRAINED | --learn alacarte CORPUS... "
		     "-o TRAINED | --teacher FILE.npy --texts FILE -o TRAINED",
	.summary = "Learns word weights, word vectors or an LSTM from pairs of texts or from a teacher; or "
		   "new words from a corpus.",
	.details = "Files may be .gz, .xz or .zst.  A killed run continues with --resume and the same "
		   "options.  Examples:\n\n  sifd train --learn vectors --pairs captions.tsv.xz "
		   "paraphrases.tsv -o models/mine.safetensors --dev stsb.dev.tsv\n  sifd train --learn "
		   "alacarte -m glove manuals.txt.gz -o models/manuals.safetensors\n",
	.options = { { options, 0 },
		     CLI_MODEL(struct train_call),
		     { train_params, offsetof(struct train_call, o) },
		     { alacarte_params, offsetof(struct train_call, alacarte) } },
	.call_bytes = sizeof(struct train_call),
	.goal = goal,
	.goals = train_goals,
	.check = check,
	.run = run,
};
