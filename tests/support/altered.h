/*
 * altered.h - a .safetensors file with something changed, as damage or somebody else might leave it.
 *
 * Open one, change it, write it elsewhere.  A test fails where that cannot be done.
 */
#ifndef SIFD_TESTS_SUPPORT_ALTERED_H
#define SIFD_TESTS_SUPPORT_ALTERED_H

#include "base/file.h"
#include "model/safetensors.h"

struct altered {
	struct safetensors s;
	struct file_map map;
};

void altered_open(struct altered *a, const char *from);

/* Leaves the tensor out. */
void altered_drop(struct altered *a, const char *tensor);

/* Gives it another name, and its digest in the metadata, if any. */
void altered_rename(struct altered *a, const char *tensor, const char *name);

/* Another value of a key that is there. */
void altered_set(struct altered *a, const char *key, const char *value);

/* Without the digest of its header, which opening a model does without. */
void altered_unseal(struct altered *a);

/* Writes it at path, and ends it. */
void altered_write(struct altered *a, const char *path);

#endif
