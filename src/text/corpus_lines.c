/* From a raw block of a corpus to clean lines of text: UTF-8, JSONL, line ends. */
#include "base/err.h"
#include "base/json.h"
#include "base/utf8.h"
#include "text/corpus.h"
#include "text/corpus_private.h"

#include <string.h>

static const struct json_limits jsonl_limits = { .depth = 64, .nodes = 1 << 20 };

uint64_t corpus_count_lines(const char *text, size_t n)
{
	const char *end = text + n;
	uint64_t lines = 0;

	for (; (text = memchr(text, '\n', (size_t)(end - text))); text++)
		lines++;
	return lines;
}

static size_t skip_mark(const char *text, size_t n)
{
	return n >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
}

bool corpus_is_jsonl(const char *text, size_t n)
{
	size_t i = skip_mark(text, n);
	struct buf line = { 0 };
	struct err err = { 0 };
	const char *lf;
	json_t *value;
	bool object;

	while (i < n && utf8_is_blank(text[i]))
		i++;
	if (i == n || text[i] != '{')
		return false;
	lf = memchr(text + i, '\n', n - i);
	utf8_mend(&line, text + i, lf ? (size_t)(lf - text) - i : n - i);
	value = line.failed ? NULL : json_read(line.data, line.len, jsonl_limits, &err);
	object = json_is_object(value);
	json_decref(value);
	buf_free(&line);
	return object;
}

/* Names what is wrong at text[at] of a block. */
static int bad_byte(const struct corpus_place *where, const struct buf *block, size_t at, const char *what,
		    struct err *err)
{
	const char *text = block->data;
	const char *before = memrchr(text, '\n', at);
	size_t start = before ? (size_t)(before - text) + 1 : 0;
	uint64_t line = where->first_line + corpus_count_lines(text, start);

	if (line == 1 && at == start &&
	    (memcmp(text, "\xFF\xFE", 2) == 0 || memcmp(text, "\xFE\xFF", 2) == 0))
		what = "this is UTF-16, not UTF-8; convert it (iconv -f UTF-16 -t UTF-8)";
	return err_set(err, ERR_INPUT, "%s: line %llu, byte %zu: %s", where->name, (unsigned long long)line,
		       at - start + 1, what);
}

/* Makes the block valid UTF-8 without NUL, or says where it is not. */
static int clean(bool lossy, const struct corpus_place *where, struct buf *block, struct buf *scratch,
		 struct err *err)
{
	size_t bad = utf8_invalid(block->data, block->len);
	char *zero;

	if (bad < block->len && !lossy)
		return bad_byte(where, block, bad, "not UTF-8; convert it, or ask for lossy reading", err);
	if (bad < block->len) {
		struct buf mended = *scratch;

		buf_reset(&mended);
		utf8_mend(&mended, block->data, block->len);
		*scratch = *block;
		*block = mended;
		if (block->failed)
			return err_set(err, ERR_MEMORY, "not enough memory to mend a block");
	}
	zero = memchr(block->data, '\0', block->len);
	if (zero && !lossy)
		return bad_byte(where, block, (size_t)(zero - block->data),
				"a NUL: is this text?  Convert it, or ask for lossy reading", err);
	for (; zero; zero = memchr(zero, '\0', block->len - (size_t)(zero - block->data)))
		*zero = ' ';
	return 0;
}

/* Takes the CR out of each CR LF and from the end of text[0..n), in place; returns the new length. */
static size_t drop_returns(char *text, size_t n)
{
	char *first = memchr(text, '\r', n);
	size_t to;

	if (!first)
		return n;
	to = (size_t)(first - text);
	for (size_t i = to; i < n; i++)
		if (text[i] != '\r' || (i + 1 < n && text[i + 1] != '\n'))
			text[to++] = text[i];
	return to;
}

static int add_json_text(struct buf *to, const char *line, size_t n, struct err *err)
{
	json_t *value = json_read(line, n, jsonl_limits, err);
	const json_t *text = json_object_get(value, "text"); /* NULL for anything but an object */
	int failed = 0;

	if (!value)
		return -1;
	if (json_is_string(text)) {
		buf_add(to, json_string_value(text), json_string_length(text));
		buf_byte(to, '\n');
	} else {
		failed = err_set(err, ERR_INPUT, "expected a JSON object with a string \"text\"");
	}
	json_decref(value);
	return failed;
}

static int json_lines(const struct corpus_place *where, const char *text, size_t n, struct buf *to,
		      struct err *err)
{
	uint64_t line = where->first_line;

	buf_reset(to);
	for (size_t at = 0; at < n; line++) {
		const char *lf = memchr(text + at, '\n', n - at);
		size_t end = lf ? (size_t)(lf - text) : n;

		while (at < end && utf8_is_blank(text[at]))
			at++;
		if (at < end && add_json_text(to, text + at, end - at, err))
			return err_prefix(err, "%s: line %llu", where->name, (unsigned long long)line);
		at = end + 1;
	}
	if (to->failed)
		return err_set(err, ERR_MEMORY, "not enough memory for a block");
	return 0;
}

int corpus_lines(const struct corpus *c, const struct corpus_place *where, struct buf *block,
		 struct buf *scratch, const char **text, size_t *n, struct err *err)
{
	struct buf *lines = block;
	size_t skip;

	*text = "";
	*n = 0;
	if (block->len == 0)
		return 0;
	if (clean(c->lossy, where, block, scratch, err))
		return -1;
	skip = where->first_line == 1 ? skip_mark(block->data, block->len) : 0;
	if (where->jsonl) {
		if (json_lines(where, block->data + skip, block->len - skip, scratch, err))
			return -1;
		lines = scratch;
		skip = 0;
	}
	if (lines->len == 0)
		return 0;
	lines->len = skip + drop_returns(lines->data + skip, lines->len - skip);
	*text = lines->data + skip;
	*n = lines->len - skip;
	return 0;
}
