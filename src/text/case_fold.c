#include "text/case_fold.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "text/utf16.h"

#include <stdlib.h>
#include <string.h>
#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/ustring.h>

struct case_folder {
	const UNormalizer2 *casefold; /* ICU's own, not freed */
	const UNormalizer2 *decompose;
	UChar *in; /* the word, and every step's result */
	int32_t in_room;
	UChar *out;
	int32_t out_room;
	struct buf bytes;
};

struct case_folder *case_folder_new(struct err *err)
{
	struct case_folder *f = mem_try(1, sizeof(*f), err);
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

void case_folder_free(struct case_folder *f)
{
	if (!f)
		return;
	free(f->in);
	free(f->out);
	buf_free(&f->bytes);
	free(f);
}

static int make_room(UChar **units, int32_t *room, size_t n, struct err *err)
{
	size_t more = n + n / 2 + 64;

	if (n <= (size_t)*room)
		return 0;
	if (more > INT32_MAX)
		return err_set(err, ERR_TOO_LARGE, "a word of %zu characters is too long", n);
	if (mem_resize(units, more, sizeof(UChar), err))
		return -1;
	*room = (int32_t)more;
	return 0;
}

static int refused(UErrorCode status, size_t n, struct err *err)
{
	return err_set(err, ERR_MEMORY, "ICU could not normalize a word of %zu characters: %s", n,
		       u_errorName(status));
}

static int normalize(struct case_folder *f, const UNormalizer2 *how, int32_t *length, struct err *err)
{
	UErrorCode status = U_ZERO_ERROR;
	UChar *swap = f->in;
	int32_t room = f->in_room;
	int32_t n = unorm2_normalize(how, f->in, *length, f->out, f->out_room, &status);

	if (status == U_BUFFER_OVERFLOW_ERROR) {
		if (make_room(&f->out, &f->out_room, (size_t)n, err))
			return -1;
		status = U_ZERO_ERROR;
		n = unorm2_normalize(how, f->in, *length, f->out, f->out_room, &status);
	}
	if (U_FAILURE(status))
		return refused(status, (size_t)*length, err);
	f->in = f->out;
	f->in_room = f->out_room;
	f->out = swap;
	f->out_room = room;
	*length = n;
	return 0;
}

/* Lower-cases (root locale, character by character) and strips what the rules say, in place. */
static int32_t change_characters(UChar *units, int32_t n, struct case_fold fold)
{
	int32_t to = 0;

	for (int32_t i = 0; i < n;) {
		UChar32 c = (UChar32)utf16_next(units, n, &i);

		if (fold.strip_accents && u_charType(c) == U_NON_SPACING_MARK)
			continue;
		if (fold.strip_format && u_charType(c) == U_FORMAT_CHAR)
			continue;
		if (fold.normalize == NORMALIZE_LOWER)
			c = u_tolower(c); /* never longer than c in UTF-16, so `to` never passes i */
		to += utf16_put(units + to, (uint32_t)c);
	}
	return to;
}

static int put_utf8(struct case_folder *f, int32_t length, struct err *err)
{
	char *to;

	buf_reset(&f->bytes);
	to = buf_reserve(&f->bytes, 3 * (size_t)length + 4);
	if (!to)
		return err_set(err, ERR_MEMORY, "not enough memory for a word of %d characters", length);
	for (int32_t i = 0; i < length;)
		to += utf8_put(to, utf16_next(f->in, length, &i));
	f->bytes.len = (size_t)(to - f->bytes.data);
	return 0;
}

static int fold_unicode(struct case_folder *f, struct case_fold fold, const char *word, size_t n,
			struct err *err)
{
	int32_t length = 0;

	if (make_room(&f->in, &f->in_room, n, err) || make_room(&f->out, &f->out_room, n, err))
		return -1;
	for (size_t at = 0; at < n;)
		length += utf16_put(f->in + length, utf8_next(word, n, &at));
	if (fold.normalize == NORMALIZE_NFKC_CASEFOLD && normalize(f, f->casefold, &length, err))
		return -1;
	if (fold.strip_accents && normalize(f, f->decompose, &length, err))
		return -1;
	if (fold.strip_accents || fold.strip_format || fold.normalize == NORMALIZE_LOWER)
		length = change_characters(f->in, length, fold);
	return put_utf8(f, length, err);
}

/* Eight characters at a time: bit 7 of c + 63 is set from 'A' on, that of c + 37 after 'Z'. */
void case_fold_ascii(char *to, const char *from, size_t n)
{
	size_t i = 0;

	for (; i + 8 <= n; i += 8) {
		uint64_t c;
		uint64_t upper;

		memcpy(&c, from + i, 8);
		upper = (c + 0x3F3F3F3F3F3F3F3Fu) & ~(c + 0x2525252525252525u) & 0x8080808080808080u;
		c |= upper >> 2;
		memcpy(to + i, &c, 8);
	}
	for (; i < n; i++)
		to[i] = (char)(from[i] >= 'A' && from[i] <= 'Z' ? from[i] | 32 : from[i]);
}

int case_folder_run(struct case_folder *f, struct case_fold fold, const char *word, size_t n,
		    const char **form, size_t *form_n, struct err *err)
{
	*form = word;
	*form_n = n;
	if (fold.normalize == NORMALIZE_NONE && !fold.strip_accents && !fold.strip_format)
		return 0;
	if (utf8_ascii(word, n) < n) {
		if (fold_unicode(f, fold, word, n, err))
			return -1;
		*form = f->bytes.data;
		*form_n = f->bytes.len;
		return 0;
	}
	if (fold.normalize != NORMALIZE_NONE) {
		char *to;

		buf_reset(&f->bytes);
		to = buf_reserve(&f->bytes, n + 1);
		if (!to)
			return err_set(err, ERR_MEMORY, "not enough memory for a word of %zu bytes", n);
		case_fold_ascii(to, word, n);
		*form = to;
	}
	return 0;
}
