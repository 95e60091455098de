/*
 * arena.h - memory that lives as long as one request, freed in one act.
 *
 * A bump allocator over a list of blocks with a byte limit, so that one
 * request can never take more than its share.  One thread at a time.
 */
#ifndef SIFD_BASE_ARENA_H
#define SIFD_BASE_ARENA_H

#include <stddef.h>

struct err;
struct arena_block;

struct arena {
	struct arena_block *blocks; /* newest first */
	size_t used;		    /* bytes handed out since the last reset, padding included */
	size_t limit;		    /* the most that may be handed out */
};

/* An empty arena: nothing is allocated until it is asked for. */
void arena_init(struct arena *arena, size_t limit);

/*
 * n * size bytes, 64-byte aligned, not zeroed; they live until the arena is reset or freed.
 * NULL with ERR_TOO_LARGE past the limit, ERR_MEMORY when memory is gone.
 */
void *arena_alloc(struct arena *arena, size_t n, size_t size, struct err *err);

/* Forgets everything but keeps the first block for the next request. */
void arena_reset(struct arena *arena);

void arena_free(struct arena *arena);

#endif
