/*
 * routes_service.h - the routes about the daemon itself: is it well, what does it count, what can it do.
 */
#ifndef SIFD_ROUTES_ROUTES_SERVICE_H
#define SIFD_ROUTES_ROUTES_SERVICE_H

#include "routes/routes.h"

/* GET /live: the process answers.  GET /ready and /health: models are open and no drain has begun. */
route_run route_live;
route_run route_ready;

route_run route_metrics;
route_run route_openapi;

/* GET /: a page for people, without anything from elsewhere. */
route_run route_console;

#endif
