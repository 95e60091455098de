/*
 * Imports GloVe and word2vec text: lines are parsed by many threads and added in order.
 */
#include "base/err.h"
#include "base/mem.h"
#include "base/number.h"
#include "base/pipeline.h"
#include "base/progress.h"
#include "base/stream.h"
#include "model/import_private.h"
#include "model/model.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 2 << 20, LINE_MAX_BYTES = 1 << 20 };

struct block {
	struct buf text;     /* whole lines */
	uint64_t first_line; /* the first one's number */
	uint64_t lines;
	float *rows;   /* (n, d) */
	size_t *words; /* (n, 2): start and length in text */
	size_t n, rows_room, words_room;
};

struct reader {
	struct import_sink *sink;
	struct import_source *source;
	uint64_t line;
};

static int read_block(void *context, void *at, struct err *err)
{
	struct reader *r = context;
	struct import_source *s = r->source;
	struct block *b = at;
	size_t want = BLOCK;
	const char *end;
	size_t n;

	if (import_full(r->sink))
		return 0;
	for (;; want += BLOCK) {
		if (import_fill(s, want, err))
			return -1;
		n = s->n - s->at;
		end = n ? memrchr(s->bytes + s->at, '\n', n) : NULL;
		if (end || s->ended)
			break;
		if (want > LINE_MAX_BYTES + BLOCK)
			return err_set(err, ERR_INPUT, "line %" PRIu64 " is longer than %d bytes", r->line,
				       LINE_MAX_BYTES);
	}
	if (end && !s->ended)
		n = (size_t)(end - (s->bytes + s->at)) + 1;
	buf_reset(&b->text);
	buf_add(&b->text, s->bytes + s->at, n);
	if (b->text.failed)
		return err_set(err, ERR_MEMORY, "not enough memory for a block of lines");
	s->at += n;
	b->first_line = r->line;
	b->lines = 0;
	for (const char *p = b->text.data; n && (p = memchr(p, '\n', (size_t)(b->text.data + n - p))); p++)
		b->lines++;
	r->line += b->lines;
	progress_set(r->sink->progress, stream_taken(s->stream));
	if (progress_stop(r->sink->progress))
		return err_set(err, ERR_CANCELLED, "stopped");
	return n > 0;
}

/* The start of the last d fields of line[0..n), or NULL when there are fewer. */
static const char *numbers_start(const char *line, size_t n, size_t d, size_t *fields)
{
	const char *at = line + n;

	for (*fields = 0; *fields < d; ++*fields) {
		while (at > line && (at[-1] == ' ' || at[-1] == '\t'))
			at--;
		if (at == line)
			return NULL;
		while (at > line && at[-1] != ' ' && at[-1] != '\t')
			at--;
	}
	return at;
}

static int parse_row(float *row, const char *at, const char *end, size_t d, struct err *err)
{
	for (size_t i = 0; i < d; i++) {
		while (at < end && (*at == ' ' || *at == '\t'))
			at++;
		at = number_get_float(at, end, &row[i]);
		if (!at || (at < end && *at != ' ' && *at != '\t'))
			return err_set(err, ERR_INPUT,
				       "field %zu of the %zu numbers is no number: is the row too short or "
				       "too long?",
				       i + 1, d);
		if (!isfinite(row[i]))
			return err_set(err, ERR_INPUT, "number %zu is not finite", i + 1);
	}
	return 0;
}

static int parse_line(struct block *b, size_t d, const char *line, size_t n, struct err *err)
{
	size_t fields;
	const char *numbers;
	size_t word_n;

	while (n && (line[n - 1] == ' ' || line[n - 1] == '\t' || line[n - 1] == '\r'))
		n--;
	if (n == 0)
		return 0;
	numbers = numbers_start(line, n, d, &fields);
	if (!numbers)
		return err_set(err, ERR_INPUT, "a word and %zu numbers are expected, %zu fields found", d,
			       fields);
	word_n = (size_t)(numbers - line);
	while (word_n && (line[word_n - 1] == ' ' || line[word_n - 1] == '\t'))
		word_n--;
	if (mem_grow(&b->rows, &b->rows_room, b->n, d * sizeof(float), err) ||
	    mem_grow(&b->words, &b->words_room, b->n, 2 * sizeof(size_t), err))
		return -1;
	if (parse_row(b->rows + b->n * d, numbers, line + n, d, err))
		return -1;
	b->words[2 * b->n] = (size_t)(line - b->text.data);
	b->words[2 * b->n + 1] = word_n;
	b->n++;
	return 0;
}

static int work_block(void *context, void *at, size_t worker, struct err *err)
{
	const struct reader *r = context;
	struct block *b = at;
	const char *line = b->text.data;
	const char *stop = line + b->text.len;

	(void)worker;
	b->n = 0;
	for (uint64_t number = b->first_line; line < stop; number++) {
		const char *end = memchr(line, '\n', (size_t)(stop - line));
		size_t n = (size_t)((end ? end : stop) - line);

		if (parse_line(b, r->sink->d, line, n, err))
			return err_prefix(err, "line %" PRIu64, number);
		line += n + 1;
	}
	return 0;
}

static int finish_block(void *context, void *at, struct err *err)
{
	struct reader *r = context;
	struct block *b = at;

	for (size_t i = 0; i < b->n; i++)
		if (import_add(r->sink, b->text.data + b->words[2 * i], b->words[2 * i + 1],
			       b->rows + i * r->sink->d, err))
			return -1;
	return 0;
}

static void drop_block(void *context, void *at)
{
	struct block *b = at;

	(void)context;
	buf_free(&b->text);
	free(b->rows);
	free(b->words);
}

/* Finds d of a file without header: the number of fields of its first line, less one. */
static int first_line_fields(struct import_sink *sink, struct import_source *s, struct err *err)
{
	const char *line = s->bytes + s->at;
	const char *end = memchr(line, '\n', s->n - s->at);
	size_t n = end ? (size_t)(end - line) : s->n - s->at;
	size_t fields;

	while (n && (line[n - 1] == ' ' || line[n - 1] == '\r' || line[n - 1] == '\t'))
		n--;
	(void)numbers_start(line, n, SIZE_MAX, &fields);
	return import_dimensions(sink, fields ? fields - 1 : 0, err);
}

int import_text(struct import_sink *sink, struct import_source *source, bool header, struct err *err)
{
	struct reader r = { .sink = sink, .source = source, .line = 1 };
	struct pipeline pipeline = {
		.workers = sink->options->workers,
		.block_bytes = sizeof(struct block),
		.read = read_block,
		.work = work_block,
		.finish = finish_block,
		.drop = drop_block,
		.context = &r,
	};

	if (header) {
		const char *end = memchr(source->bytes + source->at, '\n', source->n - source->at);

		if (!end)
			return err_set(err, ERR_INPUT, "line 1: a header without rows");
		source->at = (size_t)(end - source->bytes) + 1;
		r.line = 2;
	} else if (first_line_fields(sink, source, err)) {
		return err_prefix(err, "line 1");
	}
	return pipeline_run(&pipeline, err);
}
