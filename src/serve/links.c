#include "serve/links.h"

#include "base/err.h"
#include "base/mem.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/socket.h>

struct link {
	struct link *next;
	struct link *previous;
	int fd;
	_Atomic int64_t since_ms; /* in this phase */
	_Atomic int64_t deadline_ms;
	_Atomic int phase;
	bool ended; /* by links_end_idle() */
};

struct links {
	pthread_mutex_t lock; /* of the list; held by nobody who waits */
	struct link *first;
	atomic_size_t n;
};

struct links *links_new(void)
{
	struct links *links = mem_new(1, sizeof(*links));

	(void)pthread_mutex_init(&links->lock, NULL);
	return links;
}

void links_free(struct links *links)
{
	if (!links)
		return;
	while (links->first)
		links_remove(links, links->first);
	(void)pthread_mutex_destroy(&links->lock);
	free(links);
}

struct link *links_add(struct links *links, int fd, int64_t now_ms, int64_t deadline_ms)
{
	struct err err;
	struct link *link = mem_try(1, sizeof(*link), &err);

	if (!link)
		return NULL;
	link->fd = fd;
	link_set(link, LINK_NEW, now_ms, deadline_ms);
	(void)pthread_mutex_lock(&links->lock);
	link->next = links->first;
	if (link->next)
		link->next->previous = link;
	links->first = link;
	(void)pthread_mutex_unlock(&links->lock);
	(void)atomic_fetch_add(&links->n, 1);
	return link;
}

void links_remove(struct links *links, struct link *link)
{
	(void)pthread_mutex_lock(&links->lock);
	if (link->next)
		link->next->previous = link->previous;
	if (link->previous)
		link->previous->next = link->next;
	else
		links->first = link->next;
	(void)pthread_mutex_unlock(&links->lock);
	(void)atomic_fetch_sub(&links->n, 1);
	free(link);
}

void link_set(struct link *link, enum link_phase phase, int64_t now_ms, int64_t deadline_ms)
{
	atomic_store_explicit(&link->since_ms, now_ms, memory_order_relaxed);
	atomic_store_explicit(&link->phase, (int)phase, memory_order_release);
	atomic_store_explicit(&link->deadline_ms, deadline_ms, memory_order_relaxed);
}

size_t links_cut(struct links *links, int64_t now_ms)
{
	size_t cut = 0;

	(void)pthread_mutex_lock(&links->lock);
	for (struct link *l = links->first; l; l = l->next) {
		int64_t deadline = atomic_load_explicit(&l->deadline_ms, memory_order_relaxed);

		if (deadline == 0 || deadline > now_ms)
			continue;
		(void)shutdown(l->fd, SHUT_RDWR);
		atomic_store_explicit(&l->deadline_ms, 0, memory_order_relaxed);
		cut++;
	}
	(void)pthread_mutex_unlock(&links->lock);
	return cut;
}

static bool is_idle(const struct link *l, int64_t now_ms, int64_t idle_ms, int64_t new_ms)
{
	int phase = atomic_load_explicit(&l->phase, memory_order_acquire);
	int64_t waited = now_ms - atomic_load_explicit(&l->since_ms, memory_order_relaxed);

	return (phase == LINK_IDLE && waited >= idle_ms) || (phase == LINK_NEW && waited >= new_ms);
}

void links_end_idle(struct links *links, int64_t now_ms, int64_t idle_ms, int64_t new_ms)
{
	(void)pthread_mutex_lock(&links->lock);
	for (struct link *l = links->first; l; l = l->next) {
		if (l->ended || !is_idle(l, now_ms, idle_ms, new_ms))
			continue;
		(void)shutdown(l->fd, SHUT_RD);
		l->ended = true;
	}
	(void)pthread_mutex_unlock(&links->lock);
}

size_t links_count(const struct links *links)
{
	return atomic_load(&links->n);
}
