/*
 * Imports fastText's .bin: a word's vector is the mean of its row and the rows of its n-grams.
 */
#include "base/err.h"
#include "base/mem.h"
#include "base/progress.h"
#include "base/stream.h"
#include "model/import_private.h"
#include "model/model.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/*
 * The file, little-endian (fasttext.cc saveModel, dictionary.cc save):
 *
 *	int32 magic, version        not in files from before version 11
 *	int32 x 12, double          the training's arguments
 *	int32 size, words, labels; int64 tokens; int64 pruned (not in old files)
 *	size x { word, NUL, int64 count, int8 type }; pruned x { int32 bucket, row }
 *	bool quantized (not in old files); int64 rows, columns; float32 rows x columns
 *
 * and the output layer, which is left unread.  Row i < words is word i's own; n-grams' rows follow.
 */
enum { MAGIC = 793712314, VERSION = 12, SUPERVISED_WITHOUT_NGRAMS = 11, SUPERVISED = 3, LOSSES = 4 };
enum { BLOCK = 1 << 20 }; /* bytes read at a time; no word is longer */

struct arguments {
	int32_t dim, ws, epoch, min_count, neg, word_ngrams, loss, model, bucket, minn, maxn, lr_update_rate;
	double t;
};

struct dictionary {
	int32_t size, words, labels;
	int64_t tokens, pruned;
};

struct fasttext {
	struct arguments args;
	struct dictionary sizes;
	bool old;
	struct buf text;  /* the words, each with its NUL */
	uint64_t *starts; /* (words) in text */
	int32_t *kept;	  /* (bucket) the row of a bucket, or -1; NULL: all are kept, in order */
	int64_t rows;
	float *matrix;	    /* (rows, dim) */
	struct buf wrapped; /* <word> */
};

static int take(struct import_source *s, void *to, size_t n, const char *where, struct err *err)
{
	for (size_t done = 0; done < n;) {
		size_t part = n - done < BLOCK ? n - done : BLOCK;

		if (import_fill(s, part, err))
			return -1;
		if (s->n - s->at < part)
			return err_set(err, ERR_FORMAT, "a fastText .bin that ends in its %s", where);
		memcpy((char *)to + done, s->bytes + s->at, part);
		s->at += part;
		done += part;
	}
	return 0;
}

static bool plausible(const struct arguments *a)
{
	return a->dim > 0 && a->dim <= MODEL_DIMENSIONS_MAX && a->ws > 0 && a->loss > 0 &&
	       a->loss <= LOSSES && a->model > 0 && a->model <= SUPERVISED && a->bucket >= 0 &&
	       a->minn >= 0 && a->maxn >= 0 && isfinite(a->t);
}

bool import_is_fasttext(const struct import_source *s)
{
	const size_t integers = offsetof(struct arguments, t);
	struct arguments a = { 0 };
	int32_t magic;

	if (s->n < sizeof(magic))
		return false;
	memcpy(&magic, s->bytes, sizeof(magic));
	if (magic == MAGIC)
		return true;
	if (s->n < integers + sizeof(a.t))
		return false;
	memcpy(&a, s->bytes, integers);
	memcpy(&a.t, s->bytes + integers, sizeof(a.t));
	return plausible(&a);
}

static int read_arguments(struct fasttext *f, struct import_source *s, struct err *err)
{
	int32_t magic = 0;
	int32_t version = 0;
	struct arguments *a = &f->args;

	if (import_fill(s, sizeof(magic), err))
		return -1;
	if (s->n - s->at >= sizeof(magic))
		memcpy(&magic, s->bytes + s->at, sizeof(magic));
	f->old = magic != MAGIC;
	if (!f->old && (take(s, &magic, sizeof(magic), "header", err) ||
			take(s, &version, sizeof(version), "header", err)))
		return -1;
	if (version > VERSION)
		return err_set(err, ERR_INPUT, "a fastText .bin of version %" PRId32 ": up to %d can be read",
			       version, VERSION);
	if (take(s, a, offsetof(struct arguments, t), "header", err) ||
	    take(s, &a->t, sizeof(a->t), "header", err))
		return -1;
	if (!plausible(a))
		return err_set(err, ERR_FORMAT, "a fastText .bin whose header makes no sense");
	if (a->model == SUPERVISED && version == SUPERVISED_WITHOUT_NGRAMS)
		a->maxn = 0;
	return 0;
}

static int read_sizes(struct fasttext *f, struct import_source *s, struct err *err)
{
	struct dictionary *d = &f->sizes;

	d->pruned = -1;
	if (take(s, d, 3 * sizeof(int32_t), "dictionary", err) ||
	    take(s, &d->tokens, sizeof(d->tokens), "dictionary", err) ||
	    (!f->old && take(s, &d->pruned, sizeof(d->pruned), "dictionary", err)))
		return -1;
	if (d->words < 0 || d->labels < 0 || (int64_t)d->words + d->labels != d->size ||
	    d->words > MODEL_WORDS_MAX || d->pruned < -1 || d->pruned > f->args.bucket)
		return err_set(err, ERR_FORMAT,
			       "a fastText .bin whose dictionary sizes make no sense: %" PRId32
			       " words and %" PRId32 " labels of %" PRId32,
			       d->words, d->labels, d->size);
	return 0;
}

/* Reads one entry; labels come after the words and are skipped. */
static int read_entry(struct fasttext *f, struct import_source *s, int32_t i, struct err *err)
{
	const char *word;
	const char *end;
	char rest[sizeof(int64_t) + 1]; /* count and type */

	end = memchr(s->bytes + s->at, '\0', s->n - s->at);
	if (!end && import_fill(s, BLOCK, err))
		return -1;
	word = s->bytes + s->at;
	end = memchr(word, '\0', s->n - s->at);
	if (!end)
		return err_set(err, ERR_FORMAT,
			       "a fastText .bin whose word %" PRId32 " of %" PRId32 " has no end", i + 1,
			       f->sizes.size);
	if (i < f->sizes.words) {
		f->starts[i] = f->text.len;
		buf_add(&f->text, word, (size_t)(end - word) + 1);
		if (f->text.failed)
			return err_set(err, ERR_MEMORY, "no memory is left for %" PRId32 " words", i);
	}
	s->at += (size_t)(end - word) + 1;
	return take(s, rest, sizeof(rest), "dictionary", err);
}

static int read_pruned(struct fasttext *f, struct import_source *s, struct err *err)
{
	int32_t pair[2];

	if (f->sizes.pruned < 0)
		return 0;
	f->kept = mem_try((size_t)f->args.bucket + 1, sizeof(*f->kept), err);
	if (!f->kept)
		return -1;
	for (int32_t i = 0; i < f->args.bucket; i++)
		f->kept[i] = -1;
	for (int64_t i = 0; i < f->sizes.pruned; i++) {
		if (take(s, pair, sizeof(pair), "list of kept n-grams", err))
			return -1;
		if (pair[0] < 0 || pair[0] >= f->args.bucket || pair[1] < 0 || pair[1] >= f->sizes.pruned)
			return err_set(err, ERR_FORMAT,
				       "a fastText .bin that keeps an n-gram it cannot have");
		f->kept[pair[0]] = pair[1];
	}
	return 0;
}

static int read_matrix(struct fasttext *f, struct import_source *s, struct import_sink *sink, struct err *err)
{
	int64_t ngrams = f->kept ? f->sizes.pruned : f->args.bucket;
	int64_t shape[2] = { 0, 0 };
	char quantized = 0;
	size_t d = (size_t)f->args.dim;

	if ((!f->old && take(s, &quantized, 1, "matrix", err)) ||
	    take(s, shape, sizeof(shape), "matrix", err))
		return -1;
	if (quantized)
		return err_set(
			err, ERR_INPUT,
			"a quantized fastText model (.ftz): its vectors are not exact; give the .bin it "
			"was made from");
	if (shape[1] != f->args.dim || shape[0] < f->sizes.words || shape[0] > f->sizes.words + ngrams)
		return err_set(err, ERR_FORMAT,
			       "a fastText .bin with a matrix of %" PRId64 " x %" PRId64 " for %" PRId32
			       " words, %" PRId64 " n-grams and %" PRId32 " dimensions",
			       shape[0], shape[1], f->sizes.words, ngrams, f->args.dim);
	f->rows = shape[0];
	f->matrix = mem_try((size_t)f->rows, d * sizeof(float), err);
	if (!f->matrix)
		return -1;
	for (int64_t i = 0; i < f->rows; i++) {
		if (take(s, f->matrix + (size_t)i * d, d * sizeof(float), "matrix", err))
			return -1;
		progress_set(sink->progress, stream_taken(s->stream));
		if (progress_stop(sink->progress))
			return err_set(err, ERR_CANCELLED, "stopped");
	}
	return 0;
}

/* FNV-1a, with bytes above 127 taken as negative: dictionary.cc, Dictionary::hash. */
static uint32_t hash_more(uint32_t h, char byte)
{
	uint32_t bits = (unsigned char)byte;

	if (bits & 0x80)
		bits |= 0xFFFFFF00U;
	return (h ^ bits) * 16777619U;
}

static size_t add_row(const struct fasttext *f, int64_t row, float *sum)
{
	const float *from = f->matrix + (size_t)row * (size_t)f->args.dim;

	if (row >= f->rows)
		return 0;
	for (int32_t i = 0; i < f->args.dim; i++)
		sum[i] += from[i];
	return 1;
}

static size_t add_ngram(const struct fasttext *f, uint32_t hash, float *sum)
{
	int64_t row = hash % (uint32_t)f->args.bucket;

	if (f->kept)
		row = f->kept[row];
	return row < 0 ? 0 : add_row(f, f->sizes.words + row, sum);
}

static bool continues(char byte)
{
	return ((unsigned char)byte & 0xC0) == 0x80;
}

/* The rows of the n-grams of <word>, in the order of dictionary.cc, computeSubwords. */
static size_t add_ngrams(const struct fasttext *f, const char *word, size_t size, float *sum)
{
	size_t added = 0;

	for (size_t i = 0; i < size; i++) {
		uint32_t hash = 2166136261U;
		size_t j = i;

		if (continues(word[i]))
			continue;
		for (int32_t n = 1; j < size && n <= f->args.maxn; n++) {
			do
				hash = hash_more(hash, word[j++]);
			while (j < size && continues(word[j]));
			if (n >= f->args.minn && !(n == 1 && (i == 0 || j == size)))
				added += add_ngram(f, hash, sum);
		}
	}
	return added;
}

/* FastText::getWordVector: the mean of the word's row and its n-grams' rows. */
static int add_word(struct fasttext *f, int32_t i, float *sum, struct import_sink *sink, struct err *err)
{
	const char *word = buf_string(&f->text) + f->starts[i];
	size_t n = strlen(word);
	float share;
	size_t rows;

	memset(sum, 0, (size_t)f->args.dim * sizeof(*sum));
	rows = add_row(f, i, sum);
	if (f->args.bucket && strcmp(word, "</s>") != 0) {
		buf_reset(&f->wrapped);
		buf_add(&f->wrapped, "<", 1);
		buf_add(&f->wrapped, word, n);
		buf_add(&f->wrapped, ">", 1);
		if (f->wrapped.failed)
			return err_set(err, ERR_MEMORY, "no memory is left for a word of %zu bytes", n);
		rows += add_ngrams(f, buf_string(&f->wrapped), n + 2, sum);
	}
	share = rows ? (float)(1.0 / (double)rows) : 0.0f;
	for (int32_t k = 0; k < f->args.dim; k++) {
		sum[k] *= share;
		if (!isfinite(sum[k]))
			return err_set(err, ERR_INPUT,
				       "the vector of word %" PRId32 " ('%.60s') is not finite", i + 1, word);
	}
	return import_add(sink, word, n, sum, err);
}

static int read_all(struct fasttext *f, struct import_sink *sink, struct import_source *s, struct err *err)
{
	float *sum;
	int failed = 0;

	if (read_arguments(f, s, err) || read_sizes(f, s, err))
		return -1;
	f->starts = mem_try((size_t)f->sizes.words + 1, sizeof(*f->starts), err);
	for (int32_t i = 0; f->starts && !failed && i < f->sizes.size; i++)
		failed = read_entry(f, s, i, err);
	if (!f->starts || failed || read_pruned(f, s, err) || read_matrix(f, s, sink, err) ||
	    import_dimensions(sink, (uint64_t)f->args.dim, err))
		return -1;
	sink->report->header_rows = (uint64_t)f->sizes.words;
	sum = mem_try(sink->d, sizeof(*sum), err);
	for (int32_t i = 0; sum && !failed && i < f->sizes.words && !import_full(sink); i++)
		failed = add_word(f, i, sum, sink, err);
	failed = failed || !sum;
	free(sum);
	return failed ? -1 : 0;
}

int import_fasttext(struct import_sink *sink, struct import_source *source, struct err *err)
{
	struct fasttext f = { 0 };
	int failed = read_all(&f, sink, source, err);

	buf_free(&f.text);
	buf_free(&f.wrapped);
	free(f.starts);
	free(f.kept);
	free(f.matrix);
	return failed;
}
