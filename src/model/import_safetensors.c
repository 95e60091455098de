/*
 * Imports a .safetensors table of another program, or a model of ours.
 */
#include "base/err.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/progress.h"
#include "base/utf8.h"
#include "model/import_private.h"
#include "model/model.h"
#include "model/safetensors.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/*
 * The matrix is the tensor `vectors` (ours), `embeddings` (model2vec) or else the only one with two
 * dimensions.  Its words are the tensors `words` and `word_offsets` (ours), or in a file beside it:
 * tokenizer.json ({"model": {"vocab": {word: row}}}) or vocab.txt, one word per line.
 */
enum { PEEK_MORE = 1 << 20, VOCABULARY_BYTES_MAX = 1 << 30 };

struct words {
	const char **at; /* (n) words of the rows; NULL: the row has none */
	size_t *length;
	json_t *json;	 /* or */
	struct buf text; /* what they lie in, when they are not in the file itself */
};

struct matrix {
	const struct tensor *rows;
	const struct tensor *scales;  /* (n), of i8 rows */
	const struct tensor *weights; /* (n), model2vec's, multiplied into the rows */
	size_t n, d;
};

static bool is_float(const struct tensor *t)
{
	return t->type == TENSOR_F32 || t->type == TENSOR_F16 || t->type == TENSOR_BF16;
}

static int find_rows(struct matrix *m, const struct safetensors *s, struct err *err)
{
	m->rows = safetensors_find(s, "vectors");
	if (!m->rows)
		m->rows = safetensors_find(s, "embeddings");
	for (size_t i = 0; i < s->n && !m->rows; i++)
		if (s->tensors[i].rank == 2)
			m->rows = &s->tensors[i];
	if (!m->rows)
		return err_set(
			err, ERR_INPUT,
			"no tensor in it is a table of vectors (`vectors`, `embeddings`, or one of two "
			"dimensions); a fitted overlay has none: give the file it stands on");
	if (m->rows->rank != 2)
		return err_set(err, ERR_INPUT, "tensor `%.60s` has %zu dimensions, not rows and columns",
			       m->rows->name, m->rows->rank);
	if (m->rows->shape[0] > MODEL_WORDS_MAX)
		return err_set(err, ERR_TOO_LARGE, "more than %d rows", MODEL_WORDS_MAX);
	m->n = m->rows->shape[0];
	m->d = m->rows->shape[1];
	return 0;
}

/* A tensor with one float32 per row, if it is there. */
static int find_column(const struct tensor **t, const struct matrix *m, const struct safetensors *s,
		       const char *name, struct err *err)
{
	*t = safetensors_find(s, name);
	if (*t && ((*t)->type != TENSOR_F32 || (*t)->rank != 1 || (*t)->shape[0] != m->n))
		return err_set(err, ERR_INPUT, "tensor `%s` is not one F32 for each of the %zu rows", name,
			       m->n);
	return 0;
}

static int find_matrix(struct matrix *m, const struct safetensors *s, bool own, struct err *err)
{
	if (find_rows(m, s, err) || find_column(&m->scales, m, s, "scales", err) ||
	    (!own && find_column(&m->weights, m, s, "weights", err)))
		return -1;
	if (!is_float(m->rows) && !(m->rows->type == TENSOR_I8 && m->scales))
		return err_set(err, ERR_INPUT,
			       "tensor `%.60s` is %s: F32, F16 and BF16 can be read, and I8 with `scales`",
			       m->rows->name, tensor_type_name(m->rows->type));
	if (safetensors_find(s, "mapping"))
		return err_set(err, ERR_INPUT,
			       "its words share rows (tensor `mapping`): save the model2vec model without "
			       "vocabulary quantization");
	return 0;
}

static int make_words(struct words *w, size_t n, struct err *err)
{
	w->at = mem_try(n + 1, sizeof(*w->at), err);
	w->length = mem_try(n + 1, sizeof(*w->length), err);
	return w->at && w->length ? 0 : -1;
}

/* Our own: offsets of words in their bytes.  The tensors may be misaligned. */
static int own_words(struct words *w, const struct matrix *m, const struct safetensors *s, struct err *err)
{
	const struct tensor *bytes = safetensors_find(s, "words");
	const struct tensor *offsets = safetensors_find(s, "word_offsets");
	uint64_t range[2];

	if (!bytes || !offsets || offsets->type != TENSOR_U64 || bytes->type != TENSOR_U8 ||
	    offsets->bytes / sizeof(uint64_t) != m->n + 1)
		return err_set(err, ERR_FORMAT, "`words` and `word_offsets` do not fit its %zu rows", m->n);
	if (make_words(w, m->n, err))
		return -1;
	for (size_t i = 0; i < m->n; i++) {
		memcpy(range, (const char *)offsets->data + i * sizeof(uint64_t), sizeof(range));
		if (range[0] > range[1] || range[1] > bytes->bytes)
			return err_set(err, ERR_FORMAT, "`word_offsets` of word %zu are out of range", i);
		w->at[i] = (const char *)bytes->data + range[0];
		w->length[i] = (size_t)(range[1] - range[0]);
	}
	return 0;
}

/* vocab.txt: line i is the word of row i. */
static int listed_words(struct words *w, const struct matrix *m, struct err *err)
{
	const char *at = w->text.data;
	const char *end = at + w->text.len;
	size_t i = 0;

	if (make_words(w, m->n, err))
		return -1;
	for (; at < end; i++) {
		const char *stop = memchr(at, '\n', (size_t)(end - at));
		size_t n = (size_t)((stop ? stop : end) - at);

		if (i < m->n) {
			w->at[i] = at;
			w->length[i] = n && at[n - 1] == '\r' ? n - 1 : n;
		}
		at += n + (stop != NULL);
	}
	if (i != m->n)
		return err_set(err, ERR_INPUT, "vocab.txt has %zu lines for %zu rows", i, m->n);
	return 0;
}

static int json_words(struct words *w, const struct matrix *m, struct err *err)
{
	json_t *model = json_object_get(w->json, "model");
	json_t *vocabulary = json_object_get(model, "vocab");
	const char *word;
	json_t *row;

	if (!json_is_object(vocabulary))
		return err_set(
			err, ERR_INPUT,
			"tokenizer.json has no object model.vocab: WordPiece and WordLevel tokenizers can "
			"be read");
	if (make_words(w, m->n, err))
		return -1;
	json_object_foreach(vocabulary, word, row)
	{
		json_int_t i = json_integer_value(row);

		if (!json_is_integer(row) || i < 0 || (size_t)i >= m->n || w->at[i])
			return err_set(err, ERR_INPUT,
				       "tokenizer.json: '%.60s' has row %" JSON_INTEGER_FORMAT
				       " of %zu, or one "
				       "that is taken",
				       word, i, m->n);
		w->at[i] = word;
		w->length[i] = strlen(word);
	}
	return 0;
}

/* The file `name` beside the vectors file, into w->text; 1 when there is none. */
static int read_beside(struct words *w, const char *path, const char *name, struct err *err)
{
	const char *slash = strrchr(path, '/');
	char beside[4096];
	int n = snprintf(beside, sizeof(beside), "%.*s%s", slash ? (int)(slash + 1 - path) : 0, path, name);

	if (strcmp(path, "-") == 0 || n < 0 || (size_t)n >= sizeof(beside))
		return 1;
	if (file_read(&w->text, beside, VOCABULARY_BYTES_MAX, err) == 0)
		return 0;
	return err->code == ERR_NOT_FOUND ? 1 : -1;
}

/* Rules of a BERT tokenizer: what the pieces of a WordPiece vocabulary were cut from. */
static const struct token_rules pieces_rules = { .normalize = NORMALIZE_LOWER,
						 .strip_accents = true,
						 .split = SPLIT_BERT,
						 .keep_punctuation = true,
						 .unknown = UNKNOWN_CASED | UNKNOWN_PIECES };

static int words_beside(struct words *w, const struct matrix *m, struct import_sink *sink, struct err *err)
{
	const struct json_limits limits = { .depth = 16, .nodes = 4 * (size_t)MODEL_WORDS_MAX };
	int missing = read_beside(w, sink->options->path, "tokenizer.json", err);

	if (missing < 0)
		return -1;
	if (missing == 0) {
		w->json = json_read(buf_string(&w->text), w->text.len, limits, err);
		if (!w->json || json_words(w, m, err))
			return -1;
		if (json_object_get(json_object_get(w->json, "model"), "continuing_subword_prefix"))
			sink->rules = pieces_rules;
		return 0;
	}
	missing = read_beside(w, sink->options->path, "vocab.txt", err);
	if (missing < 0)
		return -1;
	if (missing)
		return err_set(err, ERR_INPUT,
			       "its %zu rows have no words: put tokenizer.json or vocab.txt (a word a line) "
			       "beside it",
			       m->n);
	return listed_words(w, m, err);
}

/* A copy of a column, which may be misaligned; all 1 where there is none. */
static float *column_of(const struct tensor *t, size_t n, struct err *err)
{
	float *x = mem_try(n + 1, sizeof(*x), err);

	if (x && t)
		memcpy(x, t->data, n * sizeof(*x));
	for (size_t i = 0; x && !t && i < n; i++)
		x[i] = 1.0f;
	return x;
}

static int add_row(struct import_sink *sink, const struct rows *rows, const struct words *w, size_t i,
		   float weight, float *row, struct err *err)
{
	rows_get(row, rows, (uint32_t)i);
	for (size_t k = 0; k < rows->d; k++) {
		row[k] *= weight;
		if (!isfinite(row[k]))
			return err_set(err, ERR_INPUT, "row %zu: number %zu is not finite", i, k);
	}
	if (i % 1024 == 0 && progress_stop(sink->progress))
		return err_set(err, ERR_CANCELLED, "stopped");
	return import_add(sink, w->at[i] ? w->at[i] : "", w->length[i], row, err);
}

static int add_rows(struct import_sink *sink, const struct matrix *m, const struct words *w, struct err *err)
{
	float *scales = column_of(m->scales, m->n, err);
	float *weights = column_of(m->weights, m->n, err);
	float *row = mem_try(m->d, sizeof(*row), err);
	struct rows rows = { (enum rows_type)tensor_type_rows(m->rows->type), m->n, m->d, m->rows->data,
			     scales };
	int failed = !scales || !weights || !row;

	for (size_t i = 0; i < m->n && !failed && !import_full(sink); i++)
		failed = add_row(sink, &rows, w, i, weights[i], row, err);
	free(scales);
	free(weights);
	free(row);
	return failed ? -1 : 0;
}

/* Our files say how texts are tokenized. */
static int own_rules(struct import_sink *sink, const struct safetensors *s, struct err *err)
{
	const char *strip = safetensors_metadata(s, "strip_accents");

	return token_rules_parse(&sink->rules, safetensors_metadata(s, "normalize"),
				 strip && strcmp(strip, "0") != 0, safetensors_metadata(s, "split"),
				 safetensors_metadata(s, "unknown"), safetensors_metadata(s, "punctuation"),
				 err);
}

static int read_file(struct import_sink *sink, const struct safetensors *s, struct words *w, struct err *err)
{
	struct matrix m = { 0 };
	bool own = safetensors_find(s, "word_offsets") != NULL;

	if (find_matrix(&m, s, own, err) || import_dimensions(sink, m.d, err))
		return -1;
	if (own ? own_words(w, &m, s, err) || own_rules(sink, s, err) : words_beside(w, &m, sink, err))
		return -1;
	sink->report->header_rows = m.n;
	return add_rows(sink, &m, w, err);
}

bool import_is_safetensors(const struct import_source *s)
{
	uint64_t header;

	if (s->n < sizeof(header) + 2)
		return false;
	memcpy(&header, s->bytes, sizeof(header));
	return header >= 2 && header <= SAFETENSORS_HEADER_MAX && s->bytes[sizeof(header)] == '{';
}

int import_safetensors(struct import_sink *sink, struct import_source *source, struct err *err)
{
	struct safetensors s = { 0 };
	struct words w = { 0 };
	int failed = 0;

	while (!source->ended && !failed)
		failed = import_fill(source, 2 * source->n + PEEK_MORE, err);
	if (!failed) {
		failed = safetensors_read(&s, source->bytes, source->n, err) || read_file(sink, &s, &w, err);
		safetensors_free(&s);
	}
	free(w.at);
	free(w.length);
	buf_free(&w.text);
	json_decref(w.json);
	return failed ? -1 : 0;
}
