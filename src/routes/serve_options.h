/*
 * serve_options.h - how `sifd serve` was told to serve.
 */
#ifndef SIFD_ROUTES_SERVE_OPTIONS_H
#define SIFD_ROUTES_SERVE_OPTIONS_H

#include "base/log.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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
	const char *models_folder; /* every *.safetensors in it is served under its file name; NULL: none */
	const char *default_model; /* a name; NULL: "default" if there is one, else the first */
	const char *listen;  /* "HOST:PORT" (port 0: any), "[v6]:PORT", "unix:/path"; NULL: 127.0.0.1:8080 */
	const char *state;   /* jobs, corpora and fitted models; NULL: no jobs, no corpora */
	const char *imports; /* vectors files that import jobs may name; NULL: STATE/imports */
	size_t threads;	     /* event loops; 0 = one per processor */
	size_t workers;	     /* workers for big requests; 0 = one per processor */
	unsigned lame_duck_ms; /* how long /ready says no before the port closes */
	bool log_requests;     /* one line per request; failures of the server are always logged */
	enum log_level log_level;
	struct serve_limits limits;
};

#endif
