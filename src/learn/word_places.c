#include "learn/word_places.h"

#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

int word_places_init(struct word_places *w, size_t vocabulary, struct err *err)
{
	memset(w, 0, sizeof(*w));
	w->count = mem_try(vocabulary + 1, sizeof(*w->count), err);
	w->words = mem_try(vocabulary + 1, sizeof(*w->words), err);
	w->starts = mem_try(vocabulary + 2, sizeof(*w->starts), err);
	return w->count && w->words && w->starts ? 0 : -1;
}

void word_places_free(struct word_places *w)
{
	free(w->words);
	free(w->places);
	free(w->starts);
	free(w->added_words);
	free(w->added_places);
	free(w->count);
}

int word_places_add(struct word_places *w, const uint32_t *words, size_t n, uint32_t first, uint32_t step,
		    struct err *err)
{
	if (w->n + n > w->room) {
		size_t room = (w->n + n) * 2;

		if (mem_resize(&w->added_words, room, sizeof(*w->added_words), err) ||
		    mem_resize(&w->added_places, room, sizeof(*w->added_places), err) ||
		    mem_resize(&w->places, room, sizeof(*w->places), err))
			return -1;
		w->room = room;
	}
	for (size_t k = 0; k < n; k++, w->n++) {
		w->added_words[w->n] = words[k];
		w->added_places[w->n] = first + (uint32_t)k * step;
	}
	return 0;
}

void word_places_list(struct word_places *w)
{
	size_t at = 0;

	w->words_n = 0;
	for (size_t k = 0; k < w->n; k++)
		if (w->count[w->added_words[k]]++ == 0)
			w->words[w->words_n++] = w->added_words[k];
	for (size_t i = 0; i < w->words_n; i++) {
		w->starts[i] = at;
		at += w->count[w->words[i]];
		w->count[w->words[i]] = (uint32_t)w->starts[i]; /* where its next place goes */
	}
	w->starts[w->words_n] = at;
	for (size_t k = 0; k < w->n; k++)
		w->places[w->count[w->added_words[k]]++] = w->added_places[k];
	for (size_t i = 0; i < w->words_n; i++)
		w->count[w->words[i]] = 0;
	w->n = 0;
}
