/*
 * The limit for HTTP on this machine: a server that parses nothing and answers every
 * request with the same bytes.  raw_epoll PORT BODY-BYTES [THREADS]
 *
 * A request is taken to end where a read ends (wrk sends one at a time and waits).
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static char *reply;
static size_t reply_n;
static int port;

static int listen_here(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((unsigned short)port) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	int on = 1;

	a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) ||
	    bind(fd, (struct sockaddr *)&a, sizeof(a)) || listen(fd, 1024)) {
		perror("raw_epoll");
		exit(1);
	}
	return fd;
}

static void answer(int fd)
{
	char bytes[65536];

	if (recv(fd, bytes, sizeof(bytes), 0) <= 0 ||
	    send(fd, reply, reply_n, MSG_NOSIGNAL) != (ssize_t)reply_n)
		(void)close(fd);
}

static void *serve(void *unused)
{
	int door = listen_here();
	int poll = epoll_create1(0);
	struct epoll_event e = { .events = EPOLLIN, .data.fd = door };
	struct epoll_event ready[64];

	(void)unused;
	(void)epoll_ctl(poll, EPOLL_CTL_ADD, door, &e);
	for (;;) {
		int n = epoll_wait(poll, ready, 64, -1);

		for (int i = 0; i < n; i++) {
			int on = 1;

			if (ready[i].data.fd != door) {
				answer(ready[i].data.fd);
				continue;
			}
			e.data.fd = accept(door, NULL, NULL);
			(void)setsockopt(e.data.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
			(void)epoll_ctl(poll, EPOLL_CTL_ADD, e.data.fd, &e);
		}
	}
	return NULL;
}

int main(int argc, char **argv)
{
	size_t body = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
	long threads = argc > 3 ? strtol(argv[3], NULL, 10) : sysconf(_SC_NPROCESSORS_ONLN);
	pthread_t thread;

	port = argc > 1 ? atoi(argv[1]) : 0;
	if (!port || !body) {
		(void)fprintf(stderr, "usage: raw_epoll PORT BODY-BYTES [THREADS]\n");
		return 2;
	}
	reply = malloc(body + 256);
	if (!reply)
		return 1;
	reply_n = (size_t)sprintf(
		reply, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
		body);
	memset(reply + reply_n, 'x', body);
	reply_n += body;
	while (--threads > 0)
		(void)pthread_create(&thread, NULL, serve, NULL);
	(void)serve(NULL);
	return 0;
}
