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
	char *texts, *draws,
		*teacher; /* files in the scratch folder; every tenth text is drawn three times */
};

/*
 * The teacher's vector of a text is the sum of the model's rows of its words (the first `words` of the
 * model), but some words hardly count, and a random part is added.  ordered: the first word of a text counts
 * three times, which no sum of rows can learn; texts then have 1 to TAUGHT_WORDS words.
 */
struct taught taught_make(struct scratch *scratch, const struct model *m, size_t words, bool ordered);

#endif
