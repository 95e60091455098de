#include "learn/dev.h"

#include "base/digest.h"
#include "base/err.h"
#include "base/mem.h"
#include "eval/evaluate.h"
#include "math/vec.h"

#include <stdlib.h>
#include <string.h>

static int add_text(struct dev *dev, struct digest *digest, const char *text, uint32_t *number,
		    struct err *err)
{
	digest_add(digest, text, strlen(text) + 1);
	return texts_add(dev->texts, text, strlen(text), number, err);
}

/* Takes over the name and the gold scores of what was read. */
static int take(struct dev *dev, struct dev_set *set, struct pair_set *from, struct digest *digest,
		struct err *err)
{
	set->n = from->n;
	set->name = from->name;
	set->gold = from->gold;
	from->name = NULL;
	from->gold = NULL;
	set->a = mem_try(set->n, sizeof(*set->a), err);
	set->b = mem_try(set->n, sizeof(*set->b), err);
	if (!set->a || !set->b)
		return -1;
	for (size_t i = 0; i < set->n; i++)
		if (add_text(dev, digest, from->left[i], &set->a[i], err) ||
		    add_text(dev, digest, from->right[i], &set->b[i], err))
			return -1;
	digest_add(digest, set->gold, set->n * sizeof(*set->gold));
	return 0;
}

static int read_sets(struct dev *dev, const char *const *paths, size_t n, struct err *err)
{
	struct digest digest;

	digest_start(&digest);
	for (size_t i = 0; i < n; i++) {
		struct pair_set from;
		int failed;

		if (pair_set_read(&from, paths[i], err))
			return -1;
		failed = take(dev, &dev->sets[dev->n++], &from, &digest, err);
		pair_set_free(&from);
		if (failed)
			return -1;
	}
	digest_hex(&digest, dev->digest);
	return 0;
}

int dev_read(struct dev *dev, struct model *m, const char *const *paths, size_t n, struct err *err)
{
	memset(dev, 0, sizeof(*dev));
	dev->texts = texts_new(m, err);
	dev->sets = mem_try(n, sizeof(*dev->sets), err);
	dev->digest = mem_try(DIGEST_HEX + 1, 1, err);
	if (dev->texts && dev->sets && dev->digest && read_sets(dev, paths, n, err) == 0)
		return 0;
	dev_free(dev);
	return -1;
}

void dev_free(struct dev *dev)
{
	for (size_t i = 0; dev->sets && i < dev->n; i++) {
		free(dev->sets[i].name);
		free(dev->sets[i].gold);
		free(dev->sets[i].a);
		free(dev->sets[i].b);
	}
	free(dev->sets);
	texts_free(dev->texts);
	free(dev->digest);
	memset(dev, 0, sizeof(*dev));
}

int dev_score(double *mean, double *scores, const struct dev *dev, const float *vectors, size_t d,
	      struct err *err)
{
	*mean = 0;
	for (size_t s = 0; s < dev->n; s++) {
		const struct dev_set *set = &dev->sets[s];
		double *cosines = mem_try(set->n, sizeof(*cosines), err);
		double score;

		if (!cosines)
			return -1;
		for (size_t i = 0; i < set->n; i++)
			cosines[i] = (double)vec_cosine(vectors + set->a[i] * d, vectors + set->b[i] * d, d);
		score = 100 * evaluate_pearson(cosines, set->gold, set->n);
		free(cosines);
		if (scores)
			scores[s] = score;
		*mean += score / (double)dev->n;
	}
	return 0;
}
