/*
 * scratch.h - a folder of its own for a test's files, gone with all in it at the end.
 */
#ifndef SIFD_TESTS_SUPPORT_SCRATCH_H
#define SIFD_TESTS_SUPPORT_SCRATCH_H

#include <stddef.h>

struct scratch {
	char folder[64];
	char path[128]; /* of the last call */
};

/* The program ends where it cannot be made. */
void scratch_open(struct scratch *s);
void scratch_close(struct scratch *s);

/* FOLDER/NAME, valid until the next call. */
const char *scratch_path(struct scratch *s, const char *name);

/* Writes the text there, and returns the path as a copy to be freed. */
char *scratch_file(struct scratch *s, const char *name, const char *text);

#endif
