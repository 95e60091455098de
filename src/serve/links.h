/*
 * links.h - the open connections, each with the moment until which its client may take its time.
 *
 * libmicrohttpd counts idle seconds only: one byte a second holds a connection
 * for ever.  So every connection is noted here with a deadline for what it is
 * doing; links_cut() shuts down those that passed it, and their owner, who sees the end of
 * the stream, closes them.  Nothing is closed here.
 */
#ifndef SIFD_SERVE_LINKS_H
#define SIFD_SERVE_LINKS_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

enum link_phase {
	LINK_NEW,    /* accepted; its first request has not come */
	LINK_HEADER, /* a request line has come */
	LINK_BODY,
	LINK_WORK, /* we are at work: no deadline */
	LINK_WRITE,
	LINK_IDLE, /* between two requests */
};

struct link;
struct links;

struct links *links_new(void);
void links_free(struct links *links);

/* Notes fd until links_remove(); NULL when memory is gone.  Times are milliseconds of CLOCK_MONOTONIC. */
struct link *links_add(struct links *links, int fd, int64_t now_ms, int64_t deadline_ms);
void links_remove(struct links *links, struct link *link);

/* What the connection does from now on, and until when; deadline_ms 0: for ever. */
void link_set(struct link *link, enum link_phase phase, int64_t now_ms, int64_t deadline_ms);

/* Shuts down every connection that is late; returns how many. */
size_t links_cut(struct links *links, int64_t now_ms);

/*
 * For a drain: ends the reading side of every connection that has been idle for idle_ms, or new for new_ms. A
 * request that has already arrived is still read and answered.  Clients in the midst of a conversation have
 * the time to ask once more and be told that the connection ends: nothing of theirs is lost.
 */
void links_end_idle(struct links *links, int64_t now_ms, int64_t idle_ms, int64_t new_ms);

size_t links_count(const struct links *links);

#endif
