/*
 * Bakes what a fit found into the rows, so that a plain sum of them is the method's vector.
 */
#include "base/err.h"
#include "base/mem.h"
#include "base/pipeline.h"
#include "base/progress.h"
#include "embed/fit_private.h"
#include "math/sif.h"
#include "math/vec.h"
#include "model/model.h"

#include <stdlib.h>

enum { BLOCK_ROWS = 2048 };

struct bake {
	const struct rows *rows;
	const struct model *parts;
	unsigned char *data;
	float *scales;
	struct progress *progress;
	size_t next; /* the first row that no block has */
};

struct bake_block {
	size_t start, stop;
	float *row, *out; /* (d) each */
};

static int read_block(void *context, void *block, struct err *err)
{
	struct bake *bake = context;
	struct bake_block *b = block;
	size_t left = bake->rows->n - bake->next;

	if (progress_stop(bake->progress))
		return err_set(err, ERR_CANCELLED, "the fit was cancelled");
	b->start = bake->next;
	b->stop = bake->next += left < BLOCK_ROWS ? left : BLOCK_ROWS;
	progress_set(bake->progress, b->start);
	return left > 0;
}

/* What row i adds to a sentence. */
static const float *baked_row(const struct bake *bake, struct bake_block *b, size_t i)
{
	const struct model *parts = bake->parts;
	size_t d = bake->rows->d;

	rows_get(b->row, bake->rows, (uint32_t)i);
	vec_scale(b->row, parts->weights[i], d);
	if (parts->facts.method == METHOD_WHITEN) {
		vec_times_matrix(b->out, b->row, parts->projection, d, d);
		return b->out;
	}
	if (parts->facts.method != METHOD_WEIGHTED)
		sif_remove(b->row, parts->components, parts->component_scales, parts->k, d);
	return b->row;
}

static int work_block(void *context, void *block, size_t worker, struct err *err)
{
	struct bake *bake = context;
	struct bake_block *b = block;
	size_t d = bake->rows->d;
	size_t row_bytes = d * rows_type_size(bake->rows->type);

	(void)worker;
	if (!b->row && (!(b->row = mem_try_aligned(d, sizeof(float), err)) ||
			!(b->out = mem_try_aligned(d, sizeof(float), err))))
		return -1;
	for (size_t i = b->start; i < b->stop; i++) {
		const float *x = baked_row(bake, b, i);
		float scale;

		if (!rows_fit(bake->rows->type, x, d))
			return err_set(err, ERR_INPUT,
				       "row %zu folded does not fit the model's number format; import the "
				       "vectors as f32, or do not fold",
				       i);
		rows_encode(bake->data + i * row_bytes, &scale, bake->rows->type, x, d);
		if (bake->scales)
			bake->scales[i] = scale;
	}
	return 0;
}

static void drop_block(void *context, void *block)
{
	struct bake_block *b = block;

	(void)context;
	free(b->row);
	free(b->out);
}

int bake_into_rows(void *data, float *scales, const struct model *parts, size_t workers,
		   struct progress *progress, struct err *err)
{
	struct bake bake = { .rows = &parts->rows, .parts = parts, .data = data, .progress = progress };
	struct pipeline pipeline = { .workers = workers,
				     .block_bytes = sizeof(struct bake_block),
				     .read = read_block,
				     .work = work_block,
				     .drop = drop_block,
				     .context = &bake };

	bake.scales = scales;
	progress_phase(progress, "folding rows", "rows", parts->rows.n);
	return pipeline_run(&pipeline, err);
}
