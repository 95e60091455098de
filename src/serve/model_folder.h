/*
 * model_folder.h - the files of the models in service: opened at the start, and again on SIGHUP.
 *
 * Names come from the options ("NAME=PATH", "PATH"), from *.safetensors in the models folder, and from
 * STATE/models, where jobs put the models they made; if two have the same name, the later of these counts.
 * One thread at a time.
 */
#ifndef SIFD_SERVE_MODEL_FOLDER_H
#define SIFD_SERVE_MODEL_FOLDER_H

#include <stddef.h>

struct err;
struct models;
struct service;

/*
 * Opens them all and puts them into service->registry.  A file of a folder that cannot be opened is logged
 * and left out.  It is an error when a model that the options name cannot be opened, when no model is left,
 * or when the default one is not among them.
 */
struct models *model_folder_open(struct service *service, struct err *err);

/* Opens what is new or changed; a file that cannot be opened leaves the old model in service. */
void model_folder_reload(struct models *models);

void model_folder_free(struct models *models);

#endif
