#include "support/company.h"

#include "base/buf.h"
#include "base/mem.h"
#include "math/vec.h"
#include "model/model.h"
#include "support/toy.h"

#include <stdlib.h>

enum { NEAR = 10 };

/* The NEAR words whose vectors lie nearest to that of `word`, it left out. */
static void neighbours(uint32_t near[NEAR], const struct model *m, uint32_t word)
{
	size_t d = m->rows.d;
	float *own = mem_new(2 * d, sizeof(*own));
	bool *taken = mem_new(m->rows.n, sizeof(*taken));

	rows_get(own, &m->rows, word);
	taken[word] = true;
	for (size_t k = 0; k < NEAR; k++) {
		float best = -2.0F;

		for (uint32_t i = 0; i < m->rows.n; i++) {
			rows_get(own + d, &m->rows, i);
			if (!taken[i] && vec_cosine(own, own + d, d) > best) {
				best = vec_cosine(own, own + d, d);
				near[k] = i;
			}
		}
		taken[near[k]] = true;
	}
	free(taken);
	free(own);
}

void company_write(struct buf *text, const struct model *m, size_t sentences, uint32_t novel)
{
	uint64_t seed = 8;
	uint32_t near[NEAR] = { 0 };

	for (uint32_t word = 0; word < m->rows.n; word++) {
		neighbours(near, m, word);
		for (size_t s = 0; s < sentences; s++) {
			for (size_t i = 0; i < 5; i++) {
				char name[8];
				uint32_t id = i == 2 ? word : near[toy_random(&seed) % NEAR];

				if (i == 2 && word < novel && s % 2)
					buf_printf(text, "Novel%c ", 'a' + (char)word);
				else
					buf_printf(text, "%s ", toy_word(name, id));
			}
			buf_text(text, ".\n");
		}
	}
	buf_text(text, "once seen\n");
}
