/*
 * Threads embed texts by an LSTM together, of two models in turn: each gets the bits that it gets alone.
 *
 * More threads than runners, and texts a call from none to more than run together.
 */
#include "base/err.h"
#include "base/random.h"
#include "embed/batcher.h"
#include "math/lstm_serve.h"
#include "math/vec.h"
#include "model/model.h"

#undef NDEBUG
#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS = 8, RUNNERS = 2, CALLS = 30, TEXTS = LSTM_TEXTS_MAX + 9, WORDS = 6 };

static struct batcher *batcher;
static struct model *models[2];

/* Calls of which texts, and of how many, by the thread's own random numbers. */
static void *embed_texts(void *number)
{
	uint64_t random = random_seed((uint64_t)(size_t)number, 0, 0);
	size_t most = model_lstm_outputs(models[0]);
	float *together = malloc(TEXTS * most * sizeof(float)), *alone = malloc(most * sizeof(float));
	struct err err = { 0 };
	struct lstm_encoder *r = lstm_encoder_new(&err);

	assert(r && together && alone);
	for (int call = 0; call < CALLS; call++) {
		struct lstm_text texts[TEXTS];
		uint32_t ids[TEXTS][WORDS];
		const struct model *m = models[random_below(&random, 2)];
		size_t d = model_lstm_vector(m);
		size_t n = random_below(&random, 6) ? random_below(&random, 5) : TEXTS;

		for (size_t i = 0; i < n; i++) {
			texts[i] = (struct lstm_text){ .ids = ids[i],
						       .n = random_below(&random, WORDS + 1),
						       .vector = together + i * d };
			for (size_t k = 0; k < WORDS; k++)
				ids[i][k] = (uint32_t)random_below(&random, m->rows.n);
		}
		assert(batcher_embed(batcher, m, texts, n, &err) == 0);
		for (size_t i = 0; i < n; i++) { /* in whatever order they are now */
			struct lstm_text text = texts[i];

			text.vector = alone;
			assert(lstm_encoder_embed(r, m, &text, 1, &err) == 0);
			assert(memcmp(alone, texts[i].vector, d * sizeof(float)) == 0);
		}
	}
	lstm_encoder_free(r);
	free(together);
	free(alone);
	return NULL;
}

/* Another model with the same LSTM, which makes other vectors. */
static struct model *pooled_by_mean(const struct model *m)
{
	struct model parts = *m;
	struct err err = { 0 };

	parts.lstm.pooling = POOLING_MEAN;
	parts.lstm.attention = NULL;
	parts.lstm.residual = (struct rows){ ROWS_F32, 0, 0, NULL, NULL };
	return model_of_parts(&parts, NULL, &err);
}

int main(void)
{
	pthread_t threads[THREADS];
	struct err err = { 0 };

	vec_init();
	assert((models[0] = model_open("models/default.safetensors", NULL, &err)));
	assert((models[1] = pooled_by_mean(models[0])));
	assert((batcher = batcher_new(RUNNERS, &err)));
	for (size_t i = 0; i < THREADS; i++)
		assert(pthread_create(&threads[i], NULL, embed_texts, (void *)i) == 0);
	for (size_t i = 0; i < THREADS; i++)
		assert(pthread_join(threads[i], NULL) == 0);
	batcher_free(batcher);
	for (int i = 0; i < 2; i++)
		model_release(models[i]);
	return 0;
}
