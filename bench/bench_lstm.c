/*
 * The speed of the methods learned and lstm, one thread.
 *
 *	build/release/bench/bench_lstm [MODEL] [SECONDS]
 *
 * Text to vector by the methods learned and lstm of a model (default: the shipped one), sentences of 10 of
 * its 20,000 first words, p ~ 1 / (r + 2.7).
 */
#include "base/err.h"
#include "base/mem.h"
#include "base/random.h"
#include "embed/embedder.h"
#include "math/vec.h"
#include "model/model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { TEXTS = 4096, TEXT_WORDS = 10, WORDS = 20000, TEXT_BYTES = 512 };
enum { BATCH = 64 };

static double seconds(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Mandelbrot's law by its inverse: the sum of 1 / (r + 2.7) grows as the logarithm. */
static uint32_t draw(uint64_t *random, size_t n)
{
	double r = 2.7 * pow(((double)n + 2.7) / 2.7, (double)random_unit(random)) - 2.7;

	return (uint32_t)(r < (double)n - 1 ? r : (double)n - 1);
}

static struct text make_text(char *to, const struct model *m, uint64_t *random)
{
	size_t words = m->vocab.n < WORDS ? m->vocab.n : WORDS;
	size_t used = 0;

	for (int i = 0; i < TEXT_WORDS; i++) {
		size_t n;
		const char *word = vocab_word(&m->vocab, draw(random, words), &n);

		if (used + n + 2 > TEXT_BYTES)
			break;
		memcpy(to + used, word, n);
		used += n;
		to[used++] = ' ';
	}
	return (struct text){ to, used - 1 };
}

/* `many` texts per call. */
static int run_method(struct model *m, enum method method, const struct text *texts, size_t many, double most)
{
	struct err err = { 0 };
	struct embedder *s = embedder_new(m, method, &err);
	float *vectors = mem_new(many * model_dimension(m, method), sizeof(*vectors));
	double start = seconds();
	double spent = 0.0;
	size_t done = 0;
	int failed = !s;

	while (!failed && spent < most) {
		failed = embedder_embed_many(s, texts + done % TEXTS, many, true, vectors, NULL, &err) != 0;
		done += many;
		if (done % BATCH == 0)
			spent = seconds() - start;
	}
	if (failed)
		(void)fprintf(stderr, "%s\n", err.text);
	else
		printf("%-8s %10.0f sentences/s of %d words, %zu a call\n", method_names[method],
		       (double)done / spent, TEXT_WORDS, many);
	embedder_free(s);
	free(vectors);
	return failed;
}

static int run_model(const char *path, double most)
{
	struct err err = { 0 };
	struct model *m = model_open(path, NULL, &err);
	char(*bytes)[TEXT_BYTES] = mem_new(TEXTS, TEXT_BYTES);
	struct text *texts = mem_new(TEXTS, sizeof(*texts));
	uint64_t random = 1;
	int failed = !m;

	if (!m) {
		(void)fprintf(stderr, "%s\n", err.text);
		free(texts);
		free(bytes);
		return 1;
	}
	for (size_t i = 0; i < TEXTS; i++)
		texts[i] = make_text(bytes[i], m, &random);
	if (model_has(m, METHOD_LEARNED))
		failed = run_method(m, METHOD_LEARNED, texts, 1, most);
	if (!failed && model_has(m, METHOD_LSTM))
		failed = run_method(m, METHOD_LSTM, texts, 1, most) ||
			 run_method(m, METHOD_LSTM, texts, BATCH, most);
	model_release(m);
	free(texts);
	free(bytes);
	return failed;
}

int main(int argc, char **argv)
{
	const char *path = argc > 1 ? argv[1] : "models/default.safetensors";
	double most = argc > 2 ? atof(argv[2]) : 2.0;

	vec_init();
	return run_model(path, most);
}
