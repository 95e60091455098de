/*
 * batcher.h - texts of several threads through one LSTM together.
 *
 * An LSTM reads its weights once a step, whether for one text or for 64 (math/lstm_serve.h), so servers whose
 * requests hold a text each run several requests at a time.  Nobody waits for others to come: who finds a
 * runner free runs at once, and what comes meanwhile runs together behind it.  The same bits as alone.
 */
#ifndef SIFD_EMBED_BATCHER_H
#define SIFD_EMBED_BATCHER_H

#include "embed/lstm_encoder.h"

#include <stddef.h>

struct err;
struct batcher;
struct model;

/* Up to `runners` batches run at a time, each on the thread of one of its callers.  NULL: ERR_MEMORY. */
struct batcher *batcher_new(size_t runners, struct err *err);

/* No thread may be inside batcher_embed() any more.  NULL is fine. */
void batcher_free(struct batcher *g);

/* lstm_encoder_embed(), from any number of threads at a time; returns when these texts (n) have their
 * vectors.
 */
int batcher_embed(struct batcher *g, const struct model *m, struct lstm_text *texts, size_t n,
		  struct err *err);

#endif
