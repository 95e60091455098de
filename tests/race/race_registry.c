/*
 * Readers find, use and release models while others put and list them.  A race is tsan's to see;
 * here every model found must be whole, and all must be gone at the end.
 */
#include "model/registry.h"

#include "base/err.h"
#include "embed/embedder.h"
#include "model/model.h"
#include "support/toy.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>

#include <cmocka.h>

enum { READERS = 4, NAMES = 3, PUTS = 150, D = 8 };

static const char *const names[NAMES] = { "a", "b", "c" };

struct work {
	struct registry *registry;
	atomic_bool done;
	atomic_size_t found;
	atomic_size_t wrong;
};

static struct model *make(unsigned seed)
{
	return toy_model((struct toy){ .n = 20, .d = D, .k = 1, .method = METHOD_SIF, .seed = seed });
}

static void use(struct work *w, struct model *m)
{
	struct err err;
	struct embedder *s = embedder_new(m, METHOD_SIF, &err);
	float vector[D];
	struct seen seen;

	if (!s || embedder_embed(s, "wa wb", 5, true, vector, &seen, &err) || seen.known != 2)
		(void)atomic_fetch_add(&w->wrong, 1);
	if (s)
		embedder_free(s);
}

static void *reader(void *context)
{
	struct work *w = context;
	uint64_t state = 7;
	struct err err;

	while (!atomic_load(&w->done)) {
		struct model *m = registry_find(w->registry, names[toy_random(&state) % NAMES], 1, &err);

		/* The others may not be there yet; "a" is, and it is the default. */
		if (!m)
			m = registry_find(w->registry, NULL, 0, &err);
		if (!m) {
			(void)atomic_fetch_add(&w->wrong, 1);
			continue;
		}
		(void)atomic_fetch_add(&w->found, 1);
		use(w, m);
		model_release(m);
	}
	return NULL;
}

static void *lister(void *context)
{
	struct work *w = context;

	while (!atomic_load(&w->done)) {
		struct registry_entry *entries;
		size_t n = registry_list(w->registry, &entries);

		for (size_t i = 0; i < n; i++)
			if (entries[i].model->rows.d != D || entries[i].version == 0)
				(void)atomic_fetch_add(&w->wrong, 1);
		registry_entries_free(entries, n);
		registry_set_default(w->registry, "a");
	}
	return NULL;
}

static void *publisher(void *context)
{
	struct work *w = context;
	struct err err;

	for (unsigned i = 0; i < PUTS; i++)
		if (registry_put(w->registry, names[i % NAMES], make(i), &err))
			(void)atomic_fetch_add(&w->wrong, 1);
	return NULL;
}

static void models_are_swapped_under_load(void **state)
{
	struct work w = { .registry = registry_new() };
	pthread_t readers[READERS + 1];
	pthread_t publishers[2];
	struct err err;

	(void)state;
	assert_int_equal(registry_put(w.registry, "a", make(1), &err), 0);
	for (int i = 0; i <= READERS; i++)
		assert_int_equal(pthread_create(&readers[i], NULL, i ? reader : lister, &w), 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&publishers[i], NULL, publisher, &w), 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_join(publishers[i], NULL), 0);
	while (atomic_load(&w.found) < PUTS)
		(void)sched_yield();
	atomic_store(&w.done, true);
	for (int i = 0; i <= READERS; i++)
		assert_int_equal(pthread_join(readers[i], NULL), 0);
	assert_int_equal(atomic_load(&w.wrong), 0);
	assert_int_equal(registry_puts(w.registry), 1 + 2 * PUTS);
	registry_free(w.registry);
	assert_int_equal(toy_alive(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(models_are_swapped_under_load),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
