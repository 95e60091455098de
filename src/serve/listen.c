#include "serve/listen.h"

#include "base/err.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <netdb.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 4096, HANDED_DOWN = 3, FLAGS_AT = 13, FLAG_SYN = 2 };

/* The first socket handed down to this very process, or -1. */
static int handed_down(void)
{
	const char *pid = getenv("LISTEN_PID");
	const char *n = getenv("LISTEN_FDS");
	char own[24];

	(void)snprintf(own, sizeof(own), "%ld", (long)getpid());
	if (!pid || !n || strcmp(pid, own) != 0 || n[0] < '1' || n[0] > '9')
		return -1;
	(void)unsetenv("LISTEN_PID");
	(void)unsetenv("LISTEN_FDS");
	return HANDED_DOWN;
}

/* Fills address and port from what the kernel bound. */
static void name_socket(struct listener *l)
{
	struct sockaddr_storage at = { 0 };
	socklen_t n = sizeof(at);
	char host[NI_MAXHOST] = "?", port[NI_MAXSERV] = "0";

	if (getsockname(l->fd, (struct sockaddr *)&at, &n) != 0)
		return;
	if (at.ss_family == AF_UNIX) {
		const struct sockaddr_un *un = (const struct sockaddr_un *)&at;

		(void)snprintf(l->address, sizeof(l->address), "unix:%.107s", un->sun_path);
		return;
	}
	(void)getnameinfo((struct sockaddr *)&at, n, host, sizeof(host), port, sizeof(port),
			  NI_NUMERICHOST | NI_NUMERICSERV);
	(void)snprintf(l->address, sizeof(l->address), "%.250s", host);
	l->port = (int)strtol(port, NULL, 10);
}

static int refused(struct listener *l, const char *what, const char *address, struct err *err)
{
	int why = errno;

	listener_close(l);
	return err_set(err, ERR_IO, "cannot %s %s: %s", what, address, strerror(why));
}

static int start(struct listener *l, const char *address, struct err *err)
{
	int flags = fcntl(l->fd, F_GETFL);

	if (flags < 0 || fcntl(l->fd, F_SETFL, flags | O_NONBLOCK) != 0 ||
	    fcntl(l->fd, F_SETFD, FD_CLOEXEC) != 0 || listen(l->fd, BACKLOG) != 0)
		return refused(l, "listen on", address, err);
	name_socket(l);
	return 0;
}

/* Is someone answering at this Unix socket? */
static bool is_live(const struct sockaddr_un *at)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool live = fd >= 0 && connect(fd, (const struct sockaddr *)at, sizeof(*at)) == 0;

	if (fd >= 0)
		(void)close(fd);
	return live;
}

static int open_unix(struct listener *l, const char *address, struct err *err)
{
	const char *path = address + strlen("unix:");
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	struct stat st;

	if (path[0] != '/' || strlen(path) >= sizeof(at.sun_path))
		return err_set(err, ERR_INPUT, "listen: `%s` must be unix:/PATH of at most %zu bytes",
			       address, sizeof(at.sun_path) - 1);
	memcpy(at.sun_path, path, strlen(path) + 1);
	if (lstat(path, &st) == 0) {
		if (!S_ISSOCK(st.st_mode))
			return err_set(err, ERR_CONFLICT, "listen: %s exists and is no socket", path);
		if (is_live(&at))
			return err_set(err, ERR_CONFLICT, "listen: another server answers at %s", path);
		(void)unlink(path);
	}
	l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (l->fd < 0 || bind(l->fd, (const struct sockaddr *)&at, sizeof(at)) != 0)
		return refused(l, "bind", address, err);
	memcpy(l->path, path, strlen(path) + 1);
	return start(l, address, err);
}

/* "HOST:PORT", "[v6]:PORT", ":PORT" into host and port. */
static int split(const char *address, char host[256], const char **port)
{
	const char *colon = strrchr(address, ':');
	size_t n;

	if (!colon || colon[1] == '\0' || strspn(colon + 1, "0123456789") != strlen(colon + 1) ||
	    strlen(colon + 1) > 5 || strtol(colon + 1, NULL, 10) > 65535)
		return -1;
	*port = colon + 1;
	n = (size_t)(colon - address);
	if (n >= 2 && address[0] == '[' && address[n - 1] == ']') {
		address++;
		n -= 2;
	} else if (memchr(address, ':', n)) {
		return -1; /* an IPv6 address without brackets */
	}
	if (n >= 256)
		return -1;
	memcpy(host, address, n);
	host[n] = '\0';
	return 0;
}

static int open_tcp(struct listener *l, const char *address, struct err *err)
{
	struct addrinfo hints = { .ai_family = AF_UNSPEC,
				  .ai_socktype = SOCK_STREAM,
				  .ai_flags = AI_PASSIVE | AI_NUMERICSERV };
	struct addrinfo *found = NULL;
	char host[256];
	const char *port;
	int one = 1, bound, why;

	if (split(address, host, &port))
		return err_set(err, ERR_INPUT, "listen: `%s` must be HOST:PORT, [IPv6]:PORT or unix:/PATH",
			       address);
	why = getaddrinfo(host[0] ? host : NULL, port, &hints, &found);
	if (why)
		return err_set(err, ERR_INPUT, "listen: no address for `%s`: %s", address, gai_strerror(why));
	l->fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (l->fd >= 0)
		(void)setsockopt(l->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	bound = l->fd < 0 ? -1 : bind(l->fd, found->ai_addr, found->ai_addrlen);
	freeaddrinfo(found);
	return bound == 0 ? start(l, address, err) : refused(l, "bind", address, err);
}

int listener_open(struct listener *l, const char *address, struct err *err)
{
	*l = (struct listener){ .fd = handed_down() };
	if (l->fd >= 0) {
		l->inherited = true;
		return start(l, "the socket handed down", err);
	}
	if (strncmp(address, "unix:", strlen("unix:")) == 0)
		return open_unix(l, address, err);
	return open_tcp(l, address, err);
}

void listener_hold(struct listener *l)
{
	/*
	 * Packets begin with the TCP header.  Those with SYN in its flags are dropped, and the client sends
	 * them again a second later; the last packet of a handshake under way still gets through.
	 */
	struct sock_filter no_syn[] = {
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, FLAGS_AT),
		BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, FLAG_SYN, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, 0),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
	};
	struct sock_fprog program = { .len = sizeof(no_syn) / sizeof(no_syn[0]), .filter = no_syn };

	if (l->fd >= 0 && !l->inherited)
		(void)setsockopt(l->fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program));
}

void listener_refuse(struct listener *l)
{
	if (l->fd >= 0 && !l->inherited)
		(void)shutdown(l->fd, SHUT_RD);
	if (l->path[0])
		(void)unlink(l->path);
	l->path[0] = '\0';
}

void listener_close(struct listener *l)
{
	if (l->path[0])
		(void)unlink(l->path);
	l->path[0] = '\0';
	if (l->fd >= 0)
		(void)close(l->fd);
	l->fd = -1;
}
