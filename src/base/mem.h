/*
 * mem.h - allocation, with its two policies in the names.
 *
 * mem_new() is for sizes bounded by a constant of ours: when even that is
 * gone the process ends.  mem_try() is for sizes that a file or a client
 * decides: it returns an error, and so must its caller.  Both check n * size
 * for overflow and return zeroed memory; free with free().  Any thread.
 */
#ifndef SIFD_BASE_MEM_H
#define SIFD_BASE_MEM_H

#include <stddef.h>
#include <string.h>

struct err;

/* n * size zeroed bytes; never NULL (n == 0 gives a unique pointer). */
void *mem_new(size_t n, size_t size) __attribute__((malloc, returns_nonnull));

/* The same, or NULL with ERR_MEMORY. */
void *mem_try(size_t n, size_t size, struct err *err) __attribute__((malloc, nonnull(3)));

/*
 * The same, aligned to 64 bytes (a cache line, an AVX-512 register).
 * Free with free().
 */
void *mem_try_aligned(size_t n, size_t size, struct err *err) __attribute__((malloc, nonnull(3)));

/*
 * Resizes *at to n elements of size bytes; new bytes are not zeroed.
 * On failure *at is unchanged and still owned; returns -1 with ERR_MEMORY.
 * `at` is the address of any object pointer, passed as void *.
 */
int mem_resize(void *at, size_t n, size_t size, struct err *err) __attribute__((nonnull(1, 4)));

/* A copy of the first n bytes of s, 0-terminated; aborts when memory is gone. */
char *mem_text(const char *s, size_t n) __attribute__((malloc, returns_nonnull));

/* The same, or NULL with ERR_MEMORY. */
static inline char *mem_try_text(const char *s, size_t n, struct err *err)
{
	char *copy = mem_try(n + 1, 1, err);

	return copy && n ? memcpy(copy, s, n) : copy;
}

/* Makes room for n elements in an array of *room, which at least doubles; else as mem_grow(). */
static inline int mem_reserve(void *at, size_t *room, size_t n, size_t size, struct err *err)
{
	size_t more = n > 2 * *room ? n : 2 * *room;

	if (n <= *room)
		return 0;
	if (mem_resize(at, more, size, err))
		return -1;
	*room = more;
	return 0;
}

/*
 * Makes room for one more element after n in an array of *room, which doubles; `at` as for mem_resize().
 * 0, or -1 with ERR_MEMORY.
 */
static inline int mem_grow(void *at, size_t *room, size_t n, size_t size, struct err *err)
{
	return mem_reserve(at, room, n < 64 ? 64 : n + 1, size, err);
}

#endif
