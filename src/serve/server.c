#include "serve/server.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/file.h"
#include "base/limits.h"
#include "jobs/jobs.h"
#include "model/registry.h"
#include "routes/metrics.h"
#include "routes/service.h"
#include "serve/http.h"
#include "serve/listen.h"
#include "serve/model_folder.h"

#include <errno.h>
#include <malloc.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { TICK_MS = 10, QUIET_TICKS = 5 };

struct server {
	struct service service;
	struct models *models;
	struct listener listener;
	struct http *http;
	sigset_t signals; /* TERM, INT and HUP are blocked in every thread; serve_run() takes them */
};

struct serve_options serve_options_default(void)
{
	return (struct serve_options){
		.listen = "127.0.0.1:8080",
		.log_level = LOG_INFO,
		.limits = {
			.body_bytes = LIMIT_BODY_BYTES,
			.corpus_bytes = LIMIT_CORPUS_BYTES,
			.inflight_bytes = LIMIT_INFLIGHT_BYTES,
			.inputs = LIMIT_INPUTS,
			.texts = LIMIT_TEXTS,
			.connections = LIMIT_CONNECTIONS,
			.queue = LIMIT_QUEUE,
			.jobs = LIMIT_JOBS,
			.header_ms = LIMIT_HEADER_MS,
			.body_ms = LIMIT_BODY_MS,
			.idle_ms = LIMIT_IDLE_MS,
			.write_ms = LIMIT_WRITE_MS,
			.drain_ms = LIMIT_DRAIN_MS,
		},
	};
}

/* The next signal, or 0 if none comes within wait_ms. */
static int take_signal(const sigset_t *signals, uint64_t wait_ms)
{
	struct timespec t = { .tv_sec = (time_t)(wait_ms / 1000),
			      .tv_nsec = (long)(wait_ms % 1000) * 1000000 };
	int got = sigtimedwait(signals, NULL, &t);

	return got > 0 ? got : 0;
}

/* Every connection is a file; models, jobs and logs need some too. */
static void raise_file_limit(size_t connections)
{
	struct rlimit files;
	rlim_t wanted = (rlim_t)connections + 256;

	if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur >= wanted)
		return;
	files.rlim_cur = files.rlim_max < wanted ? files.rlim_max : wanted;
	if (setrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur < wanted)
		log_warn("few files allowed", "wanted=%llu allowed=%llu", (unsigned long long)wanted,
			 (unsigned long long)files.rlim_cur);
}

/*
 * After one big answer the C library raises its thresholds and keeps the memory of the next ones: 36 MB
 * stayed after requests of 2048 texts, against 16 MB with fixed thresholds.
 */
static void keep_memory_low(void)
{
	enum { THRESHOLD_BYTES = 128 << 10 };

	(void)mallopt(M_MMAP_THRESHOLD, THRESHOLD_BYTES);
	(void)mallopt(M_TRIM_THRESHOLD, THRESHOLD_BYTES);
}

/* Sends "READY=1", ... to the service manager, as sd_notify(3) does without libsystemd. */
static void notify_manager(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	size_t n = path ? strlen(path) : 0;
	int fd;

	if (n < 2 || n >= sizeof(at.sun_path) || (path[0] != '/' && path[0] != '@'))
		return;
	memcpy(at.sun_path, path, n);
	if (path[0] == '@')
		at.sun_path[0] = '\0'; /* the abstract namespace */
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	(void)sendto(fd, state, strlen(state), MSG_NOSIGNAL | MSG_DONTWAIT, (const struct sockaddr *)&at,
		     (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n));
	(void)close(fd);
}

static int open_state(struct service *service, struct err *err)
{
	const struct serve_options *o = service->options;

	if (file_make_folder(o->state, err))
		return err_prefix(err, "state folder %s", o->state);
	service->jobs = jobs_open(&(struct jobs_options){ .registry = service->registry,
							  .state = o->state,
							  .imports = o->imports,
							  .corpus_bytes = o->limits.corpus_bytes,
							  .waiting = o->limits.jobs },
				  err);
	if (!service->jobs)
		return -1;
	service->uploads = jobs_uploads(service->jobs);
	return 0;
}

static int start(struct server *s, const struct serve_options *options, struct err *err)
{
	s->service.options = options;
	s->service.started_s = (int64_t)time(NULL);
	s->service.registry = registry_new();
	s->service.metrics = metrics_new();
	raise_file_limit(options->limits.connections);
	keep_memory_low();
	/* First of all: the state folder must be ours before models are opened from it. */
	if (options->state && open_state(&s->service, err))
		return -1;
	s->models = model_folder_open(&s->service, err);
	if (!s->models || (s->service.jobs && jobs_start(s->service.jobs, err)) ||
	    listener_open(&s->listener, options->listen, err))
		return -1;
	s->http = http_start(&s->service, s->listener.fd, err);
	if (!s->http)
		return -1;
	atomic_store(&s->service.ready, true);
	log_info("listening", "address=%s port=%d", s->listener.address, s->listener.port);
	notify_manager("READY=1\nSTATUS=serving");
	return 0;
}

static void reload(struct server *s)
{
	char state[64];

	(void)snprintf(state, sizeof(state), "RELOADING=1\nMONOTONIC_USEC=%llu",
		       (unsigned long long)(clock_ns() / 1000));
	notify_manager(state);
	model_folder_reload(s->models);
	notify_manager("READY=1\nSTATUS=serving");
}

/* Serves until a signal says stop. */
static void serve(struct server *s)
{
	for (;;) {
		int got = sigwaitinfo(&s->signals, NULL);

		if (got == SIGHUP)
			reload(s);
		else if (got > 0)
			return;
	}
}

/*
 * Waits until no connection is left; false when the deadline or another signal cut that short.  A connection
 * that an event loop is just accepting is not counted yet, so none may be there for some ticks.
 */
static bool wait_for_end(struct server *s, unsigned drain_ms)
{
	int64_t until = clock_ms() + drain_ms;
	int quiet = 0;

	while (quiet < QUIET_TICKS) {
		int got = clock_ms() < until ? take_signal(&s->signals, TICK_MS) : SIGALRM;

		if (got != 0 && got != SIGHUP)
			return false;
		quiet = http_busy(s->http) == 0 ? quiet + 1 : 0;
	}
	return true;
}

static void drain(struct server *s)
{
	const struct serve_options *options = s->service.options;
	int64_t began = clock_ms();
	bool whole = true;

	log_info("draining", "connections=%zu", atomic_load(&s->service.connections));
	notify_manager("STOPPING=1\nSTATUS=draining");
	atomic_store(&s->service.ready, false);
	if (options->lame_duck_ms) {
		int64_t until = began + options->lame_duck_ms;

		for (int got = 0; whole && clock_ms() < until; got = take_signal(&s->signals, TICK_MS))
			whole = got == 0 || got == SIGHUP;
	}
	listener_hold(&s->listener);
	http_quiesce(s->http); /* takes what the kernel has accepted: refusing first would reset that */
	listener_refuse(&s->listener);
	if (whole)
		whole = wait_for_end(s, options->limits.drain_ms);
	log_info("stopped", "seconds=%.3f whole=%s", (double)(clock_ms() - began) / 1e3,
		 whole ? "yes" : "no");
}

static void stop(struct server *s)
{
	http_stop(s->http);
	jobs_close(s->service.jobs);
	listener_close(&s->listener);
	model_folder_free(s->models);
	metrics_free(s->service.metrics);
	registry_free(s->service.registry);
}

int serve_run(const struct serve_options *options, struct err *err)
{
	struct server s = { .listener = { .fd = -1 } };
	struct sigaction ignore = { .sa_handler = SIG_IGN }, pipe_before;
	sigset_t mask_before;
	int done;

	log_set_level(options->log_level);
	(void)sigemptyset(&s.signals);
	(void)sigaddset(&s.signals, SIGTERM);
	(void)sigaddset(&s.signals, SIGINT);
	(void)sigaddset(&s.signals, SIGHUP);
	/* Before the first thread, so that all inherit it. */
	(void)pthread_sigmask(SIG_BLOCK, &s.signals, &mask_before);
	(void)sigaction(SIGPIPE, &ignore, &pipe_before);
	done = start(&s, options, err);
	if (done == 0) {
		serve(&s);
		drain(&s);
	}
	stop(&s);
	(void)sigaction(SIGPIPE, &pipe_before, NULL);
	(void)pthread_sigmask(SIG_SETMASK, &mask_before, NULL);
	return done;
}
