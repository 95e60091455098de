/* Private to the importers: the sink for words and rows, whatever format they come from. */
#ifndef SIFD_MODEL_IMPORT_PRIVATE_H
#define SIFD_MODEL_IMPORT_PRIVATE_H

#include "base/buf.h"
#include "model/import.h"
#include "text/token.h"

#include <stdbool.h>

struct stream;
struct vocab_builder;

struct import_sink {
	const struct import_options *options;
	struct import_report *report;
	struct progress *progress;
	struct vocab_builder *words;
	size_t d; /* 0 until the first row */
	char *rows;
	float *scales;
	size_t n, room;
	struct buf mended;
	struct token_rules
		rules; /* how the vectors' texts were tokenized: the default, or as the format says */
};

/* Does it have all the words that were asked for? */
bool import_full(const struct import_sink *sink);

/* Sets d once; ERR_INPUT when it is out of range. */
int import_dimensions(struct import_sink *sink, uint64_t d, struct err *err);

/* One word and its row (d finite floats); counts repeated, empty and mended words. */
int import_add(struct import_sink *sink, const char *word, size_t n, const float *row, struct err *err);

/* A stream with its first bytes read ahead. */
struct import_source {
	struct stream *stream;
	char *bytes;
	size_t n, at, room;
	bool ended;
};

/* Makes at least `want` bytes available at bytes + at when the stream has them; -1 on failure. */
int import_fill(struct import_source *source, size_t want, struct err *err);

/* GloVe and word2vec text (header: its first line was `n d`). */
int import_text(struct import_sink *sink, struct import_source *source, bool header, struct err *err);
int import_word2vec_binary(struct import_sink *sink, struct import_source *source, struct err *err);

/* fastText's .bin, known by its magic number or, in older files, by arguments that make sense. */
bool import_is_fasttext(const struct import_source *source);
int import_fasttext(struct import_sink *sink, struct import_source *source, struct err *err);

/* Known by its header's length and the brace after it; read whole into memory. */
bool import_is_safetensors(const struct import_source *source);
int import_safetensors(struct import_sink *sink, struct import_source *source, struct err *err);

#endif
