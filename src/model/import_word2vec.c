/*
 * Imports word2vec's binary format.
 */
#include "base/err.h"
#include "base/mem.h"
#include "base/progress.h"
#include "base/stream.h"
#include "model/import_private.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { WORD_BYTES_MAX = 1 << 16 };

/* A row is a word, a blank, d little-endian float32; a newline before the word ends the row before. */
static int read_row(struct import_sink *sink, struct import_source *s, float *row, uint64_t number,
		    struct err *err)
{
	size_t row_bytes = sink->d * sizeof(float);
	const char *word;
	const char *blank;
	size_t n;

	if (import_fill(s, row_bytes + WORD_BYTES_MAX, err))
		return -1;
	while (s->at < s->n && (s->bytes[s->at] == '\n' || s->bytes[s->at] == '\r'))
		s->at++;
	word = s->bytes + s->at;
	n = s->n - s->at;
	blank = n ? memchr(word, ' ', n < WORD_BYTES_MAX ? n : WORD_BYTES_MAX) : NULL;
	if (!blank || (size_t)(blank - word) + 1 + row_bytes > n)
		return err_set(err, ERR_FORMAT,
			       "the file ends in row %" PRIu64 " of the %" PRIu64 " its header promises",
			       number, sink->report->header_rows);
	memcpy(row, blank + 1, row_bytes);
	for (size_t i = 0; i < sink->d; i++)
		if (!isfinite(row[i]))
			return err_set(err, ERR_INPUT, "row %" PRIu64 ": number %zu is not finite", number,
				       i + 1);
	s->at += (size_t)(blank - word) + 1 + row_bytes;
	return import_add(sink, word, (size_t)(blank - word), row, err);
}

int import_word2vec_binary(struct import_sink *sink, struct import_source *source, struct err *err)
{
	const char *end = memchr(source->bytes + source->at, '\n', source->n - source->at);
	float *row = mem_try(sink->d, sizeof(*row), err);
	int failed = !row;

	if (end)
		source->at = (size_t)(end - source->bytes) + 1;
	for (uint64_t i = 1; !failed && i <= sink->report->header_rows && !import_full(sink); i++) {
		failed = read_row(sink, source, row, i, err);
		progress_set(sink->progress, stream_taken(source->stream));
		if (!failed && progress_stop(sink->progress))
			failed = err_set(err, ERR_CANCELLED, "stopped");
	}
	free(row);
	return failed ? -1 : 0;
}
