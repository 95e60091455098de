/* Private to src/model: what an open model owns, and the list of its tensors. */
#ifndef SIFD_MODEL_MODEL_PRIVATE_H
#define SIFD_MODEL_MODEL_PRIVATE_H

#include "model/model.h"
#include "model/safetensors.h"

#include <stdatomic.h>

enum { MODEL_TENSORS = 12 };

/* The SHA-256 of each tensor, in the order of model_tensors(); "" = not known yet. */
struct model_digests {
	char hex[MODEL_TENSORS][DIGEST_HEX + 1];
};

struct model_memory {
	atomic_size_t references;
	struct file_map map;
	void (*drop)(void *context);
	void *context;
	struct model_digests digests;
};

/* In the order of the file: U64 before F32 before bytes, so that all stand on their own size. */
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
	TENSOR_WORDS,
};

/* The name in the file. */
const char *model_tensor_name(enum model_tensor which);

/* The tensor as the file has it; data NULL when the model lacks it. */
struct tensor model_tensor(const struct model *m, enum model_tensor which);

/* Is it part of an overlay's own file? */
bool model_tensor_in_overlay(enum model_tensor which);

/* Fills what is missing of m->memory->digests: reads every byte of those tensors. */
void model_digest(const struct model *m);

/* SHA-256 over everything that determines the vectors; all digests must be there. */
void model_fingerprint(const struct model *m, char hex[DIGEST_HEX + 1]);

/* Allocates the memory part with one reference. */
struct model *model_new(struct err *err);

#endif
