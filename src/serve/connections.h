/*
 * connections.h - the open connections, each with a deadline for what it is doing.
 *
 * libmicrohttpd counts idle seconds only: a client that sends one byte per second holds a connection for
 * ever. connections_cut() shuts down the connections that passed their deadline; the library then sees the
 * end of the stream and closes them.  Nothing is closed here.
 */
#ifndef SIFD_SERVE_CONNECTIONS_H
#define SIFD_SERVE_CONNECTIONS_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

enum connection_phase {
	CONNECTION_NEW,	   /* accepted, before its first request */
	CONNECTION_HEADER, /* a request line has come */
	CONNECTION_BODY,
	CONNECTION_WORK, /* we are working: no deadline */
	CONNECTION_WRITE,
	CONNECTION_IDLE, /* between two requests */
};

struct connection;
struct connections;

struct connections *connections_new(void);
void connections_free(struct connections *connections);

/* Tracks fd until connections_remove(); NULL when memory is gone.  Times are those of clock_ms(). */
struct connection *connections_add(struct connections *connections, int fd, int64_t now_ms,
				   int64_t deadline_ms);
void connections_remove(struct connections *connections, struct connection *connection);

/* The connection enters this phase, and must leave it by the deadline; deadline_ms 0: there is none. */
void connection_set(struct connection *connection, enum connection_phase phase, int64_t now_ms,
		    int64_t deadline_ms);

/* Shuts down every connection that is past its deadline; returns how many. */
size_t connections_cut(struct connections *connections, int64_t now_ms);

/*
 * For a drain: ends the reading side of every connection that has been idle for idle_ms, or new for new_ms. A
 * request that has already arrived is still read and answered.  Clients in the middle of a conversation have
 * time to ask once more and be told that the connection ends, so that none of their requests is lost.
 */
void connections_end_idle(struct connections *connections, int64_t now_ms, int64_t idle_ms, int64_t new_ms);

size_t connections_count(const struct connections *connections);

#endif
