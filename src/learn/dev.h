/*
 * dev.h - dev sets for early stopping and model selection: similarity sets, `a TAB b TAB gold`.
 */
#ifndef SIFD_LEARN_DEV_H
#define SIFD_LEARN_DEV_H

#include "learn/texts.h"

#include <stddef.h>
#include <stdint.h>

struct dev_set {
	char *name;
	double *gold;	 /* (n) */
	uint32_t *a, *b; /* (n) texts */
	size_t n;
};

struct dev {
	struct texts *texts;
	struct dev_set *sets;
	size_t n;
	char *digest; /* SHA-256 of what was read, hex */
};

/* Errors as pair_set_read() gives them. */
int dev_read(struct dev *dev, struct model *m, const char *const *paths, size_t n, struct err *err);
void dev_free(struct dev *dev);

/*
 * The mean over the sets of Pearson's r x 100 between gold and the cosines of vectors (texts_count(), d), the
 * vectors of all texts in order.  `scores` (n sets), where not NULL, gets that of each.
 */
int dev_score(double *mean, double *scores, const struct dev *dev, const float *vectors, size_t d,
	      struct err *err);

#endif
