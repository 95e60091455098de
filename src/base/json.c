#include "base/json.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/number.h"
#include "base/utf8.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

void json_init(void)
{
	json_object_seed(0);
}

/* The first byte after the string whose opening quote is at text[i - 1]; n when it has no end. */
static size_t skip_string(const char *text, size_t i, size_t n)
{
	while (i < n && text[i] != '"')
		i += text[i] == '\\' ? 2 : 1;
	return i < n ? i + 1 : n;
}

static bool ends_scalar(char c)
{
	return c == ',' || c == ']' || c == '}' || c == ':' || c == ' ' || c == '\n' || c == '\r' ||
	       c == '\t' || c == '"' || c == '[' || c == '{';
}

/*
 * Bounds what the library will allocate without understanding the text: every string, container and
 * run of other characters is one node, which is never less than the library makes of it.
 */
static int check_limits(const char *text, size_t n, struct json_limits limits, struct err *err)
{
	size_t nodes = 0;
	size_t depth = 0;

	for (size_t i = 0; i < n;) {
		char c = text[i++];

		if (c == ']' || c == '}') {
			depth -= depth > 0;
			continue;
		}
		if (c == ',' || c == ':' || c == ' ' || c == '\n' || c == '\r' || c == '\t')
			continue;
		if (++nodes > limits.nodes)
			return err_set(err, ERR_TOO_LARGE, "the JSON has more than %zu values", limits.nodes);
		if (c == '"') {
			i = skip_string(text, i, n);
		} else if (c == '[' || c == '{') {
			if (++depth > limits.depth)
				return err_set(err, ERR_TOO_LARGE,
					       "the JSON is nested more than %zu levels deep", limits.depth);
		} else {
			while (i < n && !ends_scalar(text[i]))
				i++;
		}
	}
	return 0;
}

json_t *json_read(const char *text, size_t n, struct json_limits limits, struct err *err)
{
	json_error_t why;
	json_t *value;
	char *near;

	if (check_limits(text, n, limits, err))
		return NULL;
	value = json_loadb(text, n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &why);
	if (value)
		return value;
	if (json_error_code(&why) == json_error_out_of_memory) {
		(void)err_set(err, ERR_MEMORY, "not enough memory for the JSON");
		return NULL;
	}
	if (json_error_code(&why) == json_error_null_character) {
		(void)err_set(err, ERR_INPUT,
			      "the JSON has the character \\u0000 at byte %d (line %d, column %d): no text "
			      "may hold it",
			      why.position, why.line, why.column);
		return NULL;
	}
	/* What follows quotes the text itself, which does not belong in messages. */
	near = strstr(why.text, " near ");
	if (near)
		*near = '\0';
	(void)err_set(err, ERR_INPUT, "not valid JSON at byte %d (line %d, column %d): %s", why.position,
		      why.line, why.column, why.text);
	return NULL;
}

/* Some readers take the C1 controls and U+2028 for line ends, so these are escaped too. */
static bool needs_escape(uint32_t code)
{
	return code < 0x20 || code == '"' || code == '\\' || (code >= 0x7F && code < 0xA0) ||
	       code == 0x2028 || code == 0x2029;
}

static void put_escape(struct buf *buf, uint32_t code)
{
	static const char letters[] = { ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f',
					['\r'] = 'r', ['"'] = '"',  ['\\'] = '\\' };

	if (code < sizeof(letters) && letters[code]) {
		buf_byte(buf, '\\');
		buf_byte(buf, letters[code]);
	} else {
		buf_printf(buf, "\\u%04x", (unsigned)code);
	}
}

void json_put_string(struct buf *buf, const char *text, size_t n)
{
	size_t from = 0;
	size_t next;

	buf_byte(buf, '"');
	for (size_t i = 0; i < n; i = next) {
		uint32_t code = (unsigned char)text[i];

		next = i + 1;
		if (code >= 0x80) {
			next = i;
			code = utf8_next(text, n, &next);
		}
		if (code != UTF8_REPLACEMENT && !needs_escape(code))
			continue;
		buf_add(buf, text + from, i - from);
		if (code == UTF8_REPLACEMENT)
			buf_text(buf, "\xEF\xBF\xBD");
		else
			put_escape(buf, code);
		from = next;
	}
	buf_add(buf, text + from, n - from);
	buf_byte(buf, '"');
}

void json_put_text(struct buf *buf, const char *before, const char *text)
{
	buf_text(buf, before);
	if (text)
		json_put_string(buf, text, strlen(text));
	else
		buf_text(buf, "null");
}

void json_put_float(struct buf *buf, const char *before, float x)
{
	char *at;

	buf_text(buf, before);
	at = buf_reserve(buf, NUMBER_FLOAT_BYTES);
	if (!at)
		return;
	if (!isfinite(x)) {
		buf->failed = true;
		return;
	}
	buf->len += number_put_float(at, x);
}

void json_put_floats(struct buf *buf, const char *before, const float *x, size_t n)
{
	char *start, *at;

	buf_text(buf, before);
	at = start = buf_reserve(buf, n * (NUMBER_FLOAT_BYTES + 1) + 2);
	if (!start)
		return;
	*at++ = '[';
	for (size_t i = 0; i < n; i++) {
		if (!isfinite(x[i])) {
			buf->failed = true;
			return;
		}
		if (i)
			*at++ = ',';
		at += number_put_float(at, x[i]);
	}
	*at++ = ']';
	buf->len += (size_t)(at - start);
}

void json_put_base64(struct buf *buf, const void *bytes, size_t n)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *from = bytes;
	char *start = buf_reserve(buf, (n + 2) / 3 * 4 + 2);
	char *at = start;
	size_t i;

	if (!start)
		return;
	*at++ = '"';
	for (i = 0; i + 3 <= n; i += 3) {
		uint32_t v = (uint32_t)from[i] << 16 | (uint32_t)from[i + 1] << 8 | from[i + 2];

		*at++ = digits[v >> 18];
		*at++ = digits[v >> 12 & 63];
		*at++ = digits[v >> 6 & 63];
		*at++ = digits[v & 63];
	}
	if (i < n) {
		uint32_t v = (uint32_t)from[i] << 16 | (i + 1 < n ? (uint32_t)from[i + 1] << 8 : 0);

		*at++ = digits[v >> 18];
		*at++ = digits[v >> 12 & 63];
		*at++ = i + 1 < n ? digits[v >> 6 & 63] : '=';
		*at++ = '=';
	}
	*at++ = '"';
	buf->len += (size_t)(at - start);
}

static int append(const char *bytes, size_t n, void *buf)
{
	buf_add(buf, bytes, n);
	return ((struct buf *)buf)->failed ? -1 : 0;
}

void json_put(struct buf *buf, const json_t *value)
{
	if (json_dump_callback(value, append, buf, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(9)) !=
	    0)
		buf->failed = true;
}
