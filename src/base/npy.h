/*
 * npy.h - the header of NumPy's .npy file, version 1.0 (NumPy enhancement proposal 1); learn/npy.h reads it.
 */
#ifndef SIFD_BASE_NPY_H
#define SIFD_BASE_NPY_H

#include <stddef.h>
#include <stdint.h>

struct buf;

/* Appends the header of n rows of d little-endian floats, which follow it; its length is a multiple of 64. */
void npy_put_header(struct buf *to, uint64_t n, size_t d);

#endif
