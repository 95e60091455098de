/*
 * failing_mem.h - the functions of base/mem.h, made to fail on request.
 *
 * Linked into the tests named in the Makefile, in place of the library's.  Set the number of allocations that
 * still succeed; after that memory stays gone until the number is set again.  Only for one thread at a time.
 */
#ifndef SIFD_TESTS_SUPPORT_FAILING_MEM_H
#define SIFD_TESTS_SUPPORT_FAILING_MEM_H

/* Allocations that still succeed; below 0: all. */
extern long failing_mem_left;

#endif
