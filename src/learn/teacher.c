#include "learn/teacher.h"

#include "base/err.h"
#include "base/lines.h"
#include "base/mem.h"
#include "base/parallel_for.h"
#include "base/progress.h"
#include "base/utf8.h"
#include "learn/texts.h"
#include "learn/train.h"
#include "math/mat.h"
#include "math/vec.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_BYTES = 1 << 20, SHARD = 65536, BLOCK = 2048, DRAWS_MAX = 255, SAMPLED = 1009 };

static int read_texts(struct teacher *t, const char *path, struct err *err)
{
	struct lines *lines = lines_open(path, LINE_BYTES, err);
	struct digest digest;
	const char *line;
	uint32_t number;
	size_t n;
	int rc;

	if (!lines)
		return -1;
	digest_start(&digest);
	while ((rc = lines_next(lines, &line, &n, err)) > 0) {
		if (utf8_invalid(line, n) != n) {
			rc = err_set(err, ERR_INPUT, "%.200s, line %llu: not valid UTF-8", path,
				     (unsigned long long)lines_number(lines));
			break;
		}
		digest_add(&digest, line, n);
		digest_add(&digest, "\n", 1);
		if (texts_add(t->texts, line, n, &number, err)) {
			rc = -1;
			break;
		}
	}
	lines_free(lines);
	digest_hex(&digest, t->digest);
	return rc;
}

static int read_draws(struct teacher *t, const char *path, struct err *err)
{
	size_t n = texts_count(t->texts);
	struct lines *lines;
	const char *line;
	size_t length;
	size_t i = 0;
	int rc = 0;

	if (!path)
		return 0;
	lines = lines_open(path, LINE_BYTES, err);
	t->draws = mem_try(n + 1, 1, err);
	while (lines && t->draws && (rc = lines_next(lines, &line, &length, err)) > 0) {
		char text[8] = "";
		char *end = text;
		unsigned long draws = 0;

		if (length < sizeof(text)) {
			memcpy(text, line, length);
			draws = strtoul(text, &end, 10);
		}
		if (end == text || *end || draws > DRAWS_MAX || i == n) {
			(void)err_set(
				err, ERR_INPUT,
				"%.200s, line %zu: a whole number from 0 to %d is expected for each of the "
				"%zu texts",
				path, i + 1, DRAWS_MAX, n);
			lines_free(lines);
			return -1;
		}
		t->draws[i++] = (uint8_t)draws;
	}
	lines_free(lines);
	if (!lines || !t->draws || rc < 0)
		return -1;
	return i == n ? 0 : err_set(err, ERR_INPUT, "%.200s has %zu lines for %zu texts", path, i, n);
}

int teacher_read(struct teacher *t, struct model *m, const struct train_options *o, struct progress *progress,
		 struct err *err)
{
	*t = (struct teacher){ 0 };
	progress_phase(progress, "reading texts", "texts", 0);
	t->texts = texts_new(m, err);
	if (!t->texts || read_texts(t, o->texts, err) || read_draws(t, o->draws, err) ||
	    npy_open(&t->npy, o->teacher, err))
		return -1;
	if (t->npy.rows.n != texts_count(t->texts))
		return err_set(err, ERR_INPUT, "%.150s has %zu vectors for the %zu texts of %.150s",
			       o->teacher, t->npy.rows.n, texts_count(t->texts), o->texts);
	progress_phase(progress, "projecting the teacher's vectors", "texts", 0);
	return 0;
}

void teacher_free(struct teacher *t)
{
	npy_close(&t->npy);
	texts_free(t->texts);
	free(t->draws);
	free(t->projection);
	free(t->targets);
	free(t->order);
	free(t->drawn);
	free(t->batches);
	*t = (struct teacher){ 0 };
}

/* A pass over the teacher's vectors, by shards or blocks. */
struct passing {
	struct teacher *t;
	size_t shards;
	double *sums; /* (shards, D, D) */
	atomic_bool failed, unfit;
};

/* Rows [start, stop) as floats. */
static void take_rows(float *to, const struct rows *rows, size_t start, size_t stop)
{
	for (size_t i = start; i < stop; i++)
		rows_get(to + (i - start) * rows->d, rows, (uint32_t)i);
}

static void sum_shards(void *context, size_t worker, size_t workers)
{
	struct passing *p = context;
	const struct rows *rows = &p->t->npy.rows;
	size_t d = rows->d;
	struct err err;
	float *block = mem_try_aligned(BLOCK, d * sizeof(float), &err);
	float *scratch = mem_try_aligned(d, d * sizeof(float), &err);

	if (!block || !scratch)
		atomic_store(&p->failed, true);
	for (size_t s = worker; block && scratch && s < p->shards; s += workers) {
		size_t stop = (s + 1) * SHARD < rows->n ? (s + 1) * SHARD : rows->n;

		for (size_t i = s * SHARD; i < stop; i += BLOCK) {
			size_t n = stop - i < BLOCK ? stop - i : BLOCK;

			take_rows(block, rows, i, i + n);
			mat_add_second_moment(p->sums + s * d * d, block, n, d, scratch);
		}
	}
	free(block);
	free(scratch);
}

static void project_blocks(void *context, size_t worker, size_t workers)
{
	struct passing *p = context;
	struct teacher *t = p->t;
	const struct rows *rows = &t->npy.rows;
	struct err err;
	float *block = mem_try_aligned(BLOCK, rows->d * sizeof(float), &err);
	size_t start;
	size_t stop = parallel_share(rows->n, BLOCK, worker, workers, &start);

	if (!block)
		atomic_store(&p->failed, true);
	for (size_t i = start; block && i < stop; i += BLOCK) {
		size_t n = stop - i < BLOCK ? stop - i : BLOCK;

		take_rows(block, rows, i, i + n);
		mat_mul(t->targets + i * t->d, block, t->projection, n, t->d, rows->d, 0, 1, 1.0f, 0.0f);
		for (size_t k = i; k < i + n; k++)
			if (!isfinite(vec_unit(t->targets + k * t->d, t->d)))
				atomic_store(&p->unfit, true);
	}
	free(block);
}

/* The leading eigenvectors of the sum of all shards, in their order. */
static int take_directions(struct teacher *t, struct passing *p, double *energy, struct err *err)
{
	size_t d = t->npy.rows.d;
	double *values = mem_try(d, sizeof(*values), err);
	double *vectors = mem_try(d * d, sizeof(*vectors), err);
	double all = 0.0;
	int failed = !values || !vectors;

	for (size_t s = 1; s < p->shards; s++)
		for (size_t i = 0; i < d * d; i++)
			p->sums[i] += p->sums[s * d * d + i];
	if (!failed)
		failed = mat_eigen(values, vectors, p->sums, d, err);
	*energy = 0.0;
	for (size_t k = 0; !failed && k < d; k++) {
		all += values[k];
		*energy += k < t->d ? values[k] : 0.0;
	}
	for (size_t i = 0; !failed && i < t->d * d; i++)
		t->projection[i] = (float)vectors[i];
	*energy = all > 0 ? *energy / all : 0.0;
	free(values);
	free(vectors);
	return failed ? -1 : 0;
}

int teacher_project(struct teacher *t, size_t d, double *energy, struct threads *threads, struct err *err)
{
	size_t n = t->npy.rows.n;
	size_t wide = t->npy.rows.d;
	struct passing p = { .t = t, .shards = (n + SHARD - 1) / SHARD };
	int failed;

	t->d = d;
	t->projection = mem_try_aligned(t->d, wide * sizeof(float), err);
	t->targets = mem_try_aligned(n, t->d * sizeof(float), err);
	p.sums = mem_try_aligned(p.shards, wide * wide * sizeof(double), err);
	if (!t->projection || !t->targets || !p.sums) {
		free(p.sums);
		return -1;
	}
	memset(p.sums, 0, p.shards * wide * wide * sizeof(double));
	parallel_for(threads, sum_shards, &p);
	failed = atomic_load(&p.failed) || take_directions(t, &p, energy, err);
	free(p.sums);
	if (!failed)
		parallel_for(threads, project_blocks, &p);
	if (atomic_load(&p.failed))
		return err_set(err, ERR_MEMORY, "no memory is left for the teacher's vectors");
	if (!failed && atomic_load(&p.unfit))
		return err_set(err, ERR_INPUT, "the teacher's vectors hold numbers that are not finite");
	return failed ? -1 : 0;
}

uint64_t teacher_count_words(const struct teacher *t, uint64_t *counts)
{
	uint64_t total = 0;

	for (size_t i = 0; i < texts_count(t->texts); i++) {
		size_t n;
		const uint32_t *words = texts_words(t->texts, (uint32_t)i, &n);

		for (size_t k = 0; k < n; k++)
			counts[words[k]]++;
		total += n;
	}
	return total;
}

void teacher_identify(const struct teacher *t, struct digest *digest)
{
	const struct rows *rows = &t->npy.rows;
	size_t row_bytes = rows->d * rows_type_size(rows->type);

	digest_add(digest, t->digest, DIGEST_HEX);
	if (t->draws)
		digest_add(digest, t->draws, texts_count(t->texts));
	for (size_t i = 0; i < rows->n; i += SAMPLED)
		digest_add(digest, (const char *)rows->data + i * row_bytes, row_bytes);
}
