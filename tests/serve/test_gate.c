#include "base/limits.h"
#include "serve/gate.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { HEADERS_MOST = 80 };

/* Headers as one text, "Name: value" a line; a blank behind the colon is taken off, as parsers do. */
static size_t cut_headers(struct gate_header *headers, char *text)
{
	size_t n = 0;

	for (char *line = strtok(text, "\n"); line && n < HEADERS_MOST; line = strtok(NULL, "\n")) {
		char *colon = strchr(line, ':');
		char *value = colon + 1;

		*colon = '\0';
		value += *value == ' ';
		headers[n++] = (struct gate_header){ .name = line,
						     .name_n = (size_t)(colon - line),
						     .value = value,
						     .value_n = strlen(value) };
	}
	return n;
}

static int check(const char *method, const char *url, const char *version, const char *headers,
		 struct gate_facts *facts, struct gate_refusal *refusal)
{
	static char text[64 << 10]; /* the facts point into it */
	static struct gate_header list[HEADERS_MOST];
	struct gate_request request = {
		.method = method, .url = url, .url_n = strlen(url), .version = version
	};

	(void)snprintf(text, sizeof(text), "%s", headers);
	request.headers_n = cut_headers(list, text);
	request.headers = list;
	memset(refusal, 0, sizeof(*refusal));
	return gate_check(&request, facts, refusal);
}

struct one {
	const char *method, *url, *version, *headers;
	int status; /* 0: passes */
	enum gate_reason reason;
};

#define POST "POST", "/v1/embeddings", "HTTP/1.1"
#define GET "GET", "/live", "HTTP/1.1"

static const struct one table[] = {
	/* what everyday clients send */
	{ GET, "Host: a", 0, GATE_PASS },
	{ GET, "Host: localhost:8080\nAccept: */*\nUser-Agent: curl/7.88.1", 0, GATE_PASS },
	{ GET, "Host: [::1]:8080", 0, GATE_PASS },
	{ GET, "Host:", 0, GATE_PASS },
	{ "GET", "/live", "HTTP/1.0", "User-Agent: ab", 0, GATE_PASS },
	{ "HEAD", "/", "HTTP/1.1", "Host: a", 0, GATE_PASS },
	{ "OPTIONS", "*", "HTTP/1.1", "Host: a", 0, GATE_PASS },
	{ "PATCH", "/live", "HTTP/1.1", "Host: a", 0, GATE_PASS },
	{ POST, "Host: a\nContent-Length: 0", 0, GATE_PASS },
	{ POST, "Host: a\nContent-Length: 17\nContent-Type: application/x-www-form-urlencoded", 0,
	  GATE_PASS },
	{ POST, "Host: a\nCONTENT-LENGTH: 17\nExpect: 100-Continue", 0, GATE_PASS },
	{ POST, "Host: a\nTransfer-Encoding: chunked", 0, GATE_PASS },
	{ POST, "Host: a\nTransfer-Encoding: CHUNKED", 0, GATE_PASS },
	{ POST, "Host: a\nContent-Encoding: identity\nContent-Length: 2", 0, GATE_PASS },
	{ "GET", "/v1/models/a%20b?x=1&y=%41", "HTTP/1.1", "Host: a", 0, GATE_PASS },

	/* versions */
	{ "GET", "/", "HTTP/9.9", "Host: a", 505, GATE_VERSION },
	{ "GET", "/", "HTTP/2.0", "Host: a", 505, GATE_VERSION },
	{ "GET", "/", "HTTP/1.2", "Host: a", 505, GATE_VERSION },
	{ "GET", "/", "http/1.1", "Host: a", 505, GATE_VERSION },
	{ "GET", "/", "HTTP/1.10", "Host: a", 505, GATE_VERSION },
	{ "GET", "/", "HTTP/0.9", "Host: a", 505, GATE_VERSION },
	{ "GET", "/", "", "Host: a", 505, GATE_VERSION },

	/* methods */
	{ "BREW", "/", "HTTP/1.1", "Host: a", 501, GATE_METHOD },
	{ "get", "/", "HTTP/1.1", "Host: a", 501, GATE_METHOD },
	{ "GETX", "/", "HTTP/1.1", "Host: a", 501, GATE_METHOD },
	{ "", "/", "HTTP/1.1", "Host: a", 501, GATE_METHOD },

	/* URLs */
	{ "GET", "", "HTTP/1.1", "Host: a", 400, GATE_URL },
	{ "GET", "live", "HTTP/1.1", "Host: a", 400, GATE_URL },
	{ "GET", "*", "HTTP/1.1", "Host: a", 400, GATE_URL },
	{ "GET", "http://a/live", "HTTP/1.1", "Host: a", 400, GATE_URL },
	{ "GET", "/a b", "HTTP/1.1", "Host: a", 400, GATE_URL },
	{ "GET", "/a\tb", "HTTP/1.1", "Host: a", 400, GATE_URL },
	{ "GET", "/a\x7f", "HTTP/1.1", "Host: a", 400, GATE_URL },
	{ "GET", "/a\x01", "HTTP/1.1", "Host: a", 400, GATE_URL },
	{ "GET", "/\xC3\xA9", "HTTP/1.1", "Host: a", 400, GATE_URL },
	{ "GET", "/a#b", "HTTP/1.1", "Host: a", 400, GATE_URL },
	{ "GET", "/a%00b", "HTTP/1.1", "Host: a", 400, GATE_URL },
	{ "GET", "/%00", "HTTP/1.1", "Host: a", 400, GATE_URL },

	/* headers */
	{ GET, "Host: a\nX Y: b", 400, GATE_HEADERS },
	{ GET, "Host: a\nX[]: b", 400, GATE_HEADERS },
	{ GET, "Host: a\n: b", 400, GATE_HEADERS },
	{ GET, "Host : a", 400, GATE_HEADERS },
	{ POST, "Host: a\nContent-Length : 5", 400, GATE_HEADERS },
	{ GET, "Host: a\nX: b\rc", 400, GATE_HEADERS },
	{ GET, "Host: a\nX: b\x01", 400, GATE_HEADERS },
	{ GET, "Host: a\nX: b\x7f", 400, GATE_HEADERS },
	{ GET, "Host: a\nX\xC3\xA9: b", 400, GATE_HEADERS },
	{ GET, "Host: a\nX: \xC3\xA9", 0, GATE_PASS },
	{ GET, "Host: a\nX: b\tc", 0, GATE_PASS },

	/* hosts */
	{ GET, "Accept: b", 400, GATE_HOST },
	{ GET, "Host: a\nHost: a", 400, GATE_HOST },
	{ GET, "Host: a\nhost: b", 400, GATE_HOST },
	{ GET, "Host: a b", 400, GATE_HOST },
	{ GET, "Host: a, b", 400, GATE_HOST },
	{ GET, "Host: a/b", 400, GATE_HOST },
	{ GET, "Host: u@a", 400, GATE_HOST },
	{ "GET", "/", "HTTP/1.0", "Host: a\nHost: a", 400, GATE_HOST },

	/* lengths */
	{ POST, "Host: a\nContent-Length: 5\nContent-Length: 5", 400, GATE_LENGTH },
	{ POST, "Host: a\nContent-Length: 5\ncontent-length: 6", 400, GATE_LENGTH },
	{ POST, "Host: a\nContent-Length: 5, 5", 400, GATE_LENGTH },
	{ POST, "Host: a\nContent-Length: +5", 400, GATE_LENGTH },
	{ POST, "Host: a\nContent-Length: -5", 400, GATE_LENGTH },
	{ POST, "Host: a\nContent-Length: 0x5", 400, GATE_LENGTH },
	{ POST, "Host: a\nContent-Length: 5 ", 400, GATE_LENGTH },
	{ POST, "Host: a\nContent-Length:", 400, GATE_LENGTH },
	{ POST, "Host: a\nContent-Length: 5.0", 400, GATE_LENGTH },
	{ POST, "Host: a\nContent-Length: 5\nTransfer-Encoding: chunked", 400, GATE_LENGTH },
	{ POST, "Host: a\nTransfer-Encoding: chunked\nContent-Length: 5", 400, GATE_LENGTH },
	{ POST, "Host: a\nContent-Length: 18446744073709551617", 413, GATE_TOO_LARGE },
	{ POST, "Host: a\nContent-Length: 999999999999999", 0, GATE_PASS }, /* gate_body() refuses it */

	/* transfer codings */
	{ POST, "Host: a\nTransfer-Encoding: chunked\nTransfer-Encoding: chunked", 400, GATE_TRANSFER },
	{ POST, "Host: a\nTransfer-Encoding: gzip, chunked", 501, GATE_TRANSFER },
	{ POST, "Host: a\nTransfer-Encoding: chunked, identity", 501, GATE_TRANSFER },
	{ POST, "Host: a\nTransfer-Encoding: identity", 501, GATE_TRANSFER },
	{ POST, "Host: a\nTransfer-Encoding: xchunked", 501, GATE_TRANSFER },
	{ POST, "Host: a\nTransfer-Encoding: \"chunked\"", 501, GATE_TRANSFER },
	{ POST, "Host: a\nTransfer-Encoding: chunked;q=1", 501, GATE_TRANSFER },
	{ POST, "Host: a\nTransfer-Encoding:", 501, GATE_TRANSFER },
	{ POST,
	  "Host: a\nTransfer-Encoding: \x0b"
	  "chunked",
	  400, GATE_HEADERS },
	{ "POST", "/", "HTTP/1.0", "Transfer-Encoding: chunked", 400, GATE_TRANSFER },

	/* expectations, content codings */
	{ POST, "Host: a\nContent-Length: 2\nExpect: 200-ok", 417, GATE_EXPECT },
	{ POST, "Host: a\nContent-Length: 2\nExpect: 100-continue\nExpect: 100-continue", 417, GATE_EXPECT },
	{ "POST", "/", "HTTP/1.0", "Content-Length: 2\nExpect: 200-ok", 0, GATE_PASS },
	{ POST, "Host: a\nContent-Encoding: gzip\nContent-Encoding: gzip", 415, GATE_ENCODING },
};

static void each_request_gets_its_status(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		const struct one *t = &table[i];
		struct gate_facts facts;
		struct gate_refusal refusal;
		int rc = check(t->method, t->url, t->version, t->headers, &facts, &refusal);

		if (rc != (t->status ? -1 : 0) || refusal.status != t->status || refusal.reason != t->reason)
			fail_msg("%s %s %s, %s: %d %s, expected %d %s", t->method, t->url, t->version,
				 t->headers, refusal.status, gate_reason_name(refusal.reason), t->status,
				 gate_reason_name(t->reason));
		if (t->status)
			assert_true(strlen(refusal.message) > 10);
	}
}

static void a_url_is_at_most_so_long(void **state)
{
	char url[LIMIT_URL_BYTES + 2];
	struct gate_facts facts;
	struct gate_refusal refusal;

	(void)state;
	memset(url, 'a', sizeof(url));
	url[0] = '/';
	url[LIMIT_URL_BYTES] = '\0';
	assert_int_equal(check("GET", url, "HTTP/1.1", "Host: a", &facts, &refusal), 0);
	assert_int_equal(facts.path_n, LIMIT_URL_BYTES);
	url[LIMIT_URL_BYTES] = 'a';
	url[LIMIT_URL_BYTES + 1] = '\0';
	assert_int_equal(check("GET", url, "HTTP/1.1", "Host: a", &facts, &refusal), -1);
	assert_int_equal(refusal.status, 414);
}

static void headers_are_bounded(void **state)
{
	char *text = malloc(64 << 10);
	struct gate_facts facts;
	struct gate_refusal refusal;
	int n;

	(void)state;
	n = snprintf(text, 100, "Host: a");
	for (int i = 1; i < LIMIT_HEADERS; i++)
		n += snprintf(text + n, 100, "\nX-%d: b", i);
	assert_int_equal(check(GET, text, &facts, &refusal), 0);
	(void)snprintf(text + n, 100, "\nX: b");
	assert_int_equal(check(GET, text, &facts, &refusal), -1);
	assert_int_equal(refusal.status, 431);

	n = snprintf(text, 100, "Host: a\nX: ");
	memset(text + n, 'b', LIMIT_HEADER_BYTES);
	text[n + LIMIT_HEADER_BYTES] = '\0';
	assert_int_equal(check(GET, text, &facts, &refusal), -1);
	assert_int_equal(refusal.status, 431);
	text[n + LIMIT_HEADER_BYTES - 20] = '\0';
	assert_int_equal(check(GET, text, &facts, &refusal), 0);
	free(text);
}

static void facts_are_what_was_said(void **state)
{
	struct gate_facts facts;
	struct gate_refusal refusal;

	(void)state;
	assert_int_equal(check("PUT", "/v1/corpora/x?y=1", "HTTP/1.1",
			       "Host: a\nContent-Length: 0123\nContent-Encoding: gzip\nAccept: b/c\n"
			       "X-Request-Id: A-z.0_9\nConnection: close",
			       &facts, &refusal),
			 0);
	assert_int_equal(facts.method, HTTP_PUT);
	assert_int_equal(facts.path_n, strlen("/v1/corpora/x"));
	assert_true(facts.has_length && facts.length == 123 && !facts.chunked && facts.close);
	assert_string_equal(facts.encoding, "gzip");
	assert_string_equal(facts.accept, "b/c");
	assert_string_equal(facts.request_id, "A-z.0_9");
	assert_int_equal(check("GET", "/", "HTTP/1.0", "Connection: keep-alive", &facts, &refusal), 0);
	assert_true(facts.http10 && !facts.close && !facts.has_length && !facts.encoding);
	assert_int_equal(check("GET", "/", "HTTP/1.0", "A: b", &facts, &refusal), 0);
	assert_true(facts.close);
}

/* It is repeated in a header of the answer. */
static void only_plain_request_ids_are_taken(void **state)
{
	static const char *const bad[] = { "a b", "a\"b", "a;b", "\xC3\xA9", "a/b", "" };
	struct gate_facts facts;
	struct gate_refusal refusal;
	char text[200];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		(void)snprintf(text, sizeof(text), "Host: a\nX-Request-Id: %s", bad[i]);
		assert_int_equal(check(GET, text, &facts, &refusal), 0);
		assert_null(facts.request_id);
	}
	for (int n = 63; n <= 66; n++) {
		(void)snprintf(text, sizeof(text), "Host: a\nX-Request-Id: %0*d", n, 1);
		assert_int_equal(check(GET, text, &facts, &refusal), 0);
		assert_true((facts.request_id != NULL) == (n <= LIMIT_REQUEST_ID_BYTES));
	}
}

static void bodies_are_what_their_route_takes(void **state)
{
	struct gate_facts plain = { .has_length = true, .length = 100 };
	struct gate_facts chunked = { .chunked = true };
	struct gate_facts packed = { .has_length = true, .length = 100, .encoding = "gzip" };
	struct gate_refusal refusal;

	(void)state;
	assert_int_equal(gate_body(&plain, false, 100, &refusal), 0);
	assert_int_equal(gate_body(&plain, false, 99, &refusal), -1);
	assert_int_equal(refusal.status, 413);
	assert_int_equal(gate_body(&plain, true, 99, &refusal), -1);
	assert_int_equal(refusal.status, 413);
	assert_int_equal(gate_body(&chunked, false, 100, &refusal), -1);
	assert_int_equal(refusal.status, 411);
	assert_int_equal(gate_body(&chunked, true, 100, &refusal), 0);
	assert_int_equal(gate_body(&packed, false, 100, &refusal), -1);
	assert_int_equal(refusal.status, 415);
	assert_int_equal(gate_body(&packed, true, 100, &refusal), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_request_gets_its_status),
		cmocka_unit_test(a_url_is_at_most_so_long),
		cmocka_unit_test(headers_are_bounded),
		cmocka_unit_test(facts_are_what_was_said),
		cmocka_unit_test(only_plain_request_ids_are_taken),
		cmocka_unit_test(bodies_are_what_their_route_takes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
