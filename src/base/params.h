/*
 * params.h - options as the rows of a table, the one place that says an option's name, range, default and
 * help.
 *
 * A row fills one field of an options struct.  The command line, JSON requests, --help, the schema in
 * /openapi.json and the engine's own check all read the same rows, so that they decide alike and say the same
 * words.  A table ends with a row without a name.
 *
 * A goal is a bit for what is to be done, such as learning an LSTM from scored pairs.  A row's defaults say
 * which goals have the option and its value there.  A name may have several rows, as long as each goal has
 * only one of them: "batch" counts pairs, texts or words.
 */
#ifndef SIFD_BASE_PARAMS_H
#define SIFD_BASE_PARAMS_H

#include "base/json.h"

#include <stddef.h>

struct buf;
struct err;

enum param_kind {
	PARAM_FLAG,   /* bool */
	PARAM_COUNT,  /* an unsigned integer: a whole number; text may end with k, M, G (1000s) or Ki, Mi, Gi
		       */
	PARAM_NUMBER, /* float or double */
	PARAM_CHOICE, /* an enum or bool, by its name */
	PARAM_TEXT,   /* const char * */
	PARAM_LIST,   /* struct text_list: only on the command line, which may give it several times */
	PARAM_JSON,   /* only in requests, whose own code reads it: `value` is its JSON schema */
};

struct text_list {
	const char **at;
	size_t n;
};

struct param_row {
	const char *name; /* "lr_weights"; the command line says --lr-weights */
	char letter;	  /* -o, or 0 */
	enum param_kind kind;
	const char *value; /* what --help calls it: "FILE"; NULL for flags */
	const char *help;
	const char *usual;	    /* the default in words, where it is no value of the range; else NULL */
	size_t offset, size;	    /* of the field; size 0: checked, but kept nowhere */
	const char *const *choices; /* names, least to most */
	long double least, most;    /* holds any 64-bit count */
	struct param_default {
		unsigned goals;
		long double value;
	} defaults[5]; /* the last that has a goal is its default */
};

enum { PARAM_WORKERS_MOST = 1024 };

#define PARAM_ALWAYS (~0U)		/* every goal */
#define PARAM_MOST 0x7FFFFFFFFFFFFFFFLL /* of counts without a bound of their own: what JSON readers take */

/* A row; then its defaults, {goals, value} each. */
#define PARAM(kind, name, value, help, usual, field, range, ...)                                             \
	{                                                                                                    \
		name, 0, kind, value, help, usual, field, range,                                             \
		{                                                                                            \
			__VA_ARGS__                                                                          \
		}                                                                                            \
	}
#define PARAM_FIELD(type, field) offsetof(type, field), sizeof(((type *)0)->field)
#define PARAM_WHOLE(type) 0, sizeof(type) /* the field is all there is */
#define PARAM_NO_FIELD 0, 0
#define PARAM_RANGE(least, most) NULL, least, most
#define PARAM_NAMES(names, least, most) names, least, most /* of a choice */
#define PARAM_ANY NULL, 0, 0				   /* of flags and texts */

/* The row that everything with threads has. */
#define PARAM_WORKERS(type, field)                                                                           \
	PARAM(PARAM_COUNT, "workers", "N", "threads; the result is the same for any number",                 \
	      "one per processor", PARAM_FIELD(type, field), PARAM_RANGE(1, PARAM_WORKERS_MOST),             \
	      { PARAM_ALWAYS, 0 })

/* The row of this name that one of the goals has, or NULL. */
const struct param_row *params_find(const struct param_row *rows, const char *name, unsigned goals);

/* Sets all fields of the rows that the goal has to their defaults; texts and lists become empty. */
void params_default(const struct param_row *rows, unsigned goal, void *options);

/*
 * Sets the row's field from text.  ERR_INPUT "LABEL must be ..." when that is of another type or out of
 * range.  The text must outlive the options; lists are the caller's.
 */
int param_set(const struct param_row *row, void *options, const char *label, const char *text,
	      struct err *err);

/* Defaults, then the object's members that are there and not null.  ERR_INPUT "`name` must be ...". */
int params_read(const struct param_row *rows, unsigned goal, void *options, const json_t *object,
		struct err *err);

/* ERR_INPUT, with the param named, unless each field holds its default or a value of its range. */
int params_check(const struct param_row *rows, unsigned goal, const void *options, struct err *err);

/*
 * A name for some goals, for messages and --help: "lstm", "--scored".  A first one of "" are the goals that
 * --help need not name.
 */
struct param_goals {
	const char *name; /* NULL ends a list of them */
	unsigned goals;
};

/*
 * ERR_INPUT "LABEL is not for A, but for B" when a table has a row of that name, yet none for the goal.
 * tables ends with NULL.
 */
int params_refuse(const struct param_row *const *tables, const char *name, unsigned goal,
		  const struct param_goals *names, const char *label, struct err *err);

/* Appends the row's help with its range and defaults, as --help has it. */
void param_put_help(struct buf *to, const struct param_row *row, const struct param_goals *names);

/* Appends `"name":{schema},` for each row that the goal has. */
void params_put_schema(struct buf *to, const struct param_row *rows, unsigned goal);

#endif
