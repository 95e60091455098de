#include "text/token.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "text/case_fold.h"
#include "text/token_private.h"

#include <stdlib.h>
#include <string.h>

enum { TEXT_BYTES_MAX = 1 << 30 }; /* ICU counts in int32 */

struct tokenizer *tokenizer_new(const struct token_rules *rules, struct err *err)
{
	struct tokenizer *t = mem_try(1, sizeof(*t), err);
	UErrorCode status = U_ZERO_ERROR;

	if (!t)
		return NULL;
	t->rules = *rules;
	t->folder = case_folder_new(err);
	if (!t->folder) {
		free(t);
		return NULL;
	}
	if (rules->split == SPLIT_WORDS)
		t->words = ubrk_open(UBRK_WORD, "", NULL, 0, &status);
	if (U_FAILURE(status)) {
		(void)err_set(err, status == U_MEMORY_ALLOCATION_ERROR ? ERR_MEMORY : ERR_IO,
			      "ICU has no word rules: %s", u_errorName(status));
		t->words = NULL;
		tokenizer_free(t);
		return NULL;
	}
	return t;
}

void tokenizer_free(struct tokenizer *t)
{
	if (!t)
		return;
	if (t->words)
		ubrk_close(t->words);
	case_folder_free(t->folder);
	free(t->tokens);
	free(t->forms);
	utf16_free(&t->wide);
	free(t);
}

void tokenizer_force_icu(struct tokenizer *t, bool force)
{
	t->force_icu = force;
}

/*
 * Where the Unicode scanner may stop that text[at] (not ASCII) needs: at the end of the blank-bounded field,
 * and of those that follow while they are not ASCII either.
 */
static size_t wide_end(const char *text, size_t at, size_t n)
{
	bool wide = true;

	for (size_t end = at;;) {
		while (end < n && !utf8_is_blank(text[end]))
			wide |= (unsigned char)text[end++] >= 0x80;
		if (!wide)
			return at;
		at = end;
		if (end == n)
			return n;
		while (end < n && utf8_is_blank(text[end]))
			end++;
		wide = false;
	}
}

/*
 * ASCII takes its own scanner, also within other text: no rule looks across a blank, for there
 * is always a boundary around it.
 */
static int scan(struct tokenizer *t, const char *text, size_t n, size_t ascii, struct err *err)
{
	size_t at = 0;

	if (t->force_icu)
		return token_scan_unicode(t, text, 0, n, err);
	while (at < n) {
		size_t wide = at ? at + utf8_ascii(text + at, n - at) : ascii;
		size_t start = wide;

		while (wide < n && start > at && !utf8_is_blank(text[start - 1]))
			start--;
		if (start > at && token_scan_ascii(t, text, at, start, err))
			return -1;
		at = start;
		if (at < n) {
			at = wide_end(text, wide, n);
			if (token_scan_unicode(t, text, start, at, err))
				return -1;
		}
	}
	return 0;
}

/* Room for n more bytes of forms; tokens that point to the old ones are moved along. */
static char *form_room(struct tokenizer *t, size_t tokens, size_t n, struct err *err)
{
	if (!t->forms || t->forms_n + n > t->forms_room) {
		size_t room = 2 * (t->forms_n + n) + 256;
		char *forms = mem_try(room, 1, err);
		size_t at = 0;

		if (!forms)
			return NULL;
		if (t->forms_n)
			memcpy(forms, t->forms, t->forms_n);
		for (size_t i = 0; i < tokens; i++) {
			t->tokens[i].form = forms + at;
			at += t->tokens[i].length;
		}
		free(t->forms);
		t->forms = forms;
		t->forms_room = room;
	}
	return t->forms + t->forms_n;
}

/* The token's bytes with ' for the typographic apostrophe of a clitic, in plain[8] if need be. */
static const char *plain_clitic(const struct token *token, char plain[8], size_t *n)
{
	size_t mark;

	*n = token->length;
	if (*n < 4 || *n > 6)
		return token->form;
	mark = token_clitic_mark(token->form, *n);
	if (mark == *n || token->form[mark] == '\'')
		return token->form;
	memcpy(plain, token->form, mark);
	plain[mark] = '\'';
	memcpy(plain + mark + 1, token->form + mark + 3, *n - mark - 3);
	*n -= 2;
	return plain;
}

/* Rewrites the tokens' forms by the rules and drops tokens that become empty. */
static int make_forms(struct tokenizer *t, struct err *err)
{
	struct case_fold fold = { t->rules.normalize, t->rules.strip_accents, t->rules.split == SPLIT_BERT };
	size_t kept = 0;

	t->forms_n = 0;
	for (size_t i = 0; i < t->n; i++) {
		struct token token = t->tokens[i];
		char plain[8];
		const char *form;
		size_t n;
		char *to;

		if (t->curly)
			token.form = plain_clitic(&token, plain, &n);
		else
			n = token.length;
		if (case_folder_run(t->folder, fold, token.form, n, &form, &n, err))
			return -1;
		if (n == 0)
			continue;
		to = form_room(t, kept, n, err);
		if (!to)
			return -1;
		memcpy(to, form, n);
		t->forms_n += n;
		token.form = to;
		token.length = (uint32_t)n;
		t->tokens[kept++] = token;
	}
	t->n = kept;
	return 0;
}

/* The same for ASCII text, where forms have the length of the text they come from. */
static int lower_ascii(struct tokenizer *t, const char *text, size_t n, struct err *err)
{
	char *to;

	t->forms_n = 0;
	to = form_room(t, 0, n, err);
	if (!to)
		return -1;
	case_fold_ascii(to, text, n);
	for (size_t i = 0; i < t->n; i++)
		t->tokens[i].form = to + t->tokens[i].start;
	return 0;
}

ptrdiff_t tokenizer_run(struct tokenizer *t, const char *text, size_t n, const struct token **tokens,
			struct err *err)
{
	bool plain = t->rules.normalize == NORMALIZE_NONE;
	size_t ascii = utf8_ascii(text, n);

	if (n > TEXT_BYTES_MAX)
		return err_set(err, ERR_TOO_LARGE, "a text of %zu bytes is longer than %d", n,
			       TEXT_BYTES_MAX);
	t->n = 0;
	t->curly = false;
	if (scan(t, text, n, ascii, err))
		return -1;
	if (ascii == n) {
		if (!plain && lower_ascii(t, text, n, err))
			return -1;
	} else if (!plain || t->rules.strip_accents || t->curly || t->rules.split == SPLIT_BERT) {
		if (make_forms(t, err))
			return -1;
	}
	*tokens = t->tokens;
	return (ptrdiff_t)t->n;
}
