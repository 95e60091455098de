/*
 * publish.h - writing a model to disk and taking one into service, with a self-test.
 *
 * The test are canaries: MODEL_CANARIES fixed texts (made of the model's own words by a fixed rule) whose
 * vectors under the default method are digested into the file.  Whoever opens the model computes them again,
 * so that a damaged table, a changed kernel or a wrong tokenizer shows at once.
 */
#ifndef SIFD_EMBED_PUBLISH_H
#define SIFD_EMBED_PUBLISH_H

#include <stdbool.h>

struct err;
struct model;

/* model_write() with the digest of the canaries; then opens the file again and tests it. */
int publish_model(struct model *m, const char *path, bool as_overlay, struct err *err);

/* model_open(), and ERR_FORMAT when the canaries differ.  Every verb and the daemon open models by this. */
struct model *publish_open(const char *path, const char *folder, struct err *err);

#endif
