/*
 * memory_file.h - bytes under a path, for readers that want a file.
 */
#ifndef SIFD_TESTS_SUPPORT_MEMORY_FILE_H
#define SIFD_TESTS_SUPPORT_MEMORY_FILE_H

#include <stddef.h>

struct corpus;
struct err;

/* The path of a file of these bytes, which is gone after 15 more calls. */
const char *memory_file(const void *bytes, size_t n);

/* A corpus of one such file, a line per text. */
struct corpus *corpus_of_texts(const char *const *texts, const size_t *lengths, size_t n, struct err *err);

#endif
