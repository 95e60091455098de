#include "serve/workers.h"

#include "base/err.h"
#include "base/mem.h"
#include "routes/service.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { NICE = 5 };

struct workers {
	struct service *service;
	struct batcher *batcher;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct worker_task *first;
	struct worker_task **last;
	size_t promised; /* reserved, not yet pushed */
	size_t waiting;
	size_t most;
	bool ending;
	pthread_t *threads;
	size_t n;
};

/* The next task, or NULL at the end: then every promised one has come. */
static struct worker_task *take(struct workers *w, bool *cancelled)
{
	struct worker_task *task;

	(void)pthread_mutex_lock(&w->lock);
	while (!w->first && !(w->ending && w->promised == 0))
		(void)pthread_cond_wait(&w->changed, &w->lock);
	task = w->first;
	if (task) {
		w->first = task->next;
		if (!w->first)
			w->last = &w->first;
		w->waiting--;
		(void)atomic_fetch_sub_explicit(&w->service->queued, 1, memory_order_relaxed);
	}
	*cancelled = w->ending;
	(void)pthread_mutex_unlock(&w->lock);
	return task;
}

static void *work(void *workers)
{
	struct workers *w = workers;
	struct context *context = context_new(w->service);
	struct worker_task *task;
	bool cancelled;

	if (context)
		context->batcher = w->batcher;
	/* On Linux a thread has a priority of its own; not being given it does no harm. */
	(void)setpriority(PRIO_PROCESS, (id_t)gettid(), NICE);
	while ((task = take(w, &cancelled)))
		task->run(task, context, cancelled || !context);
	context_free(context);
	return NULL;
}

struct workers *workers_start(struct service *service, size_t workers, size_t most, struct batcher *batcher,
			      struct err *err)
{
	struct workers *w = mem_new(1, sizeof(*w));

	w->service = service;
	w->batcher = batcher;
	w->most = most;
	w->last = &w->first;
	w->threads = mem_new(workers, sizeof(*w->threads));
	(void)pthread_mutex_init(&w->lock, NULL);
	(void)pthread_cond_init(&w->changed, NULL);
	for (; w->n < workers; w->n++) {
		int rc = pthread_create(&w->threads[w->n], NULL, work, w);

		if (rc) {
			workers_stop(w);
			(void)err_set(err, ERR_IO, "cannot start a worker thread: %s", strerror(rc));
			return NULL;
		}
	}
	return w;
}

bool workers_reserve(struct workers *workers)
{
	bool room;

	(void)pthread_mutex_lock(&workers->lock);
	room = !workers->ending && workers->waiting + workers->promised < workers->most;
	workers->promised += room;
	(void)pthread_mutex_unlock(&workers->lock);
	return room;
}

void workers_push(struct workers *workers, struct worker_task *task)
{
	task->next = NULL;
	(void)pthread_mutex_lock(&workers->lock);
	*workers->last = task;
	workers->last = &task->next;
	workers->promised--;
	workers->waiting++;
	(void)atomic_fetch_add_explicit(&workers->service->queued, 1, memory_order_relaxed);
	if (workers->ending)
		(void)pthread_cond_broadcast(&workers->changed); /* it may have been the last one promised */
	else
		(void)pthread_cond_signal(&workers->changed);
	(void)pthread_mutex_unlock(&workers->lock);
}

void workers_stop(struct workers *workers)
{
	if (!workers)
		return;
	(void)pthread_mutex_lock(&workers->lock);
	workers->ending = true;
	(void)pthread_cond_broadcast(&workers->changed);
	(void)pthread_mutex_unlock(&workers->lock);
	for (size_t i = 0; i < workers->n; i++)
		(void)pthread_join(workers->threads[i], NULL);
	(void)pthread_cond_destroy(&workers->changed);
	(void)pthread_mutex_destroy(&workers->lock);
	free(workers->threads);
	free(workers);
}
