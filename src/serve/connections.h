/*
 * connections.h - the open connections, each with the moment until which its client may take its time.
 *
 * libmicrohttpd counts idle seconds only: one byte a second holds a connection
 * for ever.  So every connection is noted here with a deadline for what it is
 * doing; connections_cut() shuts down those that passed it, and their owner, who sees the end of
 * the stream, closes them.  Nothing is closed here.
 */
#ifndef SIFD_SERVE_CONNECTIONS_H
#define SIFD_SERVE_CONNECTIONS_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

enum connection_phase {
	CONNECTION_NEW,	   /* accepted; its first request has not come */
	CONNECTION_HEADER, /* a request line has come */
	CONNECTION_BODY,
	CONNECTION_WORK, /* we are at work: no deadline */
	CONNECTION_WRITE,
	CONNECTION_IDLE, /* between two requests */
};

struct connection;
struct connections;

struct connections *connections_new(void);
void connections_free(struct connections *connections);

/* Notes fd until connections_remove(); NULL when memory is gone.  Times are those of clock_ms(). */
struct connection *connections_add(struct connections *connections, int fd, int64_t now_ms,
				   int64_t deadline_ms);
void connections_remove(struct connections *connections, struct connection *connection);

/* What the connection does from now on, and until when; deadline_ms 0: for ever. */
void connection_set(struct connection *connection, enum connection_phase phase, int64_t now_ms,
		    int64_t deadline_ms);

/* Shuts down every connection that is late; returns how many. */
size_t connections_cut(struct connections *connections, int64_t now_ms);

/*
 * For a drain: ends the reading side of every connection that has been idle for idle_ms, or new for new_ms. A
 * request that has already arrived is still read and answered.  Clients in the midst of a conversation have
 * the time to ask once more and be told that the connection ends: nothing of theirs is lost.
 */
void connections_end_idle(struct connections *connections, int64_t now_ms, int64_t idle_ms, int64_t new_ms);

size_t connections_count(const struct connections *connections);

#endif
