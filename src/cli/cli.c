/* What the verbs share: running one, finding its model, reading its lines. */
#include "cli/cli.h"

#include "base/err.h"
#include "base/file.h"
#include "base/lines.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "embed/publish.h"
#include "model/method.h"
#include "model/model.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int cli_failed(const struct err *err)
{
	(void)fprintf(stderr, "sifd: %s\n", err->text);
	return EXIT_FAILED;
}

int cli_usage(const struct verb *verb, const struct err *err)
{
	(void)fprintf(stderr, "sifd %s: %s\nUsage: sifd %s %s\n", verb->name, err->text, verb->name,
		      verb->arguments);
	return EXIT_USAGE;
}

static int check(const struct verb *verb, void *call, const struct arguments *arguments, struct err *err)
{
	if (verb->expected && (arguments->n < verb->least || arguments->n > verb->most))
		return err_set(err, ERR_INPUT, "%s, %zu given", verb->expected, arguments->n);
	return verb->check ? verb->check(call, arguments, err) : 0;
}

int cli_run(const struct verb *verb, int argc, char **argv)
{
	void *call = mem_new(1, verb->call_bytes);
	struct arguments arguments;
	struct err err = { 0 };
	int status = options_parse(verb, argc, argv, call, &arguments, &err);

	if (status) {
		status = status > 0 ? EXIT_DONE : cli_usage(verb, &err);
	} else {
		if (check(verb, call, &arguments, &err))
			status = cli_usage(verb, &err);
		else
			status = verb->run(call, &arguments, &err) ? cli_failed(&err) : EXIT_DONE;
		options_free(&arguments);
	}
	free(call);
	return status;
}

const struct param_row cli_model_options[] = {
	CLI_TEXT("model", 'm', "MODEL", "a model file, or a name in the models folder", struct model_choice,
		 model),
	CLI_TEXT("models", 0, "DIR", "the models folder", struct model_choice, models),
	{ 0 },
};

const struct param_row cli_method_options[] = {
	CLI_TEXT("method", 0, "METHOD", "the method that makes the vectors; default: the model's",
		 struct model_choice, method),
	{ 0 },
};

/* The program's folder, for models that lie beside it: build/release/sifd -> models. */
static bool beside_program(const char *relative, char to[4096])
{
	char path[PATH_MAX];
	char joined[2 * PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
	char *slash;

	if (n <= 0)
		return false;
	path[n] = '\0';
	slash = strrchr(path, '/');
	if (!slash)
		return false;
	*slash = '\0';
	(void)snprintf(joined, sizeof(joined), "%s/%s", path, relative);
	if (!realpath(joined, path) || access(path, R_OK) != 0)
		return false;
	(void)snprintf(to, 4096, "%s", path);
	return true;
}

const char *cli_models_folder(const char *given, char to[4096])
{
	if (given)
		return given;
	if (access("models/default.safetensors", R_OK) == 0)
		return "models";
	if (beside_program("../../models", to) || beside_program("../share/sifd/models", to))
		return to;
	return "models";
}

struct model *cli_open_model(const struct model_choice *choice, struct err *err)
{
	char room[4096];
	char path[4400];
	const char *folder = cli_models_folder(choice->models, room);
	const char *name = choice->model ? choice->model : "default";

	if (strchr(name, '/') || access(name, F_OK) == 0)
		return publish_open(name, folder, err);
	if (strlen(folder) + strlen(name) > 4300) {
		(void)err_set(err, ERR_INPUT, "the model's name is too long");
		return NULL;
	}
	(void)snprintf(path, sizeof(path), "%s/%s.safetensors", folder, name);
	if (access(path, F_OK) != 0) {
		(void)err_set(
			err, ERR_NOT_FOUND,
			"there is no model '%.100s': neither a file of that name nor %.200s; -m names one",
			name, path);
		return NULL;
	}
	return publish_open(path, folder, err);
}

struct embedder *cli_open_sentence(const struct model_choice *choice, struct err *err)
{
	struct model *m = cli_open_model(choice, err);
	struct embedder *s = NULL;
	enum method method;

	if (!m)
		return NULL;
	if (method_choose(&method, m, choice->method, err) == 0)
		s = embedder_new(m, method, err);
	model_release(m);
	return s;
}

int cli_check_text(const char **text, size_t *n, bool lossy, struct buf *mended, struct err *err)
{
	size_t bad = utf8_invalid(*text, *n);

	if (bad == *n)
		return 0;
	if (!lossy)
		return err_set(err, ERR_INPUT, "byte %zu is not UTF-8; --lossy puts U+FFFD in its place",
			       bad + 1);
	buf_reset(mended);
	utf8_mend(mended, *text, *n);
	if (mended->failed)
		return err_set(err, ERR_MEMORY, "not enough memory for a text of %zu bytes", *n);
	*text = mended->data;
	*n = mended->len;
	return 0;
}

struct lines *cli_open_lines(const char *path, struct err *err)
{
	return lines_open(path ? path : "-", CLI_LINE_BYTES, err);
}

int cli_print(struct buf *buf, struct err *err)
{
	if (buf->failed)
		return err_set(err, ERR_MEMORY, "not enough memory for the output");
	if (file_write(STDOUT_FILENO, buf->data, buf->len))
		return err_set(err, ERR_IO, "standard output: %s", strerror(errno));
	buf_reset(buf);
	return 0;
}
