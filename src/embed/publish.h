/*
 * publish.h - a model put on disk, and a model taken into service, with proof.
 *
 * The proof are canaries: MODEL_CANARIES fixed texts (made of the model's own words by a fixed rule) whose
 * vectors under the default method are digested into the file.  Whoever opens the model recomputes them: a
 * damaged table, a changed kernel or a wrong tokenizer shows at once.
 */
#ifndef SIFD_EMBED_PUBLISH_H
#define SIFD_EMBED_PUBLISH_H

#include "base/digest.h"

#include <stdbool.h>

struct err;
struct model;

/* The digest of the canaries' vectors, as computed here and now. */
int publish_canaries(struct model *m, char hex[DIGEST_HEX + 1], struct err *err);

/* model_write() with the canaries stamped, then opened again and tested. */
int publish_model(struct model *m, const char *path, bool as_overlay, struct err *err);

/* model_open() and the canaries compared: ERR_FORMAT when they differ.  What every verb and the daemon use.
 */
struct model *publish_open(const char *path, const char *folder, struct err *err);

#endif
