/*
 * progress.h - how far long work has come, and whether it should stop.
 *
 * The worker writes, anyone reads; all fields are atomic, so no lock.  Work
 * polls progress_stop() at every block and returns ERR_CANCELLED.
 * A NULL progress is allowed everywhere: nobody looks.
 */
#ifndef SIFD_BASE_PROGRESS_H
#define SIFD_BASE_PROGRESS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct progress {
	_Atomic uint64_t done;	     /* in bytes or items of `unit` */
	_Atomic uint64_t total;	     /* 0 = not known (a pipe) */
	_Atomic(const char *) phase; /* a static string: "counting words"; NULL before the start */
	_Atomic(const char *) unit;  /* "bytes", "pairs"; static */
	_Atomic uint64_t from;	     /* done when the phase began: what a resumed run found */
	_Atomic double loss, score;  /* of training; 0 = not known */
	atomic_bool cancel;
	atomic_bool drop; /* with cancel: it will not be resumed, so nothing need be saved */
};

static inline void progress_phase(struct progress *p, const char *phase, const char *unit, uint64_t total)
{
	if (!p)
		return;
	atomic_store(&p->done, 0);
	atomic_store(&p->from, 0);
	atomic_store(&p->loss, 0);
	atomic_store(&p->score, 0);
	atomic_store(&p->total, total);
	atomic_store(&p->unit, unit);
	atomic_store(&p->phase, phase);
}

static inline void progress_set(struct progress *p, uint64_t done)
{
	if (p)
		atomic_store_explicit(&p->done, done, memory_order_relaxed);
}

static inline bool progress_stop(struct progress *p)
{
	return p && atomic_load_explicit(&p->cancel, memory_order_relaxed);
}

#endif
