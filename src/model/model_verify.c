/*
 * Verifying a file whole: digests, numbers, words, fingerprint.
 */
#include "base/err.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "model/model.h"
#include "model/model_private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static int check_digests(const struct model *m, struct err *err)
{
	for (int i = 0; i < MODEL_TENSORS; i++) {
		struct tensor t = model_tensor(m, (enum model_tensor)i);
		char now[DIGEST_HEX + 1];

		if (!t.data || !model_tensor_is_own(m, (enum model_tensor)i))
			continue;
		digest_of(t.data, t.bytes, now);
		if (strcmp(now, m->memory->digests[i]) != 0)
			return err_set(err, ERR_FORMAT,
				       "tensor '%s' does not have the SHA-256 that the file promises",
				       model_tensors[i].name);
	}
	return 0;
}

static int check_rows(const struct model *m, struct err *err)
{
	float *row = mem_try(m->rows.d, sizeof(*row), err);
	int failed = 0;

	if (!row)
		return -1;
	for (size_t i = 0; i < m->rows.n && !failed; i++) {
		rows_get(row, &m->rows, (uint32_t)i);
		for (size_t k = 0; k < m->rows.d && !failed; k++)
			if (!isfinite(row[k]))
				failed = err_set(err, ERR_FORMAT,
						 "row %zu of the vectors holds a number that is not finite",
						 i);
	}
	free(row);
	return failed;
}

static int check_words(const struct model *m, struct err *err)
{
	for (uint32_t i = 0; i < m->vocab.n; i++) {
		size_t n;
		const char *word = vocab_word(&m->vocab, i, &n);

		if (utf8_invalid(word, n) != n)
			return err_set(err, ERR_FORMAT, "word %u is not UTF-8", i);
		if (vocab_find(&m->vocab, word, n) != i)
			return err_set(err, ERR_FORMAT, "word %u is not found through the index", i);
	}
	return 0;
}

static int verify(const struct model *m, struct err *err)
{
	char fingerprint[DIGEST_HEX + 1];

	if (!m->memory->sealed)
		return err_set(err, ERR_FORMAT, "the header has no SHA-256 ('%s')", MODEL_HEADER_KEY);
	if (check_digests(m, err))
		return -1;
	model_fingerprint(m, fingerprint);
	if (strcmp(fingerprint, m->fingerprint) != 0)
		return err_set(err, ERR_FORMAT, "the fingerprint is not that of the tensors");
	if (m->base)
		return 0;
	if (check_rows(m, err))
		return -1;
	return check_words(m, err);
}

int model_verify(const char *path, const char *folder, struct err *err)
{
	struct model *m = model_open(path, folder, err);
	int failed;

	if (!m)
		return -1;
	failed = verify(m, err);
	if (!failed && m->base && verify(m->base, err))
		failed = err_prefix(err, "its base %.100s", m->base->path);
	if (failed)
		(void)err_prefix(err, "%.200s", path);
	model_release(m);
	return failed ? -1 : 0;
}
