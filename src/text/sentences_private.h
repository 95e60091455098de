/* Private to src/text and its tests. */
#ifndef SIFD_TEXT_SENTENCES_PRIVATE_H
#define SIFD_TEXT_SENTENCES_PRIVATE_H

#include <stdbool.h>

struct cutter;

/* Sends ASCII text through ICU too, so that a test can compare the fast path with it. */
void cutter_force_icu(struct cutter *c, bool force);

#endif
