#include "cli/options.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CONFIG_BYTES_MAX = 1 << 20 };

static const char default_config[] = "/etc/sifd/sifd.conf";

/* Who set an option last; a lower one may not overwrite a higher one. */
enum source { FROM_NOTHING, FROM_FILE, FROM_ENVIRONMENT, FROM_FLAG };

struct memory {
	void *block;
	struct memory *next;
};

struct parser {
	const struct verb *verb;
	const struct option_spec *specs;
	size_t n;
	unsigned char *set_by; /* (n) enum source */
	const char *config;    /* of --config */
	struct arguments *arguments;
};

static void *keep(struct parser *p, size_t n, size_t size)
{
	struct memory *m = mem_new(1, sizeof(*m));

	m->block = mem_new(n, size);
	m->next = p->arguments->memory;
	p->arguments->memory = m;
	return m->block;
}

static const char *keep_text(struct parser *p, const char *text, size_t n)
{
	char *copy = keep(p, n + 1, 1);

	memcpy(copy, text, n);
	return copy;
}

static void list_add(struct parser *p, struct text_list *list, const char *value)
{
	const char **at = keep(p, list->n + 1, sizeof(*at));

	for (size_t i = 0; i < list->n; i++)
		at[i] = list->at[i];
	at[list->n] = value;
	list->at = at;
	list->n++;
}

static int parse_count(size_t *to, const char *text, struct err *err)
{
	static const struct {
		const char *suffix;
		unsigned long long times;
	} units[] = {
		{ "", 1 },
		{ "k", 1000ULL },
		{ "M", 1000000ULL },
		{ "G", 1000000000ULL },
		{ "Ki", 1ULL << 10 },
		{ "Mi", 1ULL << 20 },
		{ "Gi", 1ULL << 30 },
	};
	char *end;
	unsigned long long value;

	errno = 0;
	value = strtoull(text, &end, 10);
	if (errno || end == text || !isdigit((unsigned char)text[0]))
		return err_set(err, ERR_INPUT, "'%s' is not a whole number", text);
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (strcmp(end, units[i].suffix) == 0) {
			size_t result;

			if (__builtin_mul_overflow(value, units[i].times, &result))
				return err_set(err, ERR_INPUT, "%s is too large", text);
			*to = result;
			return 0;
		}
	return err_set(err, ERR_INPUT, "'%s' is not a whole number (with k, M, G, Ki, Mi or Gi)", text);
}

static int parse_number(double *to, const char *text, struct err *err)
{
	char *end;
	double value;

	errno = 0;
	value = strtod(text, &end);
	if (errno || end == text || *end || !(value - value == 0.0))
		return err_set(err, ERR_INPUT, "'%s' is not a number", text);
	*to = value;
	return 0;
}

static int parse_flag(bool *to, const char *text, struct err *err)
{
	static const char *const yes[] = { "1", "true", "yes", "on" };
	static const char *const no[] = { "0", "false", "no", "off" };

	for (size_t i = 0; i < 4; i++) {
		if (strcmp(text, yes[i]) == 0) {
			*to = true;
			return 0;
		}
		if (strcmp(text, no[i]) == 0) {
			*to = false;
			return 0;
		}
	}
	return err_set(err, ERR_INPUT, "'%s' is neither yes nor no", text);
}

static int add_parts(struct parser *p, struct text_list *list, const char *value)
{
	while (*value) {
		size_t n = strcspn(value, ",");

		if (n)
			list_add(p, list, keep_text(p, value, n));
		value += n + (value[n] == ',');
	}
	return 0;
}

static int assign(struct parser *p, size_t i, const char *value, enum source source, struct err *err)
{
	const struct option_spec *spec = &p->specs[i];

	if (p->set_by[i] > source)
		return 0;
	if (spec->kind == OPTION_LIST && p->set_by[i] < source)
		*(struct text_list *)spec->to = (struct text_list){ 0 };
	p->set_by[i] = (unsigned char)source;
	switch (spec->kind) {
	case OPTION_FLAG:
		return parse_flag(spec->to, value, err);
	case OPTION_TEXT:
		*(const char **)spec->to = keep_text(p, value, strlen(value));
		return 0;
	case OPTION_LIST:
		if (source != FROM_FLAG)
			return add_parts(p, spec->to, value);
		list_add(p, spec->to, value);
		return 0;
	case OPTION_COUNT:
		return parse_count(spec->to, value, err);
	case OPTION_NUMBER:
		return parse_number(spec->to, value, err);
	}
	return 0;
}

static ptrdiff_t find_name(const struct parser *p, const char *name, size_t n)
{
	for (size_t i = 0; i < p->n; i++)
		if (strlen(p->specs[i].name) == n && memcmp(p->specs[i].name, name, n) == 0)
			return (ptrdiff_t)i;
	return -1;
}

static int wrong_call(const struct parser *p, const char *what, const char *which, struct err *err)
{
	return err_set(err, ERR_INPUT, "%s '%s'; `sifd %s --help` lists the options", what, which,
		       p->verb->name);
}

static int long_option(struct parser *p, const char *name, const char *next, struct err *err)
{
	const char *equals = strchr(name, '=');
	size_t n = equals ? (size_t)(equals - name) : strlen(name);
	const char *value = equals ? equals + 1 : next;
	ptrdiff_t i = find_name(p, name, n);

	if (n == 6 && strncmp(name, "config", 6) == 0 && i < 0) {
		if (!value)
			return wrong_call(p, "a value is missing for option", name, err);
		p->config = value;
		return equals ? 1 : 2;
	}
	if (i < 0 && n > 3 && strncmp(name, "no-", 3) == 0) {
		i = find_name(p, name + 3, n - 3);
		if (i >= 0 && p->specs[i].kind == OPTION_FLAG && !equals)
			return assign(p, (size_t)i, "no", FROM_FLAG, err) ? -1 : 1;
	}
	if (i < 0)
		return wrong_call(p, "there is no option", name, err);
	if (p->specs[i].kind == OPTION_FLAG && !equals)
		return assign(p, (size_t)i, "yes", FROM_FLAG, err) ? -1 : 1;
	if (!value)
		return wrong_call(p, "a value is missing for option", name, err);
	if (assign(p, (size_t)i, value, FROM_FLAG, err))
		return err_prefix(err, "--%s", p->specs[i].name);
	return equals ? 1 : 2;
}

static int short_option(struct parser *p, const char *letters, const char *next, struct err *err)
{
	for (size_t i = 0; i < p->n; i++) {
		if (p->specs[i].letter != letters[0])
			continue;
		if (p->specs[i].kind == OPTION_FLAG) {
			if (letters[1])
				return wrong_call(p, "there is no option", letters, err);
			return assign(p, i, "yes", FROM_FLAG, err) ? -1 : 1;
		}
		if (!letters[1] && !next)
			return wrong_call(p, "a value is missing for option", letters, err);
		if (assign(p, i, letters[1] ? letters + 1 : next, FROM_FLAG, err))
			return err_prefix(err, "-%c", letters[0]);
		return letters[1] ? 1 : 2;
	}
	return wrong_call(p, "there is no option", letters, err);
}

static int read_flags(struct parser *p, int argc, char **argv, struct err *err)
{
	struct arguments *rest = p->arguments;
	bool options = true;

	for (int i = 1; i < argc;) {
		const char *word = argv[i];
		const char *next = i + 1 < argc ? argv[i + 1] : NULL;
		int taken = 1;

		if (options && strcmp(word, "--") == 0)
			options = false;
		else if (options && strncmp(word, "--", 2) == 0)
			taken = long_option(p, word + 2, next, err);
		else if (options && word[0] == '-' && word[1])
			taken = short_option(p, word + 1, next, err);
		else
			rest->at[rest->n++] = word;
		if (taken < 0)
			return -1;
		i += taken;
	}
	return 0;
}

static int read_environment(struct parser *p, struct err *err)
{
	for (size_t i = 0; i < p->n; i++) {
		char name[64] = "SIFD_";
		const char *value;
		size_t at = 5;

		for (const char *c = p->specs[i].name; *c && at < sizeof(name) - 1; c++)
			name[at++] = *c == '-' ? '_' : (char)toupper((unsigned char)*c);
		name[at] = '\0';
		value = getenv(name);
		if (value && assign(p, i, value, FROM_ENVIRONMENT, err))
			return err_prefix(err, "%s", name);
	}
	return 0;
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

static int config_line(struct parser *p, char *line, struct err *err)
{
	char *equals = strchr(line, '=');
	char *name;
	ptrdiff_t i;

	if (!equals)
		return err_set(err, ERR_INPUT, "expected `name = value`");
	*equals = '\0';
	name = trim(line);
	i = find_name(p, name, strlen(name));
	if (i < 0)
		return err_set(err, ERR_INPUT, "`sifd %s` has no option '%s'", p->verb->name, name);
	if (assign(p, (size_t)i, trim(equals + 1), FROM_FILE, err))
		return err_prefix(err, "%s", name);
	return 0;
}

static int read_lines(struct parser *p, const char *path, char *text, struct err *err)
{
	const char *section = "serve";
	size_t number = 0;
	char *next;

	for (char *line = text; line; line = next) {
		char *end = strchr(line, '\n');

		next = end ? end + 1 : NULL;
		if (end)
			*end = '\0';
		number++;
		line = trim(line);
		if (!*line || *line == '#')
			continue;
		if (*line == '[') {
			line[strcspn(line, "]")] = '\0';
			section = trim(line + 1);
		} else if (strcmp(section, p->verb->name) == 0 && config_line(p, line, err)) {
			return err_prefix(err, "%s: line %zu", path, number);
		}
	}
	return 0;
}

static int read_config(struct parser *p, struct err *err)
{
	const char *path = p->config ? p->config : getenv("SIFD_CONFIG");
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
	failed = read_lines(p, path, text.data, err);
	buf_free(&text);
	return failed;
}

static void print_help(const struct verb *verb, const struct option_spec *specs, size_t n)
{
	(void)printf("Usage: sifd %s %s\n\n%s\n\nOptions:\n", verb->name, verb->arguments, verb->summary);
	for (size_t i = 0; i < n; i++) {
		char left[64];
		const char *value = specs[i].value ? specs[i].value : "";

		(void)snprintf(left, sizeof(left), "%c%c%s --%s%s%s", specs[i].letter ? '-' : ' ',
			       specs[i].letter ? specs[i].letter : ' ', specs[i].letter ? "," : " ",
			       specs[i].name, *value ? " " : "", value);
		(void)printf("  %-30s %s\n", left, specs[i].help);
	}
	(void)printf("  %-30s %s\n", "    --config FILE", "options of this verb, `name = value` a line");
	(void)printf("  %-30s %s\n", "    --help", "this text");
	if (verb->details)
		(void)printf("\n%s", verb->details);
}

int options_parse(const struct verb *verb, const struct option_spec *specs, size_t n, int argc, char **argv,
		  struct arguments *arguments, struct err *err)
{
	struct parser p = { .verb = verb, .specs = specs, .n = n, .arguments = arguments };
	int failed;

	*arguments = (struct arguments){ 0 };
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++)
		if (strcmp(argv[i], "--help") == 0) {
			print_help(verb, specs, n);
			return 1;
		}
	arguments->at = keep(&p, (size_t)argc + 1, sizeof(*arguments->at));
	p.set_by = mem_new(n, 1);
	failed = read_flags(&p, argc, argv, err) || read_environment(&p, err) || read_config(&p, err);
	free(p.set_by);
	if (failed)
		options_free(arguments);
	return failed ? -1 : 0;
}

void options_free(struct arguments *arguments)
{
	struct memory *next;

	for (struct memory *m = arguments->memory; m; m = next) {
		next = m->next;
		free(m->block);
		free(m);
	}
	*arguments = (struct arguments){ 0 };
}
