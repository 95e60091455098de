#include "text/vocab.h"

#include "base/err.h"
#include "support/guard.h"
#include "text/vocab_builder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <setjmp.h>
#include <stdarg.h>
/* cmocka.h needs those before it */
#include <cmocka.h>

/* The same by the definition, a byte at a time. */
static uint64_t plain_mix(uint64_t a, uint64_t b)
{
	__extension__ unsigned __int128 p = (unsigned __int128)a * b;

	return (uint64_t)p ^ (uint64_t)(p >> 64);
}

static uint64_t plain_hash(const char *word, size_t n, uint64_t seed)
{
	uint64_t secret = plain_mix(seed ^ 0xA0761D6478BD642Fu, 0xE7037ED1A0B428DBu);
	uint64_t h = secret;

	for (size_t i = 0; i < n; i += 8) {
		uint64_t x = 0;

		for (size_t k = 0; k < 8 && i + k < n; k++)
			x |= (uint64_t)(unsigned char)word[i + k] << (8 * k);
		h = plain_mix(x ^ secret, h ^ 0x8EBC6AF09C88C6E3u);
	}
	return plain_mix(h ^ n, 0xE7037ED1A0B428DBu);
}

/* Model files hold these numbers: a change of any makes every file unreadable. */
static void the_hash_is_fixed_for_ever(void **state)
{
	static const struct {
		const char *word;
		uint64_t seed;
		uint64_t hash;
	} golden[] = {
		{ "", 0, 0x42BC986DC5EEC4D3U },
		{ "a", 0, 0x6D3C884862B277E1U },
		{ "the", 1, 0x50C0675EA5220177U },
		{ "sentence", 42, 0xDD9FB0287D6AA2C9U },
		{ "embeddings", 42, 0xD225BAC08ACEE77DU },
		{ "n't", 0xFFFFFFFFFFFFFFFFu, 0xF026D4B3D43AFF04U },
		{ "\xE5\x8C\x97\xE4\xBA\xAC", 7, 0x896810DF5DAC31C5U },
	};
	char text[40];

	(void)state;
	for (size_t i = 0; i < sizeof(golden) / sizeof(golden[0]); i++)
		if (vocab_hash(golden[i].word, strlen(golden[i].word), golden[i].seed) != golden[i].hash)
			fail_msg("'%s' is %#llx", golden[i].word,
				 (unsigned long long)vocab_hash(golden[i].word, strlen(golden[i].word),
								golden[i].seed));
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (char)(i * 37 + 200);
	for (size_t n = 0; n <= sizeof(text); n++) {
		char *copy = guard_copy(text, n);

		assert_true(vocab_hash(copy, n, n) == plain_hash(copy, n, n));
		guard_free(copy, n);
	}
}

/* Words that differ in little spread evenly, under seeds of few bits too, in the bits that choose the slot
 * and in the tag. */
static void the_hash_spreads(void **state)
{
	enum { N = 1 << 16, CELLS = 256 };
	static const uint64_t seeds[] = { 0, 1, 2, 3, 0x8000000000000000u, UINT64_MAX, 0xA0761D6478BD642Fu };

	(void)state;
	for (size_t s = 0; s < sizeof(seeds) / sizeof(seeds[0]); s++) {
		size_t low[CELLS] = { 0 };
		size_t high[CELLS] = { 0 };
		double chi = 0;

		for (int i = 0; i < N; i++) {
			char word[16];
			size_t n = (size_t)snprintf(word, sizeof(word), "w%d", i);
			uint64_t h = vocab_hash(word, n, seeds[s]);

			low[h % CELLS]++;
			high[h >> 56]++;
		}
		/* 255 degrees of freedom: 255 +- 23; twice that is no accident. */
		for (int c = 0; c < CELLS; c++) {
			double l = (double)low[c] - (double)N / CELLS;
			double m = (double)high[c] - (double)N / CELLS;

			chi += (l * l + m * m) * CELLS / N;
		}
		if (chi > 2 * 255 + 8 * 32)
			fail_msg("seed %#llx: chi squared %.0f for 510", (unsigned long long)seeds[s], chi);
	}
}

enum { WORDS = 5000, BYTES = 64 * WORDS };

struct table {
	char bytes[BYTES];
	uint64_t offsets[WORDS + 1];
	uint64_t slots[4 * WORDS];
	struct vocab v;
};

static struct table *new_table(size_t n)
{
	struct table *t = calloc(1, sizeof(*t));
	size_t at = 0;

	assert_non_null(t);
	for (size_t i = 0; i < n; i++) {
		at += (size_t)snprintf(t->bytes + at, BYTES - at, "%.*s%zu", (int)(i % 23),
				       "abcdefghijklmnopqrstuvwxyz", i);
		t->offsets[i + 1] = at;
	}
	t->v = (struct vocab){ n, t->bytes, t->offsets, t->slots, vocab_slots(n), 99 };
	vocab_index(t->slots, t->v.slots_n, t->bytes, t->offsets, n, 99);
	return t;
}

static void words_are_found(void **state)
{
	struct table *t = new_table(WORDS);
	struct err err = { 0 };

	(void)state;
	assert_int_equal(vocab_check(&t->v, (size_t)t->offsets[WORDS], &err), 0);
	for (uint32_t id = 0; id < WORDS; id++) {
		size_t n;
		const char *word = vocab_word(&t->v, id, &n);
		char other[64];

		assert_int_equal(vocab_find(&t->v, word, n), id);
		assert_int_equal(vocab_find_hashed(&t->v, vocab_hash(word, n, 99), word, n), id);
		memcpy(other, word, n);
		other[n] = 0;
		assert_int_equal(vocab_find(&t->v, other, n + 1), VOCAB_UNKNOWN);
		other[n - 1] = '!';
		assert_int_equal(vocab_find(&t->v, other, n), VOCAB_UNKNOWN);
	}
	assert_int_equal(vocab_find(&t->v, "", 0), VOCAB_UNKNOWN);
	free(t);
}

static void a_repeated_word_keeps_its_first_number(void **state)
{
	static const uint64_t offsets[] = { 0, 1, 2, 3, 3 };
	uint64_t slots[8] = { 0 };
	struct vocab v = { 4, "aba", offsets, slots, 8, 5 };
	struct err err = { 0 };

	(void)state;
	vocab_index(slots, 8, "aba", offsets, 4, 5);
	assert_int_equal(vocab_find(&v, "a", 1), 0);
	assert_int_equal(vocab_find(&v, "b", 1), 1);
	assert_int_equal(vocab_find(&v, "", 0), 3);
	assert_int_equal(vocab_check(&v, 3, &err), 0);
}

static void slots_for(void **state)
{
	(void)state;
	assert_int_equal(vocab_slots(0), 8);
	assert_int_equal(vocab_slots(4), 8);
	assert_int_equal(vocab_slots(5), 16);
	assert_int_equal(vocab_slots(400000), 1 << 20);
	for (size_t n = 4; n < 3000; n++)
		assert_true(vocab_slots(n) >= 2 * n && vocab_slots(n) < 4 * n + (n == 4));
}

static void check_refused(const struct vocab *v, size_t bytes, const char *says)
{
	struct err err = { 0 };

	assert_int_equal(vocab_check(v, bytes, &err), -1);
	assert_int_equal(err.code, ERR_FORMAT);
	if (!strstr(err.text, says))
		fail_msg("'%s' does not say '%s'", err.text, says);
}

static void damaged_tables_are_refused(void **state)
{
	struct table *t = new_table(100);
	size_t bytes = (size_t)t->offsets[100];
	struct vocab v = t->v;
	size_t used = 0;

	(void)state;
	check_refused(&v, bytes + 1, "span");
	t->offsets[0] = 1;
	check_refused(&v, bytes, "span");
	t->offsets[0] = 0;
	t->offsets[50] = t->offsets[51] + 1;
	check_refused(&v, bytes, "fall at word 50");
	t->offsets[50] = UINT64_MAX;
	check_refused(&v, bytes, "fall at word 50");
	*t = (struct table){ 0 };
	free(t);

	t = new_table(100);
	while (!t->slots[used])
		used++;
	v = t->v;
	v.slots_n = 255;
	check_refused(&v, bytes, "255 slots");
	v.slots_n = 64;
	check_refused(&v, bytes, "64 slots");
	v.slots_n = 0;
	check_refused(&v, bytes, "0 slots");
	v = t->v;
	t->slots[used] = (t->slots[used] >> 32 << 32) | 101;
	check_refused(&v, bytes, "names word 101");
	t->slots[used] = 1ull << 32;
	check_refused(&v, bytes, "names word 0");
	for (size_t i = 0; i < v.slots_n; i++)
		t->slots[i] = 1ull << 32 | 1;
	check_refused(&v, bytes, "no empty slot");
	t->slots[7] = 0;
	check_refused(&v, bytes, "the index names 255 words of 100");
	v.n = VOCAB_UNKNOWN;
	check_refused(&v, bytes, "more than a model can hold");
	free(t);
}

/* A file made to be slow: one run of slots, longer than any honest table has. */
static void long_runs_are_refused(void **state)
{
	struct table *t = new_table(WORDS);
	struct vocab v = t->v;

	(void)state;
	memset(t->slots, 0, sizeof(t->slots));
	for (uint64_t i = 0; i < VOCAB_RUN_MAX; i++)
		t->slots[100 + i] = i + 1;
	assert_int_equal(vocab_check(&v, (size_t)t->offsets[WORDS], &(struct err){ 0 }), 0);
	t->slots[100 + VOCAB_RUN_MAX] = 1;
	check_refused(&v, (size_t)t->offsets[WORDS], "run of more than");
	/* The same around the table's end. */
	memset(t->slots, 0, sizeof(t->slots));
	for (uint64_t i = 0; i <= VOCAB_RUN_MAX; i++)
		t->slots[(v.slots_n - 100 + i) % v.slots_n] = i % WORDS + 1;
	check_refused(&v, (size_t)t->offsets[WORDS], "run of more than");
	free(t);
}

static void a_builder_numbers_words(void **state)
{
	struct err err = { 0 };
	struct vocab_builder *b = vocab_builder_new(&err);
	const char *bytes;
	const uint64_t *offsets;
	char *own_bytes;
	uint64_t *own_offsets;
	enum { N = 100000 };

	(void)state;
	for (int round = 0; round < 2; round++)
		for (uint32_t i = 0; i < N; i++) {
			char word[32];
			size_t n = (size_t)snprintf(word, sizeof(word), "w%u", i * 7);
			uint32_t id;
			bool added;

			assert_int_equal(vocab_builder_add(b, word, n, &id, &added, &err), 0);
			assert_true(id == i && added == (round == 0));
		}
	assert_int_equal(vocab_builder_words(b, &bytes, &offsets), N);
	assert_int_equal(offsets[3] - offsets[2], 3);
	assert_memory_equal(bytes + offsets[2], "w14", 3);
	vocab_builder_take(b, &own_bytes, &own_offsets);
	assert_memory_equal(own_bytes + own_offsets[1], "w7", 2);
	free(own_bytes);
	free(own_offsets);
	/* Empty then, but not useless. */
	assert_int_equal(vocab_builder_words(b, &bytes, &offsets), 0);
	assert_int_equal(offsets[0], 0);
	for (uint32_t i = 0; i < 3000; i++) {
		char word[32];
		size_t n = (size_t)snprintf(word, sizeof(word), "%u", i);
		uint32_t id;
		bool added;

		assert_int_equal(vocab_builder_add(b, word, n, &id, &added, &err), 0);
		assert_true(id == i && added);
	}
	vocab_builder_free(b);
	vocab_builder_free(NULL);

	b = vocab_builder_new(&err);
	vocab_builder_take(b, &own_bytes, &own_offsets); /* of no words too there is something to free */
	assert_int_equal(own_offsets[0], 0);
	free(own_bytes);
	free(own_offsets);
	vocab_builder_free(b);
}

static double seconds(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double build_time(const char *words, size_t n, size_t length)
{
	struct err err = { 0 };
	struct vocab_builder *b = vocab_builder_new(&err);
	double start = seconds();

	for (size_t i = 0; i < n; i++) {
		uint32_t id;
		bool added;

		assert_int_equal(vocab_builder_add(b, words + i * length, length, &id, &added, &err), 0);
	}
	vocab_builder_free(b);
	return seconds() - start;
}

/* Words that fall on one slot for any hash whose seed were known (here: 0) cost what others cost. */
static void colliding_words_do_not_slow_a_builder(void **state)
{
	enum { N = 20000, LENGTH = 8 };
	char *colliding = malloc((size_t)N * LENGTH);
	char *random = malloc((size_t)N * LENGTH);
	size_t found = 0;
	double slow;
	double fast;

	(void)state;
	assert_non_null(colliding);
	assert_non_null(random);
	for (uint64_t x = 1; found < N; x++) {
		uint64_t word = x * 0x9E3779B97F4A7C15u;

		if (found < N && (vocab_hash((char *)&word, LENGTH, 0) & 0x3FF) == 5)
			memcpy(colliding + found++ * LENGTH, &word, LENGTH);
	}
	for (uint64_t i = 0; i < N; i++) {
		uint64_t word = i * 0xD1B54A32D192ED03u;

		memcpy(random + i * LENGTH, &word, LENGTH);
	}
	(void)build_time(random, N, LENGTH);
	fast = build_time(random, N, LENGTH);
	slow = build_time(colliding, N, LENGTH);
	print_message("20,000 words in %.1f ms, colliding ones in %.1f ms\n", 1e3 * fast, 1e3 * slow);
	assert_true(slow < 3 * fast + 0.02);
	free(colliding);
	free(random);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_hash_is_fixed_for_ever),
		cmocka_unit_test(the_hash_spreads),
		cmocka_unit_test(words_are_found),
		cmocka_unit_test(a_repeated_word_keeps_its_first_number),
		cmocka_unit_test(slots_for),
		cmocka_unit_test(damaged_tables_are_refused),
		cmocka_unit_test(long_runs_are_refused),
		cmocka_unit_test(a_builder_numbers_words),
		cmocka_unit_test(colliding_words_do_not_slow_a_builder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
