/*
 * listen.h - the socket that the daemon takes its connections from.
 *
 * Ours ("HOST:PORT", "unix:/path"), or one that the service manager opened and handed down
 * (LISTEN_FDS, sd_listen_fds(3)): that one stays open when we go, so that clients wait in it for our
 * successor.
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
	char path[108];	   /* of a Unix socket of our own, or "" */
};

/*
 * A socket handed down goes before `address`.  ERR_INPUT when the address is none, ERR_IO when the system
 * refuses.  A dead Unix socket at the path is replaced; a live one is ERR_CONFLICT.
 */
int listener_open(struct listener *l, const char *address, struct err *err);

/*
 * The kernel takes no more connections and does not refuse them yet: between this and listener_refuse(),
 * which resets those not accepted, all of them can be accepted.  Nothing on a socket handed down.
 */
void listener_hold(struct listener *l);

/* From now on the kernel refuses new connections, unless the socket was handed down. */
void listener_refuse(struct listener *l);

void listener_close(struct listener *l);

#endif
