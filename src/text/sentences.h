/*
 * sentences.h - a line of text cut into sentences (UAX 29 by ICU, root locale),
 * with an ASCII fast path that cuts at the same places.
 *
 * A fit counts sentences, not lines: a unit longer than a sentence blurs the
 * second moment.  One cutter per thread.
 */
#ifndef SIFD_TEXT_SENTENCES_H
#define SIFD_TEXT_SENTENCES_H

#include <stddef.h>

struct err;
struct cutter;

struct span {
	size_t start; /* bytes: [start, stop) */
	size_t stop;
};

struct cutter *cutter_new(struct err *err);
void cutter_free(struct cutter *c);

/*
 * The sentences of valid UTF-8 text[0..n), blanks around them trimmed, empty ones left out;
 * *spans lives until the next call.  Their number, or -1 (ERR_MEMORY).
 */
ptrdiff_t cutter_run(struct cutter *c, const char *text, size_t n, const struct span **spans,
		     struct err *err);

#endif
