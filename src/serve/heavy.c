#include "serve/heavy.h"

#include "base/err.h"
#include "base/mem.h"
#include "serve/service.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { NICE = 5 };

struct heavy {
	struct service *service;
	struct gather *gather;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct heavy_task *first;
	struct heavy_task **last;
	size_t promised; /* reserved, not yet pushed */
	size_t waiting;
	size_t most;
	bool ending;
	pthread_t *threads;
	size_t n;
};

/* The next task, or NULL at the end: then every promised one has come. */
static struct heavy_task *take(struct heavy *h, bool *cancelled)
{
	struct heavy_task *task;

	(void)pthread_mutex_lock(&h->lock);
	while (!h->first && !(h->ending && h->promised == 0))
		(void)pthread_cond_wait(&h->changed, &h->lock);
	task = h->first;
	if (task) {
		h->first = task->next;
		if (!h->first)
			h->last = &h->first;
		h->waiting--;
		(void)atomic_fetch_sub_explicit(&h->service->queued, 1, memory_order_relaxed);
	}
	*cancelled = h->ending;
	(void)pthread_mutex_unlock(&h->lock);
	return task;
}

static void *work(void *heavy)
{
	struct heavy *h = heavy;
	struct context *context = context_new(h->service);
	struct heavy_task *task;
	bool cancelled;

	if (context)
		context->gather = h->gather;
	/* On Linux a thread has a priority of its own; not being given it does no harm. */
	(void)setpriority(PRIO_PROCESS, (id_t)gettid(), NICE);
	while ((task = take(h, &cancelled)))
		task->run(task, context, cancelled || !context);
	context_free(context);
	return NULL;
}

struct heavy *heavy_start(struct service *service, size_t workers, size_t most, struct gather *gather,
			  struct err *err)
{
	struct heavy *h = mem_new(1, sizeof(*h));

	h->service = service;
	h->gather = gather;
	h->most = most;
	h->last = &h->first;
	h->threads = mem_new(workers, sizeof(*h->threads));
	(void)pthread_mutex_init(&h->lock, NULL);
	(void)pthread_cond_init(&h->changed, NULL);
	for (; h->n < workers; h->n++) {
		int rc = pthread_create(&h->threads[h->n], NULL, work, h);

		if (rc != 0) {
			heavy_stop(h);
			(void)err_set(err, ERR_IO, "cannot start a worker thread: %s", strerror(rc));
			return NULL;
		}
	}
	return h;
}

bool heavy_reserve(struct heavy *heavy)
{
	bool room;

	(void)pthread_mutex_lock(&heavy->lock);
	room = !heavy->ending && heavy->waiting + heavy->promised < heavy->most;
	heavy->promised += room;
	(void)pthread_mutex_unlock(&heavy->lock);
	return room;
}

void heavy_push(struct heavy *heavy, struct heavy_task *task)
{
	task->next = NULL;
	(void)pthread_mutex_lock(&heavy->lock);
	*heavy->last = task;
	heavy->last = &task->next;
	heavy->promised--;
	heavy->waiting++;
	(void)atomic_fetch_add_explicit(&heavy->service->queued, 1, memory_order_relaxed);
	if (heavy->ending)
		(void)pthread_cond_broadcast(&heavy->changed); /* it may have been the last one promised */
	else
		(void)pthread_cond_signal(&heavy->changed);
	(void)pthread_mutex_unlock(&heavy->lock);
}

void heavy_stop(struct heavy *heavy)
{
	if (!heavy)
		return;
	(void)pthread_mutex_lock(&heavy->lock);
	heavy->ending = true;
	(void)pthread_cond_broadcast(&heavy->changed);
	(void)pthread_mutex_unlock(&heavy->lock);
	for (size_t i = 0; i < heavy->n; i++)
		(void)pthread_join(heavy->threads[i], NULL);
	(void)pthread_cond_destroy(&heavy->changed);
	(void)pthread_mutex_destroy(&heavy->lock);
	free(heavy->threads);
	free(heavy);
}
