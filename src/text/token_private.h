/* Private to src/text and its tests. */
#ifndef SIFD_TEXT_TOKEN_PRIVATE_H
#define SIFD_TEXT_TOKEN_PRIVATE_H

#include <stdbool.h>

struct tokenizer;

/* Sends ASCII text through ICU too, so that a test can hold the fast path against it. */
void tokenizer_force_icu(struct tokenizer *t, bool force);

#endif
