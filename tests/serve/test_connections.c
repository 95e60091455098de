#include "serve/connections.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static void open_pair(int fds[2])
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds), 0);
}

static void close_pair(const int fds[2])
{
	assert_int_equal(close(fds[0]), 0);
	assert_int_equal(close(fds[1]), 0);
}

/* What the other end would see of a connection: 0 when it was shut down, -1 while it is open. */
static ssize_t look(int fd)
{
	char c;

	return recv(fd, &c, 1, MSG_DONTWAIT);
}

/* Is its reading side ended?  Says nothing of what may still be read. */
static bool has_ended(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLRDHUP };

	return poll(&p, 1, 0) == 1;
}

static void the_late_are_cut_and_only_they(void **state)
{
	struct connections *connections = connections_new();
	struct connection *link[3];
	int fds[3][2];

	(void)state;
	for (int i = 0; i < 3; i++) {
		open_pair(fds[i]);
		link[i] = connections_add(connections, fds[i][0], 1000, 2000);
		assert_non_null(link[i]);
	}
	assert_int_equal(connections_count(connections), 3);
	connection_set(link[1], CONNECTION_WORK, 1000, 0);
	connection_set(link[2], CONNECTION_BODY, 1000, 3000);
	assert_int_equal(connections_cut(connections, 1999), 0);
	assert_int_equal(connections_cut(connections, 2000), 1);
	assert_int_equal(look(fds[0][1]), 0);
	assert_int_equal(look(fds[1][1]), -1);
	assert_int_equal(connections_cut(connections, 2001), 0); /* each once */
	assert_int_equal(connections_cut(connections, 1000000), 1);
	assert_int_equal(look(fds[2][1]), 0);
	assert_int_equal(look(fds[1][1]), -1); /* our own work has no deadline */
	connections_remove(connections, link[1]);
	connections_remove(connections, link[0]);
	assert_int_equal(connections_count(connections), 1);
	connections_free(connections);
	for (int i = 0; i < 3; i++)
		close_pair(fds[i]);
}

/* What had arrived is still read; then the stream ends. */
static void a_drain_ends_the_idle_after_their_last_word(void **state)
{
	struct connections *connections = connections_new();
	struct connection *idle;
	struct connection *busy;
	struct connection *fresh;
	int a[2];
	int b[2];
	int c[2];
	char got[8];

	(void)state;
	open_pair(a);
	open_pair(b);
	open_pair(c);
	idle = connections_add(connections, a[0], 1000, 2000);
	busy = connections_add(connections, b[0], 1000, 2000);
	fresh = connections_add(connections, c[0], 5000, 9000);
	connection_set(idle, CONNECTION_IDLE, 5300, 9000);
	connection_set(busy, CONNECTION_BODY, 1000, 9000);
	assert_non_null(fresh);
	assert_int_equal(send(a[1], "hello", 5, 0), 5);
	connections_end_idle(connections, 5499, 200, 1000);
	assert_false(has_ended(a[0])); /* silent for 199 ms: in the midst of a conversation */
	connections_end_idle(connections, 5500, 200, 1000);
	assert_int_equal(recv(a[0], got, sizeof(got), MSG_DONTWAIT), 5);
	assert_int_equal(look(a[0]), 0);
	assert_int_equal(look(b[0]), -1);
	assert_int_equal(look(c[0]), -1); /* new: it may be about to ask */
	assert_int_equal(send(a[0], "bye", 3, 0), 3);
	assert_int_equal(recv(a[1], got, sizeof(got), MSG_DONTWAIT), 3);
	connections_end_idle(connections, 6001, 200, 1000);
	assert_int_equal(look(c[0]), 0);
	connections_free(connections);
	close_pair(a);
	close_pair(b);
	close_pair(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_late_are_cut_and_only_they),
		cmocka_unit_test(a_drain_ends_the_idle_after_their_last_word),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
