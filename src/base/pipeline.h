/*
 * pipeline.h - blocks read in order, worked on by several threads, finished in order.
 *
 * The one way in which sifd spreads batch work over cores.  `read` is called by
 * one thread at a time, and so is `finish` (but both may run at once);
 * both see the blocks in the same order whatever the number of workers, so what
 * finish() builds is the same for 1 or 200 of them: that is where
 * "byte-identical for any --workers" comes from.
 */
#ifndef SIFD_BASE_PIPELINE_H
#define SIFD_BASE_PIPELINE_H

#include <stddef.h>

struct err;

struct pipeline {
	size_t workers;	    /* threads for work(); 0 = one per processor */
	size_t block_bytes; /* size of a caller's block struct; zeroed once, then reused by later blocks */

	/* Fills the block: 1, or 0 at the end, or -1.  In order. */
	int (*read)(void *context, void *block, struct err *err);
	/* Any thread, any order; worker is 0..workers-1 for per-thread scratch.  0 or -1. */
	int (*work)(void *context, void *block, size_t worker, struct err *err);
	/* In order.  0 or -1.  May be NULL. */
	int (*finish)(void *context, void *block, struct err *err);
	/* Frees what a block holds (not the block); called once for each at the end.  May be NULL. */
	void (*drop)(void *context, void *block);
	void *context;
};

/*
 * Runs until read() says 0 and everything is finished.  The first error in block order stops all
 * and is returned as -1.  At most 2 * workers + 2 blocks exist at a time.
 */
int pipeline_run(const struct pipeline *pipeline, struct err *err);

/* Processors this process may run on, at least 1. */
size_t pipeline_processors(void);

#endif
