/*
 * options.h - what a verb is told: command line, environment, configuration file.
 *
 * A verb lists its options in a table; options_parse() fills the variables
 * they point to.  A flag wins over the environment (SIFD_LONG_NAME), that over the
 * configuration file, that over the variable's initial value.
 *
 * The file (--config, SIFD_CONFIG, else /etc/sifd/sifd.conf where it exists) has lines `long-name = value`,
 * `#` comments, and sections: lines before the first `[verb]` belong to [serve].  Every verb checks its own
 * section whole: an unknown name is an error with its line.
 *
 * GNU style: --name value, --name=value, -n value, -nvalue; "--" ends the options; options and
 * arguments may mix.  A boolean NAME also exists as --no-NAME.
 */
#ifndef SIFD_CLI_OPTIONS_H
#define SIFD_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

enum option_kind {
	OPTION_FLAG,   /* bool: on when given, off by --no-NAME */
	OPTION_TEXT,   /* const char * */
	OPTION_LIST,   /* struct text_list: may be given several times; the file and the environment part by
			  commas */
	OPTION_COUNT,  /* size_t: a whole number, with k, M, G (1000s) or Ki, Mi, Gi */
	OPTION_NUMBER, /* double */
};

struct text_list {
	const char **at;
	size_t n;
};

struct option_spec {
	const char *name; /* "max-words" */
	char letter;	  /* 'm', or 0 */
	enum option_kind kind;
	void *to;
	const char *value; /* what --help calls it: "FILE"; NULL for flags */
	const char *help;
};

struct verb {
	const char *name;
	const char *arguments; /* of the usage line: "VECTORS [-o MODEL]" */
	const char *summary;   /* one line */
	const char *details;   /* the rest of --help, with an example */
	int (*run)(const struct verb *verb, int argc, char **argv);
};

struct arguments {
	const char **at;
	size_t n;
	/* private: memory of lists and of the configuration file */
	void *memory;
};

/*
 * Parses argv[1..argc).  Handles --help (prints, returns 1).  -1 with ERR_INPUT on a wrong call.
 * `arguments` are what is left; free with options_free() when the values are no longer needed.
 */
int options_parse(const struct verb *verb, const struct option_spec *specs, size_t n, int argc, char **argv,
		  struct arguments *arguments, struct err *err);
void options_free(struct arguments *arguments);

#endif
