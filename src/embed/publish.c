#include "embed/publish.h"

#include "base/digest.h"
#include "base/err.h"
#include "base/mem.h"
#include "embed/embedder.h"
#include "model/model.h"

#include <stdlib.h>
#include <string.h>

enum { CANARY_WORDS = 5, CANARY_FROM = 10000 };

/* Canary i is five of the most frequent words, picked by a fixed rule. */
static int digest_vectors(struct digest *d, struct embedder *s, const struct model *m, float *vector,
			  struct err *err)
{
	size_t among = m->rows.n < CANARY_FROM ? m->rows.n : CANARY_FROM;

	for (size_t i = 0; i < MODEL_CANARIES; i++) {
		uint32_t ids[CANARY_WORDS];

		for (size_t j = 0; j < CANARY_WORDS; j++)
			ids[j] = (uint32_t)((7 * i + 13 * j) * (7 * i + 13 * j) % among);
		if (embedder_embed_words(s, ids, CANARY_WORDS, true, vector, err))
			return -1;
		digest_add(d, vector, embedder_dimension(s) * sizeof(*vector));
		/* One of its words is also found by its spelling, so that a wrong index or tokenizer shows.
		 */
		if (embedder_embed(s, m->vocab.bytes + m->vocab.offsets[ids[1]],
				   (size_t)(m->vocab.offsets[ids[1] + 1] - m->vocab.offsets[ids[1]]), true,
				   vector, NULL, err))
			return -1;
		digest_add(d, vector, embedder_dimension(s) * sizeof(*vector));
	}
	return 0;
}

/* The digest of the canaries' vectors, computed now. */
static int digest_canaries(struct model *m, char hex[DIGEST_HEX + 1], struct err *err)
{
	struct embedder *s = embedder_new(m, m->facts.method, err);
	float *vector = s ? mem_try_aligned(embedder_dimension(s), sizeof(float), err) : NULL;
	struct digest d;
	int failed = !vector;

	digest_start(&d);
	if (!failed)
		failed = digest_vectors(&d, s, m, vector, err);
	digest_hex(&d, hex);
	free(vector);
	embedder_free(s);
	return failed ? -1 : 0;
}

struct model *publish_open(const char *path, const char *folder, struct err *err)
{
	struct model *m = model_open(path, folder, err);
	char now[DIGEST_HEX + 1];

	if (!m || !m->canaries[0])
		return m;
	if (digest_canaries(m, now, err) == 0) {
		if (strcmp(now, m->canaries) == 0)
			return m;
		(void)err_set(err, ERR_FORMAT,
			      "%.200s: its self-test gives other vectors than when it was written", path);
	}
	model_release(m);
	return NULL;
}

int publish_model(struct model *m, const char *path, bool as_overlay, struct err *err)
{
	char hex[DIGEST_HEX + 1];
	struct model *again;

	if (digest_canaries(m, hex, err) || model_write(m, path, as_overlay, hex, err))
		return -1;
	again = publish_open(path, NULL, err);
	if (!again && !(as_overlay && err->code == ERR_NOT_FOUND))
		return -1;
	model_release(again);
	return 0;
}
