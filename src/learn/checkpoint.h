/*
 * checkpoint.h - the state of a training run in a file: a killed run resumes and gives the same bits.
 *
 * The caller lists its arrays once; the same list saves and loads.  The file is a
 * safetensors container written by output_open(): the old one or the new one, never half.  `run`, a
 * digest of options, model and data, says which run it belongs to.
 */
#ifndef SIFD_LEARN_CHECKPOINT_H
#define SIFD_LEARN_CHECKPOINT_H

#include <stddef.h>

struct err;

enum { CHECKPOINT_PARTS_MAX = 256 };

struct checkpoint_part {
	const char *name; /* unique in the list */
	void *data;
	size_t bytes;
};

int checkpoint_save(const char *path, const char *run, const struct checkpoint_part *parts, size_t n,
		    struct err *err);

/*
 * Fills the parts; on failure none is touched.  ERR_NOT_FOUND: no such file; ERR_INPUT: the file belongs to
 * another run; ERR_FORMAT: damaged (each part has its SHA-256).
 */
int checkpoint_load(const char *path, const char *run, const struct checkpoint_part *parts, size_t n,
		    struct err *err);

#endif
