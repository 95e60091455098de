/*
 * listen.h - the socket on which the daemon accepts connections.
 *
 * It is ours ("HOST:PORT", "unix:/path"), or one that the service manager opened and handed down (LISTEN_FDS,
 * sd_listen_fds(3)); that one stays open when we end, so that clients wait in it for the next process.
 */
#ifndef SIFD_SERVE_LISTEN_H
#define SIFD_SERVE_LISTEN_H

#include <stdbool.h>

struct err;

struct listener {
	int fd; /* listening, close-on-exec, not blocking; -1 when closed */
	bool inherited;
	char address[256]; /* for logs: the numeric host, or "unix:/path" */
	int port;	   /* 0 for a Unix socket */
	char path[108];	   /* of our own Unix socket, or "" */
};

/*
 * A socket handed down takes precedence over `address`.  ERR_INPUT when that is no address, ERR_IO when the
 * system refuses.  A dead Unix socket at the path is replaced; a live one is ERR_CONFLICT.
 */
int listener_open(struct listener *l, const char *address, struct err *err);

/*
 * Keeps the kernel from taking more connections, without refusing them yet: those it has taken can all be
 * accepted before listener_refuse(), which resets the rest.  Does nothing to a socket handed down.
 */
void listener_hold(struct listener *l);

/* From now on the kernel refuses new connections, unless the socket was handed down. */
void listener_refuse(struct listener *l);

void listener_close(struct listener *l);

#endif
