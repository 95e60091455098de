/*
 * Private to src/model: what an open model owns, the list of its tensors, and the steps of opening one.
 */
#ifndef SIFD_MODEL_MODEL_PRIVATE_H
#define SIFD_MODEL_MODEL_PRIVATE_H

#include "model/model.h"
#include "model/safetensors.h"

#include <stdatomic.h>

/* weight_ih, weight_hh, bias_ih, bias_hh */
enum { LSTM_DIRECTION_TENSORS = 4 };

/* In the order of the file: U64 before F32 before bytes, so that all are aligned. */
enum model_tensor {
	TENSOR_VECTORS,
	TENSOR_SLOTS,
	TENSOR_OFFSETS,
	TENSOR_COUNTS,
	TENSOR_SCALES,
	TENSOR_MOMENT,
	TENSOR_PROJECTION,
	TENSOR_WEIGHTS,
	TENSOR_COMPONENTS,
	TENSOR_COMPONENT_SCALES,
	TENSOR_ALACARTE,
	TENSOR_LSTM, /* the first of LSTM_DIRECTION_TENSORS per layer and direction */
	TENSOR_LSTM_LAST = TENSOR_LSTM + 2 * MODEL_LSTM_LAYERS * LSTM_DIRECTION_TENSORS - 1,
	TENSOR_LSTM_SCALES, /* the first of 2 per layer and direction: of weights stored as I8 */
	TENSOR_LSTM_SCALES_LAST = TENSOR_LSTM_SCALES + 2 * MODEL_LSTM_LAYERS * 2 - 1,
	TENSOR_LSTM_ATTENTION,
	TENSOR_LSTM_RESIDUAL_SCALES,
	TENSOR_LSTM_RESIDUAL,
	TENSOR_WORDS,
	MODEL_TENSORS,
};

struct model_memory {
	atomic_size_t references;
	struct file_map map;
	float *lstm; /* the LSTM laid out for use */
	struct owned owned;
	bool sealed;		 /* the file has a digest of its header */
	struct file_stamp stamp; /* of the file when it was opened */
	bool is_file;		 /* it is on the list of model_base.c, before next_file */
	struct model *next_file;
	/* SHA-256 of each tensor that the model has, those of its base included; "" where it has none. */
	char digests[MODEL_TENSORS][DIGEST_HEX + 1];
};

struct model_tensor_row {
	const char *name;    /* in the file */
	bool in_overlay;     /* may an overlay's own file have it? */
	bool in_fingerprint; /* does it change a vector? */
};

extern const struct model_tensor_row model_tensors[MODEL_TENSORS];

/* Tensor i of a layer and direction, of LSTM_DIRECTION_TENSORS; and the scales of weight i, 0 or 1. */
enum model_tensor model_lstm_tensor(size_t layer, size_t direction, size_t i);
enum model_tensor model_lstm_scales(size_t layer, size_t direction, size_t i);

/* The tensor as the file has it, without the name; data NULL when the model lacks it. */
struct tensor model_tensor(const struct model *m, enum model_tensor which);

/* Is it in m's own file rather than its base's?  The LSTM is unless model_lstm_of_base(). */
bool model_tensor_is_own(const struct model *m, enum model_tensor which);

/* Fills the digests that are missing: the base's where the memory is the base's, else by reading the data. */
void model_digest(struct model *m);

/* SHA-256 over everything that determines the vectors; all digests must be there. */
void model_fingerprint(const struct model *m, char hex[DIGEST_HEX + 1]);

/* The key of its digest in the metadata, as "sha256.words", into to[40]. */
const char *model_digest_key(enum model_tensor which, char to[40]);

/*
 * SHA-256 over the metadata (except this digest) and the tensors' names, types and shapes, whatever their
 * order in the file.
 */
#define MODEL_HEADER_KEY "sha256.header"
int model_header_digest(const struct safetensors *s, char hex[DIGEST_HEX + 1], struct err *err);

/* Are exactly the tensors there that its pooling needs? */
bool model_pooling_fits(const struct model *m);

/* Is its LSTM that of its base, which has it laid out already? */
bool model_lstm_of_base(const struct model *m);

/* Lays the LSTM out for use. */
int model_pack_lstm(struct model *m, struct err *err);

/* The length of a layer's inputs: words, or the outputs of the layer below. */
size_t model_lstm_layer_inputs(const struct model *m, size_t layer);

/* An empty model with one reference. */
struct model *model_new(struct err *err);

/* The metadata's value of a key; "" when it is missing. */
const char *model_text(const struct safetensors *s, const char *key);

/* Its whole number; ERR_FORMAT when it is none. */
int model_whole(uint64_t *to, const struct safetensors *s, const char *key, struct err *err);

/*
 * Reads what is in the file into m: the step of opening after the checksums, so that a fuzzer can reach it.
 * An overlay has m->base already.
 */
int model_parse(struct model *m, const struct safetensors *s, struct err *err);

/* model_open(); of a fingerprint that is not NULL only that base: ERR_NOT_FOUND for others and for overlays.
 */
struct model *model_open_file(const char *path, const char *folder, const char *fingerprint, struct err *err);

/*
 * The list of living models that were opened from files, by which overlays of one file share it and its
 * LSTM.  Any thread.  remove(): called before a model is freed.
 */
void model_file_add(struct model *m);
void model_file_remove(struct model *m);

/* Opens the base that an overlay's metadata name. */
struct model *model_find_base(const struct safetensors *s, const char *path, const char *folder,
			      struct err *err);

#endif
