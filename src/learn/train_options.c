/* The options of training: their defaults, and what may be asked for. */
#include "base/err.h"
#include "learn/lstm_net.h"
#include "learn/train_private.h"

enum { PAIRS_MAX = 8192, TEXTS_MAX = 65536, WORDS_MIN = 64, WORDS_MAX = 1 << 20, STATES_MIN = 8 };

static struct train_options pair_defaults(enum train_learn learn, bool scored)
{
	struct train_options o = { .matrix = learn == TRAIN_VECTORS,
				   .states = 128,
				   .layers = 1,
				   .directions = 2,
				   .pooling = POOLING_MEAN,
				   .dropout = 0.2,
				   .scramble = 0.3,
				   .batch = 256,
				   .rate = learn == TRAIN_LSTM || scored ? 0.002 : 0.003,
				   .weight_rate = 0.01,
				   .matrix_rate = 0.002 };

	o.loop.epochs = scored ? 5 : 3;
	return o;
}

static struct train_options teacher_defaults(enum train_learn learn)
{
	bool lstm = learn == TRAIN_LSTM;
	struct train_options o = { .a = 3e-4,
				   .states = 256,
				   .layers = 1,
				   .directions = 2,
				   .pooling = POOLING_RESIDUAL,
				   .batch = lstm ? 8192 : 1024,
				   .rate = lstm ? 3e-3 : 1e-2,
				   .rows_rate = 5e-4,
				   .static_share = 0.2,
				   .seed = 1 };

	o.loop.epochs = lstm ? 2 : 4;
	o.loop.warmup = lstm ? 50.0 / 4500.0 : 20.0 / 4600.0;
	return o;
}

struct train_options train_options_default(enum train_learn learn, bool scored, bool teacher)
{
	struct train_options o = teacher ? teacher_defaults(learn) : pair_defaults(learn, scored);

	o.learn = learn;
	o.loop.scores = 1;
	o.objective = objective_options_default();
	if (scored)
		o.objective.kind = OBJECTIVE_PEARSON;
	return o;
}

static int refuse(struct err *err, const char *param, const char *why)
{
	(void)err_set(err, ERR_INPUT, "%s: %s", param, why);
	return err_param(err, param);
}

static int check_batch(const struct train_options *o, struct err *err)
{
	if (!o->teacher)
		return o->batch < 2 || o->batch > PAIRS_MAX ? refuse(err, "batch", "2 to 8192 pairs") : 0;
	if (o->learn == TRAIN_LSTM)
		return o->batch < WORDS_MIN || o->batch > WORDS_MAX
			       ? refuse(err, "batch", "64 to 1048576 words")
			       : 0;
	return o->batch < 1 || o->batch > TEXTS_MAX ? refuse(err, "batch", "1 to 65536 texts") : 0;
}

static bool is_rate(double rate)
{
	return rate >= 0 && rate < 10;
}

static int check_numbers(const struct train_options *o, struct err *err)
{
	bool above = o->teacher || o->learn == TRAIN_LSTM; /* a rate of 0 would learn nothing */

	if (check_batch(o, err))
		return -1;
	if (o->loop.epochs < 1 || o->loop.epochs > 100000)
		return refuse(err, "epochs", "1 to 100000");
	if (!(o->objective.temperature >= 1e-3f && o->objective.temperature <= 1e3f))
		return refuse(err, "temperature", "0.001 to 1000");
	if (!(o->objective.margin >= 0 && o->objective.margin <= 2))
		return refuse(err, "margin", "0 to 2");
	if (!is_rate(o->rate) || (above && o->rate <= 0) || !is_rate(o->weight_rate) ||
	    !is_rate(o->matrix_rate) || !is_rate(o->rows_rate))
		return refuse(err, "lr", "rates of learning are from 0 to 10");
	if (!(o->l2 >= 0 && o->l2 < 1e6))
		return refuse(err, "l2", "from 0 to 1000000");
	if (!(o->loop.warmup >= 0 && o->loop.warmup < 1))
		return refuse(err, "warmup", "a share of the run, from 0 to below 1");
	if (o->dimensions > MODEL_DIMENSIONS_MAX)
		return refuse(err, "dimensions", "at most 16384");
	if (o->teacher && !(o->a > 0 && o->a < 1e3))
		return refuse(err, "a", "above 0 and below 1000");
	return 0;
}

static int check_lstm(const struct train_options *o, const struct model *m, struct err *err)
{
	bool plain = model_sums(m) == METHOD_LEARNED && !m->weights && !m->projection;

	if (o->states < STATES_MIN || o->states > MODEL_LSTM_MAX)
		return refuse(err, "states", "8 to 1024 of a direction");
	if (o->layers < 1 || o->layers > NET_LAYERS_MAX)
		return refuse(err, "layers", "1 or 2");
	if (o->directions < 1 || o->directions > NET_DIRECTIONS_MAX)
		return refuse(err, "directions", "1 or 2");
	if ((unsigned)o->pooling >= POOLING_COUNT)
		return refuse(err, "pooling", "mean, max, last, attention or residual");
	if (!(o->dropout >= 0 && o->dropout < 1) || !(o->scramble >= 0 && o->scramble <= 1))
		return refuse(err, "dropout", "shares of dropout and scrambling are from 0 to 1");
	if (!(o->static_share >= 0 && o->static_share <= 1000))
		return refuse(err, "static_share", "0 to 1000");
	if (o->teacher && o->pooling != POOLING_RESIDUAL)
		return refuse(err, "pooling", "residual under a teacher, whose vectors are as long as rows");
	if (o->pooling != POOLING_RESIDUAL && o->rows_rate > 0)
		return refuse(err, "lr_rows", "rows are learnt beside an LSTM of pooling residual only");
	if (o->pooling == POOLING_RESIDUAL && !plain)
		return err_set(
			err, ERR_INPUT,
			"pooling residual adds to the plain sum of the model's rows, which are not made for "
			"that: learn them first, with --teacher and without --learn lstm "
			"(docs/training.md)");
	if (m->facts.folded && model_sums(m) != METHOD_LEARNED)
		return err_set(
			err, ERR_INPUT,
			"the model is folded: its rows hold weights already; start from the one it was "
			"folded from");
	return 0;
}

int train_check(const struct train_options *o, const struct model *m, struct err *err)
{
	if (o->files_n == 0 && !o->teacher)
		return refuse(err, "pairs", "no file to learn from");
	if (o->teacher && !o->texts)
		return refuse(err, "texts", "the texts of the teacher's vectors are missing");
	if (o->teacher && o->learn == TRAIN_WEIGHTS)
		return refuse(err, "learn", "from a teacher vectors are learnt, or an lstm over them");
	if (check_numbers(o, err))
		return -1;
	if (o->teacher && o->learn != TRAIN_LSTM && o->dimensions > m->rows.d)
		return refuse(err, "dimensions", "at most those of the teacher");
	return o->learn == TRAIN_LSTM ? check_lstm(o, m, err) : 0;
}
