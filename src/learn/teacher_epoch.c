/* The batches of an epoch of a teacher's texts. */
#include "base/err.h"
#include "base/mem.h"
#include "base/random.h"
#include "learn/lstm_net.h"
#include "learn/teacher.h"
#include "learn/texts.h"

#include <stdlib.h>
#include <string.h>

static size_t draws_of(const struct teacher *t, size_t text)
{
	return t->draws ? t->draws[text] : 1;
}

/* Words of a text that are read. */
static size_t length_of(const struct teacher *t, uint32_t text)
{
	size_t n;

	(void)texts_words(t->texts, text, &n);
	return n < NET_WORDS_MAX ? n : NET_WORDS_MAX;
}

static size_t texts_per_batch(const struct teacher *t, size_t length)
{
	size_t n = t->by_words ? t->batch / length : t->batch;

	return n ? n : 1;
}

/* Batches of texts[start..stop) in the epoch's order, into `to`; how many. */
static size_t cut(const struct teacher *t, struct teacher_batch *to, size_t start, size_t stop, size_t most)
{
	size_t made = 0;

	for (size_t i = start; i < stop; i += most) {
		size_t n = stop - i < most ? stop - i : most;

		to[made++] = (struct teacher_batch){ i, n, 1.0f / (float)(t->by_words ? most : n) };
	}
	return made;
}

static size_t count_batches(const struct teacher *t)
{
	size_t texts[NET_WORDS_MAX + 1] = { 0 };
	size_t batches = 0;

	if (!t->by_words)
		return (t->order_n + t->batch - 1) / t->batch;
	for (size_t i = 0; i < texts_count(t->texts); i++)
		texts[length_of(t, (uint32_t)i)] += draws_of(t, i);
	for (size_t length = 1; length <= NET_WORDS_MAX; length++)
		batches += (texts[length] + texts_per_batch(t, length) - 1) / texts_per_batch(t, length);
	return batches;
}

int teacher_batches(struct teacher *t, size_t batch, bool by_words, struct err *err)
{
	for (size_t i = 0; i < texts_count(t->texts); i++)
		t->order_n += draws_of(t, i);
	if (t->order_n == 0)
		return err_set(err, ERR_INPUT, "the teacher's texts: there is no text to learn from");
	t->batch = batch;
	t->by_words = by_words;
	t->batches_n = count_batches(t);
	if (t->batches_n == 0)
		return err_set(err, ERR_INPUT, "the teacher's texts: the model knows no word of them");
	t->texts_most = batch < t->order_n ? batch : t->order_n;
	t->order = mem_try(t->order_n, sizeof(*t->order), err);
	t->drawn = mem_try(t->order_n, sizeof(*t->drawn), err);
	t->batches = mem_try(t->batches_n, sizeof(*t->batches), err);
	return t->order && t->drawn && t->batches ? 0 : -1;
}

/* Puts the drawn texts in order of length, and cuts each length into batches. */
static void draw_by_words(struct teacher *t, uint64_t random)
{
	size_t starts[NET_WORDS_MAX + 2] = { 0 };
	size_t at[NET_WORDS_MAX + 1];
	size_t made = 0;

	for (size_t i = 0; i < t->order_n; i++)
		starts[length_of(t, t->drawn[i]) + 1]++;
	for (size_t length = 0; length <= NET_WORDS_MAX; length++) {
		starts[length + 1] += starts[length];
		at[length] = starts[length];
	}
	for (size_t i = 0; i < t->order_n; i++)
		t->order[at[length_of(t, t->drawn[i])]++] = t->drawn[i];
	for (size_t length = 1; length <= NET_WORDS_MAX; length++)
		made += cut(t, t->batches + made, starts[length], starts[length + 1],
			    texts_per_batch(t, length));
	random_shuffle(t->batches, made, sizeof(*t->batches), &random);
}

void teacher_epoch_draw(struct teacher *t, uint64_t seed, uint64_t number)
{
	uint32_t *order = t->by_words ? t->drawn : t->order;
	uint64_t state = random_seed(seed, number, 0);
	size_t n = 0;

	for (size_t i = 0; i < texts_count(t->texts); i++)
		for (size_t k = draws_of(t, i); k > 0; k--)
			order[n++] = (uint32_t)i;
	random_shuffle(order, n, sizeof(*order), &state);
	if (t->by_words)
		draw_by_words(t, random_seed(seed, number, 1));
	else
		(void)cut(t, t->batches, 0, t->order_n, t->batch);
}
