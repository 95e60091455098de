/*
 * server.h - the daemon from start to end: what `sifd serve` calls.
 *
 * serve_run() opens the models, takes the socket, serves, and returns when it
 * was told to stop.  Signals: TERM and INT drain (no new connection, requests
 * under way finished, at most limits.drain_ms; a second one stops at once); HUP opens changed and new
 * models; a bad file keeps the old model.  PIPE is ignored.
 */
#ifndef SIFD_SERVE_SERVER_H
#define SIFD_SERVE_SERVER_H

#include "base/log.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

struct serve_limits {
	uint64_t body_bytes; /* of a JSON request */
	uint64_t corpus_bytes;
	uint64_t inflight_bytes;
	size_t inputs;
	size_t texts;
	size_t connections;
	size_t queue; /* offloaded requests waiting */
	size_t jobs;
	unsigned header_ms, body_ms, idle_ms, write_ms, drain_ms;
};

struct serve_options {
	const char *const
		*models; /* (models_n) "PATH" (its name: the file's, without ending) or "NAME=PATH" */
	size_t models_n;
	const char *models_folder; /* every *.safetensors in it is served under its name; NULL: none */
	const char *default_model; /* a name; NULL: "default" if there is one, else the first */
	const char *listen;  /* "HOST:PORT" (port 0: any), "[v6]:PORT", "unix:/path"; NULL: 127.0.0.1:8080 */
	const char *state;   /* jobs, corpora and fitted models; NULL: no jobs, no corpora */
	const char *imports; /* vectors files that import jobs may name; NULL: STATE/imports */
	size_t threads;	     /* event loops; 0 = one per processor */
	size_t workers;	     /* workers for big requests; 0 = one per processor */
	unsigned lame_duck_ms; /* how long /ready says no before the port closes */
	bool log_requests;     /* a line for every request; failures of the server are logged always */
	enum log_level log_level;
	struct serve_limits limits;
};

/* Everything NULL, 0 or the named limit of limits.h. */
struct serve_options serve_options_default(void);

/*
 * 0 after a drain, -1 with ERR_INPUT for an option that is wrong, else whatever stopped the start.
 * One call at a time in a process: it owns the signals.
 */
int serve_run(const struct serve_options *options, struct err *err);

#endif
