/*
 * batcher.h - dynamic batching: texts of several threads go through one LSTM together.
 *
 * An LSTM reads its weights once per step, whether for one text or for 64 (math/lstm_serve.h), so requests of
 * one text each are cheaper together.  Nobody waits for others to come: a thread that finds a runner free
 * starts at once, and texts that come meanwhile are the next batch.  The bits are those of a text by itself.
 */
#ifndef SIFD_EMBED_BATCHER_H
#define SIFD_EMBED_BATCHER_H

#include "embed/lstm_encoder.h"

#include <stddef.h>

struct err;
struct batcher;
struct model;

/* Up to `runners` batches run at a time, each on the thread of one of its callers.  NULL with ERR_MEMORY. */
struct batcher *batcher_new(size_t runners, struct err *err);

/* No thread may be inside batcher_embed() any more.  NULL is fine. */
void batcher_free(struct batcher *b);

/* lstm_encoder_embed() for any number of threads at a time; returns when these texts (n) have their vectors.
 */
int batcher_embed(struct batcher *b, const struct model *m, struct lstm_text *texts, size_t n,
		  struct err *err);

#endif
