/* sifd serve: reads the options of the daemon and runs it (serve/server.h). */
#include "base/err.h"
#include "cli/cli.h"
#include "serve/server.h"

#include <stdio.h>
#include <unistd.h>

enum { DAY_MS = 24 * 3600 * 1000 };

static int check(size_t arguments, const char *level, size_t lame_duck_ms, size_t drain_ms, struct err *err)
{
	if (arguments)
		return err_set(err, ERR_INPUT, "no arguments are expected");
	if (log_level_parse(level) < 0)
		return err_set(err, ERR_INPUT, "--log-level: expected debug, info, warn or error");
	if (lame_duck_ms > DAY_MS || drain_ms > DAY_MS)
		return err_set(err, ERR_INPUT, "--lame-duck-ms, --drain-ms: at most %d, a day", DAY_MS);
	return 0;
}

static int run(const struct verb *verb, int argc, char **argv)
{
	struct serve_options o = serve_options_default();
	struct text_list models = { 0 };
	const char *folder = NULL;
	const char *level = "info";
	size_t lame_duck_ms = 0;
	size_t drain_ms = o.limits.drain_ms;
	size_t corpus_bytes = o.limits.corpus_bytes;
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
		{ "state", 0, OPTION_TEXT, &o.state, "DIR",
		  "jobs, corpora and fitted models; without it there are none" },
		{ "imports", 0, OPTION_TEXT, &o.imports, "DIR",
		  "vectors files that import jobs may name; default: STATE/imports" },
		{ "threads", 0, OPTION_COUNT, &o.threads, "N", "event loops; default: one per processor" },
		{ "heavy", 0, OPTION_COUNT, &o.workers, "N",
		  "workers for big requests; default: one per processor" },
		{ "max-inputs", 0, OPTION_COUNT, &o.limits.inputs, "N",
		  "texts of an embeddings request; default 2048" },
		{ "max-texts", 0, OPTION_COUNT, &o.limits.texts, "N",
		  "texts or pairs of any other request; default 16384" },
		{ "max-queue", 0, OPTION_COUNT, &o.limits.queue, "N", "big requests waiting; default 256" },
		{ "max-jobs", 0, OPTION_COUNT, &o.limits.jobs, "N", "jobs waiting; default 1000" },
		{ "max-corpus-bytes", 0, OPTION_COUNT, &corpus_bytes, "N",
		  "of an upload, packed or unpacked; default 10Gi" },
		{ "max-connections", 0, OPTION_COUNT, &o.limits.connections, "N",
		  "connections at a time; default 4096" },
		{ "lame-duck-ms", 0, OPTION_COUNT, &lame_duck_ms, "MS",
		  "how long /ready says no before the port closes; default 0" },
		{ "drain-ms", 0, OPTION_COUNT, &drain_ms, "MS",
		  "the longest that a stop waits for requests; default 30000" },
		{ "log-requests", 0, OPTION_FLAG, &o.log_requests, NULL, "a log line for every request" },
		{ "log-level", 0, OPTION_TEXT, &level, "LEVEL", "debug, info (default), warn or error" },
		{ "check-config", 0, OPTION_FLAG, &check_config, NULL, "check the options and end" },
	};
	struct arguments rest;
	struct err err = { 0 };
	int status = options_parse(verb, specs, sizeof(specs) / sizeof(specs[0]), argc, argv, &rest, &err);

	if (status)
		return status > 0 ? EXIT_DONE : cli_usage(verb, &err);
	if (check(rest.n, level, lame_duck_ms, drain_ms, &err)) {
		status = cli_usage(verb, &err);
	} else {
		o.models = models.at;
		o.models_n = models.n;
		o.models_folder = folder || models.n == 0 ? cli_models_folder(folder, room) : NULL;
		o.lame_duck_ms = (unsigned)lame_duck_ms;
		o.limits.drain_ms = (unsigned)drain_ms;
		o.limits.corpus_bytes = corpus_bytes;
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
