#include "serve/gate.h"

#include "base/limits.h"

#include <string.h>
#include <strings.h>

enum { LENGTH_DIGITS = 15 };

static int refuse(struct gate_refusal *refusal, int status, enum gate_reason reason, const char *message)
{
	*refusal = (struct gate_refusal){ .status = status, .reason = reason, .message = message };
	return -1;
}

/* RFC 9110, section 5.6.2. */
static bool is_token(const char *s, size_t n)
{
	static const char marks[] = "!#$%&'*+-.^_`|~";

	for (size_t i = 0; i < n; i++) {
		char c = s[i];

		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'))
			continue;
		if (c == '\0' || !strchr(marks, c))
			return false;
	}
	return n > 0;
}

static bool is_value(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)s[i];

		if ((c < 0x20 && c != '\t') || c == 0x7F)
			return false;
	}
	return true;
}

static bool is_name(const struct gate_header *h, const char *name)
{
	return h->name_n == strlen(name) && strncasecmp(h->name, name, h->name_n) == 0;
}

static bool value_is(const struct gate_header *h, const char *value)
{
	return h->value_n == strlen(value) && strncasecmp(h->value, value, h->value_n) == 0;
}

static int check_version(const struct gate_request *r, struct gate_facts *facts, struct gate_refusal *refusal)
{
	facts->http10 = strcmp(r->version, "HTTP/1.0") == 0;
	if (!facts->http10 && strcmp(r->version, "HTTP/1.1") != 0)
		return refuse(refusal, 505, GATE_VERSION, "the version must be HTTP/1.1 or HTTP/1.0");
	return 0;
}

static int check_method(const struct gate_request *r, struct gate_facts *facts, struct gate_refusal *refusal)
{
	static const char *const others[] = { "PATCH", "TRACE", "CONNECT" };

	for (int i = 0; i < HTTP_OTHER; i++)
		if (strcmp(r->method, http_method_name((enum http_method)i)) == 0) {
			facts->method = (enum http_method)i;
			return 0;
		}
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (strcmp(r->method, others[i]) == 0) {
			facts->method = HTTP_OTHER;
			return 0;
		}
	return refuse(refusal, 501, GATE_METHOD,
		      "no such method: GET, HEAD, POST, PUT, DELETE and OPTIONS are known");
}

static bool has_coded_nul(const char *url, size_t n)
{
	for (size_t i = 0; i + 2 < n; i++)
		if (url[i] == '%' && url[i + 1] == '0' && url[i + 2] == '0')
			return true;
	return false;
}

static int check_url(const struct gate_request *r, struct gate_facts *facts, struct gate_refusal *refusal)
{
	const char *end;

	if (r->url_n > LIMIT_URL_BYTES)
		return refuse(refusal, 414, GATE_URL, "the URL is longer than 2048 bytes");
	if (facts->method == HTTP_OPTIONS && r->url_n == 1 && r->url[0] == '*') {
		facts->path_n = 1;
		return 0;
	}
	if (r->url_n == 0 || r->url[0] != '/')
		return refuse(refusal, 400, GATE_URL, "the URL must begin with a slash");
	for (size_t i = 0; i < r->url_n; i++) {
		unsigned char c = (unsigned char)r->url[i];

		if (c <= 0x20 || c >= 0x7F || c == '#')
			return refuse(refusal, 400, GATE_URL, "the URL has a byte that must be %-escaped");
	}
	if (has_coded_nul(r->url, r->url_n))
		return refuse(refusal, 400, GATE_URL, "the URL has an escaped NUL");
	end = memchr(r->url, '?', r->url_n);
	facts->path_n = end ? (size_t)(end - r->url) : r->url_n;
	return 0;
}

/* RFC 9112, section 5: each header by itself, and all together. */
static int check_headers(const struct gate_request *r, struct gate_refusal *refusal)
{
	size_t bytes = 0;

	if (r->headers_n > LIMIT_HEADERS)
		return refuse(refusal, 431, GATE_HEADERS, "more than 64 headers");
	for (size_t i = 0; i < r->headers_n; i++) {
		const struct gate_header *h = &r->headers[i];

		bytes += h->name_n + h->value_n + 4;
		if (!is_token(h->name, h->name_n))
			return refuse(refusal, 400, GATE_HEADERS, "a header's name is not a token");
		if (h->value_n && !is_value(h->value, h->value_n))
			return refuse(refusal, 400, GATE_HEADERS, "a header's value has a control character");
	}
	if (bytes > LIMIT_HEADER_BYTES)
		return refuse(refusal, 431, GATE_HEADERS, "more than 16 KiB of headers");
	return 0;
}

/* Headers that must come at most once: a second one is how requests are smuggled. */
struct singles {
	const struct gate_header *host, *length, *transfer, *expect, *encoding, *connection;
	size_t hosts, lengths, transfers, expects, encodings;
};

static bool safe_to_repeat(const struct gate_header *h)
{
	if (h->value_n == 0 || h->value_n > LIMIT_REQUEST_ID_BYTES)
		return false;
	for (size_t i = 0; i < h->value_n; i++) {
		char c = h->value[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		      c == '.' || c == '_' || c == '-'))
			return false;
	}
	return true;
}

static void collect(const struct gate_request *r, struct singles *s, struct gate_facts *facts)
{
	for (size_t i = 0; i < r->headers_n; i++) {
		const struct gate_header *h = &r->headers[i];

		if (is_name(h, "host")) {
			s->host = h;
			s->hosts++;
		} else if (is_name(h, "content-length")) {
			s->length = h;
			s->lengths++;
		} else if (is_name(h, "transfer-encoding")) {
			s->transfer = h;
			s->transfers++;
		} else if (is_name(h, "expect")) {
			s->expect = h;
			s->expects++;
		} else if (is_name(h, "content-encoding")) {
			s->encoding = h;
			s->encodings++;
		} else if (is_name(h, "connection")) {
			s->connection = h;
		} else if (is_name(h, "x-request-id") && safe_to_repeat(h)) {
			facts->request_id = h->value;
		} else if (is_name(h, "accept") && h->value_n) {
			facts->accept = h->value;
		}
	}
}

static int check_host(const struct singles *s, const struct gate_facts *facts, struct gate_refusal *refusal)
{
	if (s->hosts > 1 || (s->hosts == 0 && !facts->http10))
		return refuse(refusal, 400, GATE_HOST, "exactly one Host header is needed");
	for (size_t i = 0; s->host && i < s->host->value_n; i++)
		if (strchr(" \t,/@?#", s->host->value[i]))
			return refuse(refusal, 400, GATE_HOST, "the Host header is not a host");
	return 0;
}

static int check_length(const struct singles *s, struct gate_facts *facts, struct gate_refusal *refusal)
{
	if (s->lengths == 0)
		return 0;
	if (s->lengths > 1)
		return refuse(refusal, 400, GATE_LENGTH, "more than one Content-Length");
	if (s->transfers)
		return refuse(refusal, 400, GATE_LENGTH, "both Content-Length and Transfer-Encoding");
	if (s->length->value_n == 0)
		return refuse(refusal, 400, GATE_LENGTH, "an empty Content-Length");
	for (size_t i = 0; i < s->length->value_n; i++)
		if (s->length->value[i] < '0' || s->length->value[i] > '9')
			return refuse(refusal, 400, GATE_LENGTH, "Content-Length must be digits");
	if (s->length->value_n > LENGTH_DIGITS)
		return refuse(refusal, 413, GATE_TOO_LARGE, "Content-Length is beyond all limits");
	facts->has_length = true;
	for (size_t i = 0; i < s->length->value_n; i++)
		facts->length = facts->length * 10 + (uint64_t)(s->length->value[i] - '0');
	return 0;
}

static int check_transfer(const struct singles *s, struct gate_facts *facts, struct gate_refusal *refusal)
{
	if (s->transfers == 0)
		return 0;
	if (s->transfers > 1 || facts->http10)
		return refuse(refusal, 400, GATE_TRANSFER, "Transfer-Encoding twice, or in HTTP/1.0");
	if (s->transfer->value_n == 0 || !value_is(s->transfer, "chunked"))
		return refuse(refusal, 501, GATE_TRANSFER, "the only transfer coding known is chunked");
	facts->chunked = true;
	return 0;
}

static int check_rest(const struct singles *s, struct gate_facts *facts, struct gate_refusal *refusal)
{
	if (s->expects && !facts->http10 && (s->expects > 1 || !value_is(s->expect, "100-continue")))
		return refuse(refusal, 417, GATE_EXPECT, "the only expectation known is 100-continue");
	if (s->encodings > 1)
		return refuse(refusal, 415, GATE_ENCODING, "more than one Content-Encoding");
	if (s->encoding && s->encoding->value_n && !value_is(s->encoding, "identity"))
		facts->encoding = s->encoding->value;
	facts->close = s->connection ? value_is(s->connection, "close") ||
					       (facts->http10 && !value_is(s->connection, "keep-alive"))
				     : facts->http10;
	return 0;
}

int gate_check(const struct gate_request *request, struct gate_facts *facts, struct gate_refusal *refusal)
{
	struct singles singles = { 0 };

	*facts = (struct gate_facts){ 0 };
	if (check_version(request, facts, refusal) || check_method(request, facts, refusal) ||
	    check_url(request, facts, refusal) || check_headers(request, refusal))
		return -1;
	collect(request, &singles, facts);
	if (check_host(&singles, facts, refusal) || check_length(&singles, facts, refusal) ||
	    check_transfer(&singles, facts, refusal))
		return -1;
	return check_rest(&singles, facts, refusal);
}

int gate_body(const struct gate_facts *facts, bool stream, uint64_t most, struct gate_refusal *refusal)
{
	if (facts->chunked && !stream)
		return refuse(refusal, 411, GATE_TRANSFER,
			      "the body must come with a Content-Length, not chunked");
	if (facts->encoding && !stream)
		return refuse(refusal, 415, GATE_ENCODING, "the body must not be compressed");
	if (facts->length > most)
		return refuse(refusal, 413, GATE_TOO_LARGE, "the body is larger than is allowed here");
	return 0;
}
