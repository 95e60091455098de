/*
 * Text to word numbers, and what it is made of:
 *
 *	synthetic vectors 400000 1 >words.txt; synthetic sentences 400000 200000 >lines.txt
 *	bench_text words.txt lines.txt
 *
 * The vocabulary is the first field of each line of the one, the texts are the lines of the other.
 * Million lines and megabytes a second on one core, the best of five passes.
 */
#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/utf8.h"
#include "text/lookup.h"
#include "text/sentences.h"
#include "text/vocab_builder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PASSES = 5 };

static struct err err;

struct lines {
	struct buf bytes;
	size_t *offsets; /* (n + 1) */
	size_t n;
};

static double now(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void check(bool good)
{
	if (good)
		return;
	(void)fprintf(stderr, "bench_text: %s\n", err.text);
	exit(1);
}

static void read_lines(struct lines *lines, const char *path)
{
	size_t room = 1 << 24;

	check(file_read(&lines->bytes, path, 1u << 30, &err) == 0);
	lines->offsets = malloc(room * sizeof(*lines->offsets));
	if (!lines->offsets)
		abort();
	lines->offsets[0] = 0;
	for (size_t i = 0; i < lines->bytes.len && lines->n + 1 < room; i++)
		if (lines->bytes.data[i] == '\n')
			lines->offsets[++lines->n] = i + 1;
}

static struct vocab read_words(const char *path)
{
	struct lines lines = { 0 };
	struct vocab_builder *b = vocab_builder_new(&err);
	struct vocab v = { .seed = 42 };
	uint64_t *slots;
	char *bytes;
	uint64_t *offsets;
	double start;
	size_t adds;

	check(b != NULL);
	read_lines(&lines, path);
	start = now();
	for (size_t i = 0; i < lines.n; i++) {
		const char *line = lines.bytes.data + lines.offsets[i];
		const char *end = memchr(line, ' ', lines.offsets[i + 1] - lines.offsets[i]);
		uint32_t id;
		bool added;

		check(vocab_builder_add(b, line,
					end ? (size_t)(end - line)
					    : lines.offsets[i + 1] - lines.offsets[i] - 1,
					&id, &added, &err) == 0);
	}
	adds = lines.n;
	printf("vocab_builder_add    %8.2f M words/s\n", (double)adds / (now() - start) * 1e-6);
	v.n = vocab_builder_words(b, &v.bytes, &v.offsets);
	vocab_builder_take(b, &bytes, &offsets);
	vocab_builder_free(b);
	v.slots_n = vocab_slots(v.n);
	slots = calloc(v.slots_n, sizeof(*slots));
	if (!slots)
		abort();
	start = now();
	vocab_index(slots, v.slots_n, bytes, offsets, v.n, v.seed);
	printf("vocab_index          %8.2f M words/s\n", (double)v.n / (now() - start) * 1e-6);
	v.slots = slots;
	v.bytes = bytes;
	v.offsets = offsets;
	buf_free(&lines.bytes);
	free(lines.offsets);
	return v;
}

enum work { INVALID, TOKENS, IDS, WORDS, SENTENCES };

struct tools {
	struct tokenizer *tokenizer;
	struct lookup *lookup;
	struct cutter *cutter;
};

static ptrdiff_t do_line(const struct tools *tools, enum work work, const char *line, size_t n)
{
	const struct token *tokens;
	const struct word *words;
	const struct span *spans;
	const uint32_t *ids;
	size_t unknown;

	switch (work) {
	case INVALID:
		return (ptrdiff_t)utf8_invalid(line, n);
	case TOKENS:
		return tokenizer_run(tools->tokenizer, line, n, &tokens, &err);
	case IDS:
		return lookup_ids(tools->lookup, line, n, &ids, &unknown, &err);
	case WORDS:
		return lookup_run(tools->lookup, line, n, &words, &err);
	case SENTENCES:
		return cutter_run(tools->cutter, line, n, &spans, &err);
	}
	return -1;
}

static void measure(const char *name, const struct lines *lines, const struct tools *tools, enum work work)
{
	double best = 1e9;
	size_t count = 0;

	for (int pass = 0; pass < PASSES; pass++) {
		double start = now();
		double seconds;

		count = 0;
		for (size_t i = 0; i < lines->n; i++) {
			ptrdiff_t k = do_line(tools, work, lines->bytes.data + lines->offsets[i],
					      lines->offsets[i + 1] - lines->offsets[i] - 1);

			check(k >= 0);
			count += (size_t)k;
		}
		seconds = now() - start;
		best = seconds < best ? seconds : best;
	}
	printf("%-20s %8.2f M lines/s %8.0f MB/s %8.2f a line\n", name, (double)lines->n / best * 1e-6,
	       (double)lines->bytes.len / best * 1e-6, (double)count / (double)lines->n);
}

static void measure_rules(const char *name, struct token_rules rules, const struct vocab *v,
			  const struct lines *lines)
{
	struct tools tools = { tokenizer_new(&rules, &err), lookup_new(&rules, v, &err), cutter_new(&err) };

	check(tools.tokenizer && tools.lookup && tools.cutter);
	printf("%s\n", name);
	measure("  tokenizer_run", lines, &tools, TOKENS);
	measure("  lookup_ids", lines, &tools, IDS);
	measure("  lookup_run", lines, &tools, WORDS);
	if (rules.split == SPLIT_WORDS)
		measure("cutter_run", lines, &tools, SENTENCES);
	tokenizer_free(tools.tokenizer);
	lookup_free(tools.lookup);
	cutter_free(tools.cutter);
}

int main(int argc, char **argv)
{
	struct lines lines = { 0 };
	struct vocab v;
	struct token_rules bert = {
		NORMALIZE_LOWER, true, SPLIT_BERT, true, UNKNOWN_CASED | UNKNOWN_PIECES,
	};

	if (argc != 3) {
		(void)fprintf(stderr, "usage: bench_text WORDS LINES\n");
		return 2;
	}
	v = read_words(argv[1]);
	read_lines(&lines, argv[2]);
	measure("utf8_invalid", &lines, NULL, INVALID);
	measure_rules("words, cased folded split, drop", token_rules_default(), &v, &lines);
	measure_rules("bert, lower, accents stripped, pieces, keep", bert, &v, &lines);
	return 0;
}
