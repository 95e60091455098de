/*
 * taught.h - texts of a toy model's words, and a teacher's vectors of them as .npy.
 */
#ifndef SIFD_TESTS_SUPPORT_TAUGHT_H
#define SIFD_TESTS_SUPPORT_TAUGHT_H

#include "support/scratch.h"

#include <stdbool.h>
#include <stddef.h>

struct model;

enum { TAUGHT_TEXTS = 3000, TAUGHT_WORDS = 5 };

struct taught {
	char *texts, *draws, *teacher; /* files in the scratch folder; every tenth text is drawn thrice */
};

/*
 * The teacher thinks of each of the model's first `words` words as the model does, but some hardly count,
 * and adds what it likes.  ordered: the first word of a text counts thrice, which no sum can tell; texts then
 * have 1 to TAUGHT_WORDS words.
 */
struct taught taught_make(struct scratch *scratch, const struct model *m, size_t words, bool ordered);

#endif
