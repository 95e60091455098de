/*
 * The passes over the corpus: finds its words once, counts them, and sums their sentences' second moment.
 */
#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/pipeline.h"
#include "base/progress.h"
#include "embed/fit_private.h"
#include "math/mat.h"
#include "math/vec.h"
#include "model/model.h"
#include "text/corpus.h"
#include "text/lookup.h"
#include "text/sentences.h"

#include <stdlib.h>
#include <string.h>

enum {
	/*
	 * Up to here each block in flight has a (d, d) sum of its own, 8 MB at most.  Wider models are summed
	 * while finishing, one block after the other into the one sum: slower, but the memory stays in
	 * bounds.
	 */
	OWN_SUM_DIMENSIONS = 1024,
	VECTORS_BYTES = 2 << 20, /* sentence vectors per product: about a core's cache */
	VECTORS_LEAST = 512,
	ROWS_AHEAD = 8,
	MOST_WORKERS = 1024,
};

/* What a worker has, made when it first works. */
struct reader {
	struct lookup *lookup;
	struct cutter *cutter; /* NULL when a unit is a line */
	float *vectors;	       /* (vectors_n, d) */
	float *scratch;	       /* (d, d) */
	float *collected;      /* (collected_cap) weights of a unit's words */
	size_t collected_cap;
};

struct pass {
	const struct fit_source *source;
	size_t workers;
	struct reader *readers; /* (workers + 1): the last one is for finish_block() */
	struct fit_report *totals;
	uint64_t *counts;     /* of the counting pass, else NULL */
	const float *weights; /* of the summing pass, with `sum` */
	double *sum;
	size_t vectors_n;
	bool from_kept;
	size_t next_kept;
};

/* A block of the corpus, and then what was found in it. */
struct block {
	struct buf raw, scratch;
	struct corpus_place where;
	struct fit_words words;
	size_t ids_cap, ends_cap; /* 0: the arrays of `words` belong to struct fit_kept */
	double *sum;		  /* (d, d), or NULL when summed while finishing */
};

static int add_unit(struct block *b, struct reader *r, const char *text, size_t n, struct err *err)
{
	struct fit_words *w = &b->words;
	const uint32_t *ids;
	size_t unknown;
	ptrdiff_t found = lookup_ids(r->lookup, text, n, &ids, &unknown, err);
	size_t known = (size_t)found;

	if (found < 0)
		return -1;
	w->totals.tokens += known + unknown;
	w->totals.known += known;
	if (known == 0)
		return 0;
	w->totals.sentences++;
	if (mem_reserve(&w->ids, &b->ids_cap, w->ids_n + known, sizeof(*w->ids), err) ||
	    mem_grow(&w->ends, &b->ends_cap, w->ends_n, sizeof(*w->ends), err))
		return -1;
	memcpy(w->ids + w->ids_n, ids, known * sizeof(*ids));
	w->ids_n += known;
	w->ends[w->ends_n++] = (uint32_t)w->ids_n;
	return 0;
}

static int add_line(struct block *b, struct reader *r, const char *line, size_t n, struct err *err)
{
	const struct span *spans;
	ptrdiff_t found;

	b->words.totals.lines++;
	if (!r->cutter)
		return add_unit(b, r, line, n, err);
	found = cutter_run(r->cutter, line, n, &spans, err);
	if (found < 0)
		return -1;
	for (ptrdiff_t i = 0; i < found; i++)
		if (add_unit(b, r, line + spans[i].start, spans[i].stop - spans[i].start, err))
			return -1;
	return 0;
}

/* Turns the block's text into ids. */
static int read_words(const struct pass *p, struct block *b, struct reader *r, struct err *err)
{
	const char *text;
	size_t n;

	b->words.ids_n = b->words.ends_n = 0;
	b->words.totals = (struct fit_report){ .bytes = b->raw.len };
	if (corpus_lines(p->source->corpus, &b->where, &b->raw, &b->scratch, &text, &n, err))
		return -1;
	while (n > 0) {
		const char *lf = memchr(text, '\n', n);
		size_t length = lf ? (size_t)(lf - text) : n;
		size_t taken = lf ? length + 1 : n;

		if (add_line(b, r, text, length, err))
			return -1;
		text += taken;
		n -= taken;
	}
	return 0;
}

static int unit_vector(const struct pass *p, struct reader *r, const uint32_t *ids, size_t n, float *vector,
		       struct err *err)
{
	if (mem_reserve(&r->collected, &r->collected_cap, n, sizeof(*r->collected), err))
		return -1;
	for (size_t i = 0; i < n; i++)
		r->collected[i] = p->weights[ids[i]];
	rows_sum(vector, &p->source->m->rows, ids, r->collected, n);
	vec_scale(vector, 1.0f / (float)n, p->source->m->rows.d);
	return 0;
}

/* sum += v v' over the block's units. */
static int add_moment(const struct pass *p, const struct fit_words *w, struct reader *r, double *sum,
		      struct err *err)
{
	const struct rows *rows = &p->source->m->rows;
	size_t filled = 0;
	size_t start = 0;

	for (size_t u = 0; u < w->ends_n; u++) {
		size_t stop = w->ends[u];

		for (size_t i = stop; i < w->ids_n && i < stop + ROWS_AHEAD; i++)
			rows_prefetch(rows, w->ids[i]);
		if (unit_vector(p, r, w->ids + start, stop - start, r->vectors + filled * rows->d, err))
			return -1;
		start = stop;
		if (++filled == p->vectors_n) {
			mat_add_second_moment(sum, r->vectors, filled, rows->d, r->scratch);
			filled = 0;
		}
	}
	mat_add_second_moment(sum, r->vectors, filled, rows->d, r->scratch);
	return 0;
}

static int ready_reader(const struct pass *p, struct reader *r, struct err *err)
{
	const struct model *m = p->source->m;
	size_t d = m->rows.d;

	if (!r->lookup) {
		r->lookup = lookup_new(&m->rules, &m->vocab, err);
		if (!r->lookup)
			return -1;
	}
	if (!r->cutter && !p->source->by_line) {
		r->cutter = cutter_new(err);
		if (!r->cutter)
			return -1;
	}
	if (!p->weights || r->vectors)
		return 0;
	r->vectors = mem_try_aligned(p->vectors_n * d, sizeof(float), err);
	r->scratch = mem_try_aligned(d * d, sizeof(float), err);
	return r->vectors && r->scratch ? 0 : -1;
}

static int read_kept(struct pass *p, struct block *b)
{
	const struct fit_kept *kept = p->source->kept;

	if (p->next_kept == kept->n)
		return 0;
	b->words = kept->blocks[p->next_kept++];
	return 1;
}

static int read_block(void *context, void *block, struct err *err)
{
	struct pass *p = context;
	struct block *b = block;
	int more;

	if (progress_stop(p->source->progress))
		return err_set(err, ERR_CANCELLED, "the fit was cancelled");
	if (p->from_kept) {
		more = read_kept(p, b);
	} else {
		more = corpus_next(p->source->corpus, &b->raw, &b->where, err);
		b->words.taken = corpus_taken(p->source->corpus);
	}
	progress_set(p->source->progress, b->words.taken);
	return more;
}

static int work_block(void *context, void *block, size_t worker, struct err *err)
{
	struct pass *p = context;
	struct block *b = block;
	struct reader *r = &p->readers[worker];
	size_t d = p->source->m->rows.d;

	if (ready_reader(p, r, err) || (!p->from_kept && read_words(p, b, r, err)))
		return -1;
	if (!p->sum || d > OWN_SUM_DIMENSIONS)
		return 0;
	if (!b->sum) {
		b->sum = mem_try_aligned(d * d, sizeof(*b->sum), err);
		if (!b->sum)
			return -1;
	} else {
		memset(b->sum, 0, d * d * sizeof(*b->sum));
	}
	return add_moment(p, &b->words, r, b->sum, err);
}

static int finish_sum(struct pass *p, const struct block *b, struct err *err)
{
	size_t d = p->source->m->rows.d;
	struct reader *r = &p->readers[p->workers];

	if (b->sum) {
		for (size_t i = 0; i < d * d; i++)
			p->sum[i] += b->sum[i];
		return 0;
	}
	if (ready_reader(p, r, err))
		return -1;
	return add_moment(p, &b->words, r, p->sum, err);
}

static void add_totals(struct fit_report *t, const struct fit_report *of)
{
	t->bytes += of->bytes;
	t->lines += of->lines;
	t->sentences += of->sentences;
	t->tokens += of->tokens;
	t->known += of->known;
}

void fit_kept_free(struct fit_kept *kept)
{
	for (size_t i = 0; i < kept->n; i++) {
		free(kept->blocks[i].ids);
		free(kept->blocks[i].ends);
	}
	free(kept->blocks);
	*kept = (struct fit_kept){ 0 };
}

static uint32_t *copy(const uint32_t *from, size_t n, struct err *err)
{
	uint32_t *to = mem_try(n + 1, sizeof(*to), err);

	if (to && n)
		memcpy(to, from, n * sizeof(*to));
	return to;
}

/* False when there is no room; the second pass then reads the corpus again. */
static bool keep(struct fit_kept *kept, const struct fit_words *w)
{
	size_t bytes = (w->ids_n + w->ends_n) * sizeof(uint32_t) + sizeof(*w);
	struct err unused;
	struct fit_words *to;

	if (bytes > FIT_KEPT_BYTES - kept->bytes)
		return false;
	if (mem_grow(&kept->blocks, &kept->cap, kept->n, sizeof(*to), &unused))
		return false;
	to = &kept->blocks[kept->n++];
	*to = *w;
	to->ids = copy(w->ids, w->ids_n, &unused);
	to->ends = copy(w->ends, w->ends_n, &unused);
	kept->bytes += bytes;
	return to->ids && to->ends;
}

/* Counts here rather than per worker: one table, and a fiftieth of the time that finding the words takes. */
static int finish_block(void *context, void *block, struct err *err)
{
	struct pass *p = context;
	const struct block *b = block;
	const struct fit_words *w = &b->words;
	struct fit_kept *kept = p->source->kept;

	add_totals(p->totals, &w->totals);
	if (p->sum)
		return finish_sum(p, b, err);
	for (size_t i = 0; i < w->ids_n; i++)
		p->counts[w->ids[i]]++;
	if (kept && kept->whole && !keep(kept, w))
		fit_kept_free(kept);
	return 0;
}

static void drop_block(void *context, void *block)
{
	struct block *b = block;

	(void)context;
	buf_free(&b->raw);
	buf_free(&b->scratch);
	if (b->ids_cap)
		free(b->words.ids);
	if (b->ends_cap)
		free(b->words.ends);
	free(b->sum);
}

static void free_readers(struct pass *p)
{
	for (size_t i = 0; i <= p->workers; i++) {
		struct reader *r = &p->readers[i];

		lookup_free(r->lookup);
		cutter_free(r->cutter);
		free(r->vectors);
		free(r->scratch);
		free(r->collected);
	}
	free(p->readers);
}

static int run_pass(struct pass *p, const char *phase, struct err *err)
{
	struct pipeline pipeline = { .block_bytes = sizeof(struct block),
				     .read = read_block,
				     .work = work_block,
				     .finish = finish_block,
				     .drop = drop_block,
				     .context = p };
	int failed;

	p->workers = p->source->workers ? p->source->workers : pipeline_processors();
	if (p->workers > MOST_WORKERS)
		p->workers = MOST_WORKERS;
	pipeline.workers = p->workers;
	*p->totals = (struct fit_report){ 0 };
	p->readers = mem_try(p->workers + 1, sizeof(*p->readers), err);
	if (!p->readers)
		return -1;
	progress_phase(p->source->progress, phase, "bytes", corpus_size(p->source->corpus));
	failed = pipeline_run(&pipeline, err);
	free_readers(p);
	return failed;
}

int fit_count(const struct fit_source *source, uint64_t *counts, struct fit_report *totals, struct err *err)
{
	struct pass p = { .source = source, .totals = totals };

	p.counts = counts;
	if (source->kept)
		source->kept->whole = true;
	return run_pass(&p, "counting words", err);
}

int fit_sum(const struct fit_source *source, const float *weights, double *sum, struct fit_report *totals,
	    struct err *err)
{
	size_t fitting = VECTORS_BYTES / sizeof(float) / source->m->rows.d;
	struct pass p = { .source = source,
			  .totals = totals,
			  .weights = weights,
			  .vectors_n = fitting > VECTORS_LEAST ? fitting : VECTORS_LEAST };

	p.sum = sum;
	p.from_kept = source->kept && source->kept->whole;
	return run_pass(&p, "summing vectors", err);
}
