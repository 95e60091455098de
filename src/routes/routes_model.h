/*
 * routes_model.h - the routes that ask a model something; interface and limits in docs/rest.md.
 */
#ifndef SIFD_ROUTES_ROUTES_MODEL_H
#define SIFD_ROUTES_ROUTES_MODEL_H

#include "routes/routes.h"

route_run route_embeddings;
route_run route_similarity;
route_run route_search;
route_run route_explain;
route_run route_tokenize;
route_run route_models;
route_run route_model;

#endif
