/*
 * workers.h - a worker pool for requests that would hold up an event loop, with its queue.
 *
 * The workers have a lower priority than the event loops, so that small requests are served beside a stream
 * of big ones.  The queue is bounded: a client whose request finds it full is told to come back.
 */
#ifndef SIFD_SERVE_WORKERS_H
#define SIFD_SERVE_WORKERS_H

#include <stdbool.h>
#include <stddef.h>

struct context;
struct err;
struct batcher;
struct workers;
struct service;

/* Embedded in whatever the task is about.  run() is called once; `cancelled`: there is no time left for it.
 */
struct worker_task {
	struct worker_task *next;
	void (*run)(struct worker_task *task, struct context *context, bool cancelled);
};

/* At most `most` tasks wait.  The workers' contexts use the batcher (may be NULL), which must outlive them.
 */
struct workers *workers_start(struct service *service, size_t workers, size_t most, struct batcher *batcher,
			      struct err *err);

/*
 * Takes a place in the queue; false when it is full, or the pool is being stopped.  Each true must be
 * followed by one workers_push().
 */
bool workers_reserve(struct workers *workers);
void workers_push(struct workers *workers, struct worker_task *task);

/* Cancels what waits, finishes what runs, joins the threads and frees.  NULL is fine. */
void workers_stop(struct workers *workers);

#endif
