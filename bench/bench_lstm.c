/*
 * What an LSTM costs, one thread.
 *
 *	build/release/bench/bench_lstm [MODEL] [SECONDS]
 *
 * Text to vector by the methods learned and lstm of a model (default: the shipped one), sentences of 10 of
 *its 20,000 first words, p ~ 1 / (r + 2.7).  Then a batch of 64 texts of 15 words through both directions of
 *a layer 300 -> 512 as training runs it, against its matrix products alone.
 */
#include "base/err.h"
#include "base/mem.h"
#include "base/random.h"
#include "embed/sentence.h"
#include "math/lstm.h"
#include "math/mat.h"
#include "math/vec.h"
#include "model/model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { TEXTS = 4096, TEXT_WORDS = 10, WORDS = 20000, TEXT_BYTES = 512 };
enum { IN = 300, H = 512, BATCH = 64, STEPS = 15, ROWS = BATCH * STEPS };

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

/* `many` texts a call. */
static int run_method(struct model *m, enum method method, const struct text *texts, size_t many, double most)
{
	struct err err = { 0 };
	struct sentence *s = sentence_new(m, method, &err);
	float *vectors = mem_new(many * model_dimension(m, method), sizeof(*vectors));
	double start = seconds();
	double spent = 0.0;
	size_t done = 0;
	int failed = !s;

	while (!failed && spent < most) {
		failed = sentence_embed_many(s, texts + done % TEXTS, many, true, vectors, NULL, &err) != 0;
		done += many;
		if (done % BATCH == 0)
			spent = seconds() - start;
	}
	if (failed)
		(void)fprintf(stderr, "%s\n", err.text);
	else
		printf("%-8s %10.0f sentences/s of %d words, %zu a call\n", method_name(method),
		       (double)done / spent, TEXT_WORDS, many);
	sentence_free(s);
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

static void products(const struct lstm *l, const struct lstm_batch *b)
{
	mat_mul(b->gates, b->x, l->input, ROWS, 4 * H, IN, 0, 0, 1.0f, 0.0f);
	for (size_t t = 1; t < STEPS; t++)
		mat_mul(b->gates + t * BATCH * 4 * H, b->states + (t - 1) * BATCH * H, l->recurrent, BATCH,
			4 * H, H, 0, 0, 1.0f, 1.0f);
}

/* The best of passes, since other programs only ever take time away. */
static void run_layer(double most)
{
	size_t sizes[] = { 4 * H * IN, 4 * H * H, 4 * H, ROWS * IN, ROWS * 4 * H, ROWS * H, ROWS * H, H };
	float *at[8];
	size_t active[STEPS];
	double best[2] = { 1e9, 1e9 };
	uint64_t random = 1;
	double start = seconds();

	for (size_t i = 0; i < 8; i++) {
		at[i] = mem_new(sizes[i], sizeof(float));
		for (size_t k = 0; k < sizes[i]; k++)
			at[i][k] = 0.1f * (random_unit(&random) - 0.5f);
	}
	for (size_t t = 0; t < STEPS; t++)
		active[t] = BATCH;
	while (seconds() - start < most) {
		struct lstm l = { IN, H, at[0], at[1], at[2] };
		struct lstm_batch b = { STEPS, ROWS, active, at[3], at[4], at[5], at[6] };

		for (int alone = 0; alone < 2; alone++) {
			double began = seconds();
			double took;

			for (int side = 0; side < 2; side++) {
				if (alone)
					products(&l, &b);
				else
					lstm_forward(&l, &b, at[7]);
			}
			took = seconds() - began;
			best[alone] = took < best[alone] ? took : best[alone];
		}
	}
	printf("300 -> 2 x 512, batch 64: %.0f texts/s of %d words, %.2f of the matrix products alone\n",
	       BATCH / best[0], STEPS, best[1] / best[0]);
	for (size_t i = 0; i < 8; i++)
		free(at[i]);
}

int main(int argc, char **argv)
{
	const char *path = argc > 1 ? argv[1] : "models/default.safetensors";
	double most = argc > 2 ? atof(argv[2]) : 2.0;
	int failed;

	vec_init();
	mat_init();
	failed = run_model(path, most);
	run_layer(most);
	return failed;
}
