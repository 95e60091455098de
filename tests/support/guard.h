/*
 * guard.h - copies that end where memory ends, so that one byte read too far is a fault.
 */
#ifndef SIFD_TESTS_SUPPORT_GUARD_H
#define SIFD_TESTS_SUPPORT_GUARD_H

#include <stddef.h>

/* A copy of bytes[0..n) whose last byte is the last readable one; any alignment.  Free with guard_free(). */
char *guard_copy(const void *bytes, size_t n);
void guard_free(char *copy, size_t n);

#endif
