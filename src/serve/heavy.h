/*
 * heavy.h - a few threads for requests that would hold up an event loop, and the queue before them.
 *
 * The workers have a lower priority than the event loops, so that small
 * requests go on beside a stream of big ones.  The queue is bounded: who finds
 * it full is told to come back.
 */
#ifndef SIFD_SERVE_HEAVY_H
#define SIFD_SERVE_HEAVY_H

#include <stdbool.h>
#include <stddef.h>

struct context;
struct err;
struct gather;
struct heavy;
struct service;

/* Part of whatever the task is about; run() is called once, `cancelled` when there is no time left for it. */
struct heavy_task {
	struct heavy_task *next;
	void (*run)(struct heavy_task *task, struct context *context, bool cancelled);
};

/* At most `most` tasks wait.  gather (may be NULL) is for the workers' contexts; it outlives them. */
struct heavy *heavy_start(struct service *service, size_t workers, size_t most, struct gather *gather,
			  struct err *err);

/* A place in the queue; false when it is full or the end has begun.  Each true is followed by one
 * heavy_push(). */
bool heavy_reserve(struct heavy *heavy);
void heavy_push(struct heavy *heavy, struct heavy_task *task);

/* Cancels what waits, finishes what runs, joins the threads and frees.  NULL is fine. */
void heavy_stop(struct heavy *heavy);

#endif
