#include "base/err.h"
#include "cli/cli.h"
#include "serve/server.h"

#include <stdio.h>
#include <unistd.h>

static int run(const struct verb *verb, int argc, char **argv)
{
	struct serve_options o = serve_options_default();
	struct text_list models = { 0 };
	const char *folder = NULL;
	const char *level = "info";
	size_t lame_duck_ms = 0;
	bool check_config = false;
	char room[4096];
	const struct option_spec specs[] = {
		{ "model", 'm', OPTION_LIST, &models, "[NAME=]MODEL",
		  "a model to serve; may be given several times" },
		{ "models", 0, OPTION_TEXT, &folder, "DIR", "serve every model of this folder" },
		{ "default-model", 0, OPTION_TEXT, &o.default_model, "NAME",
		  "answers when a request names none" },
		{ "listen", 0, OPTION_TEXT, &o.listen, "ADDRESS",
		  "HOST:PORT or unix:/path; default 127.0.0.1:8080" },
		{ "state", 0, OPTION_TEXT, &o.state, "DIR", "fitted models are kept there" },
		{ "threads", 0, OPTION_COUNT, &o.threads, "N", "event loops; default: one per processor" },
		{ "heavy", 0, OPTION_COUNT, &o.heavy, "N",
		  "workers for big requests; default: one per processor" },
		{ "max-inputs", 0, OPTION_COUNT, &o.limits.inputs, "N", "texts a request may hold" },
		{ "max-connections", 0, OPTION_COUNT, &o.limits.connections, "N", "connections at a time" },
		{ "lame-duck-ms", 0, OPTION_COUNT, &lame_duck_ms, "MS",
		  "how long /ready says no before a stop" },
		{ "log-requests", 0, OPTION_FLAG, &o.log_requests, NULL, "a log line for every request" },
		{ "log-level", 0, OPTION_TEXT, &level, "LEVEL", "debug, info (default), warn or error" },
		{ "check-config", 0, OPTION_FLAG, &check_config, NULL, "check the options and end" },
	};
	struct arguments rest;
	struct err err = { 0 };
	int status = options_parse(verb, specs, sizeof(specs) / sizeof(specs[0]), argc, argv, &rest, &err);

	if (status)
		return status > 0 ? EXIT_DONE : cli_usage(verb, &err);
	if (rest.n || log_level_parse(level) < 0) {
		(void)err_set(&err, ERR_INPUT,
			      rest.n ? "no arguments are expected"
				     : "--log-level: expected debug, info, warn or error");
		status = cli_usage(verb, &err);
	} else {
		o.models = models.at;
		o.models_n = models.n;
		o.models_folder = folder || models.n == 0 ? cli_models_folder(folder, room) : NULL;
		o.lame_duck_ms = (unsigned)lame_duck_ms;
		o.log_level = (enum log_level)log_level_parse(level);
		status = check_config ? EXIT_DONE : serve_run(&o, &err) ? cli_failed(&err) : EXIT_DONE;
	}
	options_free(&rest);
	return status;
}

const struct verb verb_serve = {
	.name = "serve",
	.arguments = "[-m [NAME=]MODEL]... [--models DIR] [--listen ADDRESS] [--state DIR]",
	.summary = "Serves embeddings, similarity and explanations over HTTP, as JSON.",
	.details = "SIGTERM ends it in order, SIGHUP opens changed and new models.  Example:\n\n"
		   "  sifd serve --models models --listen 127.0.0.1:8080\n",
	.run = run,
};
