/*
 * http.h - the adapter to libmicrohttpd: connections in, requests to routes, replies out.
 *
 * Light requests are answered on the event loops; those whose cost passes the
 * route's are suspended and done by the workers (workers.h).  Every
 * connection has a deadline for what it is doing (connections.h).
 */
#ifndef SIFD_SERVE_HTTP_H
#define SIFD_SERVE_HTTP_H

#include <stddef.h>

struct err;
struct http;
struct service;

/*
 * Takes up event loops, workers and the clock thread.  fd listens and does not block; it stays the
 * caller's, to be closed after http_stop().  Signals must be blocked already: the threads inherit that.
 */
struct http *http_start(struct service *service, int fd, struct err *err);

/*
 * No new connections from now on: those the kernel had accepted are still taken, idle ones are closed, and
 * every reply closes its connection.
 */
void http_quiesce(struct http *http);

/* Connections left; 0: drained. */
size_t http_busy(struct http *http);

/* Ends whatever is under way and frees all; NULL is fine. */
void http_stop(struct http *http);

#endif
