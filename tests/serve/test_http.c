/* The daemon's HTTP side over real sockets, in this process, so that sanitizers see both ends' threads. */
#include "base/err.h"
#include "base/json.h"
#include "base/limits.h"
#include "math/vec.h"
#include "model/model.h"
#include "model/registry.h"
#include "routes/metrics.h"
#include "routes/service.h"
#include "serve/http.h"
#include "serve/listen.h"
#include "support/toy.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

enum { WORDS = 500, DIM = 64, REPLY_MOST = 32 << 20 };

static struct serve_options options;
static struct service service;
static struct http *http;
static int listening;
static uint16_t port;
static int send_bytes; /* the buffer of the server's sockets; 0: the system's */

static struct model *a_model(unsigned seed)
{
	return toy_model((struct toy){
		.n = WORDS, .d = DIM, .k = 1, .type = ROWS_F32, .method = METHOD_SIF, .seed = seed });
}

static int open_socket(void)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	socklen_t n = sizeof(at);

	listening = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (listening >= 0 && send_bytes)
		(void)setsockopt(listening, SOL_SOCKET, SO_SNDBUF, &send_bytes, sizeof(send_bytes));
	if (listening < 0 || bind(listening, (struct sockaddr *)&at, n) != 0 || listen(listening, 512) != 0 ||
	    getsockname(listening, (struct sockaddr *)&at, &n) != 0)
		return -1;
	port = ntohs(at.sin_port);
	return 0;
}

static int start(void **state)
{
	struct err err = { 0 };

	(void)state;
	options = (struct serve_options){ .threads = 2,
					  .workers = 2,
					  .limits = { .body_bytes = 1 << 20,
						      .corpus_bytes = 1 << 20,
						      .inflight_bytes = 64 << 20,
						      .inputs = 2048,
						      .texts = LIMIT_TEXTS,
						      .connections = 256,
						      .queue = 64,
						      .header_ms = 2000,
						      .body_ms = 2000,
						      .idle_ms = 5000,
						      .write_ms = 5000 } };
	service =
		(struct service){ .options = &options, .registry = registry_new(), .metrics = metrics_new() };
	if (registry_put(service.registry, "default", a_model(1), &err) != 0 || open_socket() != 0)
		return -1;
	http = http_start(&service, listening, &err);
	atomic_store(&service.ready, true);
	return http ? 0 : -1;
}

static int stop(void **state)
{
	(void)state;
	http_stop(http);
	if (listening >= 0)
		(void)close(listening);
	assert_int_equal(atomic_load(&service.inflight_bytes), 0);
	assert_int_equal(atomic_load(&service.queued), 0);
	metrics_free(service.metrics);
	registry_free(service.registry);
	return toy_alive() == 0 ? 0 : -1;
}

/* ---- a client ---- */

/* receive_bytes: the socket's buffer, 0 for the system's. */
static int dial_with(int receive_bytes)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons(port),
				  .sin_addr = { htonl(INADDR_LOOPBACK) } };
	struct timeval patience = { .tv_sec = 20 };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd >= 0 && receive_bytes)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof(receive_bytes));
	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) != 0) {
		if (fd >= 0)
			(void)close(fd);
		return -1;
	}
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	return fd;
}

static int dial(void)
{
	return dial_with(0);
}

static bool say(int fd, const char *bytes, size_t n)
{
	while (n > 0) {
		ssize_t sent = send(fd, bytes, n, MSG_NOSIGNAL);

		if (sent <= 0)
			return false;
		bytes += sent;
		n -= (size_t)sent;
	}
	return true;
}

struct answer {
	int status; /* 0: none came; -1: cut short */
	bool close; /* it says that the connection ends */
	size_t n;   /* of the body */
	char *body; /* to be freed */
	char head[2048];
};

/* One reply with a Content-Length; what follows it stays in the socket. */
static struct answer hear_reply(int fd, bool has_body)
{
	struct answer a = { 0 };
	size_t n = 0;
	size_t got = 0;
	const char *length;

	while (n < sizeof(a.head) - 1 && (n < 4 || memcmp(a.head + n - 4, "\r\n\r\n", 4) != 0)) {
		if (recv(fd, a.head + n, 1, 0) != 1) {
			a.status = n ? -1 : 0;
			return a;
		}
		n++;
	}
	a.head[n] = '\0';
	length = strcasestr(a.head, "\r\nContent-Length:");
	a.status = atoi(a.head + strlen("HTTP/1.1 "));
	a.close = strcasestr(a.head, "\r\nConnection: close") != NULL;
	a.n = length && has_body ? strtoul(length + strlen("\r\nContent-Length:"), NULL, 10) : 0;
	if (a.n > REPLY_MOST) {
		a.status = -1;
		return a;
	}
	a.body = malloc(a.n + 1);
	while (got < a.n) {
		ssize_t more = recv(fd, a.body + got, a.n - got, 0);

		if (more <= 0) {
			a.status = -1;
			break;
		}
		got += (size_t)more;
	}
	a.body[got] = '\0';
	return a;
}

static struct answer hear(int fd)
{
	return hear_reply(fd, true);
}

static bool post(int fd, const char *path, const char *body)
{
	size_t n = strlen(body);
	char *all = malloc(n + 300);
	size_t used = (size_t)snprintf(all, 300, "POST %s HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n\r\n",
				       path, n);
	bool done;

	memcpy(all + used, body, n);
	done = say(fd, all, used + n);
	free(all);
	return done;
}

/* {"input":["wa wb", ...]} of n texts; to be freed. */
static char *texts(size_t n)
{
	char *body = malloc(n * 40 + 40);
	size_t used = (size_t)sprintf(body, "{\"input\":[");
	char a[8];
	char b[8];

	for (size_t i = 0; i < n; i++)
		used += (size_t)sprintf(body + used, "%s\"%s %s\"", i ? "," : "",
					toy_word(a, (uint32_t)(i % WORDS)),
					toy_word(b, (uint32_t)(i * 7 % WORDS)));
	(void)sprintf(body + used, "]}");
	return body;
}

static double now_s(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* ---- requests and replies ---- */

static void connections_are_kept(void **state)
{
	int fd = dial();
	char id[100];

	(void)state;
	for (int i = 0; i < 20; i++) {
		struct answer a;

		assert_true(post(fd, "/v1/embeddings", "{\"input\":\"wa wb\"}"));
		a = hear(fd);
		assert_int_equal(a.status, 200);
		assert_false(a.close);
		assert_non_null(strcasestr(a.head, "\r\nX-Request-Id: "));
		assert_null(strcasestr(a.head, "\r\nServer:"));
		if (i)
			assert_null(strstr(a.head, id));
		(void)snprintf(id, sizeof(id), "%.40s", strcasestr(a.head, "X-Request-Id: "));
		free(a.body);
	}
	assert_int_equal(close(fd), 0);
}

static void pipelined_requests_are_answered_in_order(void **state)
{
	int fd = dial();
	char all[16 * 120];
	size_t n = 0;

	(void)state;
	for (int i = 0; i < 16; i++)
		n += (size_t)sprintf(all + n, "GET /live HTTP/1.1\r\nHost: a\r\nX-Request-Id: m%d\r\n\r\n",
				     i);
	assert_true(say(fd, all, n));
	for (int i = 0; i < 16; i++) {
		struct answer a = hear(fd);
		char id[40];

		(void)sprintf(id, "X-Request-Id: m%d\r\n", i);
		assert_int_equal(a.status, 200);
		assert_non_null(strstr(a.head, id));
		free(a.body);
	}
	assert_int_equal(close(fd), 0);
}

struct raw {
	const char *bytes;
	int status;
	bool closes;
	const char *header; /* must be there */
};

#define BAD "\r\n\r\nGET /live HTTP/1.1\r\nHost: smuggled\r\n\r\n"

static const struct raw raws[] = {
	{ "GET /live HTTP/1.1\r\nHost: a\r\n\r\n", 200, false, "Cache-Control: no-store" },
	{ "HEAD /nothing HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 404, true, NULL },
	{ "OPTIONS /v1/jobsx HTTP/1.1\r\nHost: a\r\n\r\n", 404, false, NULL },
	{ "OPTIONS /v1/embeddings HTTP/1.1\r\nHost: a\r\n\r\n", 204, false, "Allow: POST, OPTIONS" },
	{ "PATCH /v1/embeddings HTTP/1.1\r\nHost: a\r\n\r\n", 405, false, "Allow: POST, OPTIONS" },
	{ "GET /v1/embeddings HTTP/1.1\r\nHost: a\r\n\r\n", 405, false, "Allow: POST, OPTIONS" },
	{ "POST /nothing HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", 404, false, NULL },
	{ "GET /live HTTP/1.1\r\nHost: a\r\nX-Request-Id: mine-1\r\n\r\n", 200, false,
	  "X-Request-Id: mine-1" },
	{ "GET /live HTTP/1.1\r\nHost: a\r\nHost: b" BAD, 400, true, "Connection: close" },
	{ "BREW /live HTTP/1.1\r\nHost: a" BAD, 501, true, "Connection: close" },
	{ "GET /a%00b HTTP/1.1\r\nHost: a" BAD, 400, true, "Connection: close" },
	{ "POST /v1/embeddings HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked" BAD,
	  400, true, "Connection: close" },
	{ "POST /v1/embeddings HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nContent-Length: 3" BAD, 400, true,
	  "Connection: close" },
	{ "POST /v1/embeddings HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 411, true,
	  "Connection: close" },
	{ "POST /v1/embeddings HTTP/1.1\r\nHost: a\r\nContent-Length: 1048577" BAD, 413, true,
	  "Connection: close" },
	{ "POST /v1/embeddings HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 7" BAD, 417, true,
	  "Connection: close" },
};

/* And behind a refusal nothing is read any more. */
static void raw_requests_get_one_answer(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(raws) / sizeof(raws[0]); i++) {
		const struct raw *r = &raws[i];
		int fd = dial();
		struct answer a;
		struct answer next = { 0 };

		assert_true(say(fd, r->bytes, strlen(r->bytes)));
		a = hear_reply(fd, strncmp(r->bytes, "HEAD", 4) != 0);
		if (a.status != r->status || (r->header && !strcasestr(a.head, r->header)))
			fail_msg("%s: %s%s", r->bytes, a.head, a.body);
		if (r->closes)
			next = hear(fd);
		if (next.status != 0)
			fail_msg("%s: a second answer: %s", r->bytes, next.head);
		free(a.body);
		free(next.body);
		assert_int_equal(close(fd), 0);
	}
}

/* ---- big requests ---- */

static void big_requests_have_the_same_answers(void **state)
{
	char *body = texts(2048);
	int fd = dial();
	struct answer big;
	struct answer one;

	(void)state;
	assert_true(post(fd, "/v1/embeddings", body));
	big = hear(fd);
	assert_int_equal(big.status, 200);
	assert_true(post(fd, "/v1/embeddings", "{\"input\":[\"wa wa\"]}"));
	one = hear(fd);
	assert_int_equal(one.status, 200);
	/* up to the end of the first vector */
	assert_memory_equal(big.body, one.body, (size_t)(strchr(one.body, ']') - one.body));
	free(big.body);
	free(one.body);
	free(body);
	assert_int_equal(close(fd), 0);
}

static void a_full_queue_says_come_back(void **state)
{
	enum { CLIENTS = 40 };
	char *body = texts(2048);
	int fds[CLIENTS];
	int busy = 0;
	int done = 0;

	(void)state;
	options.limits.queue = 2; /* read at the start of the workers: restart them */
	http_stop(http);
	assert_int_equal(close(listening), 0);
	assert_int_equal(open_socket(), 0);
	http = http_start(&service, listening, &(struct err){ 0 });
	assert_non_null(http);
	for (int i = 0; i < CLIENTS; i++) {
		fds[i] = dial();
		assert_true(post(fds[i], "/v1/embeddings", body));
	}
	for (int i = 0; i < CLIENTS; i++) {
		struct answer a = hear(fds[i]);

		done += a.status == 200;
		busy += a.status == 429;
		if (a.status == 429)
			assert_non_null(strcasestr(a.head, "\r\nRetry-After: 1\r\n"));
		free(a.body);
		assert_int_equal(close(fds[i]), 0);
	}
	assert_int_equal(done + busy, CLIENTS);
	assert_true(done >= 2);
	assert_true(busy >= 1);
	free(body);
}

/* ---- clients in threads ---- */

struct client {
	pthread_t thread;
	const char *body;
	atomic_bool *go; /* until it is false */
	atomic_int sent;
	int answered, lost, refused, other;
	double *seconds; /* of each answer, at most `most` */
	size_t most;
};

enum { IDLE_PATIENCE_MS = 200 /* of a drain, with a connection on which nobody asks */ };

/* Asks until told to stop or the server is gone; counts what became of each request. */
static void *ask_on(void *arg)
{
	struct client *c = arg;
	int fd = -1;
	double asked = 0; /* on this connection, last */

	while (atomic_load(c->go)) {
		struct answer a;
		double began;
		bool idle;

		if (fd < 0) {
			if ((fd = dial()) < 0)
				break; /* refused: it has closed */
			asked = now_s();
		}
		began = now_s();
		/* On a busy machine the answer may lie there while nobody lets us run. */
		idle = began - asked >= IDLE_PATIENCE_MS * 1e-3;
		asked = began;
		if (!post(fd, "/v1/embeddings", c->body)) {
			c->refused++; /* an idle connection ended before we asked */
			(void)close(fd);
			fd = -1;
			continue;
		}
		c->sent++;
		a = hear(fd);
		if (c->seconds && c->answered < (int)c->most)
			c->seconds[c->answered] = now_s() - began;
		c->answered += a.status == 200;
		c->refused += a.status == 0 && idle;
		c->lost += a.status < 0 || (a.status == 0 && !idle);
		c->other += a.status > 0 && a.status != 200;
		free(a.body);
		if (a.close || a.status <= 0) {
			(void)close(fd);
			fd = -1;
		}
	}
	if (fd >= 0)
		(void)close(fd);
	return NULL;
}

static void run_clients(struct client *clients, size_t n)
{
	for (size_t i = 0; i < n; i++)
		assert_int_equal(pthread_create(&clients[i].thread, NULL, ask_on, &clients[i]), 0);
}

static void join_clients(struct client *clients, size_t n)
{
	for (size_t i = 0; i < n; i++)
		assert_int_equal(pthread_join(clients[i].thread, NULL), 0);
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;

	return (x > y) - (x < y);
}

static void small_requests_do_not_wait_for_big_ones(void **state)
{
	enum { SMALL = 8, MOST = 100000 };
	struct client clients[SMALL + 1] = { 0 };
	atomic_bool go = true;
	double *all = malloc(SMALL * MOST * sizeof(*all));
	char *big = texts(2048);
	size_t n = 0;

	(void)state;
	for (int i = 0; i <= SMALL; i++)
		clients[i] =
			(struct client){ .go = &go, .body = i < SMALL ? "{\"input\":\"wa wb wc\"}" : big };
	for (int i = 0; i < SMALL; i++) {
		clients[i].seconds = malloc(MOST * sizeof(double));
		clients[i].most = MOST;
	}
	run_clients(clients, SMALL + 1);
	(void)usleep(1500000);
	atomic_store(&go, false);
	join_clients(clients, SMALL + 1);
	for (int i = 0; i < SMALL; i++) {
		size_t mine = (size_t)clients[i].answered < MOST ? (size_t)clients[i].answered : MOST;

		assert_int_equal(clients[i].answered, clients[i].sent);
		memcpy(all + n, clients[i].seconds, mine * sizeof(double));
		n += mine;
		free(clients[i].seconds);
	}
	assert_true(n > 100);
	qsort(all, n, sizeof(*all), by_size);
	print_message(
		"%zu small requests beside %d of 2048 texts: median %.2f ms, p99 %.2f ms, most %.2f ms\n", n,
		clients[SMALL].answered, all[n / 2] * 1e3, all[n * 99 / 100] * 1e3, all[n - 1] * 1e3);
	assert_true(clients[SMALL].answered > 0);
	assert_true(all[n * 99 / 100] < 0.2); /* loose: sanitizers, a shared machine; 20 ms is the aim */
	free(all);
	free(big);
}

/* Many requests suspended and resumed at once: none may be forgotten. */
static void suspended_requests_are_all_answered(void **state)
{
	enum { CLIENTS = 16 };
	struct client clients[CLIENTS] = { 0 };
	atomic_bool go = true;
	char *body = texts(300); /* just enough to be offloaded */
	int answered = 0;

	(void)state;
	for (int i = 0; i < CLIENTS; i++)
		clients[i] = (struct client){ .go = &go, .body = i % 4 ? body : "{\"input\":\"wa\"}" };
	run_clients(clients, CLIENTS);
	(void)usleep(2000000);
	atomic_store(&go, false);
	join_clients(clients, CLIENTS);
	for (int i = 0; i < CLIENTS; i++) {
		answered += clients[i].answered;
		assert_int_equal(clients[i].lost, 0);
		assert_int_equal(clients[i].other, 0);
		assert_int_equal(clients[i].answered, clients[i].sent);
		assert_true(clients[i].sent > 0);
	}
	print_message("%d answered\n", answered);
	free(body);
}

/* ---- slow clients ---- */

/* Restarts with short patience. */
static void be_impatient(unsigned ms)
{
	options.limits.header_ms = options.limits.body_ms = options.limits.idle_ms = options.limits.write_ms =
		ms;
	http_stop(http);
	assert_int_equal(close(listening), 0);
	assert_int_equal(open_socket(), 0);
	http = http_start(&service, listening, &(struct err){ 0 });
	assert_non_null(http);
}

/* Sends the bytes one by one; the seconds until the server had enough. */
static double drip(int fd, const char *bytes)
{
	double began = now_s();

	for (; *bytes && now_s() - began < 10; bytes++) {
		char c;
		ssize_t n = say(fd, bytes, 1) ? recv(fd, &c, 1, MSG_DONTWAIT | MSG_PEEK) : 0;

		if (n == 0 || (n < 0 && errno != EAGAIN))
			break;
		(void)usleep(50000);
	}
	return now_s() - began;
}

static void slow_clients_are_cut(void **state)
{
	static const char head[] = "POST /v1/embeddings HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n";
	static const char xs[] =
		"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";
	double seconds;
	int fd;
	char c;

	(void)state;
	be_impatient(400);
	fd = dial(); /* header */
	seconds = drip(
		fd,
		"GET /live HTTP/1.1\r\nHost: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa");
	assert_true(seconds > 0.35 && seconds < 2.5);
	assert_int_equal(close(fd), 0);
	fd = dial(); /* body */
	assert_true(say(fd, head, sizeof(head) - 1));
	seconds = drip(fd, xs);
	assert_true(seconds > 0.35 && seconds < 2.5);
	assert_int_equal(close(fd), 0);
	fd = dial(); /* nothing at all */
	seconds = now_s();
	assert_int_equal(recv(fd, &c, 1, 0), 0);
	assert_true(now_s() - seconds < 2.5);
	assert_int_equal(close(fd), 0);
	/* The clock counts behind the cut. */
	for (int i = 0; i < 200 && atomic_load(&service.late) < 3; i++)
		(void)usleep(10000);
	assert_int_equal(atomic_load(&service.late), 3);
}

/* A body has its own time, and its size has time on top. */
static void a_steady_body_is_not_cut(void **state)
{
	static const char head[] = "POST /v1/embeddings HTTP/1.1\r\nHost: a\r\nContent-Length: 14\r\n\r\n";
	int fd;
	struct answer a;

	(void)state;
	be_impatient(300);
	options.limits.body_ms = 5000;
	fd = dial();
	assert_true(say(fd, head, sizeof(head) - 1));
	(void)drip(fd, "{\"input\":\"wa\"}");
	a = hear(fd);
	assert_int_equal(a.status, 200);
	free(a.body);
	assert_int_equal(close(fd), 0);
}

/* {"left":[...],"right":[...]} of n texts each; to be freed. */
static char *square(size_t n)
{
	char *body = malloc(2 * n * 10 + 40);
	size_t used = (size_t)sprintf(body, "{\"left\":[");
	char word[8];

	for (size_t i = 0; i < 2 * n; i++)
		used += (size_t)sprintf(body + used, "%s\"%s\"",
					i == n ? "],\"right\":["
					: i    ? ","
					       : "",
					toy_word(word, (uint32_t)(i % WORDS)));
	(void)sprintf(body + used, "]}");
	return body;
}

/* Who does not read its answer is cut too. */
static void slow_readers_are_cut(void **state)
{
	char *body = square(130); /* 200 kB of answer: 3 s on top of the 300 ms */
	int fd;
	struct answer a;
	double began;

	(void)state;
	send_bytes = 4096; /* connections take it from the listening socket */
	be_impatient(300);
	send_bytes = 0;
	fd = dial_with(4096);
	assert_true(post(fd, "/v1/similarity", body));
	began = now_s();
	while (atomic_load(&service.late) == 0 && now_s() - began < 20)
		(void)usleep(20000);
	assert_int_equal(atomic_load(&service.late), 1);
	a = hear(fd);
	assert_int_equal(a.status, -1);
	free(a.body);
	free(body);
	assert_int_equal(close(fd), 0);
}

/* ---- the end ---- */

static void a_drain_loses_nothing(void **state)
{
	enum { CLIENTS = 8 };
	struct client clients[CLIENTS] = { 0 };
	atomic_bool go = true;
	char *body = texts(300);
	int idle = dial();
	struct listener listener = { .fd = listening };
	double began;
	char c;

	(void)state;
	for (int i = 0; i < CLIENTS; i++)
		clients[i] = (struct client){ .go = &go, .body = i % 2 ? body : "{\"input\":\"wa\"}" };
	run_clients(clients, CLIENTS);
	assert_true(say(idle, "GET /live HTTP/1.1\r\nHost: a\r\n\r\n", 32));
	free(hear(idle).body);
	for (int i = 0; i < CLIENTS; i++)
		while (atomic_load(&clients[i].sent) == 0)
			(void)usleep(1000);
	(void)usleep(300000);
	began = now_s();
	listener_hold(&listener);
	http_quiesce(http);
	listener_refuse(&listener);
	assert_int_equal(recv(idle, &c, 1, 0), 0);
	while (http_busy(http) && now_s() - began < 20)
		(void)usleep(5000);
	assert_int_equal(http_busy(http), 0);
	assert_true(now_s() - began < 10);
	join_clients(clients, CLIENTS); /* they end because nobody listens any more */
	for (int i = 0; i < CLIENTS; i++) {
		assert_int_equal(clients[i].lost, 0);
		assert_int_equal(clients[i].other, 0);
	}
	assert_int_equal(close(idle), 0);
	free(body);
}

/* Without a drain, with big requests queued and running: it ends at once, and nothing is left. */
static void a_stop_does_not_hang(void **state)
{
	enum { CLIENTS = 20 };
	char *body = texts(2048);
	int fds[CLIENTS];
	double began;

	(void)state;
	for (int i = 0; i < CLIENTS; i++) {
		fds[i] = dial();
		assert_true(post(fds[i], "/v1/embeddings", body));
	}
	(void)usleep(20000);
	began = now_s();
	http_stop(http);
	assert_true(now_s() - began < 10);
	http = NULL;
	for (int i = 0; i < CLIENTS; i++)
		assert_int_equal(close(fds[i]), 0);
	free(body);
}

/* ---- models ---- */

static void models_change_under_load(void **state)
{
	enum { CLIENTS = 6, SWAPS = 60 };
	struct client clients[CLIENTS] = { 0 };
	atomic_bool go = true;
	char *body = texts(300);
	struct err err = { 0 };

	(void)state;
	for (int i = 0; i < CLIENTS; i++)
		clients[i] = (struct client){ .go = &go, .body = i % 3 ? "{\"input\":\"wa wb\"}" : body };
	run_clients(clients, CLIENTS);
	for (unsigned i = 0; i < SWAPS; i++) {
		assert_int_equal(registry_put(service.registry, "default", a_model(2 + i), &err), 0);
		(void)usleep(20000);
	}
	atomic_store(&go, false);
	join_clients(clients, CLIENTS);
	for (int i = 0; i < CLIENTS; i++) {
		assert_true(clients[i].sent > 0);
		assert_int_equal(clients[i].answered, clients[i].sent);
	}
	free(body);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(connections_are_kept, start, stop),
		cmocka_unit_test_setup_teardown(pipelined_requests_are_answered_in_order, start, stop),
		cmocka_unit_test_setup_teardown(raw_requests_get_one_answer, start, stop),
		cmocka_unit_test_setup_teardown(big_requests_have_the_same_answers, start, stop),
		cmocka_unit_test_setup_teardown(a_full_queue_says_come_back, start, stop),
		cmocka_unit_test_setup_teardown(small_requests_do_not_wait_for_big_ones, start, stop),
		cmocka_unit_test_setup_teardown(suspended_requests_are_all_answered, start, stop),
		cmocka_unit_test_setup_teardown(slow_clients_are_cut, start, stop),
		cmocka_unit_test_setup_teardown(a_steady_body_is_not_cut, start, stop),
		cmocka_unit_test_setup_teardown(slow_readers_are_cut, start, stop),
		cmocka_unit_test_setup_teardown(a_drain_loses_nothing, start, stop),
		cmocka_unit_test_setup_teardown(a_stop_does_not_hang, start, stop),
		cmocka_unit_test_setup_teardown(models_change_under_load, start, stop),
	};

	(void)signal(SIGPIPE, SIG_IGN);
	vec_init();
	json_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
