/*
 * server.h - the daemon from start to end: what `sifd serve` calls.
 *
 * serve_run() opens the models, takes the socket, serves, and returns when it
 * told to stop.  Signals: TERM and INT drain (no new connections; requests under way are finished, for at
 * most limits.drain_ms; a second signal stops at once); HUP opens changed and new models, and a file that
 * cannot be opened leaves the old model in service.  PIPE is ignored.
 */
#ifndef SIFD_SERVE_SERVER_H
#define SIFD_SERVE_SERVER_H

#include "routes/serve_options.h"

struct err;

/* Everything NULL, 0 or the named limit of limits.h. */
struct serve_options serve_options_default(void);

/*
 * 0 after a drain, -1 with ERR_INPUT for an option that is wrong, else whatever stopped the start.
 * One call at a time in a process: it owns the signals.
 */
int serve_run(const struct serve_options *options, struct err *err);

#endif
