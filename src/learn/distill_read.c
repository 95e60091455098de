#include "base/err.h"
#include "base/lines.h"
#include "base/mem.h"
#include "base/parallel_for.h"
#include "base/progress.h"
#include "base/stream.h"
#include "base/utf8.h"
#include "learn/distill_private.h"
#include "learn/texts.h"
#include "math/mat.h"
#include "math/sif.h"
#include "math/vec.h"
#include "model/model.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_BYTES = 1 << 20, SHARD = 65536, BLOCK = 2048, DRAWS_MAX = 255 };

static const double pieces_share = 0.5;

static struct lines *open_lines(const char *path, struct err *err)
{
	struct stream *stream = stream_open(path, err);

	return stream ? lines_new(stream, LINE_BYTES, err) : NULL;
}

static int read_texts(struct distill *x, struct err *err)
{
	struct lines *lines = open_lines(x->o->texts, err);
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
			rc = err_set(err, ERR_INPUT, "%.200s, line %llu: not valid UTF-8", x->o->texts,
				     (unsigned long long)lines_number(lines));
			break;
		}
		digest_add(&digest, line, n);
		digest_add(&digest, "\n", 1);
		if (texts_add(x->texts, line, n, &number, err)) {
			rc = -1;
			break;
		}
	}
	lines_free(lines);
	digest_hex(&digest, x->texts_digest);
	return rc;
}

static int read_draws(struct distill *x, struct err *err)
{
	size_t n = texts_count(x->texts);
	struct lines *lines;
	const char *line;
	size_t length;
	size_t i = 0;
	int rc = 0;

	if (!x->o->draws)
		return 0;
	lines = open_lines(x->o->draws, err);
	x->draws = mem_try(n + 1, 1, err);
	while (lines && x->draws && (rc = lines_next(lines, &line, &length, err)) > 0) {
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
				x->o->draws, i + 1, DRAWS_MAX, n);
			lines_free(lines);
			return -1;
		}
		x->draws[i++] = (uint8_t)draws;
	}
	if (lines)
		lines_free(lines);
	if (!lines || !x->draws || rc < 0)
		return -1;
	return i == n ? 0 : err_set(err, ERR_INPUT, "%.200s has %zu lines for %zu texts", x->o->draws, i, n);
}

int distill_read(struct distill *x, struct progress *progress, struct err *err)
{
	progress_phase(progress, "reading texts", "texts", 0);
	x->threads = threads_new(x->o->workers, err);
	x->texts = texts_new(x->m, err);
	if (!x->threads || !x->texts || read_texts(x, err) || read_draws(x, err) ||
	    npy_open(&x->teacher, x->o->teacher, err))
		return -1;
	if (x->teacher.rows.n != texts_count(x->texts))
		return err_set(err, ERR_INPUT, "%.150s has %zu vectors for the %zu texts of %.150s",
			       x->o->teacher, x->teacher.rows.n, texts_count(x->texts), x->o->texts);
	x->words = x->m->rows.n;
	progress_phase(progress, "projecting the teacher's vectors", "texts", 0);
	return 0;
}

/* Work on the teacher's vectors: shards or blocks, each the business of one worker. */
struct passing {
	struct distill *x;
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
	const struct rows *rows = &p->x->teacher.rows;
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
	struct distill *x = p->x;
	const struct rows *rows = &x->teacher.rows;
	struct err err;
	float *block = mem_try_aligned(BLOCK, rows->d * sizeof(float), &err);
	size_t start;
	size_t stop = parallel_share(rows->n, BLOCK, worker, workers, &start);

	if (!block)
		atomic_store(&p->failed, true);
	for (size_t i = start; block && i < stop; i += BLOCK) {
		size_t n = stop - i < BLOCK ? stop - i : BLOCK;

		take_rows(block, rows, i, i + n);
		mat_mul(x->targets + i * x->d, block, x->projection, n, x->d, rows->d, 0, 1, 1.0f, 0.0f);
		for (size_t k = i; k < i + n; k++)
			if (!isfinite(vec_unit(x->targets + k * x->d, x->d)))
				atomic_store(&p->unfit, true);
	}
	free(block);
}

/* The leading eigenvectors of the sum of all shards, in their order. */
static int take_directions(struct distill *x, struct passing *p, double *energy, struct err *err)
{
	size_t d = x->teacher.rows.d;
	double *values = mem_try(d, sizeof(*values), err);
	double *vectors = mem_try(d * d, sizeof(*vectors), err);
	double all = 0.0;
	int failed = !values || !vectors;

	for (size_t s = 1; s < p->shards; s++)
		for (size_t i = 0; i < d * d; i++)
			p->sums[i] += p->sums[s * d * d + i];
	if (!failed)
		failed = mat_eigen(values, vectors, p->sums, d, err) != 0;
	*energy = 0.0;
	for (size_t k = 0; !failed && k < d; k++) {
		all += values[k];
		*energy += k < x->d ? values[k] : 0.0;
	}
	for (size_t i = 0; !failed && i < x->d * d; i++)
		x->projection[i] = (float)vectors[i];
	*energy = all > 0 ? *energy / all : 0.0;
	free(values);
	free(vectors);
	return failed ? -1 : 0;
}

int distill_project(struct distill *x, double *energy, struct err *err)
{
	size_t n = x->teacher.rows.n;
	size_t d = x->teacher.rows.d;
	struct passing p = { .x = x, .shards = (n + SHARD - 1) / SHARD };
	int failed;

	x->projection = mem_try_aligned(x->d, d * sizeof(float), err);
	x->targets = mem_try_aligned(n, x->d * sizeof(float), err);
	p.sums = mem_try_aligned(p.shards, d * d * sizeof(double), err);
	if (!x->projection || !x->targets || !p.sums) {
		free(p.sums);
		return -1;
	}
	memset(p.sums, 0, p.shards * d * d * sizeof(double));
	parallel_for(x->threads, sum_shards, &p);
	failed = atomic_load(&p.failed) || take_directions(x, &p, energy, err);
	free(p.sums);
	if (!failed)
		parallel_for(x->threads, project_blocks, &p);
	if (atomic_load(&p.failed))
		return err_set(err, ERR_MEMORY, "no memory is left for the teacher's vectors");
	if (!failed && atomic_load(&p.unfit))
		return err_set(err, ERR_INPUT, "%.200s holds numbers that are not finite", x->o->teacher);
	return failed ? -1 : 0;
}

/* How often each word stands in the texts. */
static uint64_t count_words(const struct distill *x, uint64_t *counts)
{
	uint64_t total = 0;

	for (size_t t = 0; t < texts_count(x->texts); t++) {
		size_t n;
		const uint32_t *ids = texts_words(x->texts, (uint32_t)t, &n);

		for (size_t i = 0; i < n; i++)
			counts[ids[i]]++;
		total += n;
	}
	return total;
}

static bool is_piece(const struct model *m, size_t id)
{
	size_t n;
	const char *word = vocab_word(&m->vocab, (uint32_t)id, &n);

	return n > 2 && word[0] == '#' && word[1] == '#';
}

static int make_rows(struct distill *x, struct err *err)
{
	x->rows = mem_try_aligned(x->words, x->d * sizeof(float), err);
	x->first = mem_try_aligned(x->words, x->d * sizeof(float), err);
	x->second = mem_try_aligned(x->words, sizeof(float), err);
	if (!x->rows || !x->first || !x->second)
		return -1;
	memset(x->first, 0, x->words * x->d * sizeof(float));
	memset(x->second, 0, x->words * sizeof(float));
	return 0;
}

int distill_resume(struct distill *x, struct err *err)
{
	if (make_rows(x, err))
		return -1;
	for (size_t i = 0; i < x->words; i++)
		rows_get(x->rows + i * x->d, &x->m->rows, (uint32_t)i);
	return 0;
}

int distill_start(struct distill *x, struct err *err)
{
	size_t wide = x->m->rows.d;
	uint64_t *counts = mem_try(x->words, sizeof(*counts), err);
	float *row = mem_try_aligned(wide, sizeof(float), err);
	uint64_t total = counts ? count_words(x, counts) : 0;

	if (!counts || !row || make_rows(x, err)) {
		free(counts);
		free(row);
		return -1;
	}
	for (size_t i = 0; i < x->words; i++) {
		double p = total ? (double)counts[i] / (double)total : 0.0;
		double share = is_piece(x->m, i) ? pieces_share : 1.0;

		rows_get(row, &x->m->rows, (uint32_t)i);
		for (size_t k = 0; k < x->d; k++)
			x->rows[i * x->d + k] = vec_dot(row, x->projection + k * wide, wide);
		vec_scale(x->rows + i * x->d, (float)(share * (double)sif_weight(p, x->o->a)), x->d);
	}
	free(counts);
	free(row);
	return 0;
}
