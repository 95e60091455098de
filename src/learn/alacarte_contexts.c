/* The two passes over the corpus: the first counts words, the second sums the rows around them. */
#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/pipeline.h"
#include "base/progress.h"
#include "learn/alacarte_private.h"
#include "model/model.h"
#include "text/case_fold.h"
#include "text/corpus.h"
#include "text/lookup.h"
#include "text/sentences.h"
#include "text/vocab_builder.h"

#include <stdlib.h>
#include <string.h>

enum { WORDS_LEAST = 20 }; /* known ones, and a quarter as many as dimensions */

/* One per worker. */
struct reader {
	struct lookup *lookup;
	struct cutter *cutter; /* NULL when a context ends with its line */
	struct case_folder *folder;
};

/* A block of the corpus and its words; unknown ones are VOCAB_UNKNOWN, their forms are in `forms`, in order.
 */
struct block {
	struct buf raw, scratch;
	struct corpus_place where;
	struct buf ids;	  /* uint32_t */
	struct buf ends;  /* size_t: where each unit's ids end */
	struct buf forms; /* 0-terminated; empty when too long */
	uint64_t bytes, taken;
};

struct pass {
	struct contexts *c;
	struct corpus *corpus;
	struct reader *readers;
	struct case_fold fold;
	bool summing;
	float *around; /* (d) the sum of the rows around a word */
};

void contexts_free(struct contexts *c)
{
	free(c->counts);
	vocab_builder_free(c->forms);
	free(c->form_counts);
	free(c->known);
	free(c->known_slots);
	free(c->fresh_counts);
	free(c->fresh_bytes);
	free(c->fresh_offsets);
	free(c->fresh_slots);
	free(c->sums);
}

/* Reading */

/* The form under which a later lookup will find it. */
static int add_form(const struct pass *p, struct block *b, struct reader *r, const char *text, size_t n,
		    struct err *err)
{
	const char *form;
	size_t form_n;

	if (case_folder_run(r->folder, p->fold, text, n, &form, &form_n, err))
		return -1;
	if (form_n <= ALACARTE_FORM_BYTES && !memchr(form, '\0', form_n))
		buf_add(&b->forms, form, form_n);
	buf_byte(&b->forms, '\0');
	return 0;
}

static int add_unit(const struct pass *p, struct block *b, struct reader *r, const char *text, size_t n,
		    struct err *err)
{
	const struct word *words;
	ptrdiff_t found = lookup_run(r->lookup, text, n, &words, err);
	size_t end;

	if (found < 0)
		return -1;
	for (ptrdiff_t i = 0; i < found; i++) {
		buf_add(&b->ids, &words[i].id, sizeof(words[i].id));
		if (words[i].id == VOCAB_UNKNOWN &&
		    add_form(p, b, r, text + words[i].start, words[i].stop - words[i].start, err))
			return -1;
	}
	end = b->ids.len / sizeof(uint32_t);
	buf_add(&b->ends, &end, sizeof(end));
	return 0;
}

static int add_line(const struct pass *p, struct block *b, struct reader *r, const char *line, size_t n,
		    struct err *err)
{
	const struct span *spans;
	ptrdiff_t found;

	if (!r->cutter)
		return add_unit(p, b, r, line, n, err);
	found = cutter_run(r->cutter, line, n, &spans, err);
	for (ptrdiff_t i = 0; i < found; i++)
		if (add_unit(p, b, r, line + spans[i].start, spans[i].stop - spans[i].start, err))
			return -1;
	return found < 0 ? -1 : 0;
}

static int ready_reader(const struct pass *p, struct reader *r, struct err *err)
{
	if (!r->lookup)
		r->lookup = lookup_new(&p->c->m->rules, &p->c->m->vocab, err);
	if (r->lookup && !r->folder)
		r->folder = case_folder_new(err);
	if (r->folder && !r->cutter && !p->c->o->by_line) {
		r->cutter = cutter_new(err);
		return r->cutter ? 0 : -1;
	}
	return r->folder ? 0 : -1;
}

static int read_block(void *context, void *block, struct err *err)
{
	struct pass *p = context;
	struct block *b = block;
	int more;

	if (progress_stop(p->c->progress))
		return err_set(err, ERR_CANCELLED, "the training was cancelled");
	more = corpus_next(p->corpus, &b->raw, &b->where, err);
	b->taken = corpus_taken(p->corpus);
	b->bytes = b->raw.len;
	return more;
}

static int work_block(void *context, void *block, size_t worker, struct err *err)
{
	struct pass *p = context;
	struct block *b = block;
	struct reader *r = &p->readers[worker];
	const char *text;
	size_t n;

	buf_reset(&b->ids);
	buf_reset(&b->ends);
	buf_reset(&b->forms);
	if (ready_reader(p, r, err) ||
	    corpus_lines(p->corpus, &b->where, &b->raw, &b->scratch, &text, &n, err))
		return -1;
	while (n > 0) {
		const char *lf = memchr(text, '\n', n);
		size_t length = lf ? (size_t)(lf - text) : n;
		size_t taken = lf ? length + 1 : n;

		if (add_line(p, b, r, text, length, err))
			return -1;
		text += taken;
		n -= taken;
	}
	if (b->ids.failed || b->ends.failed || b->forms.failed)
		return err_set(err, ERR_MEMORY, "not enough memory for a block's words");
	return 0;
}

/* Counting */

/* The count of a form; a new form starts at 0. */
static uint64_t *form_count(struct contexts *c, struct vocab_builder *forms, uint64_t **counts, size_t *cap,
			    const char *form, size_t n, struct err *err)
{
	uint32_t id;
	bool added;

	if (vocab_builder_add(forms, form, n, &id, &added, err))
		return NULL;
	if (mem_grow(counts, cap, id, sizeof(**counts), err))
		return NULL;
	if (added) {
		(*counts)[id] = 0;
		c->forms_n = (size_t)id + 1;
	}
	return &(*counts)[id];
}

/* Drops the rarest forms until half the room is free. */
static int forget_rare(struct contexts *c, struct err *err)
{
	while (c->forms_n > ALACARTE_FORMS_MAX / 2) {
		struct vocab_builder *kept = vocab_builder_new(err);
		uint64_t *counts = NULL;
		size_t cap = 0;
		const char *bytes;
		const uint64_t *offsets;
		size_t n = vocab_builder_words(c->forms, &bytes, &offsets);
		int rc = kept ? 0 : -1;

		c->forgotten++;
		c->forms_n = 0;
		for (size_t i = 0; i < n && rc == 0; i++) {
			uint64_t *count;

			if (c->form_counts[i] <= c->forgotten)
				continue;
			count = form_count(c, kept, &counts, &cap, bytes + offsets[i],
					   (size_t)(offsets[i + 1] - offsets[i]), err);
			rc = count ? 0 : -1;
			if (count)
				*count = c->form_counts[i];
		}
		if (kept) {
			vocab_builder_free(c->forms);
			c->forms = kept;
		}
		free(c->form_counts);
		c->form_counts = counts;
		c->forms_cap = cap;
		if (rc)
			return -1;
	}
	return 0;
}

static int count_form(struct contexts *c, const char *form, size_t n, struct err *err)
{
	uint64_t *count;

	if (n == 0)
		return 0;
	if (c->forms_n >= ALACARTE_FORMS_MAX && forget_rare(c, err))
		return -1;
	count = form_count(c, c->forms, &c->form_counts, &c->forms_cap, form, n, err);
	if (!count)
		return -1;
	++*count;
	return 0;
}

static int count_block(struct pass *p, const struct block *b, struct err *err)
{
	struct contexts *c = p->c;
	const uint32_t *ids = (const uint32_t *)(const void *)b->ids.data;
	size_t n = b->ids.len / sizeof(*ids);
	const char *form = b->forms.data;

	c->report->bytes += b->bytes;
	c->report->tokens += n;
	for (size_t i = 0; i < n; i++) {
		size_t length;

		if (ids[i] != VOCAB_UNKNOWN) {
			c->counts[ids[i]]++;
			c->report->known_before++;
			continue;
		}
		length = strlen(form);
		if (count_form(c, form, length, err))
			return -1;
		form += length + 1;
	}
	return 0;
}

/* Choosing */

struct ranked {
	uint64_t count;
	uint32_t form;
};

/* Most frequent first; among equals, the one that came first. */
static int compare_ranked(const void *a, const void *b)
{
	const struct ranked *x = a;
	const struct ranked *y = b;

	if (x->count != y->count)
		return x->count < y->count ? 1 : -1;
	return (x->form > y->form) - (x->form < y->form);
}

static int choose_known(struct contexts *c, struct err *err)
{
	size_t n = c->m->rows.n;

	c->known_slots = mem_try(n, sizeof(*c->known_slots), err);
	c->known = mem_try(n, sizeof(*c->known), err);
	if (!c->known_slots || !c->known)
		return -1;
	for (size_t i = 0; i < n; i++) {
		c->known_slots[i] = ALACARTE_NO_SLOT;
		if (c->counts[i] >= c->o->fit_count && c->known_n < INT32_MAX / 2) {
			c->known_slots[i] = (int32_t)c->known_n;
			c->known[c->known_n++] = (uint32_t)i;
		}
	}
	return 0;
}

static int keep_fresh(struct contexts *c, const struct ranked *ranked, size_t n, struct err *err)
{
	const char *bytes;
	const uint64_t *offsets;
	size_t total = 0;

	(void)vocab_builder_words(c->forms, &bytes, &offsets);
	for (size_t i = 0; i < n; i++)
		total += (size_t)(offsets[ranked[i].form + 1] - offsets[ranked[i].form]);
	c->fresh_counts = mem_try(n, sizeof(*c->fresh_counts), err);
	c->fresh_bytes = mem_try(total, 1, err);
	c->fresh_offsets = mem_try(n + 1, sizeof(*c->fresh_offsets), err);
	c->fresh_slots = mem_try(vocab_slots(n), sizeof(*c->fresh_slots), err);
	if (!c->fresh_counts || !c->fresh_bytes || !c->fresh_offsets || !c->fresh_slots)
		return -1;
	for (size_t i = 0; i < n; i++) {
		uint64_t start = offsets[ranked[i].form];
		uint64_t length = offsets[ranked[i].form + 1] - start;

		memcpy(c->fresh_bytes + c->fresh_offsets[i], bytes + start, (size_t)length);
		c->fresh_offsets[i + 1] = c->fresh_offsets[i] + length;
		c->fresh_counts[i] = ranked[i].count;
	}
	vocab_index(c->fresh_slots, vocab_slots(n), c->fresh_bytes, c->fresh_offsets, n, 0);
	c->fresh = (struct vocab){ .n = n,
				   .bytes = c->fresh_bytes,
				   .offsets = c->fresh_offsets,
				   .slots = c->fresh_slots,
				   .slots_n = vocab_slots(n) };
	return 0;
}

static int choose_fresh(struct contexts *c, struct err *err)
{
	struct ranked *ranked = mem_try(c->forms_n, sizeof(*ranked), err);
	size_t n = 0;
	int rc;

	if (!ranked)
		return -1;
	for (size_t i = 0; i < c->forms_n; i++)
		if (c->form_counts[i] >= c->o->min_count)
			ranked[n++] = (struct ranked){ c->form_counts[i], (uint32_t)i };
	qsort(ranked, n, sizeof(*ranked), compare_ranked);
	if (n > c->o->max_words)
		n = c->o->max_words;
	rc = keep_fresh(c, ranked, n, err);
	free(ranked);
	return rc;
}

/* Is there something to learn from, and something to learn? */
static int check_found(const struct contexts *c, struct err *err)
{
	c->report->known_after = c->report->known_before;
	c->report->barren = true;
	if (c->fresh.n == 0)
		return err_set(err, ERR_INPUT, "no word without a vector is seen %llu times or more",
			       (unsigned long long)c->o->min_count);
	if (c->known_n < WORDS_LEAST || c->known_n < c->m->rows.d / 4)
		return err_set(err, ERR_INPUT,
			       "%zu known words are seen %llu times or more: too few to learn from",
			       c->known_n, (unsigned long long)c->o->fit_count);
	c->report->barren = false;
	return 0;
}

/* Summing */

/* The row of sums for a word, or ALACARTE_NO_SLOT; takes the form of an unknown one off *form. */
static int64_t slot_of(const struct contexts *c, uint32_t id, const char **form)
{
	size_t length;
	uint32_t found;

	if (id != VOCAB_UNKNOWN)
		return c->known_slots[id];
	length = strlen(*form);
	found = vocab_find(&c->fresh, *form, length);
	*form += length + 1;
	return found == VOCAB_UNKNOWN ? ALACARTE_NO_SLOT : (int64_t)c->known_n + (int64_t)found;
}

/* The known words around the one at i, to near (2 window); returns how many. */
static size_t words_around(uint32_t *near, const uint32_t *ids, size_t n, size_t i, size_t window)
{
	size_t stop = n - i > window ? i + window + 1 : n;
	size_t found = 0;

	for (size_t j = i > window ? i - window : 0; j < stop; j++)
		if (j != i && ids[j] != VOCAB_UNKNOWN)
			near[found++] = ids[j];
	return found;
}

static void sum_unit(struct pass *p, const uint32_t *ids, size_t n, const char **form)
{
	const struct contexts *c = p->c;
	uint32_t near[2 * ALACARTE_WINDOW_MAX];
	size_t d = c->m->rows.d;

	for (size_t i = 0; i < n; i++) {
		int64_t slot = slot_of(c, ids[i], form);
		double *sum;

		if (slot < 0)
			continue;
		sum = c->sums + (size_t)slot * d;
		rows_sum(p->around, &c->m->rows, near, NULL, words_around(near, ids, n, i, c->o->window));
		for (size_t j = 0; j < d; j++)
			sum[j] += (double)p->around[j];
	}
}

static void sum_block(struct pass *p, const struct block *b)
{
	const uint32_t *ids = (const uint32_t *)(const void *)b->ids.data;
	const size_t *ends = (const size_t *)(const void *)b->ends.data;
	size_t units = b->ends.len / sizeof(*ends);
	const char *form = b->forms.data;
	size_t start = 0;

	for (size_t u = 0; u < units; u++) {
		sum_unit(p, ids + start, ends[u] - start, &form);
		start = ends[u];
	}
}

/* Passes */

static int finish_block(void *context, void *block, struct err *err)
{
	struct pass *p = context;
	const struct block *b = block;

	progress_set(p->c->progress, b->taken);
	if (!p->summing)
		return count_block(p, b, err);
	sum_block(p, b);
	return 0;
}

static void drop_block(void *context, void *block)
{
	struct block *b = block;

	(void)context;
	buf_free(&b->raw);
	buf_free(&b->scratch);
	buf_free(&b->ids);
	buf_free(&b->ends);
	buf_free(&b->forms);
}

static int run_pass(struct pass *p, size_t workers, const char *phase, struct err *err)
{
	struct pipeline pipeline = { .workers = workers,
				     .block_bytes = sizeof(struct block),
				     .read = read_block,
				     .work = work_block,
				     .finish = finish_block,
				     .drop = drop_block,
				     .context = p };

	progress_phase(p->c->progress, phase, "bytes", corpus_size(p->corpus));
	return pipeline_run(&pipeline, err);
}

static int prepare_sums(struct pass *p, struct err *err)
{
	struct contexts *c = p->c;
	size_t d = c->m->rows.d;

	if (choose_known(c, err) || choose_fresh(c, err) || check_found(c, err))
		return -1;
	c->sums = mem_try(c->known_n + c->fresh.n, d * sizeof(*c->sums), err);
	p->around = mem_try_aligned(d, sizeof(*p->around), err);
	p->summing = true;
	return c->sums && p->around ? 0 : -1;
}

int contexts_gather(struct contexts *c, struct corpus *corpus, struct err *err)
{
	const struct token_rules *rules = &c->m->rules;
	size_t workers = c->o->workers ? c->o->workers : pipeline_processors();
	struct pass p = { .c = c, .corpus = corpus };
	int rc;

	p.fold.normalize = rules->unknown & UNKNOWN_FOLDED ? NORMALIZE_NFKC_CASEFOLD : rules->normalize;
	p.fold.strip_accents = rules->strip_accents;
	p.fold.strip_format = rules->split == SPLIT_BERT;
	p.readers = mem_try(workers, sizeof(*p.readers), err);
	c->counts = mem_try(c->m->rows.n, sizeof(*c->counts), err);
	c->forms = vocab_builder_new(err);
	rc = p.readers && c->counts && c->forms ? run_pass(&p, workers, "counting words", err) : -1;
	if (rc == 0)
		rc = prepare_sums(&p, err) || corpus_rewind(corpus, err) ||
				     run_pass(&p, workers, "gathering contexts", err)
			     ? -1
			     : 0;
	for (size_t i = 0; p.readers && i < workers; i++) {
		lookup_free(p.readers[i].lookup);
		cutter_free(p.readers[i].cutter);
		case_folder_free(p.readers[i].folder);
	}
	free(p.readers);
	free(p.around);
	return rc;
}
