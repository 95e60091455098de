/*
 * options.h - what a verb is told: command line, environment, configuration file.
 *
 * A verb's options are tables of rows (base/params.h) that fill the verb's call, a struct of its own.  A flag
 * wins over the environment (SIFD_LONG_NAME), that over the configuration file, that over the row's default.
 *
 * The file (--config, SIFD_CONFIG, else /etc/sifd/sifd.conf where it exists) has lines `long-name = value`,
 * `#` comments, and sections: lines before the first `[verb]` belong to [serve].  Every verb checks its own
 * section whole: an unknown name is an error with its line.
 *
 * GNU style: --name value, --name=value, -n value, -nvalue; "--" ends the options; options and
 * arguments may mix.  A flag --name also exists as --no-name.
 */
#ifndef SIFD_CLI_OPTIONS_H
#define SIFD_CLI_OPTIONS_H

#include "base/params.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct given;

/* The words of the command line that are no options. */
struct arguments {
	const char **at;
	size_t n;
	struct given *given; /* private: what each option was given, and the memory of all that */
};

struct option_table {
	const struct param_row *rows;
	size_t at; /* where the struct they fill stands in the call */
};

enum { OPTION_TABLES = 6 };

struct verb {
	const char *name;
	const char *arguments; /* of the usage line: "VECTORS [-o MODEL]" */
	const char *summary;   /* one line */
	const char *details;   /* the rest of --help, with an example */
	struct option_table options[OPTION_TABLES];
	size_t call_bytes;
	void (*start)(void *call); /* fills what no option does; NULL: it stays 0 */
	/*
	 * Says what is to be done, once the first table's options are read; 0 is an error.  The other tables'
	 * options are then those of the goal; other flags are refused.  NULL: there is one goal.
	 */
	unsigned (*goal)(void *call, struct err *err);
	const struct param_goals *goals;
	size_t least, most; /* arguments, if `expected` says what they are: "one text or two are expected" */
	const char *expected;
	/* Is the call good?  -1 when it is not: exit status 2.  NULL: always. */
	int (*check)(void *call, const struct arguments *arguments, struct err *err);
	/* The work; -1 when it failed: exit status 1. */
	int (*run)(void *call, const struct arguments *arguments, struct err *err);
};

/*
 * Fills the call (call_bytes, zeroed) from argv[1..argc) and the rest.  Handles --help (prints, returns 1).
 * -1 with ERR_INPUT for a wrong call.  Free the arguments with options_free() when texts are no longer
 * needed.
 */
int options_parse(const struct verb *verb, int argc, char **argv, void *call, struct arguments *arguments,
		  struct err *err);
void options_free(struct arguments *arguments);

#endif
