/* `sifd serve`: reads the options of the daemon and runs it (serve/server.h). */
#include "base/err.h"
#include "base/limits.h"
#include "base/log.h"
#include "cli/cli.h"
#include "serve/server.h"

#include <stdio.h>
#include <unistd.h>

enum { DAY_MS = 24 * 3600 * 1000 };

struct serve_call {
	struct serve_options o;
	struct text_list models;
	const char *folder;
	bool check_config;
};

/* Limits that are no options. */
static void start(void *call)
{
	((struct serve_call *)call)->o = serve_options_default();
}

static int run(void *call, const struct arguments *rest, struct err *err)
{
	struct serve_call *c = call;
	struct serve_options *o = &c->o;
	char room[4096];

	(void)rest;
	if (c->check_config)
		return 0;
	o->models = c->models.at;
	o->models_n = c->models.n;
	o->models_folder = c->folder || o->models_n == 0 ? cli_models_folder(c->folder, room) : NULL;
	return serve_run(o, err);
}

#define TEXT(name, value, help, field) CLI_TEXT(name, 0, value, help, struct serve_call, field)
#define COUNT(name, value, help, field, usual)                                                               \
	CLI_COUNT(name, value, help, struct serve_call, field, 0, PARAM_MOST, usual)
#define CLOCK(name, help, field, usual)                                                                      \
	CLI_COUNT(name, "MS", help, struct serve_call, field, 0, DAY_MS, usual)

static const struct param_row options[] = {
	{ "model",
	  'm',
	  PARAM_LIST,
	  "[NAME=]MODEL",
	  "a model to serve; may be repeated",
	  NULL,
	  PARAM_FIELD(struct serve_call, models),
	  PARAM_ANY,
	  { { PARAM_ALWAYS, 0 } } },
	TEXT("models", "DIR", "serve every model in this folder", folder),
	TEXT("default_model", "NAME", "the model that answers requests that name none", o.default_model),
	TEXT("listen", "ADDRESS", "HOST:PORT or unix:/path; default 127.0.0.1:8080", o.listen),
	TEXT("state", "DIR", "folder for jobs, corpora and fitted models; without it there are none",
	     o.state),
	TEXT("imports", "DIR",
	     "folder of the vectors files that import jobs may name; default: STATE/imports", o.imports),
	PARAM(PARAM_COUNT, "threads", "N", "event loops; 0: one per processor", NULL,
	      PARAM_FIELD(struct serve_call, o.threads), PARAM_RANGE(0, PARAM_WORKERS_MOST),
	      { PARAM_ALWAYS, 0 }),
	PARAM(PARAM_COUNT, "heavy", "N", "workers for big requests; 0: one per processor", NULL,
	      PARAM_FIELD(struct serve_call, o.workers), PARAM_RANGE(0, PARAM_WORKERS_MOST),
	      { PARAM_ALWAYS, 0 }),
	COUNT("max_inputs", "N", "most texts per embeddings request", o.limits.inputs, LIMIT_INPUTS),
	COUNT("max_texts", "N", "most texts or pairs per other request", o.limits.texts, LIMIT_TEXTS),
	COUNT("max_queue", "N", "most big requests waiting", o.limits.queue, LIMIT_QUEUE),
	COUNT("max_jobs", "N", "most jobs waiting", o.limits.jobs, LIMIT_JOBS),
	COUNT("max_corpus_bytes", "N", "most bytes per upload, compressed or not", o.limits.corpus_bytes,
	      LIMIT_CORPUS_BYTES),
	COUNT("max_connections", "N", "most connections at a time", o.limits.connections, LIMIT_CONNECTIONS),
	CLOCK("lame_duck_ms", "how long /ready says no before the port closes", o.lame_duck_ms, 0),
	CLOCK("drain_ms", "the longest a stop waits for requests", o.limits.drain_ms, LIMIT_DRAIN_MS),
	CLI_FLAG("log_requests", "log a line per request", struct serve_call, o.log_requests),
	PARAM(PARAM_CHOICE, "log_level", "LEVEL", "the least level of the lines to write", NULL,
	      PARAM_FIELD(struct serve_call, o.log_level), PARAM_NAMES(log_level_names, LOG_DEBUG, LOG_ERROR),
	      { PARAM_ALWAYS, LOG_INFO }),
	CLI_FLAG("check_config", "check the options and exit", struct serve_call, check_config),
	{ 0 },
};

const struct verb verb_serve = {
	.name = "serve",
	.arguments = "[-m [NAME=]MODEL]... [--models DIR] [--listen ADDRESS] [--state DIR]",
	.summary = "Serves embeddings, similarity and explanations over HTTP, as JSON.",
	.details = "SIGTERM drains and stops it; SIGHUP opens changed and new models.  Example:\n\n"
		   "  sifd serve --models models --listen 127.0.0.1:8080\n",
	.options = { { options, 0 } },
	.call_bytes = sizeof(struct serve_call),
	.start = start,
	.least = 0,
	.most = 0,
	.expected = "no arguments are expected",
	.run = run,
};
