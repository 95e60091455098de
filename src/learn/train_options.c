/* The options of training: their defaults, and what may be asked for together. */
#include "base/err.h"
#include "learn/params.h"
#include "learn/train_private.h"

struct train_options train_options_default(enum train_learn learn, bool scored, bool teacher)
{
	struct train_options o = { .learn = learn, .matrix = learn == TRAIN_VECTORS && !teacher };

	params_default(train_params, train_goal(learn, scored, teacher), &o);
	return o;
}

static int check_lstm(const struct train_options *o, const struct model *m, struct err *err)
{
	bool plain = model_sums(m) == METHOD_LEARNED && !m->weights && !m->projection;

	if (o->teacher && o->pooling != POOLING_RESIDUAL)
		return err_field(err, ERR_INPUT, "pooling",
				 "pooling: residual under a teacher, whose vectors are as long as rows");
	if (o->pooling != POOLING_RESIDUAL && o->rows_rate > 0)
		return err_field(err, ERR_INPUT, "lr_rows",
				 "lr_rows: rows are learnt beside an LSTM of pooling residual only");
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
	unsigned goal = train_goal(o->learn, objective_scored(o->objective.kind), o->teacher != NULL);

	if (o->files_n == 0 && !o->teacher)
		return err_field(err, ERR_INPUT, "pairs", "pairs: no file to learn from");
	if (o->teacher && !o->texts)
		return err_field(err, ERR_INPUT, "texts",
				 "texts: the texts of the teacher's vectors are missing");
	if (o->teacher && o->learn == TRAIN_WEIGHTS)
		return err_field(err, ERR_INPUT, "learn",
				 "learn: from a teacher vectors are learnt, or an lstm over them");
	if (params_check(train_params, goal, o, err))
		return -1;
	if (o->teacher && o->learn != TRAIN_LSTM && o->dimensions > m->rows.d)
		return err_field(err, ERR_INPUT, "dimensions", "dimensions: at most those of the teacher");
	return o->learn == TRAIN_LSTM ? check_lstm(o, m, err) : 0;
}
