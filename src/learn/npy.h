/*
 * npy.h - a matrix in NumPy's .npy file, mapped.
 *
 * Read: version 1 to 3, little-endian float16 or float32, two dimensions, C order, which
 * numpy.save() writes (NEP 1). Nothing in it is trusted: the header must agree with the file's size.
 */
#ifndef SIFD_LEARN_NPY_H
#define SIFD_LEARN_NPY_H

#include "base/file.h"
#include "math/rows.h"

struct err;

struct npy {
	struct rows rows; /* F16 or F32; any alignment */
	struct file_map map;
};

/* ERR_FORMAT says what is wrong with the file; else as file_map(). */
int npy_open(struct npy *npy, const char *path, struct err *err);
void npy_close(struct npy *npy);

#endif
