/*
 * metrics.h - what the daemon counts, and /metrics in Prometheus's text format.
 *
 * Each thread counts in a shard of its own, so that counting touches no shared cache line; reading adds the
 * shards up.  Labels are bounded: routes, statuses and reasons come from tables, never from a client.
 */
#ifndef SIFD_ROUTES_METRICS_H
#define SIFD_ROUTES_METRICS_H

#include <stddef.h>
#include <stdint.h>

struct metrics;
struct reply;
struct shard;

/* Why a request was refused: the label of sifd_http_rejected_total. */
enum gate_reason {
	GATE_PASS,
	GATE_VERSION,
	GATE_METHOD,
	GATE_URL,
	GATE_HEADERS,
	GATE_HOST,
	GATE_LENGTH,
	GATE_TRANSFER,
	GATE_ENCODING,
	GATE_EXPECT,
	GATE_TOO_LARGE,
	GATE_REASONS,
};

const char *gate_reason_name(enum gate_reason reason);

struct metrics *metrics_new(void);

/* Frees the shards too: no thread may count any more. */
void metrics_free(struct metrics *metrics);

/* A new shard for one thread, owned by the metrics; NULL when memory is gone. */
struct shard *metrics_shard(struct metrics *metrics);

/* A request began; a request was answered.  route is its row in routes[], or routes_n for none. */
void shard_begin(struct shard *shard);
void shard_end(struct shard *shard, size_t route, const struct reply *reply, uint64_t ns);

/* A request ended without an answer: its client went away. */
void shard_lost(struct shard *shard);

/* A request was refused before its body. */
void shard_refuse(struct shard *shard, enum gate_reason reason);

#endif
