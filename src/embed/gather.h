/*
 * gather.h - texts of several threads through one LSTM together.
 *
 * An LSTM reads its weights once a step, whether for one text or for 64 (math/lstm_serve.h), so servers whose
 * requests hold a text each run several requests at a time.  Nobody waits for others to come: who finds a
 * runner free runs at once, and what comes meanwhile runs together behind it.  The same bits as alone.
 */
#ifndef SIFD_EMBED_GATHER_H
#define SIFD_EMBED_GATHER_H

#include "embed/recurrent.h"

#include <stddef.h>

struct err;
struct gather;
struct model;

/* Up to `runners` batches run at a time, each on the thread of one of its callers.  NULL: ERR_MEMORY. */
struct gather *gather_new(size_t runners, struct err *err);

/* No thread may be inside gather_embed() any more.  NULL is fine. */
void gather_free(struct gather *g);

/* recurrent_embed(), from any number of threads at a time; returns when these texts (n) have their vectors.
 */
int gather_embed(struct gather *g, const struct model *m, struct recurrent_text *texts, size_t n,
		 struct err *err);

#endif
