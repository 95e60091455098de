/*
 * safetensors.h - the container: a JSON header and raw little-endian arrays.
 *
 * Format: 8 bytes little-endian header length, the header (a JSON object: tensor name
 * -> {dtype, shape, data_offsets}; "__metadata__" -> strings), then the data.
 * https://github.com/huggingface/safetensors
 *
 * The reader trusts nothing: header length against the file and SAFETENSORS_HEADER_MAX,
 * products with overflow checks, offsets that are in range, without holes or overlaps,
 * dtype and shape that agree with the byte count.  Data of a foreign file may stand at any
 * alignment: whoever takes a tensor must check.  Knows nothing of models.
 */
#ifndef SIFD_MODEL_SAFETENSORS_H
#define SIFD_MODEL_SAFETENSORS_H

#include "math/rows.h"

#include <stddef.h>
#include <stdint.h>

struct err;
struct output;

enum {
	SAFETENSORS_HEADER_MAX = 16 << 20,
	SAFETENSORS_TENSORS_MAX = 65536,
	SAFETENSORS_RANK_MAX = 8,
	SAFETENSORS_ALIGN = 4096, /* our files: data starts on a page */
};

enum tensor_type {
	TENSOR_BOOL,
	TENSOR_U8,
	TENSOR_I8,
	TENSOR_I16,
	TENSOR_U16,
	TENSOR_F16,
	TENSOR_BF16,
	TENSOR_I32,
	TENSOR_U32,
	TENSOR_F32,
	TENSOR_I64,
	TENSOR_U64,
	TENSOR_F64,
	TENSOR_TYPES, /* also: a type we do not know */
};

struct tensor {
	char *name;
	enum tensor_type type;
	size_t rank;
	size_t shape[SAFETENSORS_RANK_MAX];
	const void *data;
	size_t bytes;
};

struct safetensors {
	struct tensor *tensors; /* in order of their data */
	size_t n;
	struct metadata *metadata; /* in the file's order */
	size_t metadata_n;
};

struct metadata {
	char *key;
	char *value;
};

size_t tensor_type_size(enum tensor_type type);
const char *tensor_type_name(enum tensor_type type);

/* The type that stores rows of that type; and the type of rows that it stores, or -1. */
enum tensor_type tensor_type_of_rows(enum rows_type type);
int tensor_type_rows(enum tensor_type type);

/* Reads the header of bytes[0..n); tensors point into bytes, which must outlive them. */
int safetensors_read(struct safetensors *s, const void *bytes, size_t n, struct err *err);
void safetensors_free(struct safetensors *s);

/* NULL when there is none. */
const struct tensor *safetensors_find(const struct safetensors *s, const char *name);
const char *safetensors_metadata(const struct safetensors *s, const char *key);

/*
 * Writes the file: tensors in the given order (put big ones first), header padded with blanks so that data
 * starts on a page.  The same input gives the same bytes.
 */
int safetensors_write(struct output *out, const struct safetensors *s, struct err *err);

#endif
