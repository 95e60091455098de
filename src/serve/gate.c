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

/* The headers that matter here: the last one of each name, and how many came. */
enum { HOST, LENGTH, TRANSFER, EXPECT, ENCODING, CONNECTION, REQUEST_ID, ACCEPT, KNOWN };

struct known {
	const struct gate_header *header; /* NULL: none */
	size_t n;
};

static void collect(const struct gate_request *r, struct known known[KNOWN], struct gate_facts *facts)
{
	static const char *const names[KNOWN] = { "host",
						  "content-length",
						  "transfer-encoding",
						  "expect",
						  "content-encoding",
						  "connection",
						  "x-request-id",
						  "accept" };
	const struct gate_header *id, *accept;

	for (size_t i = 0; i < r->headers_n; i++)
		for (size_t k = 0; k < KNOWN; k++)
			if (is_name(&r->headers[i], names[k])) {
				known[k].header = &r->headers[i];
				known[k].n++;
			}
	id = known[REQUEST_ID].header;
	accept = known[ACCEPT].header;
	facts->request_id = id && safe_to_repeat(id) ? id->value : NULL; /* refusals repeat it too */
	facts->accept = accept && accept->value_n ? accept->value : NULL;
}

static int check_host(const struct known *known, const struct gate_facts *facts, struct gate_refusal *refusal)
{
	const struct gate_header *host = known[HOST].header;

	if (known[HOST].n > 1 || (known[HOST].n == 0 && !facts->http10))
		return refuse(refusal, 400, GATE_HOST, "exactly one Host header is needed");
	for (size_t i = 0; host && i < host->value_n; i++)
		if (strchr(" \t,/@?#", host->value[i]))
			return refuse(refusal, 400, GATE_HOST, "the Host header is not a host");
	return 0;
}

static int check_length(const struct known *known, struct gate_facts *facts, struct gate_refusal *refusal)
{
	const struct gate_header *length = known[LENGTH].header;

	if (known[LENGTH].n == 0)
		return 0;
	if (known[LENGTH].n > 1)
		return refuse(refusal, 400, GATE_LENGTH, "more than one Content-Length");
	if (known[TRANSFER].n)
		return refuse(refusal, 400, GATE_LENGTH, "both Content-Length and Transfer-Encoding");
	if (length->value_n == 0)
		return refuse(refusal, 400, GATE_LENGTH, "an empty Content-Length");
	for (size_t i = 0; i < length->value_n; i++)
		if (length->value[i] < '0' || length->value[i] > '9')
			return refuse(refusal, 400, GATE_LENGTH, "Content-Length must be digits");
	if (length->value_n > LENGTH_DIGITS)
		return refuse(refusal, 413, GATE_TOO_LARGE, "Content-Length is beyond all limits");
	facts->has_length = true;
	for (size_t i = 0; i < length->value_n; i++)
		facts->length = facts->length * 10 + (uint64_t)(length->value[i] - '0');
	return 0;
}

static int check_transfer(const struct known *known, struct gate_facts *facts, struct gate_refusal *refusal)
{
	if (known[TRANSFER].n == 0)
		return 0;
	if (known[TRANSFER].n > 1 || facts->http10)
		return refuse(refusal, 400, GATE_TRANSFER, "Transfer-Encoding twice, or in HTTP/1.0");
	if (known[TRANSFER].header->value_n == 0 || !value_is(known[TRANSFER].header, "chunked"))
		return refuse(refusal, 501, GATE_TRANSFER, "the only transfer coding known is chunked");
	facts->chunked = true;
	return 0;
}

static int check_rest(const struct known *known, struct gate_facts *facts, struct gate_refusal *refusal)
{
	const struct gate_header *encoding = known[ENCODING].header, *connection = known[CONNECTION].header;

	if (known[EXPECT].n && !facts->http10 &&
	    (known[EXPECT].n > 1 || !value_is(known[EXPECT].header, "100-continue")))
		return refuse(refusal, 417, GATE_EXPECT, "the only expectation known is 100-continue");
	if (known[ENCODING].n > 1)
		return refuse(refusal, 415, GATE_ENCODING, "more than one Content-Encoding");
	if (encoding && encoding->value_n && !value_is(encoding, "identity"))
		facts->encoding = encoding->value;
	facts->close = connection ? value_is(connection, "close") ||
					    (facts->http10 && !value_is(connection, "keep-alive"))
				  : facts->http10;
	return 0;
}

int gate_check(const struct gate_request *request, struct gate_facts *facts, struct gate_refusal *refusal)
{
	struct known known[KNOWN] = { 0 };

	*facts = (struct gate_facts){ 0 };
	if (check_version(request, facts, refusal) || check_method(request, facts, refusal) ||
	    check_url(request, facts, refusal) || check_headers(request, refusal))
		return -1;
	collect(request, known, facts);
	if (check_host(known, facts, refusal) || check_length(known, facts, refusal) ||
	    check_transfer(known, facts, refusal))
		return -1;
	return check_rest(known, facts, refusal);
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
