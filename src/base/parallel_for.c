#include "base/parallel_for.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/pipeline.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

/* Workers poll this often before they sleep: to sleep and wake costs more than a short step. */
enum { LOOKS = 4000, WORKERS_MAX = 1024 };

struct worker {
	struct threads *threads;
	size_t number;
	pthread_t thread;
};

struct threads {
	size_t workers;
	struct worker *threads; /* (workers - 1): all but the caller */
	size_t started;
	pthread_mutex_t lock;
	pthread_cond_t begun, ended;
	atomic_ulong round;    /* of work given out; changed under the lock */
	atomic_size_t working; /* threads not yet done with it */
	bool over;
	void (*work)(void *context, size_t worker, size_t workers);
	void *context;
};

/* Waits for the round after `seen`; false when the threads are to end. */
static bool await_round(struct threads *t, unsigned long seen)
{
	bool go_on;

	for (int i = 0; i < LOOKS; i++)
		if (atomic_load_explicit(&t->round, memory_order_acquire) != seen)
			break;
	(void)pthread_mutex_lock(&t->lock);
	while (atomic_load_explicit(&t->round, memory_order_relaxed) == seen)
		(void)pthread_cond_wait(&t->begun, &t->lock);
	go_on = !t->over;
	(void)pthread_mutex_unlock(&t->lock);
	return go_on;
}

static void *serve(void *context)
{
	struct worker *m = context;
	struct threads *t = m->threads;

	for (unsigned long seen = 0; await_round(t, seen); seen++) {
		t->work(t->context, m->number, t->workers);
		if (atomic_fetch_sub_explicit(&t->working, 1, memory_order_acq_rel) != 1)
			continue;
		(void)pthread_mutex_lock(&t->lock);
		(void)pthread_cond_signal(&t->ended);
		(void)pthread_mutex_unlock(&t->lock);
	}
	return NULL;
}

static int start(struct threads *t, struct err *err)
{
	for (size_t i = 0; i + 1 < t->workers; i++) {
		t->threads[i] = (struct worker){ .threads = t, .number = i + 1 };
		if (pthread_create(&t->threads[i].thread, NULL, serve, &t->threads[i]))
			return err_set(err, ERR_MEMORY, "thread %zu of %zu could not be started", i + 2,
				       t->workers);
		t->started++;
	}
	return 0;
}

struct threads *threads_new(size_t workers, struct err *err)
{
	struct threads *t = mem_try(1, sizeof(*t), err);

	if (!t)
		return NULL;
	if (workers == 0)
		workers = pipeline_processors();
	t->workers = workers < WORKERS_MAX ? workers : WORKERS_MAX;
	t->threads = mem_new(t->workers, sizeof(*t->threads));
	(void)pthread_mutex_init(&t->lock, NULL);
	(void)pthread_cond_init(&t->begun, NULL);
	(void)pthread_cond_init(&t->ended, NULL);
	if (start(t, err)) {
		threads_free(t);
		return NULL;
	}
	return t;
}

static void next_round(struct threads *t)
{
	(void)pthread_mutex_lock(&t->lock);
	(void)atomic_fetch_add_explicit(&t->round, 1, memory_order_release);
	(void)pthread_cond_broadcast(&t->begun);
	(void)pthread_mutex_unlock(&t->lock);
}

void threads_free(struct threads *t)
{
	if (!t)
		return;
	t->over = true;
	next_round(t);
	for (size_t i = 0; i < t->started; i++)
		(void)pthread_join(t->threads[i].thread, NULL);
	(void)pthread_cond_destroy(&t->begun);
	(void)pthread_cond_destroy(&t->ended);
	(void)pthread_mutex_destroy(&t->lock);
	free(t->threads);
	free(t);
}

size_t threads_count(const struct threads *threads)
{
	return threads ? threads->workers : 1;
}

static bool all_done(struct threads *t)
{
	return atomic_load_explicit(&t->working, memory_order_acquire) == 0;
}

void parallel_for(struct threads *t, void (*work)(void *context, size_t worker, size_t workers),
		  void *context)
{
	if (!t || t->workers == 1) {
		work(context, 0, 1);
		return;
	}
	t->work = work;
	t->context = context;
	atomic_store_explicit(&t->working, t->started, memory_order_relaxed);
	next_round(t);
	work(context, 0, t->workers);
	for (int i = 0; i < LOOKS && !all_done(t); i++)
		continue;
	if (all_done(t))
		return;
	(void)pthread_mutex_lock(&t->lock);
	while (!all_done(t))
		(void)pthread_cond_wait(&t->ended, &t->lock);
	(void)pthread_mutex_unlock(&t->lock);
}

struct parts {
	void (*work)(void *context, size_t part, size_t parts);
	void *context;
	size_t n;
};

static void run_parts(void *context, size_t worker, size_t workers)
{
	const struct parts *p = context;

	for (size_t k = worker; k < p->n; k += workers)
		p->work(p->context, k, p->n);
}

void parallel_parts(struct threads *threads, size_t parts,
		    void (*work)(void *context, size_t part, size_t parts), void *context)
{
	struct parts p = { work, context, parts };

	parallel_for(threads, run_parts, &p);
}
