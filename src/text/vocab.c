#include "text/vocab.h"

#include "base/err.h"
#include "text/vocab_private.h"

uint64_t vocab_hash(const char *word, size_t n, uint64_t seed)
{
	uint64_t secret = vocab_secret(seed);
	uint64_t h = secret;
	size_t i = 0;

	for (; i + 8 <= n; i += 8)
		h = vocab_hash_step(h, secret, vocab_load(word + i));
	if (i < n)
		h = vocab_hash_step(h, secret, vocab_load_part(word + i, n - i));
	return vocab_hash_end(h, n);
}

const char *vocab_word(const struct vocab *v, uint32_t id, size_t *n)
{
	*n = (size_t)(v->offsets[id + 1] - v->offsets[id]);
	return v->bytes + v->offsets[id];
}

uint32_t vocab_find_hashed(const struct vocab *v, uint64_t hash, const char *word, size_t n)
{
	size_t mask = v->slots_n - 1;

	for (size_t i = hash & mask;; i = (i + 1) & mask) {
		uint64_t slot = v->slots[i];

		if (slot == 0)
			return VOCAB_UNKNOWN;
		if (slot >> 32 == hash >> 32 && vocab_is(v, (uint32_t)slot - 1, word, n))
			return (uint32_t)slot - 1;
	}
}

uint32_t vocab_find(const struct vocab *v, const char *word, size_t n)
{
	return vocab_find_hashed(v, vocab_hash(word, n, v->seed), word, n);
}

size_t vocab_slots(size_t n)
{
	size_t slots = 8;

	while (slots < 2 * n)
		slots *= 2;
	return slots;
}

void vocab_index(uint64_t *slots, size_t slots_n, const char *bytes, const uint64_t *offsets, size_t n,
		 uint64_t seed)
{
	struct vocab v = {
		.n = n, .bytes = bytes, .offsets = offsets, .slots = slots, .slots_n = slots_n, .seed = seed
	};

	for (size_t id = 0; id < n; id++) {
		const char *word = bytes + offsets[id];
		size_t length = (size_t)(offsets[id + 1] - offsets[id]);
		uint64_t hash = vocab_hash(word, length, seed);

		if (vocab_find_hashed(&v, hash, word, length) == VOCAB_UNKNOWN)
			vocab_insert(slots, slots_n, hash, id);
	}
}

static int check_offsets(const struct vocab *v, size_t bytes_n, struct err *err)
{
	if (v->offsets[0] != 0 || v->offsets[v->n] != bytes_n)
		return err_set(err, ERR_FORMAT, "word_offsets do not span the words' %zu bytes", bytes_n);
	for (size_t i = 0; i < v->n; i++)
		if (v->offsets[i] > v->offsets[i + 1])
			return err_set(err, ERR_FORMAT, "word_offsets fall at word %zu", i);
	return 0;
}

static int check_slots(const struct vocab *v, struct err *err)
{
	size_t mask = v->slots_n - 1;
	size_t first = 0; /* empty: runs wrap around the table's end, so they are counted from a gap on */
	size_t run = 0;
	size_t used = 0;

	while (first < v->slots_n && v->slots[first])
		first++;
	if (first == v->slots_n)
		return err_set(err, ERR_FORMAT, "the index has no empty slot");
	for (size_t k = 0; k < v->slots_n; k++) {
		size_t i = (first + k) & mask;
		uint32_t number = (uint32_t)v->slots[i];

		run = v->slots[i] ? run + 1 : 0;
		if (run == 0)
			continue;
		used++;
		if (number == 0 || number > v->n)
			return err_set(err, ERR_FORMAT, "index slot %zu names word %u of %zu", i, number,
				       v->n);
		if (run > VOCAB_RUN_MAX)
			return err_set(err, ERR_FORMAT, "the index has a run of more than %d slots",
				       VOCAB_RUN_MAX);
	}
	if (used > v->n)
		return err_set(err, ERR_FORMAT, "the index names %zu words of %zu", used, v->n);
	return 0;
}

int vocab_check(const struct vocab *v, size_t bytes_n, struct err *err)
{
	if (v->n >= VOCAB_UNKNOWN)
		return err_set(err, ERR_FORMAT, "%zu words are more than a model can hold", v->n);
	if (check_offsets(v, bytes_n, err))
		return -1;
	if (v->slots_n < 8 || (v->slots_n & (v->slots_n - 1)) || v->slots_n <= v->n)
		return err_set(err, ERR_FORMAT, "the index has %zu slots for %zu words", v->slots_n, v->n);
	return check_slots(v, err);
}
