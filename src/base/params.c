#include "base/params.h"

#include "base/buf.h"
#include "base/err.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned goals_of(const struct param_row *row)
{
	unsigned goals = 0;

	for (size_t i = 0; i < sizeof(row->defaults) / sizeof(row->defaults[0]); i++)
		goals |= row->defaults[i].goals;
	return goals;
}

static long double default_of(const struct param_row *row, unsigned goal)
{
	long double value = 0;

	for (size_t i = 0; i < sizeof(row->defaults) / sizeof(row->defaults[0]); i++)
		if (row->defaults[i].goals & goal)
			value = row->defaults[i].value;
	return value;
}

const struct param_row *params_find(const struct param_row *rows, const char *name, unsigned goals)
{
	for (; rows->name; rows++)
		if (strcmp(rows->name, name) == 0 && goals_of(rows) & goals)
			return rows;
	return NULL;
}

/* ---- fields ---- */

#define PUT(type)                                                                                            \
	do {                                                                                                 \
		type v = (type)value;                                                                        \
		memcpy(field, &v, sizeof(v));                                                                \
	} while (0)
#define GET(type)                                                                                            \
	do {                                                                                                 \
		type v;                                                                                      \
		memcpy(&v, field, sizeof(v));                                                                \
		return v;                                                                                    \
	} while (0)

static void put(const struct param_row *row, void *options, long double value)
{
	char *field = (char *)options + row->offset;

	if (row->kind == PARAM_NUMBER && row->size == sizeof(float))
		PUT(float);
	else if (row->kind == PARAM_NUMBER && row->size)
		PUT(double);
	else if (row->size == sizeof(bool))
		PUT(bool);
	else if (row->size == sizeof(uint32_t))
		PUT(uint32_t);
	else if (row->size == sizeof(uint64_t))
		PUT(uint64_t);
}

static long double get(const struct param_row *row, const void *options)
{
	const char *field = (const char *)options + row->offset;

	if (row->kind == PARAM_NUMBER && row->size == sizeof(float))
		GET(float);
	if (row->kind == PARAM_NUMBER)
		GET(double);
	if (row->size == sizeof(bool))
		GET(bool);
	if (row->size == sizeof(uint32_t))
		GET(uint32_t);
	GET(uint64_t);
}

static bool has_value(const struct param_row *row)
{
	return row->kind <= PARAM_CHOICE;
}

void params_default(const struct param_row *rows, unsigned goal, void *options)
{
	for (; rows->name; rows++)
		if (!(goals_of(rows) & goal) || rows->kind == PARAM_JSON)
			continue;
		else if (has_value(rows))
			put(rows, options, default_of(rows, goal));
		else
			memset((char *)options + rows->offset, 0, rows->size);
}

/* ---- what is expected ---- */

static void put_choices(struct buf *to, const struct param_row *row)
{
	for (size_t i = (size_t)row->least; i <= (size_t)row->most; i++)
		buf_printf(to, "%s%s",
			   i == (size_t)row->least  ? ""
			   : i == (size_t)row->most ? " or "
						    : ", ",
			   row->choices[i]);
}

/* Whole numbers in full, others by 6 digits. */
static void put_number(struct buf *to, long double x)
{
	buf_printf(to, x == rintl(x) ? "%.0Lf" : "%.6Lg", x);
}

static void put_range(struct buf *to, const struct param_row *row)
{
	put_number(to, row->least);
	buf_text(to, " to ");
	put_number(to, row->most);
}

static void put_help_range(struct buf *to, const struct param_row *row)
{
	if (row->kind == PARAM_CHOICE) {
		buf_text(to, "; ");
		put_choices(to, row);
	} else if ((row->kind == PARAM_COUNT || row->kind == PARAM_NUMBER) && row->most < PARAM_MOST) {
		buf_text(to, "; ");
		put_range(to, row);
	}
}

/* "LABEL must be ..." */
static int wrong(const struct param_row *row, const char *label, struct err *err)
{
	struct buf what = { 0 };

	switch (row->kind) {
	case PARAM_FLAG:
		buf_text(&what, "true or false");
		break;
	case PARAM_COUNT:
	case PARAM_NUMBER:
		buf_text(&what, row->kind == PARAM_COUNT ? "a whole number from " : "a number from ");
		put_range(&what, row);
		break;
	case PARAM_CHOICE:
		put_choices(&what, row);
		break;
	case PARAM_TEXT:
	case PARAM_LIST:
	case PARAM_JSON:
		buf_text(&what, "a string");
		break;
	}
	(void)err_set(err, ERR_INPUT, "%.250s must be %.130s", label, buf_string(&what));
	buf_free(&what);
	return err_param(err, row->name);
}

static bool in_range(const struct param_row *row, long double value)
{
	return row->kind == PARAM_FLAG || (value >= row->least && value <= row->most);
}

static int put_checked(const struct param_row *row, void *options, const char *label, long double value,
		       struct err *err)
{
	if (!in_range(row, value))
		return wrong(row, label, err);
	put(row, options, value);
	return 0;
}

int params_check(const struct param_row *rows, unsigned goal, const void *options, struct err *err)
{
	for (; rows->name; rows++) {
		long double value;

		if (!(goals_of(rows) & goal) || !has_value(rows) || !rows->size)
			continue;
		value = get(rows, options);
		if (value != default_of(rows, goal) && !in_range(rows, value)) {
			char label[64];

			(void)snprintf(label, sizeof(label), "`%s`", rows->name);
			return wrong(rows, label, err);
		}
	}
	return 0;
}

/* ---- from text ---- */

static bool parse_count(long double *to, const char *text)
{
	static const struct {
		const char *suffix;
		unsigned long long times;
	} units[] = {
		{ "", 1 },	   { "k", 1000 },     { "M", 1000000 },	 { "G", 1000000000 },
		{ "Ki", 1 << 10 }, { "Mi", 1 << 20 }, { "Gi", 1 << 30 },
	};
	char *end;
	unsigned long long value;

	errno = 0;
	value = strtoull(text, &end, 10);
	if (errno || !isdigit((unsigned char)text[0]))
		return false;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (strcmp(end, units[i].suffix) == 0) {
			*to = (long double)value * units[i].times;
			return true;
		}
	return false;
}

static bool parse_number(long double *to, const char *text)
{
	char *end;
	double value;

	errno = 0;
	value = strtod(text, &end);
	*to = value;
	return !errno && end != text && !*end && value - value == 0.0;
}

static bool parse_name(long double *to, const char *text, const char *const *names, size_t first, size_t last)
{
	for (size_t i = first; i <= last; i++)
		if (strcmp(text, names[i]) == 0) {
			*to = (long double)i;
			return true;
		}
	return false;
}

/* The words for yes and no on the command line and in its files; odd ones mean yes. */
static bool parse_flag(long double *to, const char *text)
{
	static const char *const words[] = { "false", "true", "no", "yes", "off", "on", "0", "1" };
	long double i;

	if (!parse_name(&i, text, words, 0, 7))
		return false;
	*to = (size_t)i % 2;
	return true;
}

int param_set(const struct param_row *row, void *options, const char *label, const char *text,
	      struct err *err)
{
	long double value = 0;
	bool good = false;

	switch (row->kind) {
	case PARAM_FLAG:
		good = parse_flag(&value, text);
		break;
	case PARAM_COUNT:
		good = parse_count(&value, text);
		break;
	case PARAM_NUMBER:
		good = parse_number(&value, text);
		break;
	case PARAM_CHOICE:
		good = parse_name(&value, text, row->choices, (size_t)row->least, (size_t)row->most);
		break;
	case PARAM_TEXT:
		*(const char **)(void *)((char *)options + row->offset) = text;
		return 0;
	case PARAM_LIST:
	case PARAM_JSON:
		break;
	}
	return good ? put_checked(row, options, label, value, err) : wrong(row, label, err);
}

/* ---- from JSON ---- */

static int read_member(const struct param_row *row, void *options, const json_t *value, struct err *err)
{
	const char *text = json_string_value(value);
	char label[64];

	(void)snprintf(label, sizeof(label), "`%s`", row->name);
	if (row->kind == PARAM_FLAG && json_is_boolean(value))
		return put_checked(row, options, label, json_is_true(value), err);
	if (row->kind == PARAM_COUNT && json_is_integer(value))
		return put_checked(row, options, label, json_integer_value(value), err);
	if (row->kind == PARAM_NUMBER && json_is_number(value))
		return put_checked(row, options, label, (long double)json_number_value(value), err);
	if (row->kind >= PARAM_CHOICE && text)
		return param_set(row, options, label, text, err);
	return wrong(row, label, err);
}

int params_read(const struct param_row *rows, unsigned goal, void *options, const json_t *object,
		struct err *err)
{
	params_default(rows, goal, options);
	for (; rows->name; rows++) {
		const json_t *value = json_object_get(object, rows->name);

		if (!value || json_is_null(value) || rows->kind >= PARAM_LIST || !(goals_of(rows) & goal))
			continue;
		if (read_member(rows, options, value, err))
			return -1;
	}
	return 0;
}

/* ---- goals in words ---- */

/*
 * Names for all of the goals, as few as the list allows; where only those `within` matter, a name may have
 * others too.
 */
static void put_goals(struct buf *to, unsigned goals, unsigned within, const struct param_goals *names)
{
	const char *between = "";
	unsigned left = goals;

	for (const struct param_goals *n = names; n->name; n++)
		if (*n->name && (n->goals & within) == goals) {
			buf_text(to, n->name);
			return;
		}
	for (const struct param_goals *n = names; n->name && left; n++)
		if (*n->name && !(n->goals & within & ~goals) && n->goals & left) {
			buf_printf(to, "%s%s", between, n->name);
			between = ", ";
			left &= ~n->goals;
		}
}

/* The narrowest name that has the goal. */
static const char *goal_name(unsigned goal, const struct param_goals *names)
{
	const struct param_goals *best = NULL;

	for (const struct param_goals *n = names; n->name; n++)
		if (*n->name && n->goals & goal &&
		    (!best || __builtin_popcount(n->goals) < __builtin_popcount(best->goals)))
			best = n;
	return best ? best->name : "this";
}

int params_refuse(const struct param_row *const *tables, const char *name, unsigned goal,
		  const struct param_goals *names, const char *label, struct err *err)
{
	struct buf others = { 0 };
	unsigned goals = 0;
	unsigned named = 0;

	for (; *tables; tables++)
		for (const struct param_row *row = *tables; row->name; row++)
			if (strcmp(row->name, name) == 0)
				goals |= goals_of(row);
	if (!goals || goals & goal)
		return 0;
	for (const struct param_goals *n = names; n->name; n++)
		named |= n->goals;
	put_goals(&others, goals & named, PARAM_ALWAYS, names);
	(void)err_set(err, ERR_INPUT, "%.200s is not for %.40s, but for %.120s", label,
		      goal_name(goal, names), buf_string(&others));
	buf_free(&others);
	return err_param(err, name);
}

/* ---- for people and for tools ---- */

static void put_value(struct buf *to, const struct param_row *row, long double value)
{
	if (row->kind == PARAM_CHOICE)
		buf_text(to, row->choices[(size_t)value]);
	else
		put_number(to, value);
}

static void put_defaults(struct buf *to, const struct param_row *row, const struct param_goals *names)
{
	if (row->usual)
		buf_printf(to, "; default: %s", row->usual);
	if (row->usual || row->kind == PARAM_FLAG || !has_value(row))
		return;
	buf_text(to, "; default ");
	put_value(to, row, row->defaults[0].value);
	for (size_t i = 1; i < sizeof(row->defaults) / sizeof(row->defaults[0]); i++) {
		if (!row->defaults[i].goals)
			break;
		buf_text(to, "; ");
		put_value(to, row, row->defaults[i].value);
		buf_text(to, " for ");
		put_goals(to, row->defaults[i].goals, goals_of(row), names);
	}
}

/* Who has the option, unless that is nearly all, or what the option itself says. */
static void put_owners(struct buf *to, const struct param_row *row, const struct param_goals *names)
{
	struct buf owners = { 0 };

	if (!names || goals_of(row) == PARAM_ALWAYS || (!*names->name && !(names->goals & ~goals_of(row))))
		return;
	put_goals(&owners, goals_of(row), PARAM_ALWAYS, names);
	if (strncmp(buf_string(&owners), "--", 2) != 0 || strcmp(owners.data + 2, row->name) != 0)
		buf_printf(to, "%s: ", buf_string(&owners));
	buf_free(&owners);
}

void param_put_help(struct buf *to, const struct param_row *row, const struct param_goals *names)
{
	put_owners(to, row, names);
	buf_text(to, row->help);
	put_help_range(to, row);
	put_defaults(to, row, names);
}

static void put_type(struct buf *to, const struct param_row *row)
{
	static const char *const types[] = { "boolean", "integer", "number", "string", "string" };

	buf_printf(to, "\"type\":\"%s\",\"nullable\":true", types[row->kind]);
	if (row->kind == PARAM_CHOICE) {
		buf_text(to, ",\"enum\":[");
		for (size_t i = (size_t)row->least; i <= (size_t)row->most; i++)
			buf_printf(to, "%s\"%s\"", i == (size_t)row->least ? "" : ",", row->choices[i]);
		buf_byte(to, ']');
	} else if (row->kind == PARAM_COUNT || row->kind == PARAM_NUMBER) {
		buf_text(to, ",\"minimum\":");
		put_number(to, row->least);
		buf_text(to, ",\"maximum\":");
		put_number(to, row->most);
	}
}

static void put_default(struct buf *to, const struct param_row *row, unsigned goal)
{
	if (!has_value(row) || row->usual)
		return;
	buf_text(to, ",\"default\":");
	if (row->kind == PARAM_FLAG)
		buf_text(to, default_of(row, goal) > 0 ? "true" : "false");
	else if (row->kind == PARAM_CHOICE)
		buf_printf(to, "\"%s\"", row->choices[(size_t)default_of(row, goal)]);
	else
		put_number(to, default_of(row, goal));
}

static void put_description(struct buf *to, const struct param_row *row)
{
	struct buf text = { 0 };

	buf_text(&text, row->help);
	if (row->usual)
		buf_printf(&text, "; default: %s", row->usual);
	buf_text(to, ",\"description\":");
	json_put_string(to, text.data, text.len);
	buf_free(&text);
}

void params_put_schema(struct buf *to, const struct param_row *rows, unsigned goal)
{
	for (; rows->name; rows++) {
		if (!(goals_of(rows) & goal) || rows->kind == PARAM_LIST)
			continue;
		buf_printf(to, "\"%s\":", rows->name);
		if (rows->kind == PARAM_JSON) {
			buf_printf(to, "%s,", rows->value);
			continue;
		}
		buf_byte(to, '{');
		put_type(to, rows);
		put_default(to, rows, goal);
		put_description(to, rows);
		buf_text(to, "},");
	}
}
