#include "support/fits.h"

#include "base/err.h"
#include "base/mem.h"
#include "model/model.h"
#include "support/memory_file.h"
#include "support/toy.h"
#include "text/corpus.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct fits_texts fits_make(size_t n, size_t vocabulary, uint64_t seed)
{
	struct fits_texts l = { mem_new(n, sizeof(char *)), mem_new(n, sizeof(size_t)), n };

	for (size_t i = 0; i < n; i++) {
		l.at[i] = toy_text(&seed, vocabulary, 1 + toy_random(&seed) % 14);
		l.lengths[i] = strlen(l.at[i]);
	}
	return l;
}

void fits_free(struct fits_texts l)
{
	for (size_t i = 0; i < l.n; i++)
		free(l.at[i]);
	free(l.at);
	free(l.lengths);
}

struct model *fits_toy(size_t d, enum rows_type type)
{
	return toy_model((struct toy){ .n = WORDS, .d = d, .type = type, .seed = 11 });
}

struct fit_options fits_by_line(enum method method)
{
	struct fit_options o = fit_options_default();

	o.method = method;
	o.by_line = true;
	o.workers = 2;
	return o;
}

struct model *fits_try(struct model *m, const char *const *texts, const size_t *lengths, size_t n,
		       const struct fit_options *o, struct fit_report *report, struct err *err)
{
	struct corpus *corpus = corpus_of_texts(texts, lengths, n, err);
	struct model *fitted;

	assert_non_null(corpus);
	fitted = fit_model(m, corpus, o, report, NULL, err);
	corpus_close(corpus);
	return fitted;
}

struct model *fits_run(struct model *m, struct fits_texts l, const struct fit_options *o,
		       struct fit_report *report)
{
	struct err err = { 0 };
	struct model *fitted = fits_try(m, (const char *const *)l.at, l.lengths, l.n, o, report, &err);

	if (!fitted)
		fail_msg("%s", err.text);
	return fitted;
}

/* The definition, in doubles: n and the mean of v v' over lines with a known word. */
size_t fits_moment(double *moment, const struct model *m, struct fits_texts l)
{
	size_t d = m->rows.d;
	size_t n = 0;
	float row[64];

	memset(moment, 0, d * d * sizeof(*moment));
	for (size_t i = 0; i < l.n; i++) {
		double v[64] = { 0 };
		size_t known = 0;
		char *copy = mem_text(l.at[i], l.lengths[i]);
		char *rest = NULL;

		for (char *w = strtok_r(copy, " ", &rest); w; w = strtok_r(NULL, " ", &rest)) {
			uint32_t id = vocab_find(&m->vocab, w, strlen(w));

			if (id == VOCAB_UNKNOWN)
				continue;
			rows_get(row, &m->rows, id);
			for (size_t j = 0; j < d; j++)
				v[j] += (double)m->weights[id] * (double)row[j];
			known++;
		}
		free(copy);
		for (size_t j = 0; known && j < d * d; j++)
			moment[j] += v[j / d] * v[j % d] / (double)(known * known);
		n += known > 0;
	}
	for (size_t j = 0; j < d * d; j++)
		moment[j] /= (double)n;
	return n;
}
