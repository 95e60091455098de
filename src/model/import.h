/*
 * import.h - word vectors in the formats of other programs become a model.
 *
 *	glove       text: word, d numbers; no header
 *	word2vec    text with a header line "n d", or binary (header, then word, blank, d float32)
 *	fasttext    .vec (= word2vec text), or .bin (each word's vector as `fasttext
 *	            print-word-vectors` gives it: mean of the word's row and its n-gram rows)
 *	safetensors a table of floats (model2vec's `embeddings`, or the only matrix) with its words in
 *		    tokenizer.json or vocab.txt beside it; or a model of ours, to change its number format.
 *		    The rules of a WordPiece tokenizer.json become ours but for clitics: "don't" is
 *		    "do" "n't" here, not "don" "'" "t"
 *
 * The format is found by content, not by name; .gz, .xz, .zst are read as streams.  Rules:
 * a repeated word keeps its first vector and is counted; CRLF is a line end; a word
 * may hold blanks (the last d fields are numbers); a header with the wrong count is
 * a counted warning when whole rows follow, and an error for a binary file that ends early; a row
 * too short or too long, NaN or infinity, is an error with the line; no last newline is fine;
 * words that are not UTF-8 are mended and counted; an empty word is counted and left out.
 */
#ifndef SIFD_MODEL_IMPORT_H
#define SIFD_MODEL_IMPORT_H

#include "base/params.h"
#include "math/rows.h"
#include "model/model.h"

#include <stddef.h>
#include <stdint.h>

struct err;
struct model;
struct progress;

enum import_format { IMPORT_AUTO, IMPORT_GLOVE, IMPORT_WORD2VEC, IMPORT_FASTTEXT, IMPORT_SAFETENSORS };

/* Goals of the options: vectors become a model, or an LSTM goes into one. */
enum { IMPORT_OF_VECTORS = 1 << 24, IMPORT_OF_LSTM = 1 << 25 };

struct import_options {
	const char *path;	   /* "-" = standard input */
	enum import_format format; /* not AUTO: refused when it is another */
	enum rows_type type;
	size_t max_words;     /* 0 = all; the first ones (the most frequent) are kept */
	const char *counts;   /* a file of `word count` lines, or NULL: Zipf by rank, p ~ 1 / (r + 2.7) */
	double a;	      /* of the weights; 0 = 1e-3 */
	size_t workers;	      /* 0 = one per processor */
	enum pooling pooling; /* of an LSTM */
};

extern const struct param_row import_params[];

struct import_report {
	enum import_format format; /* what it was */
	uint64_t rows;		   /* read */
	uint64_t duplicates;	   /* left out */
	uint64_t empty;
	uint64_t mended;      /* words that were not UTF-8 */
	uint64_t header_rows; /* what a header promised; 0 = none */
	uint64_t counted;     /* words that the counts file knew */
};

extern const char *const import_format_names[]; /* "auto", "glove", ... */

/* A model in memory with rows, vocabulary, index, weights and (with a counts file) counts. */
struct model *import_vectors(const struct import_options *options, struct import_report *report,
			     struct progress *progress, struct err *err);

/*
 * The model with an LSTM trained elsewhere, method lstm: an overlay over m's vectors.  path is a .safetensors
 * file of the state_dict() of PyTorch's nn.LSTM, one or two layers, of one or both directions, F32;
 * whatever prefix its names have, as of an LSTM in a larger module.  Its inputs are those of
 * embed/lstm_encoder.h.  Pooling by attention takes v from the tensor `attention` beside it.
 * type: of the result's weights; I8 are served as bytes, several times as fast.
 * ERR_INPUT when a tensor is missing or has another shape, ERR_FORMAT, ERR_NOT_FOUND, ERR_IO, ERR_MEMORY.
 */
struct model *import_lstm(struct model *m, const char *path, enum pooling pooling, enum rows_type type,
			  struct err *err);

#endif
