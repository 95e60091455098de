/*
 * exchange.h - one request and its reply on libmicrohttpd; between http.c and exchange.c.
 *
 * The library calls uri when the request line is read; access when the headers are, for each piece of the
 * body, once after it, and again after each resume; and completed at the end.
 */
#ifndef SIFD_SERVE_EXCHANGE_H
#define SIFD_SERVE_EXCHANGE_H

#include "base/limits.h"
#include "routes/routes.h"
#include "serve/gate.h"
#include "serve/workers.h"

#include <microhttpd.h>
#include <pthread.h>
#include <stdatomic.h>

struct exchange;
struct connection;
struct connections;

struct http {
	struct service *service;
	struct MHD_Daemon *daemon;
	struct connections *connections;
	struct workers *workers;
	struct workers *lstm_workers; /* for LSTM requests, which the batcher joins */
	struct batcher *batcher;
	int fd;
	pthread_key_t context; /* the struct context of an event loop's thread */
	bool has_context;
	uint64_t id_seed;
	atomic_ulong ids;
	atomic_bool draining;

	pthread_mutex_t lock; /* of the fields below */
	pthread_cond_t changed;
	struct exchange *parked; /* suspended until their wake_ms */
	bool stopping;		 /* none may be suspended any more */
	pthread_t clock;
	bool has_clock;
};

/* Resumes the parked exchanges whose time has come, or all. */
void exchange_wake(struct http *http, int64_t now_ms, bool all);

void *exchange_uri(void *http, const char *uri, struct MHD_Connection *connection);
enum MHD_Result exchange_access(void *http, struct MHD_Connection *connection, const char *url,
				const char *method, const char *version, const char *piece, size_t *piece_n,
				void **exchange);
void exchange_completed(void *http, struct MHD_Connection *connection, void **exchange,
			enum MHD_RequestTerminationCode why);

#endif
