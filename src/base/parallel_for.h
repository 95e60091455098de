/*
 * parallel_for.h - threads that do one piece of work together, again and again.
 *
 * For steps too short to start threads for (training: a millisecond).  parallel_for() lets every
 * worker, the caller among them, call work(context, worker, workers) once and returns when all
 * have.  What a worker does should depend only on its number: then the result
 * is the same each time for the same number of workers.
 */
#ifndef SIFD_BASE_PARALLEL_FOR_H
#define SIFD_BASE_PARALLEL_FOR_H

#include <stddef.h>

struct err;
struct threads;

/* workers == 0: one per processor.  One worker starts no thread. */
struct threads *threads_new(size_t workers, struct err *err);
void threads_free(struct threads *threads);

/* 1 when threads is NULL. */
size_t threads_count(const struct threads *threads);

/* Without threads (NULL) the caller is the only worker.  Not from within work(). */
void parallel_for(struct threads *threads, void (*work)(void *context, size_t worker, size_t workers),
		  void *context);

/*
 * The same with a fixed number of parts, whatever the number of threads: work(context, part, parts) for each.
 * What sums up per part then has the same bits for any number of threads.
 */
void parallel_parts(struct threads *threads, size_t parts,
		    void (*work)(void *context, size_t part, size_t parts), void *context);

/* The worker's share of n things: [*start, return value), in steps of `grain` (a power of two, or 1). */
static inline size_t parallel_share(size_t n, size_t grain, size_t worker, size_t workers, size_t *start)
{
	size_t grains = (n + grain - 1) / grain;
	size_t stop = grains * (worker + 1) / workers * grain;

	*start = grains * worker / workers * grain;
	return stop < n ? stop : n;
}

#endif
