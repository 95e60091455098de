#include "model/model.h"

#include "base/err.h"
#include "support/toy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/sifd-model-XXXXXX";
static char canaries[DIGEST_HEX + 1];

static const char *in_folder(const char *name)
{
	static char paths[4][128];
	static int at;
	char *path = paths[at++ % 4];

	(void)snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
	return path;
}

static struct model *must_open(const char *path)
{
	struct err err;
	struct model *m = model_open(path, NULL, &err);

	if (!m)
		fail_msg("%s", err.text);
	return m;
}

static void must_write(const struct model *m, const char *path, bool as_overlay)
{
	struct err err;

	if (model_write(m, path, as_overlay, canaries, &err))
		fail_msg("%s", err.text);
}

static void must_verify(const char *path)
{
	struct err err;

	if (model_verify(path, NULL, &err))
		fail_msg("%s", err.text);
}

static void same_array(const void *a, const void *b, size_t bytes)
{
	assert_int_equal(a == NULL, b == NULL);
	if (a && b)
		assert_memory_equal(a, b, bytes);
}

static void same_model(const struct model *a, const struct model *b)
{
	size_t n = a->rows.n;
	size_t d = a->rows.d;

	assert_int_equal(b->rows.n, n);
	assert_int_equal(b->rows.d, d);
	assert_int_equal(b->rows.type, a->rows.type);
	same_array(a->rows.data, b->rows.data, n * d * rows_type_size(a->rows.type));
	same_array(a->rows.scales, b->rows.scales, n * sizeof(float));
	assert_int_equal(b->vocab.n, n);
	assert_int_equal(b->vocab.seed, a->vocab.seed);
	assert_int_equal(b->vocab.slots_n, a->vocab.slots_n);
	same_array(a->vocab.slots, b->vocab.slots, a->vocab.slots_n * sizeof(uint64_t));
	same_array(a->vocab.offsets, b->vocab.offsets, (n + 1) * sizeof(uint64_t));
	same_array(a->vocab.bytes, b->vocab.bytes, a->vocab.offsets[n]);
	same_array(a->counts, b->counts, n * sizeof(uint64_t));
	same_array(a->weights, b->weights, n * sizeof(float));
	assert_int_equal(b->k, a->k);
	same_array(a->components, b->components, a->k * d * sizeof(float));
	same_array(a->component_scales, b->component_scales, a->k * sizeof(float));
	assert_int_equal(b->d_out, a->d_out);
	same_array(a->projection, b->projection, d * a->d_out * sizeof(float));
	same_array(a->moment, b->moment, d * d * sizeof(float));
	same_array(a->alacarte, b->alacarte, d * d * sizeof(float));
	assert_int_equal(b->alacarte_window, a->alacarte_window);
	assert_int_equal(b->rules.normalize, a->rules.normalize);
	assert_int_equal(b->rules.strip_accents, a->rules.strip_accents);
	assert_int_equal(b->rules.split, a->rules.split);
	assert_int_equal(b->rules.unknown, a->rules.unknown);
	assert_int_equal(b->rules.keep_punctuation, a->rules.keep_punctuation);
	assert_string_equal(b->fingerprint, a->fingerprint);
}

static void same_facts(const struct model_facts *a, const struct model_facts *b)
{
	assert_int_equal(b->method, a->method);
	assert_int_equal(b->fitted, a->fitted);
	assert_int_equal(b->learned, a->learned);
	assert_int_equal(b->folded, a->folded);
	assert_true(a->a == b->a && a->power == b->power && a->prior == b->prior && a->mass == b->mass &&
		    a->explained == b->explained);
	assert_true(a->sentences == b->sentences && a->tokens == b->tokens && a->known == b->known);
	assert_string_equal(b->corpus, a->corpus);
	assert_string_equal(b->source, a->source);
	assert_string_equal(b->program, a->program);
}

static const enum rows_type types[] = { ROWS_F32, ROWS_F16, ROWS_BF16, ROWS_I8 };

static const struct toy toys[] = {
	{ .n = 1, .d = 1, .method = METHOD_MEAN, .seed = 1 },
	{ .n = 7, .d = 3, .method = METHOD_WEIGHTED, .seed = 2 },
	{ .n = 50, .d = 8, .k = 3, .window = 5, .method = METHOD_SIF, .seed = 3 },
	{ .n = 33, .d = 5, .k = 5, .method = METHOD_USIF, .seed = 4 },
	{ .n = 101, .d = 9, .k = 1, .d_out = 4, .method = METHOD_WHITEN, .seed = 5 },
	{ .n = 40, .d = 6, .window = 3, .method = METHOD_LEARNED, .seed = 6 },
};

static void what_is_written_opens_the_same(void **state)
{
	const char *path = in_folder("same.safetensors");

	(void)state;
	for (size_t i = 0; i < 4 * sizeof(toys) / sizeof(toys[0]); i++) {
		struct toy toy = toys[i / 4];
		struct model *m;
		struct model *opened;

		toy.type = types[i % 4];
		m = toy_model(toy);
		m->facts.learned = i % 2;
		must_write(m, path, false);
		must_verify(path);
		opened = must_open(path);
		same_model(m, opened);
		same_facts(&m->facts, &opened->facts);
		assert_string_equal(opened->canaries, canaries);
		assert_string_equal(opened->path, path);
		assert_null(opened->base);
		model_release(opened);
		model_release(m);
	}
	assert_int_equal(toy_alive(), 0);
	assert_int_equal(unlink(path), 0);
}

/* The toy with all that a model can have, over the toy's memory. */
static struct model *fill(struct model *toy, float *moment, uint64_t *counts)
{
	struct model parts = *toy;
	struct model *m;
	struct err err;

	for (size_t i = 0; i < toy->rows.d * toy->rows.d; i++)
		moment[i] = (float)i / 3;
	for (size_t i = 0; i < toy->rows.n; i++)
		counts[i] = UINT64_MAX - i;
	parts.base = NULL;
	parts.moment = moment;
	parts.counts = counts;
	parts.rules = (struct token_rules){ NORMALIZE_LOWER, true, SPLIT_BERT, true, parts.rules.unknown };
	parts.facts = (struct model_facts){ .method = METHOD_SIF,
					    .fitted = true,
					    .a = 0.1,
					    .power = 1.0 / 3,
					    .prior = 1e5,
					    .sentences = UINT64_MAX,
					    .tokens = 12,
					    .known = 11,
					    .mass = 1e300 / 7,
					    .explained = 5e-324,
					    .corpus = "0123",
					    .source = "a \"quoted\" \\ \xc3\xa9" };
	m = model_of_parts(&parts, NULL, &err);
	if (!m)
		fail_msg("%s", err.text);
	return m;
}

static void all_parts_and_facts_are_kept(void **state)
{
	const char *path = in_folder("all.safetensors");
	struct model *toy = toy_model(toys[2]);
	float moment[64];
	uint64_t counts[50];
	struct model *m = fill(toy, moment, counts);
	struct model *opened;

	(void)state;
	must_write(m, path, false);
	must_verify(path);
	opened = must_open(path);
	same_model(m, opened);
	same_facts(&m->facts, &opened->facts);
	model_release(opened);
	model_release(m);
	model_release(toy);
	assert_int_equal(unlink(path), 0);
}

/* An overlay of `base` with the weights and components of another toy of that size. */
static struct model *overlay_of(struct model *base, struct model *fit)
{
	struct model parts = *base;
	struct model *m;
	struct err err;

	parts.base = base;
	parts.alacarte = NULL; /* comes with the base's rows */
	parts.weights = fit->weights;
	parts.k = fit->k;
	parts.components = fit->components;
	parts.component_scales = fit->component_scales;
	parts.facts = fit->facts;
	m = model_of_parts(&parts, NULL, &err);
	if (!m)
		fail_msg("%s", err.text);
	return m;
}

static struct model *other_fit(void)
{
	return toy_model((struct toy){ .n = 50, .d = 8, .k = 2, .method = METHOD_USIF, .seed = 77 });
}

static void write_base_and_overlay(const char *base_path, const char *overlay_path)
{
	struct model *toy = toy_model(toys[2]);
	struct model *fit = other_fit();
	struct model *base;
	struct model *overlay;
	struct model *opened;

	must_write(toy, base_path, false);
	base = must_open(base_path);
	overlay = overlay_of(base, fit);
	must_write(overlay, overlay_path, true);
	opened = must_open(overlay_path);
	same_model(overlay, opened);
	same_facts(&overlay->facts, &opened->facts);
	assert_non_null(opened->base);
	assert_string_equal(opened->base->fingerprint, base->fingerprint);
	assert_string_not_equal(opened->fingerprint, base->fingerprint);
	model_release(opened);
	model_release(overlay);
	model_release(base);
	model_release(fit);
	model_release(toy);
}

static void an_overlay_opens_the_same(void **state)
{
	const char *base = in_folder("base.safetensors");
	const char *overlay = in_folder("overlay.safetensors");
	struct stat status;

	(void)state;
	write_base_and_overlay(base, overlay);
	must_verify(overlay);
	assert_int_equal(stat(overlay, &status), 0);
	assert_int_equal(status.st_size, 4096 + 4 * (50 + 2 * 8 + 2));
	assert_int_equal(unlink(base), 0);
	assert_int_equal(unlink(overlay), 0);
}

/* Of the same file; another in its place is another, even if it holds the same. */
static void overlays_share_their_base(void **state)
{
	const char *base = in_folder("base.safetensors");
	const char *overlay = in_folder("overlay.safetensors");
	struct model *toy = toy_model(toys[2]);
	struct model *first;
	struct model *second;
	struct model *third;

	(void)state;
	write_base_and_overlay(base, overlay);
	first = must_open(overlay);
	second = must_open(overlay);
	assert_ptr_equal(first->base, second->base);
	model_release(first); /* the second still stands on it */
	must_write(toy, base, false);
	third = must_open(overlay);
	assert_ptr_not_equal(third->base, second->base);
	same_model(second, third);
	model_release(second);
	second = must_open(overlay);
	assert_ptr_equal(third->base, second->base);
	model_release(second);
	model_release(third);
	first = must_open(base);
	third = must_open(base);
	second = must_open(overlay);
	assert_ptr_equal(second->base, first); /* who serves the base itself shares it too; the oldest */
	model_release(first);
	model_release(third);
	model_release(second);
	model_release(toy);
	assert_int_equal(unlink(base), 0);
	assert_int_equal(unlink(overlay), 0);
}

static void a_base_is_found_by_its_fingerprint(void **state)
{
	const char *base = in_folder("base.safetensors");
	const char *overlay = in_folder("overlay.safetensors");
	struct model *stranger = toy_model(toys[3]);
	char models[128];
	char moved[160];
	struct model *m;
	struct err err;

	(void)state;
	write_base_and_overlay(base, overlay);
	/* Renamed, beside it, with a stranger under its name. */
	(void)snprintf(moved, sizeof(moved), "%s/renamed.safetensors", folder);
	assert_int_equal(rename(base, moved), 0);
	must_write(stranger, base, false);
	m = must_open(overlay);
	assert_string_equal(m->base->path, moved);
	model_release(m);
	/* Elsewhere: only with the folder named. */
	(void)snprintf(models, sizeof(models), "%s/models", folder);
	assert_int_equal(mkdir(models, 0700), 0);
	assert_int_equal(unlink(base), 0);
	(void)snprintf(moved, sizeof(moved), "%s/models/x.safetensors", folder);
	assert_int_equal(rename(in_folder("renamed.safetensors"), moved), 0);
	assert_null(model_open(overlay, NULL, &err));
	assert_int_equal(err.code, ERR_NOT_FOUND);
	assert_non_null(strstr(err.text, "its vectors file (base.safetensors, fingerprint "));
	m = model_open(overlay, models, &err);
	assert_non_null(m);
	assert_string_equal(m->base->path, moved);
	model_release(m);
	/* A base by that name that is damaged is said to be, not to be missing. */
	assert_int_equal(truncate(moved, 5000), 0);
	assert_int_equal(rename(moved, in_folder("base.safetensors")), 0);
	assert_null(model_open(overlay, NULL, &err));
	assert_int_equal(err.code, ERR_FORMAT);
	assert_non_null(strstr(err.text, "base.safetensors"));
	assert_int_equal(unlink(in_folder("base.safetensors")), 0);
	assert_int_equal(unlink(in_folder("overlay.safetensors")), 0);
	assert_int_equal(rmdir(models), 0);
	model_release(stranger);
}

static void overlays_of_what_is_no_file_are_refused(void **state)
{
	struct model *toy = toy_model(toys[2]);
	struct model *fit = other_fit();
	struct model *m = overlay_of(toy, fit);
	struct err err;

	(void)state;
	assert_int_equal(model_write(m, in_folder("o.safetensors"), true, canaries, &err), -1);
	assert_int_equal(err.code, ERR_INPUT);
	assert_non_null(strstr(err.text, "a file already"));
	model_release(m);
	model_release(fit);
	model_release(toy);
}

static void the_same_model_gives_the_same_bytes(void **state)
{
	const char *paths[] = { in_folder("one.safetensors"), in_folder("two.safetensors") };
	char bytes[2][32768];
	size_t n[2];

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct model *m = toy_model(toys[4]);
		FILE *f;

		must_write(m, paths[i], false);
		model_release(m);
		f = fopen(paths[i], "rb");
		assert_non_null(f);
		n[i] = fread(bytes[i], 1, sizeof(bytes[i]), f);
		assert_int_equal(fclose(f), 0);
		assert_int_equal(unlink(paths[i]), 0);
	}
	assert_true(n[0] > 4096 && n[0] == n[1]);
	assert_memory_equal(bytes[0], bytes[1], n[0]);
}

/* Checksums are right, the data is not: `parts` written, verified. */
static void check_verify_says(const struct model *parts, const char *says)
{
	const char *path = in_folder("sealed.safetensors");
	struct err err;
	struct model *m = model_of_parts(parts, NULL, &err);

	if (!m)
		fail_msg("%s", err.text);
	must_write(m, path, false);
	if (model_verify(path, NULL, &err) == 0 || !strstr(err.text, says))
		fail_msg("'%s' is not said: %s", says, err.text);
	assert_int_equal(err.code, ERR_FORMAT);
	model_release(m);
	assert_int_equal(unlink(path), 0);
}

static void verify_looks_behind_the_checksums(void **state)
{
	struct model *toy = toy_model(toys[1]); /* 7 words of 3 */
	struct model parts = *toy;
	float rows[21] = { 0 };
	char words[64];
	uint64_t slots[16];

	(void)state;
	assert_int_equal(toy->vocab.slots_n, 16);
	rows[13] = (float)__builtin_nan("");
	parts.rows.data = rows;
	check_verify_says(&parts, "row 4 of the vectors holds a number that is not finite");
	parts = *toy;
	memcpy(words, toy->vocab.bytes, toy->vocab.offsets[7]);
	words[2] = '\xff'; /* "wa" "wb" ... */
	parts.vocab.bytes = words;
	check_verify_says(&parts, "word 1 is not UTF-8");
	words[2] = 'v';
	check_verify_says(&parts, "word 1 is not found through the index");
	memcpy(words, toy->vocab.bytes, toy->vocab.offsets[7]);
	words[3] = 'a'; /* "wa" twice */
	check_verify_says(&parts, "word 1 is not found through the index");
	parts = *toy;
	memset(slots, 0, sizeof(slots));
	parts.vocab.slots = slots;
	check_verify_says(&parts, "word 0 is not found through the index");
	model_release(toy);
}

static void check_parts_refused(const struct model *parts, const char *says)
{
	struct err err = { 0 };

	assert_null(model_of_parts(parts, NULL, &err));
	if (!strstr(err.text, says))
		fail_msg("'%s' is not said: %s", says, err.text);
	assert_int_equal(err.code, ERR_INPUT);
}

static void parts_that_make_no_model_are_refused(void **state)
{
	struct model *toy = toy_model(toys[2]);
	struct model parts = *toy;

	(void)state;
	parts.rows.n--;
	check_parts_refused(&parts, "make no model");
	parts = *toy;
	parts.rows.d = 0;
	check_parts_refused(&parts, "make no model");
	parts = *toy;
	parts.rows.d = MODEL_DIMENSIONS_MAX + 1;
	check_parts_refused(&parts, "make no model");
	parts = *toy;
	parts.rows.type = ROWS_I8;
	check_parts_refused(&parts, "make no model");
	parts = *toy;
	parts.k = 9; /* of 8 dimensions */
	check_parts_refused(&parts, "out of range");
	parts = *toy;
	parts.weights = NULL;
	check_parts_refused(&parts, "method 'sif'");
	model_release(toy);
}

static void fingerprints_differ_where_vectors_do(void **state)
{
	struct model *toy = toy_model((struct toy){ .n = 7, .d = 4, .type = ROWS_F16, .seed = 9 });
	struct model parts = *toy;
	struct model *other;
	struct err err;

	(void)state;
	parts.rows.type = ROWS_BF16; /* the same bytes, other numbers */
	other = model_of_parts(&parts, NULL, &err);
	assert_non_null(other);
	assert_string_not_equal(other->fingerprint, toy->fingerprint);
	model_release(other);
	parts = *toy;
	parts.facts.sentences = 12; /* no vector depends on it */
	other = model_of_parts(&parts, NULL, &err);
	assert_non_null(other);
	assert_string_equal(other->fingerprint, toy->fingerprint);
	model_release(other);
	model_release(toy);
}

static int make_folder(void **state)
{
	(void)state;
	(void)memset(canaries, 'c', DIGEST_HEX);
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	(void)state;
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_opens_the_same),
		cmocka_unit_test(all_parts_and_facts_are_kept),
		cmocka_unit_test(an_overlay_opens_the_same),
		cmocka_unit_test(overlays_share_their_base),
		cmocka_unit_test(a_base_is_found_by_its_fingerprint),
		cmocka_unit_test(overlays_of_what_is_no_file_are_refused),
		cmocka_unit_test(the_same_model_gives_the_same_bytes),
		cmocka_unit_test(verify_looks_behind_the_checksums),
		cmocka_unit_test(parts_that_make_no_model_are_refused),
		cmocka_unit_test(fingerprints_differ_where_vectors_do),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
