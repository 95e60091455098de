#include "model/import.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/progress.h"
#include "base/stream.h"
#include "base/utf8.h"
#include "math/sif.h"
#include "model/import_private.h"
#include "model/model.h"
#include "text/counts.h"
#include "text/vocab_builder.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PEEK = 1 << 16 };

const char *const import_format_names[] = {
	[IMPORT_AUTO] = "auto",
	[IMPORT_GLOVE] = "glove",
	[IMPORT_WORD2VEC] = "word2vec",
	[IMPORT_FASTTEXT] = "fasttext",
	[IMPORT_SAFETENSORS] = "safetensors",
};

#define IN(field) PARAM_FIELD(struct import_options, field)

const struct param_row import_params[] = {
	PARAM(PARAM_CHOICE, "format", "FORMAT", "format of the file; auto: detected by content", NULL,
	      IN(format), PARAM_NAMES(import_format_names, IMPORT_AUTO, IMPORT_SAFETENSORS),
	      { IMPORT_OF_VECTORS, IMPORT_AUTO }),
	PARAM(PARAM_COUNT, "max_words", "N", "keep the first N words", "all", IN(max_words),
	      PARAM_RANGE(1, MODEL_WORDS_MAX), { IMPORT_OF_VECTORS, 0 }),
	PARAM(PARAM_NUMBER, "a", "A", "a of the word weights a/(a+p)", "1e-3", IN(a), PARAM_RANGE(1e-12, 1e3),
	      { IMPORT_OF_VECTORS, 0 }),
	PARAM(PARAM_CHOICE, "dtype", "TYPE", "type of the rows, or of the LSTM's weights", NULL, IN(type),
	      PARAM_NAMES(rows_type_names, ROWS_F32, ROWS_I8), { PARAM_ALWAYS, ROWS_F32 }),
	PARAM(PARAM_CHOICE, "pooling", "HOW",
	      "how the states become a vector; attention: with the tensor `attention`", NULL, IN(pooling),
	      PARAM_NAMES(pooling_names, POOLING_MEAN, POOLING_ATTENTION), { IMPORT_OF_LSTM, POOLING_MEAN }),
	PARAM(PARAM_COUNT, "workers", "N", "threads; the result is the same for any number",
	      "one per processor", IN(workers), PARAM_RANGE(1, PARAM_WORKERS_MOST), { IMPORT_OF_VECTORS, 0 }),
	{ 0 },
};

int import_fill(struct import_source *s, size_t want, struct err *err)
{
	if (s->at && s->n - s->at < want) {
		memmove(s->bytes, s->bytes + s->at, s->n - s->at);
		s->n -= s->at;
		s->at = 0;
	}
	if (want > s->room) {
		if (mem_resize(&s->bytes, want, 1, err))
			return -1;
		s->room = want;
	}
	while (s->n - s->at < want && !s->ended) {
		ssize_t n = stream_read(s->stream, s->bytes + s->n, s->room - s->n, err);

		if (n < 0)
			return -1;
		s->ended = n == 0;
		s->n += (size_t)n;
	}
	return 0;
}

bool import_full(const struct import_sink *sink)
{
	return sink->options->max_words && sink->n >= sink->options->max_words;
}

int import_dimensions(struct import_sink *sink, uint64_t d, struct err *err)
{
	if (d == 0 || d > MODEL_DIMENSIONS_MAX)
		return err_set(
			err, ERR_INPUT,
			"no word vectors: expected GloVe or word2vec text or binary (a word and its numbers, "
			"1 to %d of them)",
			MODEL_DIMENSIONS_MAX);
	sink->d = (size_t)d;
	return 0;
}

static int make_room(struct import_sink *sink, struct err *err)
{
	size_t room = sink->room;

	if (sink->n >= MODEL_WORDS_MAX)
		return err_set(err, ERR_TOO_LARGE, "more than %d words", MODEL_WORDS_MAX);
	if (mem_grow(&sink->scales, &room, sink->n, sizeof(float), err))
		return -1;
	return mem_grow(&sink->rows, &sink->room, sink->n, sink->d * rows_type_size(sink->options->type),
			err);
}

int import_add(struct import_sink *sink, const char *word, size_t n, const float *row, struct err *err)
{
	enum rows_type type = sink->options->type;
	bool added;
	uint32_t id;

	if (import_full(sink))
		return 0;
	sink->report->rows++;
	if (n == 0) {
		sink->report->empty++;
		return 0;
	}
	if (utf8_invalid(word, n) != n) {
		sink->report->mended++;
		buf_reset(&sink->mended);
		utf8_mend(&sink->mended, word, n);
		word = buf_string(&sink->mended);
		n = sink->mended.len;
	}
	if (!rows_fit(type, row, sink->d))
		return err_set(err, ERR_INPUT, "'%.*s': a number is too large for f16; use f32",
			       (int)(n < 60 ? n : 60), word);
	if (make_room(sink, err) || vocab_builder_add(sink->words, word, n, &id, &added, err))
		return -1;
	if (!added) {
		sink->report->duplicates++;
		return 0;
	}
	rows_encode(sink->rows + sink->n * sink->d * rows_type_size(type), &sink->scales[sink->n], type, row,
		    sink->d);
	sink->n++;
	return 0;
}

static double zipf_mass(size_t n)
{
	double sum = 0.0;

	for (size_t r = 0; r < n; r++)
		sum += 1.0 / ((double)r + 2.7);
	return sum;
}

/* Weights from a counts file, or by rank: Zipf-Mandelbrot, p ~ 1 / (r + 2.7). */
static int fill_weights(struct model *m, struct owned *owned, const struct import_sink *sink, struct err *err)
{
	double a = m->facts.a;
	float *weights = owned_memory(owned, mem_try(sink->n, sizeof(*weights), err));
	uint64_t *counts;
	uint64_t total = 0;
	double mass;

	m->weights = weights;
	if (!weights)
		return -1;
	if (!sink->options->counts) {
		mass = zipf_mass(sink->n);
		for (size_t r = 0; r < sink->n; r++)
			weights[r] = sif_weight(1.0 / (((double)r + 2.7) * mass), a);
		return 0;
	}
	m->counts = counts = owned_memory(owned, mem_try(sink->n, sizeof(*counts), err));
	if (!counts ||
	    counts_read(counts, &total, &sink->report->counted, &m->vocab, sink->options->counts, err))
		return -1;
	for (size_t i = 0; i < sink->n; i++)
		weights[i] = sif_weight(total ? (double)counts[i] / (double)total : 0.0, a);
	return 0;
}

/* The words and their index. */
static int fill_vocab(struct model *m, struct owned *owned, const struct import_sink *sink, struct err *err)
{
	size_t slots_n = vocab_slots(sink->n);
	uint64_t *slots = owned_memory(owned, mem_try(slots_n, sizeof(*slots), err));
	uint64_t *offsets;
	char *bytes;

	vocab_builder_take(sink->words, &bytes, &offsets);
	m->vocab = (struct vocab){ .n = sink->n, .slots = slots, .slots_n = slots_n };
	m->vocab.bytes = owned_memory(owned, bytes);
	m->vocab.offsets = owned_memory(owned, offsets);
	if (!slots)
		return -1;
	vocab_index(slots, slots_n, bytes, offsets, sink->n, m->vocab.seed);
	return 0;
}

static struct model *make_model(struct import_sink *sink, struct err *err)
{
	const struct import_options *options = sink->options;
	struct owned owned = { 0 };
	struct model parts = { .rules = sink->rules,
			       .facts = { .method = METHOD_WEIGHTED,
					  .a = options->a > 0 ? options->a : 1e-3 } };

	parts.rows.type = options->type;
	parts.rows.n = sink->n;
	parts.rows.d = sink->d;
	parts.rows.data = owned_memory(&owned, sink->rows);
	(void)owned_memory(&owned, sink->scales);
	if (options->type == ROWS_I8)
		parts.rows.scales = sink->scales;
	sink->rows = NULL;
	sink->scales = NULL;
	(void)snprintf(parts.facts.source, sizeof(parts.facts.source), "%s",
		       import_format_names[sink->report->format]);
	if (fill_vocab(&parts, &owned, sink, err) || fill_weights(&parts, &owned, sink, err)) {
		owned_free(&owned);
		return NULL;
	}
	return model_of_parts(&parts, &owned, err);
}

/* Is the first line word2vec's header `n d`, two whole numbers? */
static bool is_header(const struct import_source *s, unsigned long long *n, unsigned long long *d)
{
	char line[64] = "";
	const char *end = memchr(s->bytes, '\n', s->n);
	size_t length = end ? (size_t)(end - s->bytes) : s->n;
	char *after;

	if (length >= sizeof(line))
		return false;
	memcpy(line, s->bytes, length);
	line[strcspn(line, "\r")] = '\0';
	if (strspn(line, "0123456789 \t") != strlen(line))
		return false;
	*n = strtoull(line, &after, 10);
	if (after == line || (*after != ' ' && *after != '\t'))
		return false;
	*d = strtoull(after, &after, 10);
	while (*after == ' ' || *after == '\t')
		after++;
	return !*after && *d;
}

/* After a header, text has a second line of numbers with blanks between them; binary does not. */
static bool is_text(const struct import_source *s)
{
	const char *at = memchr(s->bytes, '\n', s->n);
	const char *end = at ? memchr(at + 1, '\n', s->n - (size_t)(at + 1 - s->bytes)) : NULL;
	const char *p;

	if (!at)
		return true;
	if (!end)
		end = s->bytes + s->n;
	for (p = end; p > at + 1 && p[-1] != ' '; p--)
		;
	for (p = at + 1; p < end && *p != ' '; p++)
		;
	for (; p < end; p++)
		if (*p && !strchr(" +-.0123456789eE\r\tnaifNAIF", *p))
			return memchr(at + 1, ' ', (size_t)(end - at - 1)) && (unsigned char)*p >= 0x20 &&
			       (unsigned char)*p < 0x80 &&
			       utf8_invalid(at + 1, (size_t)(end - at - 1)) == (size_t)(end - at - 1);
		else if (!*p)
			return false;
	return true;
}

/* What the first bytes say; GloVe's form says the least, so it is what is left. */
static enum import_format told_format(const struct import_source *s, unsigned long long *n,
				      unsigned long long *d)
{
	if (import_is_fasttext(s))
		return IMPORT_FASTTEXT;
	if (import_is_safetensors(s))
		return IMPORT_SAFETENSORS;
	return is_header(s, n, d) ? IMPORT_WORD2VEC : IMPORT_GLOVE;
}

/* Where GloVe is asked for, a first line of two numbers is a word and its number; fastText's .vec is word2vec
 * text. */
static int choose_format(enum import_format *told, enum import_format asked, struct err *err)
{
	if (asked == IMPORT_GLOVE && *told == IMPORT_WORD2VEC)
		*told = IMPORT_GLOVE;
	if (asked == IMPORT_AUTO || asked == *told || (asked == IMPORT_FASTTEXT && *told == IMPORT_WORD2VEC))
		return 0;
	return err_set(err, ERR_INPUT, "it is not %s but looks like %s", import_format_names[asked],
		       import_format_names[*told]);
}

static int read_vectors(struct import_sink *sink, struct import_source *s, struct err *err)
{
	enum import_format format;
	unsigned long long n = 0;
	unsigned long long d = 0;

	if (import_fill(s, PEEK, err))
		return -1;
	if (s->n == 0)
		return err_set(err, ERR_INPUT, "it is empty");
	format = told_format(s, &n, &d);
	if (choose_format(&format, sink->options->format, err))
		return -1;
	sink->report->format = format;
	if (format == IMPORT_FASTTEXT)
		return import_fasttext(sink, s, err);
	if (format == IMPORT_SAFETENSORS)
		return import_safetensors(sink, s, err);
	if (format == IMPORT_GLOVE)
		return import_text(sink, s, false, err);
	sink->report->header_rows = n;
	if (import_dimensions(sink, d, err))
		return -1;
	return is_text(s) ? import_text(sink, s, true, err) : import_word2vec_binary(sink, s, err);
}

struct model *import_vectors(const struct import_options *options, struct import_report *report,
			     struct progress *progress, struct err *err)
{
	struct import_sink sink = {
		.options = options, .report = report, .progress = progress, .rules = token_rules_default()
	};
	struct import_source source = { .stream = stream_open(options->path, err) };
	struct model *m = NULL;

	*report = (struct import_report){ 0 };
	if (!source.stream)
		return NULL;
	progress_phase(progress, "reading vectors", "bytes", stream_size(source.stream));
	sink.words = vocab_builder_new(err);
	if (sink.words && read_vectors(&sink, &source, err))
		(void)err_prefix(err, "%.200s", stream_name(source.stream));
	else if (sink.words && sink.n == 0)
		(void)err_set(err, ERR_INPUT, "%.200s: there is no word vector in it",
			      stream_name(source.stream));
	else if (sink.words)
		m = make_model(&sink, err);
	stream_close(source.stream);
	free(source.bytes);
	free(sink.rows);
	free(sink.scales);
	buf_free(&sink.mended);
	vocab_builder_free(sink.words);
	return m;
}
