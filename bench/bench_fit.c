/*
 * A fit, taken apart:
 *
 *	bench_fit CORPUS [DIMENSIONS [WORKERS]]      300, all processors
 *
 * MB/s of text for each pass and for the whole, over random rows for every word of the corpus.
 */
#include "base/buf.h"
#include "base/err.h"
#include "embed/fit.h"
#include "embed/fit_private.h"
#include "math/mat.h"
#include "math/vec.h"
#include "model/model.h"
#include "text/corpus.h"
#include "text/vocab_builder.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void must(int good, const struct err *err)
{
	if (good)
		return;
	(void)fprintf(stderr, "bench_fit: %s\n", err->text);
	exit(1);
}

static void add_words(struct vocab_builder *words, const char *text, size_t n)
{
	struct err err = { 0 };

	for (size_t i = 0; i < n; i++) {
		size_t start = i;
		uint32_t id;
		bool added;

		while (i < n && isalpha((unsigned char)text[i]))
			i++;
		if (i > start)
			must(vocab_builder_add(words, text + start, i - start, &id, &added, &err) == 0, &err);
	}
}

/* Every word of the corpus, in order of appearance: nearly that of frequency. */
static struct vocab words_of(struct corpus *corpus)
{
	struct err err = { 0 };
	struct vocab_builder *words = vocab_builder_new(&err);
	struct buf block = { 0 };
	struct corpus_place where;
	struct vocab v = { .seed = 1 };
	char *bytes;
	uint64_t *offsets;
	uint64_t *slots;

	must(words != NULL, &err);
	while (corpus_next(corpus, &block, &where, &err) > 0)
		add_words(words, block.data, block.len);
	buf_free(&block);
	v.n = vocab_builder_words(words, &v.bytes, &v.offsets);
	vocab_builder_take(words, &bytes, &offsets);
	vocab_builder_free(words);
	v.slots_n = vocab_slots(v.n);
	slots = calloc(v.slots_n, sizeof(*slots));
	must(slots != NULL, &err);
	vocab_index(slots, v.slots_n, bytes, offsets, v.n, v.seed);
	v.bytes = bytes;
	v.offsets = offsets;
	v.slots = slots;
	return v;
}

static struct model *model_over(struct vocab vocab, size_t d)
{
	struct err err = { 0 };
	float *data = malloc(vocab.n * d * sizeof(*data));
	struct model parts = { .vocab = vocab, .rules = token_rules_default(), .d_out = d };
	struct model *m;
	uint64_t x = 88172645463325252ULL;

	must(data != NULL, &err);
	for (size_t i = 0; i < vocab.n * d; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		data[i] = (float)(x >> 40) * 0x1p-24f - 0.5f;
	}
	parts.rows = (struct rows){ .type = ROWS_F32, .n = vocab.n, .d = d, .data = data };
	m = model_of_parts(&parts, NULL, &err);
	must(m != NULL, &err);
	return m;
}

static void passes(const struct fit_source *source)
{
	struct err err = { 0 };
	struct fit_totals totals;
	size_t n = source->m->rows.n;
	size_t d = source->m->rows.d;
	uint64_t *counts = calloc(n, sizeof(*counts));
	float *weights = calloc(n, sizeof(*weights));
	double *sum = calloc(d * d, sizeof(*sum));
	double start = now();
	double middle;

	must(counts && weights && sum && corpus_rewind(source->corpus, &err) == 0, &err);
	must(fit_count(source, counts, &totals, &err) == 0, &err);
	middle = now();
	for (size_t i = 0; i < n; i++)
		weights[i] = 1.0f;
	must(corpus_rewind(source->corpus, &err) == 0, &err);
	must(fit_sum(source, weights, sum, &totals, &err) == 0, &err);
	(void)printf("counting %6.1f MB/s\nsumming  %6.1f MB/s   %.2f million sentences/s, %.1f words each\n",
		     (double)totals.bytes / 1e6 / (middle - start),
		     (double)totals.bytes / 1e6 / (now() - middle),
		     (double)totals.sentences / 1e6 / (now() - middle),
		     (double)totals.known / (double)totals.sentences);
	free(counts);
	free(weights);
	free(sum);
}

int main(int argc, char **argv)
{
	struct err err = { 0 };
	struct fit_options o = fit_options_default();
	struct fit_report report;
	struct corpus *corpus;
	struct model *m, *fitted;
	size_t d = argc > 2 ? strtoul(argv[2], NULL, 10) : 300;
	double start;

	if (argc < 2 || argc > 4 || d == 0) {
		(void)fprintf(stderr, "usage: bench_fit CORPUS [DIMENSIONS [WORKERS]]\n");
		return 2;
	}
	vec_init();
	mat_init();
	o.workers = argc > 3 ? strtoul(argv[3], NULL, 10) : 0;
	o.method = METHOD_WHITEN;
	corpus = corpus_open((const char *const *)&argv[1], 1, false, &err);
	must(corpus != NULL, &err);
	m = model_over(words_of(corpus), d);
	(void)printf("%zu words, %zu dimensions; BLAS for %s, kernels %s\n", m->rows.n, d, mat_kernels(),
		     vec_kernels());
	passes(&(struct fit_source){ .m = m, .corpus = corpus, .workers = o.workers });
	must(corpus_rewind(corpus, &err) == 0, &err);
	start = now();
	fitted = fit_model(m, corpus, &o, &report, NULL, &err);
	must(fitted != NULL, &err);
	(void)printf("the fit  %6.1f MB/s   digests and eigenvectors included\n",
		     (double)report.bytes / 1e6 / (now() - start));
	corpus_close(corpus);
	return 0;
}
