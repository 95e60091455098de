/*
 * notify.h - tells the service manager our state: sd_notify(3) without libsystemd.
 */
#ifndef SIFD_SERVE_NOTIFY_H
#define SIFD_SERVE_NOTIFY_H

/* Sends "READY=1", "STOPPING=1", ...; does nothing without $NOTIFY_SOCKET, or when nobody listens. */
void notify_manager(const char *state);

#endif
