#include "text/fold.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "text/utf8.h"

#include <stdlib.h>
#include <string.h>
#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/ustring.h>

struct folder {
	const UNormalizer2 *casefold; /* ICU's own, not freed */
	const UNormalizer2 *decompose;
	UChar *in, *out; /* scratch of `room` units each */
	int32_t room;
	struct buf bytes;
};

struct folder *folder_new(struct err *err)
{
	struct folder *f = mem_try(1, sizeof(*f), err);
	UErrorCode status = U_ZERO_ERROR;

	if (!f)
		return NULL;
	f->casefold = unorm2_getNFKCCasefoldInstance(&status);
	f->decompose = unorm2_getNFKDInstance(&status);
	if (U_FAILURE(status)) {
		(void)err_set(err, ERR_IO, "ICU has no normalization data: %s", u_errorName(status));
		free(f);
		return NULL;
	}
	return f;
}

void folder_free(struct folder *f)
{
	free(f->in);
	free(f->out);
	buf_free(&f->bytes);
	free(f);
}

/* The longest NFKC or NFKD form of one unit is 18 units. */
static int make_room(struct folder *f, size_t n, struct err *err)
{
	enum { EXPANSION = 18 };
	size_t room = (n + 16) * EXPANSION;

	if (room > INT32_MAX)
		return err_set(err, ERR_TOO_LARGE, "a word of %zu bytes is too long", n);
	if ((int32_t)room <= f->room)
		return 0;
	if (mem_resize(&f->in, room, sizeof(UChar), err) || mem_resize(&f->out, room, sizeof(UChar), err))
		return -1;
	f->room = (int32_t)room;
	return 0;
}

/* Lowers (root locale, character by character) and drops marks from in[0..n) as asked; returns the new
 * length. */
static int32_t lower_and_strip(UChar *in, int32_t n, bool lower, bool strip)
{
	int32_t to = 0;

	for (int32_t i = 0; i < n;) {
		uint32_t c = in[i++];

		if (U16_IS_LEAD(c) && i < n && U16_IS_TRAIL(in[i]))
			c = (uint32_t)U16_GET_SUPPLEMENTARY(c, in[i++]);
		if (strip && u_charType((UChar32)c) == U_NON_SPACING_MARK)
			continue;
		if (lower)
			c = (uint32_t)u_tolower(
				(UChar32)c); /* never longer than c in UTF-16, so `to` stays behind i */
		if (c > 0xFFFF) {
			in[to++] = U16_LEAD(c);
			in[to++] = U16_TRAIL(c);
		} else {
			in[to++] = (UChar)c;
		}
	}
	return to;
}

static int fold_unicode(struct folder *f, enum token_normalize how, bool strip, const char *word, size_t n,
			struct err *err)
{
	UErrorCode status = U_ZERO_ERROR;
	int32_t length = 0;
	int32_t bytes = 0;
	char *to;

	if (make_room(f, n, err))
		return -1;
	u_strFromUTF8(f->in, f->room, &length, word, (int32_t)n, &status);
	if (how == NORMALIZE_NFKC_CASEFOLD) {
		length = unorm2_normalize(f->casefold, f->in, length, f->out, f->room, &status);
		if (U_SUCCESS(status))
			memcpy(f->in, f->out, (size_t)length * sizeof(UChar));
	}
	if (strip) {
		length = unorm2_normalize(f->decompose, f->in, length, f->out, f->room, &status);
		if (U_SUCCESS(status))
			memcpy(f->in, f->out, (size_t)length * sizeof(UChar));
	}
	if (U_SUCCESS(status) && (strip || how == NORMALIZE_LOWER))
		length = lower_and_strip(f->in, length, how == NORMALIZE_LOWER, strip);
	buf_reset(&f->bytes);
	to = buf_reserve(&f->bytes, 3 * (size_t)length + 1);
	if (!to)
		return err_set(err, ERR_MEMORY, "not enough memory for a word of %zu bytes", n);
	u_strToUTF8(to, 3 * length + 1, &bytes, f->in, length, &status);
	if (U_FAILURE(status))
		return err_set(err, ERR_MEMORY, "ICU could not normalize a word of %zu bytes: %s", n,
			       u_errorName(status));
	f->bytes.len = (size_t)bytes;
	return 0;
}

int folder_run(struct folder *f, enum token_normalize how, bool strip_accents, const char *word, size_t n,
	       const char **form, size_t *form_n, struct err *err)
{
	*form = word;
	*form_n = n;
	if (how == NORMALIZE_NONE && !strip_accents)
		return 0;
	if (utf8_ascii(word, n) < n) {
		if (fold_unicode(f, how, strip_accents, word, n, err))
			return -1;
		*form = f->bytes.data;
		*form_n = f->bytes.len;
		return 0;
	}
	if (how != NORMALIZE_NONE) {
		char *to;

		buf_reset(&f->bytes);
		to = buf_reserve(&f->bytes, n + 1);
		if (!to)
			return err_set(err, ERR_MEMORY, "not enough memory for a word of %zu bytes", n);
		for (size_t i = 0; i < n; i++)
			to[i] = (char)(word[i] >= 'A' && word[i] <= 'Z' ? word[i] + 32 : word[i]);
		*form = to;
	}
	return 0;
}
