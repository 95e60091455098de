/*
 * openapi.h - /openapi.json (OpenAPI 3.0.3), written from the table of routes.
 */
#ifndef SIFD_ROUTES_OPENAPI_H
#define SIFD_ROUTES_OPENAPI_H

struct buf;

void openapi_write(struct buf *to);

#endif
