/*
 * The gate on bytes of any kind.
 *
 *	clang-14 -g -O1 -fsanitize=fuzzer,address,undefined -D_GNU_SOURCE -Isrc tests/fuzz/fuzz_gate.c \
 *		src/serve/gate.c -o fuzz_gate && ./fuzz_gate -max_total_time=60
 *
 * The input is cut as the HTTP library would: method, URL and version at blanks of the first line, then a
 * name and a value at the first colon of each line.  What passes must hold what the gate promises.
 */
#include "base/limits.h"
#include "serve/gate.h"

#include <stdlib.h>
#include <string.h>

enum { HEADERS_MOST = LIMIT_HEADERS + 1 };

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t n);

static void must(int holds)
{
	if (!holds)
		abort();
}

/* Ends `text` at the first of `marks`; what is behind it. */
static char *cut(char *text, const char *marks)
{
	char *end = text + strcspn(text, marks);

	if (*end)
		*end++ = '\0';
	return end;
}

static size_t count(const struct gate_request *r, const char *name)
{
	size_t n = 0;

	for (size_t i = 0; i < r->headers_n; i++)
		n += strcasecmp(r->headers[i].name, name) == 0;
	return n;
}

static void check(const struct gate_request *r)
{
	struct gate_facts facts;
	struct gate_refusal refusal = { 0 };

	if (gate_check(r, &facts, &refusal) != 0) {
		must(refusal.status >= 400 && refusal.status <= 505 && refusal.message);
		must(refusal.reason > GATE_PASS && refusal.reason < GATE_REASONS);
		return;
	}
	must(facts.path_n <= r->url_n && r->url_n <= LIMIT_URL_BYTES);
	must(count(r, "content-length") <= 1 && count(r, "transfer-encoding") <= 1 && count(r, "host") <= 1);
	must(count(r, "host") == 1 || facts.http10);
	must(!(facts.chunked && facts.has_length));
	must(facts.has_length == (count(r, "content-length") == 1));
	must(facts.chunked == (count(r, "transfer-encoding") == 1));
	must(!facts.request_id || strlen(facts.request_id) <= LIMIT_REQUEST_ID_BYTES);
	if (gate_body(&facts, false, LIMIT_BODY_BYTES, &refusal) == 0)
		must(!facts.chunked && !facts.encoding && facts.length <= LIMIT_BODY_BYTES);
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t n)
{
	static struct gate_header headers[HEADERS_MOST];
	struct gate_request r = { .headers = headers };
	char *text = malloc(n + 1);
	char *line;
	char *url;

	if (!text)
		return 0;
	memcpy(text, data, n);
	text[n] = '\0';
	line = cut(text, "\n");
	url = cut(text, " ");
	r.method = text;
	r.url = url;
	r.version = cut(url, " ");
	r.url_n = strlen(url);
	while (*line && r.headers_n < HEADERS_MOST) {
		char *next = cut(line, "\n");
		char *value = cut(line, ":");

		value += *value == ' ';
		headers[r.headers_n++] = (struct gate_header){
			.name = line, .name_n = strlen(line), .value = value, .value_n = strlen(value)
		};
		line = next;
	}
	check(&r);
	free(text);
	return 0;
}
