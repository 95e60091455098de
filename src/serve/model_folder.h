/*
 * model_folder.h - the files behind the models in service: opened at the start, looked at again on SIGHUP.
 *
 * Names come from the options ("NAME=PATH", "PATH"), from *.safetensors in the models folder, and
 * from those in STATE/models, where jobs put what they fitted; of one name the later of these counts.  One
 * thread at a time.
 */
#ifndef SIFD_SERVE_MODEL_FOLDER_H
#define SIFD_SERVE_MODEL_FOLDER_H

#include <stddef.h>

struct err;
struct models;
struct service;

/*
 * Opens them all and puts them on service->registry.  A file of a folder that cannot be opened is logged and
 * left out; one that the options name is an error, and so is it when no model is left, or not the default
 * one.
 */
struct models *model_folder_open(struct service *service, struct err *err);

/* Opens what is new or changed; a file that cannot be opened leaves the old model in service. */
void model_folder_reload(struct models *models);

void model_folder_free(struct models *models);

#endif
