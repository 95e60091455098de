/*
 * Overlays of one file are opened and released by many threads at once: they share a base while one lives,
 * and whoever comes as the last one lets it go opens another.
 */
#include "model/model.h"

#include "base/err.h"
#include "math/mat.h"
#include "math/vec.h"
#include "support/scratch.h"
#include "support/toy.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { THREADS = 4, ROUNDS = 300 };

static char *base_path, *overlay_path;

static struct model *must_open(const char *path)
{
	struct err err = { 0 };
	struct model *m = model_open(path, NULL, &err);

	assert(m);
	return m;
}

static void *open_and_release(void *context)
{
	(void)context;
	for (int i = 0; i < ROUNDS; i++) {
		struct model *a = must_open(overlay_path);
		struct model *b = must_open(i % 3 ? overlay_path : base_path);

		assert(a->base->rows.n == 50 && a->rows.data == a->base->rows.data);
		assert(!b->base || strcmp(b->base->fingerprint, a->base->fingerprint) == 0);
		model_release(i % 2 ? a : b);
		model_release(i % 2 ? b : a);
	}
	return NULL;
}

static void write_files(void)
{
	struct model *toy =
		toy_model((struct toy){ .n = 50, .d = 8, .k = 2, .method = METHOD_SIF, .seed = 3 });
	struct model *base;
	struct model *overlay;
	struct model parts;
	struct err err = { 0 };

	assert(model_write(toy, base_path, false, "", &err) == 0);
	base = must_open(base_path);
	parts = *base;
	parts.base = base;
	parts.weights = toy->weights;
	overlay = model_of_parts(&parts, NULL, &err);
	assert(overlay && model_write(overlay, overlay_path, true, "", &err) == 0);
	model_release(overlay);
	model_release(base);
	model_release(toy);
}

int main(void)
{
	struct scratch scratch;
	pthread_t threads[THREADS];

	vec_init();
	mat_init();
	scratch_open(&scratch);
	base_path = strdup(scratch_path(&scratch, "base.safetensors"));
	overlay_path = strdup(scratch_path(&scratch, "overlay.safetensors"));
	write_files();
	for (int i = 0; i < THREADS; i++)
		assert(pthread_create(&threads[i], NULL, open_and_release, NULL) == 0);
	for (int i = 0; i < THREADS; i++)
		assert(pthread_join(threads[i], NULL) == 0);
	assert(toy_alive() == 0);
	free(base_path);
	free(overlay_path);
	scratch_close(&scratch);
	return 0;
}
