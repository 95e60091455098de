/*
 * From a text to its vector, stage by stage, one thread.
 *
 *	build/release/bench/bench_sentence [WORDS] [DIMENSIONS] [SECONDS]
 *
 * Synthetic: 400,000 words, random float rows of 300, sentences of 10 words (about 66 bytes) drawn by
 * Zipf and Mandelbrot's law, p ~ 1 / (r + 2.7), two components.  docs: the limits measured for
 * the same data are 0.6 - 0.9 M sentences/s text to SIF vector, 3.3 M from word numbers.
 */
#include "base/err.h"
#include "base/mem.h"
#include "embed/embedder.h"
#include "embed/similar.h"
#include "math/rows.h"
#include "math/sif.h"
#include "math/vec.h"
#include "model/model.h"
#include "text/lookup.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SENTENCES = 1 << 16, SENTENCE_WORDS = 10, WORD_BYTES = 16 };

struct texts {
	char *bytes;
	size_t *starts; /* (SENTENCES + 1) */
	uint32_t *ids;	/* (SENTENCES, SENTENCE_WORDS) */
};

struct stage {
	struct embedder *s;
	const struct texts *texts;
	float *vector;
	float sink;
};

static uint64_t random_state = 1;

static double uniform(void)
{
	random_state = random_state * 6364136223846793005u + 1442695040888963407u;
	return (double)(random_state >> 11) / 9007199254740992.0;
}

static double seconds(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Frequent words are short, as in English: 3 to 10 letters. */
static size_t make_word(char *to, size_t id)
{
	size_t n = 0;
	size_t least = 3 + (size_t)log10((double)id + 1.0);

	for (size_t rest = id; n < least || rest; rest /= 26, n++)
		to[n] = (char)('a' + (rest + 7 * n) % 26);
	return n;
}

static void make_vocab(struct model *m, size_t n)
{
	char *bytes = mem_new(n, WORD_BYTES);
	uint64_t *offsets = mem_new(n + 1, sizeof(*offsets));
	size_t slots_n = vocab_slots(n);
	uint64_t *slots = mem_new(slots_n, sizeof(*slots));

	for (size_t i = 0; i < n; i++)
		offsets[i + 1] = offsets[i] + make_word(bytes + offsets[i], i);
	vocab_index(slots, slots_n, bytes, offsets, n, 1);
	m->vocab = (struct vocab){
		.n = n, .bytes = bytes, .offsets = offsets, .slots = slots, .slots_n = slots_n, .seed = 1
	};
}

static struct model *make_model(size_t n, size_t d)
{
	float *data = mem_new(n * d, sizeof(*data));
	float *weights = mem_new(n, sizeof(*weights));
	float *components = mem_new(2 * d, sizeof(*components));
	struct model parts = { .rules = token_rules_default(),
			       .rows = { .type = ROWS_F32, .n = n, .d = d, .data = data },
			       .weights = weights,
			       .k = 2,
			       .components = components,
			       .d_out = d,
			       .facts = { .method = METHOD_SIF, .fitted = true, .a = 1e-3 } };
	struct err err;
	struct model *m;

	make_vocab(&parts, n);
	for (size_t i = 0; i < n * d; i++)
		data[i] = (float)uniform() - 0.5f;
	for (size_t i = 0; i < n; i++)
		weights[i] = sif_weight(0.08 / ((double)i + 2.7), 1e-3);
	components[0] = components[d + 1] = 1.0f;
	m = model_of_parts(&parts, NULL, &err);
	if (!m) {
		(void)fprintf(stderr, "%s\n", err.text);
		exit(1);
	}
	return m;
}

static void make_texts(struct texts *t, const struct model *m)
{
	double *sums = mem_new(m->vocab.n, sizeof(*sums));
	size_t used = 0;

	t->bytes = mem_new((size_t)SENTENCES * SENTENCE_WORDS, WORD_BYTES + 1);
	t->starts = mem_new(SENTENCES + 1, sizeof(*t->starts));
	t->ids = mem_new((size_t)SENTENCES * SENTENCE_WORDS, sizeof(*t->ids));
	for (size_t i = 0; i < m->vocab.n; i++)
		sums[i] = (i ? sums[i - 1] : 0.0) + 1.0 / ((double)i + 2.7);
	for (size_t i = 0; i < (size_t)SENTENCES * SENTENCE_WORDS; i++) {
		double at = uniform() * sums[m->vocab.n - 1];
		size_t low = 0;
		size_t high = m->vocab.n - 1;
		const char *word;
		size_t n;

		while (low < high) {
			size_t middle = (low + high) / 2;

			if (sums[middle] < at)
				low = middle + 1;
			else
				high = middle;
		}
		t->ids[i] = (uint32_t)low;
		word = vocab_word(&m->vocab, t->ids[i], &n);
		memcpy(t->bytes + used, word, n);
		used += n;
		if (i % SENTENCE_WORDS != SENTENCE_WORDS - 1)
			t->bytes[used++] = ' ';
		else
			t->starts[i / SENTENCE_WORDS + 1] = used;
	}
	free(sums);
}

static void do_lookup(struct stage *g, size_t i)
{
	const struct texts *t = g->texts;
	const uint32_t *ids;
	size_t unknown;
	struct err err;
	ptrdiff_t n = lookup_ids(embedder_lookup(g->s), t->bytes + t->starts[i],
				 t->starts[i + 1] - t->starts[i], &ids, &unknown, &err);

	g->sink += n > 0 ? (float)ids[n - 1] : 0.0f;
}

static void do_sum(struct stage *g, size_t i)
{
	rows_sum(g->vector, &embedder_model(g->s)->rows, g->texts->ids + i * SENTENCE_WORDS, NULL,
		 SENTENCE_WORDS);
	g->sink += g->vector[0];
}

static void do_words(struct stage *g, size_t i)
{
	struct err err;

	(void)embedder_embed_words(g->s, g->texts->ids + i * SENTENCE_WORDS, SENTENCE_WORDS, true, g->vector,
				   &err);
	g->sink += g->vector[0];
}

static void do_embed(struct stage *g, size_t i)
{
	const struct texts *t = g->texts;
	struct err err;

	(void)embedder_embed(g->s, t->bytes + t->starts[i], t->starts[i + 1] - t->starts[i], true, g->vector,
			     NULL, &err);
	g->sink += g->vector[0];
}

/* The fastest of the passes that fit into `most` seconds: others may use the machine too. */
static void measure(const char *name, void (*one)(struct stage *g, size_t i), struct stage *g, double most)
{
	double begin = seconds();
	double best = INFINITY;
	double start, took;

	do {
		start = seconds();
		for (size_t i = 0; i < SENTENCES; i++)
			one(g, i);
		took = seconds() - start;
		best = took < best ? took : best;
	} while (start + took - begin < most);
	(void)printf("%-28s %8.0f ns a sentence %10.0f sentences/s\n", name, 1e9 * best / SENTENCES,
		     SENTENCES / best);
}

int main(int argc, char **argv)
{
	size_t n = argc > 1 ? strtoul(argv[1], NULL, 10) : 400000;
	size_t d = argc > 2 ? strtoul(argv[2], NULL, 10) : 300;
	double most = argc > 3 ? strtod(argv[3], NULL) : 0.5;
	struct texts texts;
	struct stage stage = { .texts = &texts };
	struct model *m;
	struct err err;

	vec_init();
	m = make_model(n, d);
	make_texts(&texts, m);
	stage.s = embedder_new(m, METHOD_SIF, &err);
	stage.vector = mem_new(d, sizeof(float));
	if (!stage.s) {
		(void)fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	(void)printf("kernels %s, %zu words x %zu, %.1f bytes a sentence\n", vec_kernels(), n, d,
		     (double)texts.starts[SENTENCES] / SENTENCES);
	measure("text to word numbers", do_lookup, &stage, most);
	measure("rows summed", do_sum, &stage, most);
	measure("word numbers to sif vector", do_words, &stage, most);
	measure("text to sif vector", do_embed, &stage, most);
	if (embedder_use(stage.s, m, METHOD_MEAN, &err))
		return 1;
	measure("text to mean vector", do_embed, &stage, most);
	(void)printf("(sink %g)\n", (double)stage.sink);
	return 0;
}
