#include "cli/options.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CONFIG_BYTES_MAX = 1 << 20 };

static const char default_config[] = "/etc/sifd/sifd.conf";

/* Who set an option last; a lower one may not overwrite a higher one. */
enum source { FROM_NOTHING, FROM_FILE, FROM_ENVIRONMENT, FROM_FLAG };

/* What one name was given. */
struct option {
	const struct param_row *row; /* the first of that name */
	enum source source;
	const char *label;	 /* for messages: "--epochs", "sifd.conf: line 3: epochs" */
	struct text_list values; /* one, but of lists */
};

struct memory {
	void *block;
	struct memory *next;
};

struct given {
	const struct verb *verb;
	struct option *options;
	size_t n;
	const char *config; /* of --config */
	struct memory *memory;
};

static void *keep(struct given *g, size_t n, size_t size)
{
	struct memory *m = mem_new(1, sizeof(*m));

	m->block = mem_new(n, size);
	m->next = g->memory;
	g->memory = m;
	return m->block;
}

static const char *keep_text(struct given *g, const char *text, size_t n)
{
	char *copy = keep(g, n + 1, 1);

	memcpy(copy, text, n);
	return copy;
}

static void add(struct given *g, struct text_list *list, const char *text, size_t n)
{
	const char **at = keep(g, list->n + 1, sizeof(*at));

	for (size_t i = 0; i < list->n; i++)
		at[i] = list->at[i];
	at[list->n++] = keep_text(g, text, n);
	list->at = at;
}

static void assign(struct given *g, struct option *o, const char *value, enum source source,
		   const char *label)
{
	if (o->source > source)
		return;
	if (o->row->kind != PARAM_LIST || o->source < source)
		o->values.n = 0;
	o->source = source;
	o->label = keep_text(g, label, strlen(label));
	if (o->row->kind != PARAM_LIST || source == FROM_FLAG) {
		add(g, &o->values, value, strlen(value));
		return;
	}
	while (*value) {
		size_t n = strcspn(value, ",");

		if (n)
			add(g, &o->values, value, n);
		value += n + (value[n] == ',');
	}
}

/* "lr_weights" is --lr-weights. */
static bool is_named(const struct param_row *row, const char *name, size_t n)
{
	if (strlen(row->name) != n)
		return false;
	for (size_t i = 0; i < n; i++)
		if (name[i] != (row->name[i] == '_' ? '-' : row->name[i]))
			return false;
	return true;
}

static struct option *find(const struct given *g, const char *name, size_t n)
{
	for (size_t i = 0; i < g->n; i++)
		if (is_named(g->options[i].row, name, n))
			return &g->options[i];
	return NULL;
}

static int wrong_call(const struct given *g, const char *what, const char *which, struct err *err)
{
	return err_set(err, ERR_INPUT, "%s '%s'; `sifd %s --help` lists the options", what, which,
		       g->verb->name);
}

/* --NAME, with hyphens. */
static const char *flag_of(const struct param_row *row, char to[64])
{
	(void)snprintf(to, 64, "--%s", row->name);
	for (char *c = to; *c; c++)
		if (*c == '_')
			*c = '-';
	return to;
}

/* --NAME on the command line; how many words that took. */
static int assign_flag(struct given *g, struct option *o, const char *value, int taken)
{
	char label[64];

	assign(g, o, value, FROM_FLAG, flag_of(o->row, label));
	return taken;
}

/* How many words of the command line the option takes; -1. */
static int long_option(struct given *g, const char *name, const char *next, struct err *err)
{
	const char *equals = strchr(name, '=');
	size_t n = equals ? (size_t)(equals - name) : strlen(name);
	const char *value = equals ? equals + 1 : next;
	struct option *o = find(g, name, n);
	struct option *negated = n > 3 && strncmp(name, "no-", 3) == 0 ? find(g, name + 3, n - 3) : NULL;
	bool config = !o && n == 6 && strncmp(name, "config", 6) == 0;

	if (!o && negated && negated->row->kind == PARAM_FLAG && !equals)
		return assign_flag(g, negated, "no", 1);
	if (!o && !config)
		return wrong_call(g, "there is no option", name, err);
	if (o && o->row->kind == PARAM_FLAG && !equals)
		return assign_flag(g, o, "yes", 1);
	if (!value)
		return wrong_call(g, "a value is missing for option", name, err);
	if (o)
		return assign_flag(g, o, value, equals ? 1 : 2);
	g->config = value;
	return equals ? 1 : 2;
}

static int short_option(struct given *g, const char *letters, const char *next, struct err *err)
{
	struct option *o = g->options;
	const struct option *end = o + g->n;

	while (o < end && o->row->letter != letters[0])
		o++;
	if (o == end || (o->row->kind == PARAM_FLAG && letters[1]))
		return wrong_call(g, "there is no option", letters, err);
	if (o->row->kind == PARAM_FLAG)
		return assign_flag(g, o, "yes", 1);
	if (letters[1])
		return assign_flag(g, o, letters + 1, 1);
	return next ? assign_flag(g, o, next, 2)
		    : wrong_call(g, "a value is missing for option", letters, err);
}

static int read_flags(struct given *g, struct arguments *rest, int argc, char **argv, struct err *err)
{
	bool options = true;

	for (int i = 1; i < argc;) {
		const char *word = argv[i];
		const char *next = i + 1 < argc ? argv[i + 1] : NULL;
		int taken = 1;

		if (options && strcmp(word, "--") == 0)
			options = false;
		else if (options && strncmp(word, "--", 2) == 0)
			taken = long_option(g, word + 2, next, err);
		else if (options && word[0] == '-' && word[1])
			taken = short_option(g, word + 1, next, err);
		else
			rest->at[rest->n++] = word;
		if (taken < 0)
			return -1;
		i += taken;
	}
	return 0;
}

static void read_environment(struct given *g)
{
	for (size_t i = 0; i < g->n; i++) {
		char name[64];
		const char *value;

		(void)snprintf(name, sizeof(name), "SIFD_%s", g->options[i].row->name);
		for (char *c = name; *c; c++)
			*c = (char)toupper((unsigned char)*c);
		value = getenv(name);
		if (value)
			assign(g, &g->options[i], value, FROM_ENVIRONMENT, name);
	}
}

static char *trim(char *text)
{
	char *end = text + strlen(text);

	while (isspace((unsigned char)*text))
		text++;
	while (end > text && isspace((unsigned char)end[-1]))
		end--;
	*end = '\0';
	return text;
}

/* where: "sifd.conf: line 3" */
static int config_line(struct given *g, char *line, const char *where, struct err *err)
{
	char *equals = strchr(line, '=');
	struct option *o;
	char label[400];
	char *name;

	if (!equals)
		return err_set(err, ERR_INPUT, "%s: expected `name = value`", where);
	*equals = '\0';
	name = trim(line);
	o = find(g, name, strlen(name));
	if (!o)
		return err_set(err, ERR_INPUT, "%s: `sifd %s` has no option '%s'", where, g->verb->name,
			       name);
	(void)snprintf(label, sizeof(label), "%s: %s", where, name);
	assign(g, o, trim(equals + 1), FROM_FILE, label);
	return 0;
}

static int read_lines(struct given *g, const char *path, char *text, struct err *err)
{
	const char *section = "serve";
	size_t number = 0;
	char *next;

	for (char *line = text; line; line = next) {
		char *end = strchr(line, '\n');
		char where[300];

		next = end ? end + 1 : NULL;
		if (end)
			*end = '\0';
		(void)snprintf(where, sizeof(where), "%.250s: line %zu", path, ++number);
		line = trim(line);
		if (!*line || *line == '#')
			continue;
		if (*line == '[') {
			line[strcspn(line, "]")] = '\0';
			section = trim(line + 1);
		} else if (strcmp(section, g->verb->name) == 0 && config_line(g, line, where, err)) {
			return -1;
		}
	}
	return 0;
}

static int read_config(struct given *g, struct err *err)
{
	const char *path = g->config ? g->config : getenv("SIFD_CONFIG");
	struct buf text = { 0 };
	int failed;

	if (!path && access(default_config, R_OK) == 0)
		path = default_config;
	if (!path || !*path)
		return 0;
	if (file_read(&text, path, CONFIG_BYTES_MAX, err)) {
		buf_free(&text);
		return -1;
	}
	(void)buf_string(&text);
	failed = read_lines(g, path, text.data, err);
	buf_free(&text);
	return failed;
}

static void print_help(const struct given *g)
{
	const struct verb *verb = g->verb;
	struct buf line = { 0 };

	(void)printf("Usage: sifd %s %s\n\n%s\n\nOptions:\n", verb->name, verb->arguments, verb->summary);
	for (const struct option_table *t = verb->options; t->rows; t++)
		for (const struct param_row *row = t->rows; row->name; row++) {
			char flag[64];
			char left[100];

			(void)snprintf(left, sizeof(left), "%c%c%s %s%s%s", row->letter ? '-' : ' ',
				       row->letter ? row->letter : ' ', row->letter ? "," : " ",
				       flag_of(row, flag), row->value ? " " : "",
				       row->value ? row->value : "");
			buf_reset(&line);
			param_put_help(&line, row, verb->goals);
			(void)printf("  %-30s %s\n", left, buf_string(&line));
		}
	(void)printf("  %-30s %s\n", "    --config FILE", "a file of options, one `name = value` per line");
	(void)printf("  %-30s %s\n", "    --help", "show this text");
	if (verb->details)
		(void)printf("\n%s", verb->details);
	buf_free(&line);
}

/* One option for each name that the verb's tables have. */
static void list_options(struct given *g)
{
	size_t rows = 0;

	for (const struct option_table *t = g->verb->options; t->rows; t++)
		for (const struct param_row *row = t->rows; row->name; row++)
			rows++;
	g->options = keep(g, rows, sizeof(*g->options));
	for (const struct option_table *t = g->verb->options; t->rows; t++)
		for (const struct param_row *row = t->rows; row->name; row++) {
			char flag[64];

			if (!find(g, flag_of(row, flag) + 2, strlen(row->name)))
				g->options[g->n++].row = row;
		}
}

/* The table's defaults, and what its options were given. */
static int take(const struct given *g, const struct option_table *table, unsigned goal, void *call,
		struct err *err)
{
	void *to = (char *)call + table->at;

	params_default(table->rows, goal, to);
	for (size_t i = 0; i < g->n; i++) {
		const struct option *o = &g->options[i];
		const struct param_row *row = params_find(table->rows, o->row->name, goal);

		if (!row || !o->values.n)
			continue;
		if (row->kind == PARAM_LIST)
			memcpy((char *)to + row->offset, &o->values, sizeof(o->values));
		else if (param_set(row, to, o->label, o->values.at[0], err))
			return -1;
	}
	return 0;
}

/* Flags that another goal has.  The file and the environment may say more than a goal needs. */
static int refuse(const struct given *g, unsigned goal, struct err *err)
{
	const struct param_row *tables[OPTION_TABLES + 1] = { 0 };

	for (size_t i = 0; i < OPTION_TABLES; i++)
		tables[i] = g->verb->options[i].rows;
	for (size_t i = 0; i < g->n; i++)
		if (g->options[i].source == FROM_FLAG &&
		    params_refuse(tables, g->options[i].row->name, goal, g->verb->goals, g->options[i].label,
				  err))
			return -1;
	return 0;
}

static int fill(const struct given *g, void *call, struct err *err)
{
	const struct verb *verb = g->verb;
	unsigned goal = PARAM_ALWAYS;

	if (verb->start)
		verb->start(call);
	if (take(g, &verb->options[0], goal, call, err))
		return -1;
	if (verb->goal) {
		goal = verb->goal(call, err);
		if (!goal || refuse(g, goal, err))
			return -1;
	}
	for (size_t i = 1; verb->options[i].rows; i++)
		if (take(g, &verb->options[i], goal, call, err))
			return -1;
	return 0;
}

int options_parse(const struct verb *verb, int argc, char **argv, void *call, struct arguments *arguments,
		  struct err *err)
{
	struct given *g = mem_new(1, sizeof(*g));

	g->verb = verb;
	*arguments = (struct arguments){ .given = g };
	list_options(g);
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (strcmp(argv[i], "--help") == 0) {
			print_help(g);
			options_free(arguments);
			return 1;
		}
	arguments->at = keep(g, (size_t)argc + 1, sizeof(*arguments->at));
	if (read_flags(g, arguments, argc, argv, err))
		goto failed;
	read_environment(g);
	if (read_config(g, err) || fill(g, call, err))
		goto failed;
	return 0;
failed:
	options_free(arguments);
	return -1;
}

void options_free(struct arguments *arguments)
{
	struct memory *next;

	for (struct memory *m = arguments->given->memory; m; m = next) {
		next = m->next;
		free(m->block);
		free(m);
	}
	free(arguments->given);
	*arguments = (struct arguments){ 0 };
}
