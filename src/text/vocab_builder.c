#include "text/vocab_builder.h"

#include "base/err.h"
#include "base/mem.h"
#include "text/vocab.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

struct vocab_builder {
	char *bytes;
	size_t bytes_n, bytes_room;
	uint64_t *offsets; /* (n + 1) */
	size_t n, room;
	uint64_t *slots; /* as in a struct vocab */
	size_t slots_n;
	uint64_t seed;
};

struct vocab_builder *vocab_builder_new(struct err *err)
{
	struct vocab_builder *b = mem_try(1, sizeof(*b), err);

	if (!b)
		return NULL;
	if (getrandom(&b->seed, sizeof(b->seed), 0) != (ssize_t)sizeof(b->seed))
		b->seed = (uint64_t)(uintptr_t)b;
	b->slots_n = vocab_slots(1024);
	b->slots = mem_try(b->slots_n, sizeof(*b->slots), err);
	b->room = 1024;
	b->offsets = mem_try(b->room + 1, sizeof(*b->offsets), err);
	b->bytes_room = 1 << 16;
	b->bytes = mem_try(b->bytes_room, 1, err);
	if (!b->slots || !b->offsets || !b->bytes) {
		vocab_builder_free(b);
		return NULL;
	}
	return b;
}

void vocab_builder_free(struct vocab_builder *b)
{
	free(b->bytes);
	free(b->offsets);
	free(b->slots);
	free(b);
}

static int make_room(struct vocab_builder *b, size_t n, struct err *err)
{
	if (b->bytes_n + n > b->bytes_room) {
		size_t room = 2 * (b->bytes_room + n);

		if (mem_resize(&b->bytes, room, 1, err))
			return -1;
		b->bytes_room = room;
	}
	if (b->n == b->room) {
		size_t slots_n = vocab_slots(2 * b->room);
		uint64_t *slots = mem_try(slots_n, sizeof(*slots), err);

		if (!slots)
			return -1;
		if (mem_resize(&b->offsets, 2 * b->room + 1, sizeof(*b->offsets), err)) {
			free(slots);
			return -1;
		}
		b->room *= 2;
		free(b->slots);
		b->slots = slots;
		b->slots_n = slots_n;
		vocab_index(slots, slots_n, b->bytes, b->offsets, b->n, b->seed);
	}
	return 0;
}

int vocab_builder_add(struct vocab_builder *b, const char *word, size_t n, uint32_t *id, bool *added,
		      struct err *err)
{
	uint64_t hash = vocab_hash(word, n, b->seed);
	struct vocab v = { b->n, b->bytes, b->offsets, b->slots, b->slots_n, b->seed };
	size_t i;

	*id = vocab_find_hashed(&v, hash, word, n);
	*added = *id == VOCAB_UNKNOWN;
	if (!*added)
		return 0;
	if (b->n >= VOCAB_UNKNOWN - 1)
		return err_set(err, ERR_TOO_LARGE, "more than %u words", VOCAB_UNKNOWN - 1);
	if (make_room(b, n, err))
		return -1;
	memcpy(b->bytes + b->bytes_n, word, n);
	b->bytes_n += n;
	*id = (uint32_t)b->n++;
	b->offsets[b->n] = b->bytes_n;
	for (i = hash & (b->slots_n - 1); b->slots[i];)
		i = (i + 1) & (b->slots_n - 1);
	b->slots[i] = (hash >> 32) << 32 | (*id + 1u);
	return 0;
}

size_t vocab_builder_words(const struct vocab_builder *b, const char **bytes, const uint64_t **offsets)
{
	*bytes = b->bytes;
	*offsets = b->offsets;
	return b->n;
}

void vocab_builder_take(struct vocab_builder *b, char **bytes, uint64_t **offsets)
{
	*bytes = b->bytes;
	*offsets = b->offsets;
	b->bytes = NULL;
	b->offsets = NULL;
	b->n = b->room = b->bytes_n = b->bytes_room = 0;
}
