#include "serve/listen.h"

#include "base/err.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

static void takes_a_free_port(void **state)
{
	struct listener a, b;
	struct err err;
	char address[64];

	(void)state;
	assert_int_equal(listener_open(&a, "127.0.0.1:0", &err), 0);
	assert_string_equal(a.address, "127.0.0.1");
	assert_in_range(a.port, 1, 65535);
	assert_false(a.inherited);
	assert_int_equal(fcntl(a.fd, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
	assert_int_equal(fcntl(a.fd, F_GETFD), FD_CLOEXEC);

	(void)snprintf(address, sizeof(address), "127.0.0.1:%d", a.port);
	assert_int_equal(listener_open(&b, address, &err), -1);
	assert_int_equal(err.code, ERR_IO);
	assert_int_equal(b.fd, -1);
	listener_close(&a);
	assert_int_equal(a.fd, -1);
	assert_int_equal(listener_open(&b, address, &err), 0);
	listener_close(&b);
}

/* A machine without /etc/hosts may not know it. */
static bool knows(const char *name)
{
	struct addrinfo *found = NULL;

	if (getaddrinfo(name, NULL, NULL, &found) != 0)
		return false;
	freeaddrinfo(found);
	return true;
}

static void takes_other_forms(void **state)
{
	struct listener l;
	struct err err;

	(void)state;
	if (knows("localhost")) {
		assert_int_equal(listener_open(&l, "localhost:0", &err), 0);
		listener_close(&l);
	} else {
		print_message("localhost is not known here: not tried\n");
		assert_int_equal(listener_open(&l, "localhost:0", &err), -1);
		assert_non_null(strstr(err.text, "localhost"));
	}
	assert_int_equal(listener_open(&l, ":0", &err), 0);
	listener_close(&l);
	if (listener_open(&l, "[::1]:0", &err) == 0) { /* not every machine has IPv6 */
		assert_string_equal(l.address, "::1");
		listener_close(&l);
	}
}

static void refuses_what_is_no_address(void **state)
{
	static const char *const wrong[] = {
		"",	    "localhost",   "localhost:", "127.0.0.1:x",	  "127.0.0.1:65536",  "127.0.0.1:-1",
		"::1:8080", "1.2.3.4.5:0", "unix:",	 "unix:relative", "127.0.0.1:000080", "127.0.0.1: 80",
	};
	struct listener l;

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct err err = { 0 };

		assert_int_equal(listener_open(&l, wrong[i], &err), -1);
		assert_int_equal(err.code, ERR_INPUT);
		assert_non_null(strstr(err.text, wrong[i]));
		assert_int_equal(l.fd, -1);
	}
}

static void a_long_unix_path_is_refused(void **state)
{
	char address[200] = "unix:/";
	struct listener l;
	struct err err;

	(void)state;
	memset(address + 6, 'a', 150);
	assert_int_equal(listener_open(&l, address, &err), -1);
	assert_int_equal(err.code, ERR_INPUT);
}

static int connect_to(const char *path)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int done;

	memcpy(at.sun_path, path, strlen(path) + 1);
	done = connect(fd, (const struct sockaddr *)&at, sizeof(at));
	(void)close(fd);
	return done;
}

static void a_unix_socket_lives_and_dies(void **state)
{
	char folder[] = "/tmp/test_listen.XXXXXX";
	char address[80], *path = address + strlen("unix:");
	struct listener l, second;
	struct err err;
	int fd;

	(void)state;
	assert_non_null(mkdtemp(folder));
	(void)snprintf(address, sizeof(address), "unix:%s/s", folder);
	assert_int_equal(listener_open(&l, address, &err), 0);
	assert_string_equal(l.address, address);
	assert_int_equal(l.port, 0);
	assert_int_equal(connect_to(path), 0);

	/* Someone answers there. */
	assert_int_equal(listener_open(&second, address, &err), -1);
	assert_int_equal(err.code, ERR_CONFLICT);
	assert_int_equal(connect_to(path), 0);

	/* Left behind by one that was killed: nobody answers any more. */
	(void)close(l.fd);
	l.fd = -1;
	assert_int_equal(connect_to(path), -1);
	assert_int_equal(listener_open(&second, address, &err), 0);
	assert_int_equal(connect_to(path), 0);

	listener_refuse(&second);
	assert_int_equal(access(path, F_OK), -1);
	listener_close(&second);

	/* A file that is no socket is nobody's to remove. */
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	(void)close(fd);
	assert_int_equal(listener_open(&second, address, &err), -1);
	assert_int_equal(err.code, ERR_CONFLICT);
	assert_int_equal(access(path, F_OK), 0);
	(void)unlink(path);
	(void)rmdir(folder);
}

static void refusing_ends_the_port(void **state)
{
	struct listener l, next;
	struct err err;
	char address[64];

	(void)state;
	assert_int_equal(listener_open(&l, "127.0.0.1:0", &err), 0);
	listener_refuse(&l);
	(void)snprintf(address, sizeof(address), "127.0.0.1:%d", l.port);
	/* The port is free for a successor though our file is still open. */
	assert_int_equal(listener_open(&next, address, &err), 0);
	listener_close(&next);
	listener_close(&l);
}

static int connect_soon(int port)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_port = htons((uint16_t)port),
				  .sin_addr = { htonl(INADDR_LOOPBACK) } };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct pollfd wait = { .fd = fd, .events = POLLOUT };
	int ready;

	(void)connect(fd, (const struct sockaddr *)&at, sizeof(at));
	ready = poll(&wait, 1, 100);
	(void)close(fd);
	return ready;
}

static void holding_takes_no_more(void **state)
{
	struct listener l;
	struct err err;

	(void)state;
	assert_int_equal(listener_open(&l, "127.0.0.1:0", &err), 0);
	assert_int_equal(connect_soon(l.port), 1);
	listener_hold(&l);
	assert_int_equal(connect_soon(l.port), 0); /* neither taken nor refused */
	listener_refuse(&l);
	assert_int_equal(connect_soon(l.port), 1); /* refused */
	listener_close(&l);
}

static void variables_for_another_process_are_left_alone(void **state)
{
	struct listener l;
	struct err err;

	(void)state;
	(void)setenv("LISTEN_PID", "1", 1);
	(void)setenv("LISTEN_FDS", "1", 1);
	assert_int_equal(listener_open(&l, "127.0.0.1:0", &err), 0);
	assert_false(l.inherited);
	assert_non_null(getenv("LISTEN_FDS"));
	listener_close(&l);
	(void)unsetenv("LISTEN_PID");
	(void)unsetenv("LISTEN_FDS");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_a_free_port),
		cmocka_unit_test(takes_other_forms),
		cmocka_unit_test(refuses_what_is_no_address),
		cmocka_unit_test(a_long_unix_path_is_refused),
		cmocka_unit_test(a_unix_socket_lives_and_dies),
		cmocka_unit_test(refusing_ends_the_port),
		cmocka_unit_test(holding_takes_no_more),
		cmocka_unit_test(variables_for_another_process_are_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
