#include "learn/alacarte.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/progress.h"
#include "learn/alacarte_private.h"
#include "learn/params.h"
#include "math/mat.h"
#include "math/sif.h"
#include "math/vec.h"
#include "model/model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { HELD_OUT_EVERY = 10 };

/* The least-squares problem that gives A, row by row. */
struct fitting {
	struct contexts *c;
	double *moment;	  /* (d, d) sum of u u' */
	double *sum;	  /* (d) of u */
	double words;	  /* that the sums hold */
	double *targets;  /* (d, d) row o: sum of v_o u */
	double *scratch;  /* (d, d) */
	double *matrix;	  /* (d, d) A */
	double *u;	  /* (d) */
	float *v, *guess; /* (d) */
};

struct alacarte_options alacarte_options_default(void)
{
	struct alacarte_options o = { 0 };

	params_default(alacarte_params, GOAL_ALACARTE, &o);
	return o;
}

/* The mean of the sums around the word in this row of them. */
static void mean_context(const struct contexts *c, size_t row, double *u)
{
	size_t d = c->m->rows.d;
	uint64_t count = row < c->known_n ? c->counts[c->known[row]] : c->fresh_counts[row - c->known_n];

	for (size_t j = 0; j < d; j++)
		u[j] = c->sums[row * d + j] / (double)count;
}

/* Adds either the held-out words (multiples of HELD_OUT_EVERY) or all others to the problem. */
static void add_words(struct fitting *f, bool held_out)
{
	size_t d = f->c->m->rows.d;

	for (size_t i = 0; i < f->c->known_n; i++) {
		if ((i % HELD_OUT_EVERY == 0) != held_out)
			continue;
		mean_context(f->c, i, f->u);
		rows_get(f->v, &f->c->m->rows, f->c->known[i]);
		f->words += 1.0;
		for (size_t a = 0; a < d; a++)
			f->sum[a] += f->u[a];
		for (size_t a = 0; a < d; a++)
			for (size_t b = 0; b < d; b++) {
				f->moment[a * d + b] += f->u[a] * f->u[b];
				f->targets[a * d + b] += (double)f->v[a] * f->u[b];
			}
	}
}

/*
 * Ridge: every direction gets 2 d / n of the mean variance on top, n the number of words.  That is about what
 * n words leave uncertain of d unknowns, and it makes the problem solvable for any corpus.
 */
static int solve(struct fitting *f, struct err *err)
{
	size_t d = f->c->m->rows.d;
	double spread = 0.0;

	memcpy(f->scratch, f->moment, d * d * sizeof(*f->scratch));
	memcpy(f->matrix, f->targets, d * d * sizeof(*f->matrix));
	for (size_t j = 0; j < d; j++)
		spread += f->moment[j * d + j] - f->sum[j] * f->sum[j] / f->words;
	for (size_t j = 0; j < d; j++)
		f->scratch[j * d + j] += 2.0 * spread / f->words;
	if (mat_solve(f->matrix, f->scratch, d, d, err))
		return err_prefix(err, "the words' contexts");
	return 0;
}

/* guess = A u for the u of a row of sums. */
static void guess(struct fitting *f, size_t row)
{
	size_t d = f->c->m->rows.d;

	mean_context(f->c, row, f->u);
	for (size_t a = 0; a < d; a++) {
		double sum = 0.0;

		for (size_t b = 0; b < d; b++)
			sum += f->matrix[a * d + b] * f->u[b];
		f->guess[a] = (float)sum;
	}
}

/* Learns A from the other words and measures it on the held-out ones. */
static void prove(struct fitting *f)
{
	struct alacarte_report *report = f->c->report;
	const struct rows *rows = &f->c->m->rows;
	size_t n = 0;

	for (size_t i = 0; i < f->c->known_n; i += HELD_OUT_EVERY) {
		size_t next = i + HELD_OUT_EVERY < f->c->known_n ? i + HELD_OUT_EVERY : 0;

		guess(f, i);
		rows_get(f->v, rows, f->c->known[i]);
		report->held_out += (double)vec_cosine(f->guess, f->v, rows->d);
		rows_get(f->v, rows, f->c->known[next]);
		report->chance += (double)vec_cosine(f->guess, f->v, rows->d);
		n++;
	}
	report->held_out_words = n;
	report->held_out /= (double)n;
	report->chance /= (double)n;
}

static int fit(struct fitting *f, struct err *err)
{
	add_words(f, false);
	if (solve(f, err))
		return -1;
	prove(f);
	add_words(f, true);
	return solve(f, err);
}

/* The weight of a new word, from its share of the corpus. */
static float weight_of(const struct contexts *c, size_t i)
{
	const struct model_facts *facts = &c->m->facts;
	double p = (double)c->fresh_counts[i] / (double)c->report->tokens;
	double a = facts->a > 0.0 ? facts->a : 1e-3;

	return facts->method == METHOD_USIF ? usif_weight(p, a) : sif_weight(p, a);
}

/* The row of a new word.  The lengths of learned rows are their words' weights, so a new row gets a length
 * too. */
static void fresh_row(struct fitting *f, size_t i)
{
	const struct model *m = f->c->m;

	guess(f, f->c->known_n + i);
	if (m->weights || model_sums(m) != METHOD_LEARNED)
		return;
	for (size_t j = 0; j < m->rows.d; j++)
		f->guess[j] *= weight_of(f->c, i);
}

static int grow_rows(struct model *parts, struct owned *owned, struct fitting *f, struct err *err)
{
	const struct rows *rows = &f->c->m->rows;
	size_t fresh_n = f->c->fresh.n;
	size_t row_bytes = rows->d * rows_type_size(rows->type);
	bool scaled = rows->type == ROWS_I8;
	char *data = owned_memory(owned, mem_try_aligned(rows->n + fresh_n, row_bytes, err));
	float *scales =
		scaled ? owned_memory(owned, mem_try_aligned(rows->n + fresh_n, sizeof(float), err)) : NULL;

	if (!data || (scaled && !scales))
		return -1;
	memcpy(data, rows->data, rows->n * row_bytes);
	if (scales)
		memcpy(scales, rows->scales, rows->n * sizeof(float));
	for (size_t i = 0; i < fresh_n; i++) {
		float scale;

		fresh_row(f, i);
		if (!rows_fit(rows->type, f->guess, rows->d))
			return err_set(err, ERR_INPUT, "a new row does not fit the model's number format");
		rows_encode(data + (rows->n + i) * row_bytes, &scale, rows->type, f->guess, rows->d);
		if (scales)
			scales[rows->n + i] = scale;
	}
	parts->rows.n = rows->n + fresh_n;
	parts->rows.data = data;
	parts->rows.scales = scales;
	return 0;
}

static int grow_words(struct model *parts, struct owned *owned, const struct contexts *c, struct err *err)
{
	const struct vocab *old = &c->m->vocab;
	size_t n = old->n + c->fresh.n;
	size_t old_bytes = (size_t)old->offsets[old->n];
	size_t fresh_bytes = (size_t)c->fresh_offsets[c->fresh.n];
	char *bytes = owned_memory(owned, mem_try(old_bytes + fresh_bytes, 1, err));
	uint64_t *offsets = owned_memory(owned, mem_try(n + 1, sizeof(*offsets), err));
	uint64_t *slots = owned_memory(owned, mem_try(vocab_slots(n), sizeof(*slots), err));

	if (!bytes || !offsets || !slots)
		return -1;
	memcpy(bytes, old->bytes, old_bytes);
	memcpy(bytes + old_bytes, c->fresh_bytes, fresh_bytes);
	memcpy(offsets, old->offsets, (old->n + 1) * sizeof(*offsets));
	for (size_t i = 1; i <= c->fresh.n; i++)
		offsets[old->n + i] = old_bytes + c->fresh_offsets[i];
	vocab_index(slots, vocab_slots(n), bytes, offsets, n, old->seed);
	parts->vocab.n = n;
	parts->vocab.bytes = bytes;
	parts->vocab.offsets = offsets;
	parts->vocab.slots = slots;
	parts->vocab.slots_n = vocab_slots(n);
	return 0;
}

/* Weights and counts of the new words from their share of the corpus, scaled like the old words' ones. */
static int grow_shares(struct model *parts, struct owned *owned, const struct contexts *c, struct err *err)
{
	const struct model *m = c->m;
	const uint64_t *old = m->counts ? m->counts : m->base ? m->base->counts : NULL;
	size_t n = m->vocab.n + c->fresh.n;
	float *weights = m->weights ? owned_memory(owned, mem_try_aligned(n, sizeof(float), err)) : NULL;
	uint64_t *counts = old ? owned_memory(owned, mem_try_aligned(n, sizeof(*counts), err)) : NULL;
	double total = 0.0;

	if ((m->weights && !weights) || (old && !counts))
		return -1;
	if (weights)
		memcpy(weights, m->weights, m->vocab.n * sizeof(float));
	for (size_t i = 0; counts && i < m->vocab.n; i++) {
		counts[i] = old[i];
		total += (double)old[i];
	}
	for (size_t i = 0; i < c->fresh.n; i++) {
		double p = (double)c->fresh_counts[i] / (double)c->report->tokens;

		if (counts)
			counts[m->vocab.n + i] = (uint64_t)ceil(p * total);
		if (weights)
			weights[m->vocab.n + i] = weight_of(c, i);
	}
	parts->weights = weights;
	parts->counts = counts;
	return 0;
}

static struct model *grow(struct fitting *f, struct err *err)
{
	const struct contexts *c = f->c;
	struct owned owned = { 0 };
	struct model parts = *c->m;

	parts.base = NULL;
	parts.alacarte = NULL;
	owned_model(&owned, c->m); /* lends components, projection and moment */
	if (grow_rows(&parts, &owned, f, err) || grow_words(&parts, &owned, c, err) ||
	    grow_shares(&parts, &owned, c, err)) {
		owned_free(&owned);
		return NULL;
	}
	return model_of_parts(&parts, &owned, err);
}

static int check(const struct model *m, const struct alacarte_options *o, struct err *err)
{
	if (params_check(alacarte_params, GOAL_ALACARTE, o, err))
		return -1;
	if (m->rules.unknown & UNKNOWN_LAST)
		return err_set(err, ERR_INPUT, "this model's unknown words all have the last row's vector");
	return 0;
}

static struct model *learn(struct fitting *f, struct err *err)
{
	struct contexts *c = f->c;
	size_t d = c->m->rows.d;

	f->moment = mem_try(d, d * sizeof(*f->moment), err);
	f->targets = mem_try(d, d * sizeof(*f->targets), err);
	f->scratch = mem_try(d, d * sizeof(*f->scratch), err);
	f->matrix = mem_try(d, d * sizeof(*f->matrix), err);
	f->sum = mem_try(d, sizeof(*f->sum), err);
	f->u = mem_try(d, sizeof(*f->u), err);
	f->v = mem_try(d, sizeof(*f->v), err);
	f->guess = mem_try(d, sizeof(*f->guess), err);
	if (!f->moment || !f->targets || !f->scratch || !f->matrix || !f->sum || !f->u || !f->v || !f->guess)
		return NULL;
	progress_phase(c->progress, "learning the matrix", "words", c->known_n);
	if (fit(f, err))
		return NULL;
	c->report->fit_words = c->known_n;
	c->report->new_words = c->fresh.n;
	for (size_t i = 0; i < c->fresh.n; i++)
		c->report->known_after += c->fresh_counts[i];
	return grow(f, err);
}

struct model *alacarte_learn(struct model *m, struct corpus *corpus, const struct alacarte_options *options,
			     struct alacarte_report *report, struct progress *progress, struct err *err)
{
	struct contexts c = { .m = m, .o = options, .report = report, .progress = progress };
	struct fitting f = { .c = &c };
	struct model *grown = NULL;

	memset(report, 0, sizeof(*report));
	if (check(m, options, err))
		return NULL;
	if (contexts_gather(&c, corpus, err) == 0)
		grown = learn(&f, err);
	free(f.moment);
	free(f.targets);
	free(f.scratch);
	free(f.matrix);
	free(f.sum);
	free(f.u);
	free(f.v);
	free(f.guess);
	contexts_free(&c);
	return grown;
}
