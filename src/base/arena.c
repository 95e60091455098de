#include "base/arena.h"

#include "base/err.h"

#include <stdint.h>
#include <stdlib.h>

enum { BLOCK_BYTES = 16 * 1024, ALIGNMENT = 64 };

struct arena_block {
	struct arena_block *next;
	size_t size; /* bytes after this header */
	size_t used;
	char pad[ALIGNMENT - sizeof(void *) - 2 * sizeof(size_t)];
	char bytes[];
};

void arena_init(struct arena *arena, size_t limit)
{
	*arena = (struct arena){ .limit = limit };
}

static struct arena_block *add_block(struct arena *arena, size_t bytes)
{
	size_t size = bytes > BLOCK_BYTES ? bytes : BLOCK_BYTES;
	struct arena_block *b = aligned_alloc(ALIGNMENT, sizeof(*b) + size);

	if (!b)
		return NULL;
	b->next = arena->blocks;
	b->size = size;
	b->used = 0;
	arena->blocks = b;
	return b;
}

void *arena_alloc(struct arena *arena, size_t n, size_t size, struct err *err)
{
	struct arena_block *b = arena->blocks;
	size_t bytes;
	void *p;

	if (__builtin_mul_overflow(n, size, &bytes) || bytes > SIZE_MAX / 2 ||
	    (bytes = (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT) > arena->limit - arena->used) {
		(void)err_set(err, ERR_TOO_LARGE, "the request needs more than its limit of %zu bytes",
			      arena->limit);
		return NULL;
	}
	if (!b || b->size - b->used < bytes)
		b = add_block(arena, bytes);
	if (!b) {
		(void)err_set(err, ERR_MEMORY, "not enough memory for %zu bytes", bytes);
		return NULL;
	}
	p = b->bytes + b->used;
	b->used += bytes;
	arena->used += bytes;
	return p;
}

static void free_down_to(struct arena *arena, const struct arena_block *last)
{
	while (arena->blocks != last) {
		struct arena_block *next = arena->blocks->next;

		free(arena->blocks);
		arena->blocks = next;
	}
}

void arena_reset(struct arena *arena)
{
	struct arena_block *first = arena->blocks;

	while (first && first->next)
		first = first->next;
	if (first && first->size > BLOCK_BYTES)
		first = NULL;
	free_down_to(arena, first);
	if (first)
		first->used = 0;
	arena->used = 0;
}

void arena_free(struct arena *arena)
{
	free_down_to(arena, NULL);
	arena->used = 0;
}
