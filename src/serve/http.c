#include "serve/http.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/pipeline.h"
#include "embed/batcher.h"
#include "routes/service.h"
#include "serve/connections.h"
#include "serve/exchange.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>

enum {
	TICK_MS = 250,	     /* between two looks for clients that are late */
	PARKED_TICK_MS = 20, /* the same while routes wait to be run again */
	LSTM_WORKERS = 32,   /* the most LSTM requests that can be batched */
	/* During a drain, how long a connection may be silent: between two requests, and before the first. */
	IDLE_PATIENCE_MS = 200,
	NEW_PATIENCE_MS = 1000,
};

static void say(void *cls, const char *format, va_list args) __attribute__((format(printf, 2, 0)));

static void say(void *cls, const char *format, va_list args)
{
	char text[200];

	(void)cls;
	(void)vsnprintf(text, sizeof(text), format, args);
	text[strcspn(text, "\n")] = '\0';
	log_debug("libmicrohttpd", "message=%s", text);
}

static void free_context(void *context)
{
	context_free(context);
}

/* Paths are compared as they came: nothing is decoded. */
static size_t keep_escapes(void *cls, struct MHD_Connection *connection, char *s)
{
	(void)cls;
	(void)connection;
	return strlen(s);
}

static void connection_changed(void *cls, struct MHD_Connection *connection, void **ours,
			       enum MHD_ConnectionNotificationCode what)
{
	struct http *http = cls;
	const union MHD_ConnectionInfo *info;
	int64_t now = clock_ms();

	if (what == MHD_CONNECTION_NOTIFY_STARTED) {
		info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
		*ours = info ? connections_add(http->connections, info->connect_fd, now,
					       now + http->service->options->limits.header_ms)
			     : NULL;
	} else if (*ours) {
		connections_remove(http->connections, *ours);
		*ours = NULL;
	}
	atomic_store_explicit(&http->service->connections, connections_count(http->connections),
			      memory_order_relaxed);
}

static void tick(struct http *http, int64_t now)
{
	size_t late = connections_cut(http->connections, now);

	if (late)
		(void)atomic_fetch_add(&http->service->late, late);
	if (atomic_load(&http->draining))
		connections_end_idle(http->connections, now, IDLE_PATIENCE_MS, NEW_PATIENCE_MS);
}

/* The clock thread: cuts slow clients, and wakes parked exchanges. */
static void *run_clock(void *cls)
{
	struct http *http = cls;
	bool stopping = false;

	while (!stopping) {
		struct timespec until;
		int64_t now = clock_ms();
		int64_t at;

		exchange_wake(http, now, false);
		tick(http, now);
		(void)pthread_mutex_lock(&http->lock);
		at = now + (http->parked || atomic_load(&http->draining) ? PARKED_TICK_MS : TICK_MS);
		until = (struct timespec){ .tv_sec = at / 1000, .tv_nsec = at % 1000 * 1000000 };
		if (!http->stopping)
			(void)pthread_cond_timedwait(&http->changed, &http->lock, &until);
		stopping = http->stopping;
		(void)pthread_mutex_unlock(&http->lock);
	}
	return NULL;
}

static int start_clock(struct http *http, struct err *err)
{
	int rc = pthread_create(&http->clock, NULL, run_clock, http);

	if (rc)
		return err_set(err, ERR_IO, "cannot start the clock thread: %s", strerror(rc));
	http->has_clock = true;
	return 0;
}

static int start_daemon(struct http *http, struct err *err)
{
	const struct serve_options *o = http->service->options;
	size_t threads = o->threads ? o->threads : pipeline_processors();
	struct MHD_OptionItem more[] = {
		/* The library refuses a pool of one. */
		{ threads > 1 ? MHD_OPTION_THREAD_POOL_SIZE : MHD_OPTION_END, (intptr_t)threads, NULL },
		{ MHD_OPTION_END, 0, NULL },
	};
	unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_ITC |
			 MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG;

	http->daemon = MHD_start_daemon(
		flags, 0, NULL, NULL, exchange_access, http, MHD_OPTION_EXTERNAL_LOGGER, say, NULL,
		MHD_OPTION_LISTEN_SOCKET, http->fd, MHD_OPTION_CONNECTION_LIMIT,
		(unsigned)o->limits.connections, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		(size_t)LIMIT_CONNECTION_MEMORY, MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_URI_LOG_CALLBACK,
		exchange_uri, http, MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL,
		MHD_OPTION_NOTIFY_COMPLETED, exchange_completed, http, MHD_OPTION_NOTIFY_CONNECTION,
		connection_changed, http, MHD_OPTION_SIGPIPE_HANDLED_BY_APP, 1, MHD_OPTION_ARRAY, more,
		MHD_OPTION_END);
	return http->daemon ? 0 : err_set(err, ERR_IO, "the HTTP server did not start: %s", strerror(errno));
}

struct http *http_start(struct service *service, int fd, struct err *err)
{
	const struct serve_options *o = service->options;
	struct http *http = mem_new(1, sizeof(*http));
	size_t workers = o->workers ? o->workers : pipeline_processors();
	pthread_condattr_t monotonic;

	http->service = service;
	http->fd = fd;
	http->connections = connections_new();
	if (getrandom(&http->id_seed, sizeof(http->id_seed), GRND_NONBLOCK) != sizeof(http->id_seed))
		http->id_seed = (uint64_t)clock_ms();
	(void)pthread_mutex_init(&http->lock, NULL);
	(void)pthread_condattr_init(&monotonic);
	(void)pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&http->changed, &monotonic);
	(void)pthread_condattr_destroy(&monotonic);
	http->has_context = pthread_key_create(&http->context, free_context) == 0;
	if (!http->has_context) {
		(void)err_set(err, ERR_IO, "no key for what threads keep");
		goto fail;
	}
	http->workers = workers_start(service, workers, o->limits.queue, NULL, err);
	http->batcher = batcher_new(workers, err);
	if (http->batcher)
		http->lstm_workers =
			workers_start(service, LSTM_WORKERS, o->limits.connections, http->batcher, err);
	if (!http->workers || !http->lstm_workers || start_clock(http, err) || start_daemon(http, err))
		goto fail;
	return http;
fail:
	http_stop(http);
	return NULL;
}

/* Accepts what is still queued: closing the listening socket would reset it. */
static void take_waiting(struct http *http)
{
	for (;;) {
		struct sockaddr_storage address;
		socklen_t n = sizeof(address);
		int fd = accept4(http->fd, (struct sockaddr *)&address, &n, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0 && (errno == EINTR || errno == ECONNABORTED))
			continue;
		if (fd < 0)
			return;
		/* The library closes fd itself when it cannot take it. */
		(void)MHD_add_connection(http->daemon, fd, (struct sockaddr *)&address, n);
	}
}

void http_quiesce(struct http *http)
{
	atomic_store(&http->draining, true);
	(void)MHD_quiesce_daemon(http->daemon);
	take_waiting(http);
	exchange_wake(http, 0, true);
	(void)pthread_mutex_lock(&http->lock);
	(void)pthread_cond_signal(&http->changed);
	(void)pthread_mutex_unlock(&http->lock);
}

size_t http_busy(struct http *http)
{
	return connections_count(http->connections);
}

void http_stop(struct http *http)
{
	if (!http)
		return;
	atomic_store(&http->draining, true);
	(void)pthread_mutex_lock(&http->lock);
	http->stopping = true;
	(void)pthread_cond_signal(&http->changed);
	(void)pthread_mutex_unlock(&http->lock);
	if (http->has_clock)
		(void)pthread_join(http->clock, NULL);
	workers_stop(http->workers);
	workers_stop(http->lstm_workers);
	if (http->daemon) {
		/* The library demands that no connection is suspended any more. */
		exchange_wake(http, 0, true);
		(void)MHD_quiesce_daemon(
			http->daemon); /* otherwise it would close the socket, which is not its own */
		MHD_stop_daemon(http->daemon);
	}
	if (http->has_context) {
		context_free(pthread_getspecific(http->context)); /* this thread did the last calls */
		(void)pthread_setspecific(http->context, NULL);
		(void)pthread_key_delete(http->context);
	}
	batcher_free(http->batcher);
	connections_free(http->connections);
	(void)pthread_cond_destroy(&http->changed);
	(void)pthread_mutex_destroy(&http->lock);
	free(http);
}
