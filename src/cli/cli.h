/*
 * cli.h - what the verbs of the command line share.
 *
 * A verb is one file, verb_NAME.c: its options, its --help, and a call of the engine that the daemon calls
 * too.  Results go to standard output, all else to standard error.
 * Exit status: 0 done, 1 the work failed, 2 the call was wrong.
 */
#ifndef SIFD_CLI_CLI_H
#define SIFD_CLI_CLI_H

#include "base/buf.h"
#include "base/progress.h"
#include "cli/options.h"
#include "embed/embedder.h"

#include <pthread.h>

struct lines;
struct model;

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };
enum { CLI_LINE_BYTES = 16 << 20 }; /* the longest line of input a verb takes */

extern const struct verb verb_import, verb_fit, verb_train, verb_embed, verb_similarity, verb_explain,
	verb_search, verb_eval, verb_info, verb_verify, verb_serve;

/* "sifd: message" on standard error; returns the exit status, EXIT_FAILED. */
int cli_failed(const struct err *err);

/* The same with EXIT_USAGE and a pointer to --help. */
int cli_usage(const struct verb *verb, const struct err *err);

/* Reads the call, checks it and runs it; returns the exit status. */
int cli_run(const struct verb *verb, int argc, char **argv);

/* The model that most verbs work with. */
struct model_choice {
	const char *model;  /* a file, or a name under the models folder; NULL: the shipped one */
	const char *method; /* NULL: the model's own */
	const char *models; /* the models folder; NULL: where the program finds it */
};

/* Its options, for the tables of a verb: model and models; method. */
extern const struct param_row cli_model_options[], cli_method_options[];

#define CLI_MODEL(call)                                                                                      \
	{                                                                                                    \
		cli_model_options, offsetof(call, choice)                                                    \
	}
#define CLI_METHOD(call)                                                                                     \
	{                                                                                                    \
		cli_method_options, offsetof(call, choice)                                                   \
	}

/* Rows of the command line only, for fields of a verb's call. */
#define CLI_TEXT(name, letter, value, help, call, field)                                                     \
	{                                                                                                    \
		name, letter, PARAM_TEXT, value, help, NULL, PARAM_FIELD(call, field), PARAM_ANY,            \
		{                                                                                            \
			{                                                                                    \
				PARAM_ALWAYS, 0                                                              \
			}                                                                                    \
		}                                                                                            \
	}
#define CLI_FLAG(name, help, call, field)                                                                    \
	PARAM(PARAM_FLAG, name, NULL, help, NULL, PARAM_FIELD(call, field), PARAM_ANY, { PARAM_ALWAYS, 0 })
#define CLI_COUNT(name, value, help, call, field, least, most, usual)                                        \
	PARAM(PARAM_COUNT, name, value, help, NULL, PARAM_FIELD(call, field), PARAM_RANGE(least, most),      \
	      { PARAM_ALWAYS, usual })
#define CLI_LOSSY(call) CLI_FLAG("lossy", "repair text that is not UTF-8 instead of refusing it", call, lossy)

/* The models folder: the one given, else ./models, else the one beside the program or where it was installed;
 * to[4096]. */
const char *cli_models_folder(const char *given, char to[4096]);

/* Opens it and compares its canaries. */
struct model *cli_open_model(const struct model_choice *choice, struct err *err);

/* cli_open_model() and one thread's embedder over it, for the verbs that answer one text after another. */
struct embedder *cli_open_sentence(const struct model_choice *choice, struct err *err);

/* ERR_INPUT naming what and the byte unless text is UTF-8; with lossy, mends it into *mended (reset first)
 * instead. */
int cli_check_text(const char **text, size_t *n, bool lossy, struct buf *mended, struct err *err);

/* Opens FILE or - (also when path is NULL) for reading line by line. */
struct lines *cli_open_lines(const char *path, struct err *err);

/*
 * A line on standard error, rewritten in place, that shows *progress: share done, rate, time left; only when
 * that is a terminal and the work takes more than a second.  Ctrl-C sets progress->cancel.
 */
struct progress_line {
	struct progress progress;
	pthread_t thread;
	bool running;
	atomic_bool done;
};
void progress_line_start(struct progress_line *line);
void progress_line_stop(struct progress_line *line);

/* Writes all of buf to standard output and empties it; ERR_IO. */
int cli_print(struct buf *buf, struct err *err);

#endif
