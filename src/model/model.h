/*
 * model.h - one model: word vectors, and what fits and training added to them.
 *
 * A model is a .safetensors file (docs/model-format.md lists the tensors), mapped and never
 * copied.  Once opened it does not change; threads share it freely and hold it by counted
 * references: model_retain() / model_release().  The fields below are the
 * interface: read them, never write them.
 *
 * n words, d dimensions, k components; matrices row-major; a pointer is NULL
 * where the model lacks that part.
 */
#ifndef SIFD_MODEL_MODEL_H
#define SIFD_MODEL_MODEL_H

#include "base/digest.h"
#include "base/file.h"
#include "math/rows.h"
#include "model/method.h"
#include "model/model_lstm.h"
#include "model/owned.h"
#include "text/token.h"
#include "text/vocab.h"

#include <stdbool.h>

struct err;
struct model_memory;

enum {
	MODEL_WORDS_MAX = 100 * 1000 * 1000,
	MODEL_DIMENSIONS_MAX = 16384,
	MODEL_COMPONENTS_MAX = 64,
	MODEL_CANARIES = 8,
	MODEL_FORMAT = 1, /* of the metadata's "format_version" */
};

/* What the metadata says of how the model came to be; all 0 or "" where unknown. */
struct model_facts {
	enum method method; /* the default one */
	enum method sums;   /* the default one before an LSTM came; model_sums() */
	bool fitted;
	bool learned;		     /* fitted by another method over learned rows: model_learned() */
	bool folded;		     /* rows already carry weights, components and projection of `method` */
	double a;		     /* of a / (a + p) */
	double power;		     /* of the whitening */
	double prior;		     /* sentences that the prior counted for in the last fit */
	uint64_t sentences;	     /* of the corpus, without the prior */
	uint64_t tokens;	     /* words of the corpus, known and unknown */
	uint64_t known;		     /* known ones among them */
	double mass;		     /* sentences that `moment` stands for, prior included */
	double explained;	     /* share of the second moment's trace in the k components */
	char corpus[DIGEST_HEX + 1]; /* SHA-256 of the corpus */
	char source[64];	     /* "glove", "word2vec", "fasttext", "safetensors" */
	char program[32];	     /* "sifd 0.1.0" */
};

struct model {
	struct rows rows;   /* (n, d) */
	struct vocab vocab; /* n words, most frequent first */
	struct token_rules rules;
	const uint64_t *counts; /* (n) occurrences; NULL in overlays and never-counted models */
	const float *weights;	/* (n) for weighted, sif, whiten (a/(a+p)), or usif when that is the method */
	size_t k;
	const float *components;       /* (k, d) orthonormal rows */
	const float *component_scales; /* (k), or NULL = all 1 */
	size_t d_out; /* length of vectors under whiten and learned; d when there is no projection */
	const float *projection; /* (d, d_out) */
	struct model_lstm lstm;
	/*
	 * (d, d), with a window: older versions wrote it and served a method by it.  It is part of the
	 * fingerprint of files that have it, and of overlays over them; nothing else reads it.
	 */
	const float *alacarte;
	size_t alacarte_window;
	const float *moment; /* (d, d) mean of v v' over `mass` sentences: the prior of a later fit */
	struct model_facts facts;

	char fingerprint[DIGEST_HEX + 1]; /* SHA-256 over all that determines its vectors */
	char canaries[DIGEST_HEX + 1];	  /* digest of the canary sentences' vectors; "" = not stamped */
	struct model *base;		  /* the vectors file when this is an overlay; a reference */
	char *path;			  /* where it came from; "" when made in memory */
	uint64_t created;		  /* the file's modification time, Unix seconds */

	struct model_memory *memory; /* private: mapping, reference count */
};

/*
 * Opens and maps a model; reads headers, offsets, the index and the small tensors, not the rows: well
 * under 100 ms whatever the size.  A changed header is refused here; changed data only by model_verify().
 * An overlay finds its base by fingerprint: the file that its metadata name, beside it, then any
 * *.safetensors beside it, then in `folder` (NULL: nowhere else).  Overlays of one file share it.
 * The file must be replaced, never changed in place or cut short: touching a page that is gone ends the
 * process.
 * ERR_NOT_FOUND, ERR_FORMAT (what is wrong, and with which tensor), ERR_IO, ERR_MEMORY.
 */
struct model *model_open(const char *path, const char *folder, struct err *err);

/*
 * A model over memory of the caller's: `parts` is copied with its pointers; its vocabulary has an index.
 * parts->base is retained (and keeps alive what was borrowed from it); path, fingerprint, canaries, created
 * and memory of `parts` are not looked at.  Takes over what *owned lists (NULL: nothing), on failure too, and
 * empties it.  Computes the SHA-256 of every tensor that is not the base's. ERR_INPUT when sizes are out of
 * range or the default method lacks its parts, ERR_MEMORY.
 */
struct model *model_of_parts(const struct model *parts, struct owned *owned, struct err *err);

struct model *model_retain(struct model *m);
void model_release(struct model *m); /* nothing happens for NULL */

/* The method of its weights, matrix and components: the default one, unless that is of an LSTM. */
enum method model_sums(const struct model *m);

/* Were its words' weights learnt, in the rows' lengths or apart?  Counts of a corpus would spoil them. */
bool model_learned(const struct model *m);

/* Does it hold the method? */
bool model_has(const struct model *m, enum method method);

/* Is the second part of features the mean of an LSTM's states?  Otherwise it is that of the words. */
bool model_features_of_states(const struct model *m);

/* The length of its vectors under a method. */
size_t model_dimension(const struct model *m, enum method method);

/*
 * Writes the model at path by output_open(): whole or not at all.  With as_overlay only what a fit
 * adds is written (weights, components, projection, moment) with the base's fingerprint and file name;
 * m's rows, words and rules must then be those of m->base or m itself, as a file: else ERR_INPUT.
 * `canary_digest` goes into the metadata.  Nothing of
 * time or place is written: the same model gives the same bytes.
 */
int model_write(const struct model *m, const char *path, bool as_overlay, const char *canary_digest,
		struct err *err);

/*
 * Checks what model_open() does not: the SHA-256 of every tensor, that every number is finite, that every
 * word is UTF-8 and found through the index, the fingerprint.  ERR_FORMAT names the first fault.
 */
int model_verify(const char *path, const char *folder, struct err *err);

#endif
