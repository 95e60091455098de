#include "eval/embed_pairs.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/pipeline.h"
#include "base/progress.h"
#include "embed/embedder.h"
#include "model/model.h"

#include <stdlib.h>
#include <string.h>

enum { BLOCK_PAIRS = 64 };

struct run {
	const struct embed_pairs *pairs;
	struct embedder **embedders; /* one per worker */
	float *vectors;		     /* (workers, 2 BLOCK_PAIRS, d) */
	size_t d;
	size_t next; /* first pair not yet handed out */
	uint64_t words, known;
	struct progress *progress;
};

struct block {
	size_t start, n;
	uint64_t words, known;
};

static int next_block(void *context, void *block, struct err *err)
{
	struct run *r = context;
	struct block *b = block;
	size_t left = r->pairs->n - r->next;

	if (left == 0)
		return 0;
	if (progress_stop(r->progress))
		return err_set(err, ERR_CANCELLED, "cancelled");
	*b = (struct block){ .start = r->next, .n = left < BLOCK_PAIRS ? left : BLOCK_PAIRS };
	r->next += b->n;
	return 1;
}

static int embed_block(void *context, void *block, size_t worker, struct err *err)
{
	struct run *r = context;
	const struct embed_pairs *p = r->pairs;
	struct block *b = block;
	float *left = r->vectors + worker * 2 * BLOCK_PAIRS * r->d;
	struct text texts[2 * BLOCK_PAIRS] = { { NULL, 0 } };
	struct seen seen[2 * BLOCK_PAIRS];
	size_t n = 0;

	for (size_t i = b->start; i < b->start + b->n; i++)
		texts[n++] = (struct text){ p->left[i], strlen(p->left[i]) };
	for (size_t i = b->start; p->right && i < b->start + b->n; i++)
		texts[n++] = (struct text){ p->right[i], strlen(p->right[i]) };
	if (embedder_embed_many(r->embedders[worker], texts, n, p->normalize, left, seen, err))
		return -1;
	for (size_t i = 0; i < n; i++) {
		b->words += seen[i].words;
		b->known += seen[i].known;
	}
	p->use(p->context, b->start, b->n, left, p->right ? left + b->n * r->d : NULL);
	return 0;
}

static int count_words(void *context, void *block, struct err *err)
{
	struct run *r = context;
	const struct block *b = block;

	(void)err;
	r->words += b->words;
	r->known += b->known;
	progress_set(r->progress, b->start + b->n);
	return 0;
}

static int run_blocks(struct run *r, struct model *m, enum method method, size_t workers, struct err *err)
{
	struct pipeline pipeline = { .workers = workers,
				     .block_bytes = sizeof(struct block),
				     .read = next_block,
				     .work = embed_block,
				     .finish = count_words,
				     .context = r };

	r->embedders = mem_try(workers, sizeof(struct embedder *), err);
	r->vectors = mem_try_aligned(workers, (size_t)2 * BLOCK_PAIRS * r->d * sizeof(*r->vectors), err);
	if (!r->embedders || !r->vectors)
		return -1;
	for (size_t i = 0; i < workers; i++) {
		r->embedders[i] = embedder_new(m, method, err);
		if (!r->embedders[i])
			return -1;
	}
	return pipeline_run(&pipeline, err);
}

int embed_pairs(double *coverage, const struct embed_pairs *pairs, struct model *m, enum method method,
		size_t workers, struct progress *progress, struct err *err)
{
	struct run r = { .pairs = pairs, .d = model_dimension(m, method), .progress = progress };
	int rc;

	if (workers == 0)
		workers = pipeline_processors();
	rc = run_blocks(&r, m, method, workers, err);
	*coverage = r.words ? (double)r.known / (double)r.words : 0.0;
	for (size_t i = 0; r.embedders && i < workers; i++)
		embedder_free(r.embedders[i]);
	free(r.embedders);
	free(r.vectors);
	return rc;
}
