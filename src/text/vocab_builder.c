#include "text/vocab_builder.h"

#include "base/err.h"
#include "base/mem.h"
#include "text/vocab_private.h"

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

enum { FIRST_WORDS = 1024, FIRST_BYTES = 16384 };

static int grow_bytes(struct vocab_builder *b, size_t n, struct err *err)
{
	size_t room = 2 * b->bytes_room + FIRST_BYTES;

	if (n > SIZE_MAX / 4)
		return err_set(err, ERR_TOO_LARGE, "a word of %zu bytes", n);
	room += n;
	if (mem_resize(&b->bytes, room, 1, err))
		return -1;
	b->bytes_room = room;
	return 0;
}

static int grow_table(struct vocab_builder *b, struct err *err)
{
	size_t room = b->room ? 2 * b->room : FIRST_WORDS;
	size_t slots_n = vocab_slots(room);
	uint64_t *slots = mem_try(slots_n, sizeof(*slots), err);

	if (!slots)
		return -1;
	if (mem_resize(&b->offsets, room + 1, sizeof(*b->offsets), err)) {
		free(slots);
		return -1;
	}
	b->offsets[0] = 0;
	for (size_t id = 0; id < b->n; id++)
		vocab_insert(slots, slots_n,
			     vocab_hash(b->bytes + b->offsets[id],
					(size_t)(b->offsets[id + 1] - b->offsets[id]), b->seed),
			     id);
	free(b->slots);
	b->slots = slots;
	b->slots_n = slots_n;
	b->room = room;
	return 0;
}

void vocab_builder_free(struct vocab_builder *b)
{
	if (!b)
		return;
	free(b->bytes);
	free(b->offsets);
	free(b->slots);
	free(b);
}

struct vocab_builder *vocab_builder_new(struct err *err)
{
	struct vocab_builder *b = mem_try(1, sizeof(*b), err);

	if (!b)
		return NULL;
	if (getrandom(&b->seed, sizeof(b->seed), 0) != (ssize_t)sizeof(b->seed)) {
		(void)err_set(err, ERR_IO, "the system has no random numbers");
		free(b);
		return NULL;
	}
	if (grow_bytes(b, 0, err) || grow_table(b, err)) {
		vocab_builder_free(b);
		return NULL;
	}
	return b;
}

int vocab_builder_add(struct vocab_builder *b, const char *word, size_t n, uint32_t *id, bool *added,
		      struct err *err)
{
	uint64_t hash = vocab_hash(word, n, b->seed);
	struct vocab v = { b->n, b->bytes, b->offsets, b->slots, b->slots_n, b->seed };

	*id = b->n ? vocab_find_hashed(&v, hash, word, n) : VOCAB_UNKNOWN;
	*added = *id == VOCAB_UNKNOWN;
	if (!*added)
		return 0;
	if (b->n >= VOCAB_UNKNOWN - 1)
		return err_set(err, ERR_TOO_LARGE, "more than %u words", VOCAB_UNKNOWN - 1);
	if ((b->bytes_room - b->bytes_n <= n && grow_bytes(b, n, err)) ||
	    (b->n == b->room && grow_table(b, err)))
		return -1;
	memcpy(b->bytes + b->bytes_n, word, n);
	b->bytes_n += n;
	*id = (uint32_t)b->n++;
	b->offsets[b->n] = b->bytes_n;
	vocab_insert(b->slots, b->slots_n, hash, *id);
	return 0;
}

size_t vocab_builder_words(const struct vocab_builder *b, const char **bytes, const uint64_t **offsets)
{
	static const uint64_t none[1] = { 0 };

	*bytes = b->bytes ? b->bytes : "";
	*offsets = b->offsets ? b->offsets : none;
	return b->n;
}

void vocab_builder_take(struct vocab_builder *b, char **bytes, uint64_t **offsets)
{
	*bytes = b->bytes;
	*offsets = b->offsets;
	free(b->slots);
	*b = (struct vocab_builder){ .seed = b->seed };
}
