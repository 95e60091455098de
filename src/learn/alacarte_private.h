/* Private to alacarte*.c: what the passes over the corpus find. */
#ifndef SIFD_LEARN_ALACARTE_PRIVATE_H
#define SIFD_LEARN_ALACARTE_PRIVATE_H

#include "learn/alacarte.h"
#include "text/vocab.h"

enum { ALACARTE_NO_SLOT = -1 };

struct vocab_builder;

struct contexts {
	struct model *m;
	const struct alacarte_options *o;
	struct alacarte_report *report;
	struct progress *progress;

	/* of the first pass */
	uint64_t *counts;	     /* (m->rows.n) occurrences of known words */
	struct vocab_builder *forms; /* words without a vector */
	uint64_t *form_counts;	     /* (forms_n) */
	size_t forms_n, forms_cap;
	uint64_t forgotten; /* forms met so often, or less, were dropped on the way */

	/* chosen between the passes: the words of `sums` */
	uint32_t *known; /* (known_n) ids, rows 0.. of sums */
	size_t known_n;
	int32_t *known_slots;	/* (m->rows.n) a row of sums, or ALACARTE_NO_SLOT */
	struct vocab fresh;	/* new words, most frequent first; rows known_n.. of sums */
	uint64_t *fresh_counts; /* (fresh.n) */
	char *fresh_bytes;	/* the memory of `fresh` */
	uint64_t *fresh_offsets, *fresh_slots;

	/* of the second pass */
	double *sums; /* (known_n + fresh.n, d): of the vectors around each word, over its occurrences */
};

/* Both passes; after the first ERR_INPUT when the corpus is barren. */
int contexts_gather(struct contexts *c, struct corpus *corpus, struct err *err);
void contexts_free(struct contexts *c);

#endif
