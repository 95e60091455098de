#include "serve/connections.h"

#include "base/err.h"
#include "base/mem.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>

struct connection {
	struct connection *next;
	struct connection *previous;
	int fd;
	_Atomic int64_t since_ms; /* in this phase */
	_Atomic int64_t deadline_ms;
	_Atomic int phase;
	bool ended; /* by connections_end_idle() */
};

struct connections {
	pthread_mutex_t lock; /* of the list; nobody waits while holding it */
	struct connection *first;
	atomic_size_t n;
};

struct connections *connections_new(void)
{
	struct connections *connections = mem_new(1, sizeof(*connections));

	(void)pthread_mutex_init(&connections->lock, NULL);
	return connections;
}

void connections_free(struct connections *connections)
{
	if (!connections)
		return;
	while (connections->first)
		connections_remove(connections, connections->first);
	(void)pthread_mutex_destroy(&connections->lock);
	free(connections);
}

struct connection *connections_add(struct connections *connections, int fd, int64_t now_ms,
				   int64_t deadline_ms)
{
	struct err err;
	struct connection *connection = mem_try(1, sizeof(*connection), &err);

	if (!connection)
		return NULL;
	connection->fd = fd;
	connection_set(connection, CONNECTION_NEW, now_ms, deadline_ms);
	(void)pthread_mutex_lock(&connections->lock);
	connection->next = connections->first;
	if (connection->next)
		connection->next->previous = connection;
	connections->first = connection;
	(void)pthread_mutex_unlock(&connections->lock);
	(void)atomic_fetch_add(&connections->n, 1);
	return connection;
}

void connections_remove(struct connections *connections, struct connection *connection)
{
	(void)pthread_mutex_lock(&connections->lock);
	if (connection->next)
		connection->next->previous = connection->previous;
	if (connection->previous)
		connection->previous->next = connection->next;
	else
		connections->first = connection->next;
	(void)pthread_mutex_unlock(&connections->lock);
	(void)atomic_fetch_sub(&connections->n, 1);
	free(connection);
}

void connection_set(struct connection *connection, enum connection_phase phase, int64_t now_ms,
		    int64_t deadline_ms)
{
	atomic_store_explicit(&connection->since_ms, now_ms, memory_order_relaxed);
	atomic_store_explicit(&connection->phase, (int)phase, memory_order_release);
	atomic_store_explicit(&connection->deadline_ms, deadline_ms, memory_order_relaxed);
}

size_t connections_cut(struct connections *connections, int64_t now_ms)
{
	size_t cut = 0;

	(void)pthread_mutex_lock(&connections->lock);
	for (struct connection *l = connections->first; l; l = l->next) {
		int64_t deadline = atomic_load_explicit(&l->deadline_ms, memory_order_relaxed);

		if (deadline == 0 || deadline > now_ms)
			continue;
		(void)shutdown(l->fd, SHUT_RDWR);
		atomic_store_explicit(&l->deadline_ms, 0, memory_order_relaxed);
		cut++;
	}
	(void)pthread_mutex_unlock(&connections->lock);
	return cut;
}

static bool is_idle(const struct connection *l, int64_t now_ms, int64_t idle_ms, int64_t new_ms)
{
	int phase = atomic_load_explicit(&l->phase, memory_order_acquire);
	int64_t waited = now_ms - atomic_load_explicit(&l->since_ms, memory_order_relaxed);

	return (phase == CONNECTION_IDLE && waited >= idle_ms) ||
	       (phase == CONNECTION_NEW && waited >= new_ms);
}

void connections_end_idle(struct connections *connections, int64_t now_ms, int64_t idle_ms, int64_t new_ms)
{
	(void)pthread_mutex_lock(&connections->lock);
	for (struct connection *l = connections->first; l; l = l->next) {
		if (l->ended || !is_idle(l, now_ms, idle_ms, new_ms))
			continue;
		(void)shutdown(l->fd, SHUT_RD);
		l->ended = true;
	}
	(void)pthread_mutex_unlock(&connections->lock);
}

size_t connections_count(const struct connections *connections)
{
	return atomic_load(&connections->n);
}
