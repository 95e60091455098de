#include "learn/params.h"

#include "learn/alacarte.h"
#include "learn/lstm_net.h"
#include "text/corpus.h"

const char *const learn_names[LEARNS] = { "weights", "vectors", "lstm", "alacarte" };

const struct param_goals train_goals[] = {
	{ "", GOALS_TRAINED },
	{ "weights", GOALS_WEIGHTS },
	{ "vectors", GOALS_VECTORS | GOALS_VECTORS_TEACHER },
	{ "lstm", GOALS_LSTM | GOALS_LSTM_TEACHER },
	{ "alacarte", GOAL_ALACARTE },
	{ "pairs", GOALS_PAIRS },
	{ "--pairs", GOALS_UNSCORED },
	{ "--scored", GOALS_SCORED },
	{ "vectors from pairs", GOALS_VECTORS },
	{ "lstm from pairs", GOALS_LSTM },
	{ "vectors from a teacher", GOALS_VECTORS_TEACHER },
	{ "lstm from a teacher", GOALS_LSTM_TEACHER },
	{ "--teacher", GOALS_TEACHER },
	{ NULL, 0 },
};

unsigned train_goal(enum train_learn learn, bool scored, bool teacher)
{
	static const unsigned goals[][2] = {
		[TRAIN_WEIGHTS] = { GOAL_WEIGHTS, GOAL_WEIGHTS }, /* never from a teacher */
		[TRAIN_VECTORS] = { GOAL_VECTORS, GOAL_VECTORS_TEACHER },
		[TRAIN_LSTM] = { GOAL_LSTM, GOAL_LSTM_TEACHER },
	};

	return goals[learn][teacher] << scored;
}

enum {
	DIMENSIONS_MOST = MODEL_DIMENSIONS_MAX,
	COUNT_MOST = 1000 * 1000 * 1000,
};

#define COUNT(name, value, field, least, most, usual, help, ...)                                             \
	PARAM(PARAM_COUNT, name, value, help, usual, PARAM_FIELD(struct train_options, field),               \
	      PARAM_RANGE(least, most), __VA_ARGS__)
#define NUMBER(name, value, field, least, most, help, ...)                                                   \
	PARAM(PARAM_NUMBER, name, value, help, NULL, PARAM_FIELD(struct train_options, field),               \
	      PARAM_RANGE(least, most), __VA_ARGS__)
#define CHOICE(name, value, field, names, first, last, help, ...)                                            \
	PARAM(PARAM_CHOICE, name, value, help, NULL, PARAM_FIELD(struct train_options, field),               \
	      PARAM_NAMES(names, first, last), __VA_ARGS__)
#define RATE(name, field, least, help, ...) NUMBER(name, "RATE", field, least, 5, help, __VA_ARGS__)

const struct param_row train_params[] = {
	CHOICE("kind", "KIND", kind, pairs_kind_names, PAIRS_AUTO, PAIRS_SCORED,
	       "what the lines of the files hold; auto: as the columns show", { GOALS_TRAINED, PAIRS_AUTO }),
	CHOICE("objective", "NAME", objective.kind, objective_names, OBJECTIVE_INFONCE, OBJECTIVE_MARGIN,
	       "what the vectors of pairs are to become", { GOALS_UNSCORED, OBJECTIVE_INFONCE }),
	CHOICE("objective", "NAME", objective.kind, objective_names, OBJECTIVE_PEARSON, OBJECTIVE_COSENT,
	       "what the vectors of scored pairs are to become", { GOALS_SCORED, OBJECTIVE_PEARSON }),
	NUMBER("temperature", "T", objective.temperature, 1e-3, 1e3, "temperature of infonce and cosent",
	       { GOALS_UNSCORED, 0.05 }, { GOALS_SCORED, 0.3 }),
	NUMBER("margin", "M", objective.margin, 0, 2, "margin of the objective margin",
	       { GOALS_TRAINED, 0.4 }),
	CHOICE("negatives", "WHICH", objective.negatives, negatives_names, NEGATIVES_MAX, NEGATIVES_RANDOM,
	       "negatives of the objective margin; max: the nearest", { GOALS_TRAINED, NEGATIVES_MAX }),
	COUNT("epochs", "N", loop.epochs, 1, 100000, NULL, "passes over the data", { GOALS_UNSCORED, 3 },
	      { GOALS_SCORED, 5 }, { GOALS_VECTORS_TEACHER, 4 }, { GOALS_LSTM_TEACHER, 2 }),
	COUNT("batch", "N", batch, 2, 8192, NULL, "pairs per step", { GOALS_PAIRS, 256 }),
	COUNT("batch", "N", batch, 1, 65536, NULL, "texts per step", { GOALS_VECTORS_TEACHER, 1024 }),
	COUNT("batch", "N", batch, 64, 1 << 20, NULL, "words per step", { GOALS_LSTM_TEACHER, 8192 }),
	RATE("lr", rate, 0, "learning rate of the vectors", { GOAL_VECTORS, 0.003 },
	     { GOAL_VECTORS_SCORED, 0.002 }),
	RATE("lr", rate, 1e-9, "learning rate of the vectors", { GOALS_VECTORS_TEACHER, 0.01 }),
	RATE("lr", rate, 1e-9, "learning rate of the LSTM", { GOALS_LSTM, 0.002 },
	     { GOALS_LSTM_TEACHER, 0.003 }),
	RATE("lr_weights", weight_rate, 0, "learning rate of the log weights", { GOALS_TABLE, 0.01 }),
	RATE("lr_matrix", matrix_rate, 0, "learning rate of the matrix", { GOALS_TABLE, 0.002 }),
	RATE("lr_rows", rows_rate, 0,
	     "learning rate of the rows under pooling residual; 0 leaves them as they are", { GOALS_LSTM, 0 },
	     { GOALS_LSTM_TEACHER, 5e-4 }),
	NUMBER("l2", "L", l2, 0, 1e5, "pulls words towards their start", { GOALS_TABLE, 0 }),
	NUMBER("warmup", "SHARE", loop.warmup, 0, 0.99,
	       "share of the steps in which the learning rates rise, before they fall to 0",
	       { GOALS_PAIRS, 0 }, { GOALS_VECTORS_TEACHER, 20.0 / 4600.0 },
	       { GOALS_LSTM_TEACHER, 50.0 / 4500.0 }),
	PARAM(PARAM_FLAG, "matrix", NULL, "learn a matrix too", NULL,
	      PARAM_FIELD(struct train_options, matrix), PARAM_ANY, { GOALS_WEIGHTS, 0 }),
	COUNT("dimensions", "D", dimensions, 1, DIMENSIONS_MOST, "unchanged", "length of the vectors",
	      { GOALS_TABLE, 0 }),
	COUNT("dimensions", "D", dimensions, 1, DIMENSIONS_MOST, "256, or the teacher's if it has fewer",
	      "length of the vectors", { GOALS_VECTORS_TEACHER, 0 }),
	NUMBER("a", "A", a, 1e-12, 1e3, "a of the starting weights a/(a+p)", { GOALS_VECTORS_TEACHER, 3e-4 }),
	COUNT("states", "H", states, 8, MODEL_LSTM_MAX, NULL, "length of the state per direction",
	      { GOALS_LSTM, 128 }, { GOALS_LSTM_TEACHER, 256 }),
	COUNT("layers", "N", layers, 1, NET_LAYERS_MAX, NULL, "LSTM layers",
	      { GOALS_LSTM | GOALS_LSTM_TEACHER, 1 }),
	COUNT("directions", "N", directions, 1, NET_DIRECTIONS_MAX, NULL, "2, or 1 to read forward only",
	      { GOALS_LSTM | GOALS_LSTM_TEACHER, 2 }),
	CHOICE("pooling", "HOW", pooling, pooling_names, POOLING_MEAN, POOLING_RESIDUAL,
	       "how the states become a vector", { GOALS_LSTM, POOLING_MEAN },
	       { GOALS_LSTM_TEACHER, POOLING_RESIDUAL }),
	NUMBER("dropout", "SHARE", dropout, 0, 0.99, "share of words left out", { GOALS_LSTM, 0.2 },
	       { GOALS_LSTM_TEACHER, 0 }),
	NUMBER("scramble", "SHARE", scramble, 0, 1, "share of texts read in shuffled order",
	       { GOALS_LSTM, 0.3 }, { GOALS_LSTM_TEACHER, 0 }),
	NUMBER("static_share", "SHARE", static_share, 0, 1000,
	       "weight of the loss on the plain sum, which keeps the rows good by themselves",
	       { GOALS_LSTM_TEACHER, 0.2 }),
	CHOICE("dtype", "TYPE", type, rows_type_names, ROWS_F32, ROWS_I8,
	       "type of the rows learnt from a teacher, or of the LSTM's weights",
	       { GOALS_LSTM | GOALS_TEACHER, ROWS_F32 }),
	COUNT("patience", "N", loop.patience, 0, 100000, NULL,
	      "stop after N dev scores without an improvement; 0: never", { GOALS_TRAINED, 0 }),
	COUNT("scores", "N", loop.scores, 1, 1000, NULL, "dev scores per epoch", { GOALS_TRAINED, 4 }),
	COUNT("seed", "N", seed, 0, PARAM_MOST, NULL, "the same seed gives the same bits",
	      { GOALS_TRAINED, 1 }),
	COUNT("workers", "N", workers, 1, PARAM_WORKERS_MOST, "one per processor",
	      "threads; the result is the same for any number", { GOALS_TRAINED, 0 }),
	{ 0 },
};

#undef COUNT
#define COUNT(name, field, least, most, usual, help)                                                         \
	PARAM(PARAM_COUNT, name, "N", help, NULL, PARAM_FIELD(struct alacarte_options, field),               \
	      PARAM_RANGE(least, most), { GOAL_ALACARTE, usual })

const struct param_row alacarte_params[] = {
	COUNT("min_count", min_count, 1, COUNT_MOST, 10, "words seen at least N times get a row"),
	COUNT("fit_count", fit_count, 1, COUNT_MOST, 100,
	      "learn the matrix from known words seen at least N times"),
	COUNT("max_words", max_words, 1, ALACARTE_FORMS_MAX, 100000, "add at most N words"),
	COUNT("window", window, 1, ALACARTE_WINDOW_MAX, 5, "read N words on each side"),
	PARAM(PARAM_CHOICE, "unit", "UNIT", "where a context ends", NULL,
	      PARAM_FIELD(struct alacarte_options, by_line), PARAM_NAMES(corpus_units, 0, 1),
	      { GOAL_ALACARTE, 0 }),
	PARAM(PARAM_COUNT, "workers", "N", "threads; the result is the same for any number",
	      "one per processor", PARAM_FIELD(struct alacarte_options, workers),
	      PARAM_RANGE(1, PARAM_WORKERS_MOST), { GOAL_ALACARTE, 0 }),
	{ 0 },
};
