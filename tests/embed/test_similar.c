#include "embed/similar.h"

#include "base/err.h"
#include "base/mem.h"
#include "math/vec.h"
#include "model/model.h"
#include "support/toy.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { WORDS = 100, D = 16 };

static struct text text_of(const char *at)
{
	return (struct text){ at, strlen(at) };
}

static struct embedder *toy_sentence(void)
{
	struct model *m = toy_model((struct toy){ .n = WORDS, .d = D, .method = METHOD_WEIGHTED, .seed = 2 });
	struct err err;
	struct embedder *s = embedder_new(m, METHOD_WEIGHTED, &err);

	assert_non_null(s);
	model_release(m);
	return s;
}

static void pairs(void **state)
{
	struct embedder *s = toy_sentence();
	struct text a = text_of("wa wb zzz wc");
	struct text b = text_of("wd wa");
	struct err err;
	float va[D], vb[D], coverage[2], ab, ba, aa, nothing;

	(void)state;
	assert_int_equal(similar_pair(s, a, b, &ab, coverage, &err), 0);
	assert_int_equal(similar_pair(s, b, a, &ba, NULL, &err), 0);
	assert_int_equal(similar_pair(s, a, a, &aa, NULL, &err), 0);
	assert_int_equal(embedder_embed(s, a.at, a.n, false, va, NULL, &err), 0);
	assert_int_equal(embedder_embed(s, b.at, b.n, false, vb, NULL, &err), 0);
	assert_true(fabsf(ab - vec_cosine(va, vb, D)) < 1e-6f);
	assert_true(ab == ba);
	assert_true(aa <= 1.0f && aa > 1.0f - 1e-6f);
	assert_true(coverage[0] == 0.75f && coverage[1] == 1.0f);
	assert_int_equal(similar_pair(s, a, text_of("zzz"), &nothing, coverage, &err), 0);
	assert_true(nothing == 0.0f && coverage[1] == 0.0f);
	embedder_free(s);
}

static int compare(const void *a, const void *b)
{
	const struct found *x = a;
	const struct found *y = b;

	if (x->score != y->score)
		return x->score > y->score ? -1 : 1;
	return (x->index > y->index) - (x->index < y->index);
}

/* Against a full sort, with many ties. */
static void top_is_what_sorting_gives(void **state)
{
	enum { ROWS = 97, SMALL = 4 };
	float query[SMALL] = { 0.5f, 0.5f, 0.5f, 0.5f };
	float rows[ROWS * SMALL];
	struct found all[ROWS], found[ROWS + 3];
	uint64_t at = 4;

	(void)state;
	for (size_t i = 0; i < ROWS * SMALL; i++)
		rows[i] = (float)(toy_random(&at) % 3) / 4.0f - 0.25f;
	for (size_t n = 0; n <= ROWS; n += n < 10 ? 1 : 29) {
		for (size_t i = 0; i < n; i++)
			all[i] = (struct found){ i, vec_dot(query, rows + i * SMALL, SMALL) };
		qsort(all, n, sizeof(all[0]), compare);
		for (size_t top = 0; top <= n + 3; top++) {
			size_t held = similar_top(found, top, query, rows, n, SMALL);

			assert_int_equal(held, top < n ? top : n);
			for (size_t i = 0; i < held; i++) {
				assert_int_equal(found[i].index, all[i].index);
				assert_true(found[i].score == all[i].score);
			}
		}
	}
}

static void scores_are_clamped(void **state)
{
	float a[2] = { 1.0f, 0.001f };
	float b[2] = { -1.0f, -0.001f };

	(void)state;
	assert_true(similar_score(a, a, 2) == 1.0f);
	assert_true(similar_score(a, b, 2) == -1.0f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pairs),
		cmocka_unit_test(top_is_what_sorting_gives),
		cmocka_unit_test(scores_are_clamped),
	};

	vec_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
