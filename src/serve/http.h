/*
 * http.h - the adapter to libmicrohttpd: connections in, requests to routes, replies out.
 *
 * Small requests are answered on the event loops; the others are suspended and run by a worker pool
 * (workers.h).  Every connection has a deadline for what it is doing (connections.h).
 */
#ifndef SIFD_SERVE_HTTP_H
#define SIFD_SERVE_HTTP_H

#include <stddef.h>

struct err;
struct http;
struct service;

/*
 * Starts event loops, workers and the clock thread.  fd listens and does not block; the caller owns it and
 * closes it after http_stop().  Signals must be blocked already, because the threads inherit that.
 */
struct http *http_start(struct service *service, int fd, struct err *err);

/*
 * Takes no new connections from now on, but for those that the kernel has already accepted.  Idle connections
 * are closed, and every reply closes its connection.
 */
void http_quiesce(struct http *http);

/* How many connections are left; 0: drained. */
size_t http_busy(struct http *http);

/* Cuts short whatever is under way and frees everything; NULL is fine. */
void http_stop(struct http *http);

#endif
