/*
 * The cost of an LSTM's gates and sequence order, compared with its matrix products only.
 *
 *	build/release/bench/bench_layer [SECONDS] [WORKERS]
 *
 * A batch of 64 texts of 15 words through both directions of a layer 300 -> 512 of floats, one batch per
 *thread: as it is served (math/lstm_serve.h), as training runs it (math/lstm.h), and OpenBLAS's products of
 *the same shapes with nothing between them.
 */
#include "base/err.h"
#include "base/mem.h"
#include "base/parallel_for.h"
#include "base/random.h"
#include "math/lstm.h"
#include "math/lstm_serve.h"
#include "math/mat.h"
#include "math/vec.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { IN = 300, H = 512, GATES = 4 * H, BATCH = 64, STEPS = 15, ROWS = BATCH * STEPS };
enum way { SERVED, TRAINED, ALONE, WAYS };

static const char *const names[WAYS] = { "served", "trained", "products alone" };

/* One thread's data. */
struct layer {
	struct lstm l;
	struct lstm_served served;
	struct lstm_batch batch;
	struct lstm_words words;
	float *y;
	void *scratch;
};

struct bench {
	struct layer *layers;
	enum way way;
};

static size_t active[STEPS], starts[BATCH];
static uint32_t lengths[BATCH];

static double seconds(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static float *numbers(size_t n, uint64_t *random)
{
	float *x = mem_try_aligned(n, sizeof(*x), &(struct err){ 0 });

	if (!x)
		abort();
	for (size_t i = 0; i < n; i++)
		x[i] = 0.1f * (random_unit(random) - 0.5f);
	return x;
}

/* The numbers of the served weights are others, which changes nothing about time. */
static void make(struct layer *to)
{
	uint64_t random = 1;
	float *x = numbers((size_t)ROWS * IN, &random), *bias = numbers(GATES, &random);
	struct rows input = { ROWS_F32, GATES, IN, numbers(GATES * IN, &random), NULL };
	struct rows recurrent = { ROWS_F32, GATES, H, numbers(GATES * H, &random), NULL };
	void *packed = numbers(lstm_serve_bytes(IN, H, false) / sizeof(float), &random);

	to->l = (struct lstm){ IN, H, input.data, recurrent.data, bias };
	to->served = lstm_serve_pack(packed, &input, &recurrent, bias, false, numbers(H, &random));
	to->batch = (struct lstm_batch){ STEPS,
					 ROWS,
					 active,
					 x,
					 numbers((size_t)ROWS * GATES, &random),
					 numbers((size_t)ROWS * H, &random),
					 numbers((size_t)ROWS * H, &random) };
	to->words = (struct lstm_words){ .x = x, .texts = BATCH, .starts = starts, .lengths = lengths };
	to->y = numbers((size_t)ROWS * H, &random);
	to->scratch = numbers(lstm_serve_scratch(&to->served) / sizeof(float) + H, &random);
}

static void products(const struct lstm *l, const struct lstm_batch *b)
{
	mat_mul(b->gates, b->x, l->input, ROWS, GATES, IN, 0, 0, 1.0f, 0.0f);
	for (size_t t = 1; t < STEPS; t++)
		mat_mul(b->gates + t * BATCH * GATES, b->states + (t - 1) * BATCH * H, l->recurrent, BATCH,
			GATES, H, 0, 0, 1.0f, 1.0f);
}

static void run(void *context, size_t worker, size_t workers)
{
	const struct bench *b = context;
	struct layer *layer = &b->layers[worker];

	(void)workers;
	for (int side = 0; side < 2; side++) {
		if (b->way == SERVED)
			lstm_serve(&layer->served, &layer->words, side, layer->y, H, layer->scratch);
		else if (b->way == TRAINED)
			lstm_forward(&layer->l, &layer->batch, layer->scratch);
		else
			products(&layer->l, &layer->batch);
	}
}

int main(int argc, char **argv)
{
	double most = argc > 1 ? atof(argv[1]) : 3.0;
	double best[WAYS] = { 1e9, 1e9, 1e9 }; /* of passes, since other programs only ever take time away */
	struct threads *threads = threads_new(argc > 2 ? strtoul(argv[2], NULL, 10) : 0, &(struct err){ 0 });
	size_t workers = threads_count(threads);
	struct bench b = { .layers = mem_new(workers, sizeof(*b.layers)) };
	double start;

	vec_init();
	mat_init();
	for (size_t t = 0; t < STEPS; t++)
		active[t] = BATCH;
	for (size_t k = 0; k < BATCH; k++) {
		starts[k] = k * STEPS;
		lengths[k] = STEPS;
	}
	for (size_t i = 0; i < workers; i++)
		make(&b.layers[i]);
	for (start = seconds(); seconds() - start < most;)
		for (b.way = 0; b.way < WAYS; b.way++) {
			double began = seconds();
			double took;

			parallel_for(threads, run, &b);
			took = seconds() - began;
			best[b.way] = took < best[b.way] ? took : best[b.way];
		}
	for (int way = 0; way < WAYS; way++)
		printf("300 -> 2 x 512, batch 64, %zu at a time: %-14s %7.0f texts/s of %d words, %.2f of "
		       "the "
		       "products alone\n",
		       workers, names[way], (double)(workers * BATCH) / best[way], STEPS,
		       best[ALONE] / best[way]);
	threads_free(threads);
	return 0;
}
