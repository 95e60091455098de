/*
 * params.h - the options of training, one row each: who has them, their range, default and help.
 *
 * To add an option: a row here and a field in struct train_options, then use the field.  The command line,
 * train jobs, --help, /openapi.json and train_model()'s own check read the rows.
 */
#ifndef SIFD_LEARN_PARAMS_H
#define SIFD_LEARN_PARAMS_H

#include "base/params.h"
#include "learn/train.h"

/* What a training can be told to learn; the first three are enum train_learn. */
enum { LEARN_ALACARTE = TRAIN_LSTM + 1, LEARNS };
extern const char *const learn_names[LEARNS];

/* Goals: what is learnt, from what. */
enum {
	GOAL_WEIGHTS = 1,
	GOAL_WEIGHTS_SCORED = 2,
	GOAL_VECTORS = 4,
	GOAL_VECTORS_SCORED = 8,
	GOAL_LSTM = 16,
	GOAL_LSTM_SCORED = 32,
	/* From a teacher, alone or with pairs, or with scored pairs. */
	GOAL_VECTORS_TEACHER = 64,
	GOAL_VECTORS_TEACHER_SCORED = 128,
	GOAL_LSTM_TEACHER = 256,
	GOAL_LSTM_TEACHER_SCORED = 512,
	GOAL_ALACARTE = 1024,

	/* Without a teacher. */
	GOALS_WEIGHTS = GOAL_WEIGHTS | GOAL_WEIGHTS_SCORED,
	GOALS_VECTORS = GOAL_VECTORS | GOAL_VECTORS_SCORED,
	GOALS_LSTM = GOAL_LSTM | GOAL_LSTM_SCORED,
	GOALS_TABLE = GOALS_WEIGHTS | GOALS_VECTORS,
	GOALS_PAIRS = GOALS_TABLE | GOALS_LSTM,
	/* With one. */
	GOALS_VECTORS_TEACHER = GOAL_VECTORS_TEACHER | GOAL_VECTORS_TEACHER_SCORED,
	GOALS_LSTM_TEACHER = GOAL_LSTM_TEACHER | GOAL_LSTM_TEACHER_SCORED,
	GOALS_TEACHER = GOALS_VECTORS_TEACHER | GOALS_LSTM_TEACHER,

	GOALS_TRAINED = GOALS_PAIRS | GOALS_TEACHER,
	GOALS_SCORED = GOAL_WEIGHTS_SCORED | GOAL_VECTORS_SCORED | GOAL_LSTM_SCORED |
		       GOAL_VECTORS_TEACHER_SCORED | GOAL_LSTM_TEACHER_SCORED,
	GOALS_UNSCORED = GOALS_TRAINED & ~GOALS_SCORED,
};

unsigned train_goal(enum train_learn learn, bool scored, bool teacher);
extern const struct param_goals train_goals[]; /* their names */

extern const struct param_row train_params[];	 /* of struct train_options */
extern const struct param_row alacarte_params[]; /* of struct alacarte_options */

#endif
