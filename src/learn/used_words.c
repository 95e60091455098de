#include "learn/used_words.h"

#include "base/mem.h"
#include "learn/texts.h"
#include "text/vocab.h"

#include <stdlib.h>

static int allocate(struct used_words *u, size_t vocabulary, struct err *err)
{
	*u = (struct used_words){ 0 };
	u->ids = mem_try(vocabulary + 1, sizeof(*u->ids), err);
	u->numbers = mem_try(vocabulary + 1, sizeof(*u->numbers), err);
	return u->ids && u->numbers ? 0 : -1;
}

int used_words_number(struct used_words *u, size_t vocabulary, struct texts *const *texts, size_t texts_n,
		      struct err *err)
{
	if (allocate(u, vocabulary, err))
		return -1;
	for (size_t i = 0; i < vocabulary; i++)
		u->numbers[i] = VOCAB_UNKNOWN;
	for (size_t k = 0; k < texts_n; k++)
		for (size_t i = 0; texts[k] && i < texts_count(texts[k]); i++) {
			size_t n;
			const uint32_t *words = texts_words(texts[k], (uint32_t)i, &n);

			for (size_t j = 0; j < n; j++)
				u->numbers[words[j]] = 0;
		}
	for (size_t i = 0; i < vocabulary; i++)
		if (u->numbers[i] != VOCAB_UNKNOWN) {
			u->ids[u->n] = (uint32_t)i;
			u->numbers[i] = (uint32_t)u->n++;
		}
	for (size_t k = 0; k < texts_n; k++)
		if (texts[k])
			texts_renumber(texts[k], u->numbers);
	return 0;
}

int used_words_all(struct used_words *u, size_t vocabulary, struct err *err)
{
	if (allocate(u, vocabulary, err))
		return -1;
	for (; u->n < vocabulary; u->n++)
		u->ids[u->n] = u->numbers[u->n] = (uint32_t)u->n;
	return 0;
}

void used_words_free(struct used_words *u)
{
	free(u->ids);
	free(u->numbers);
}
