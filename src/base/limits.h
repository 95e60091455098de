/*
 * limits.h - every bound the daemon holds its clients to, by name.
 *
 * Those that an operator may change are the defaults of struct serve_limits (server.h).
 */
#ifndef SIFD_BASE_LIMITS_H
#define SIFD_BASE_LIMITS_H

enum {
	/* The request line and headers (gate.h). */
	LIMIT_URL_BYTES = 2048,
	LIMIT_HEADERS = 64,
	LIMIT_HEADER_BYTES = 16 << 10,
	LIMIT_REQUEST_ID_BYTES = 64,

	/* One request. */
	LIMIT_BODY_BYTES = 8 << 20,   /* of JSON */
	LIMIT_INPUTS = 2048,	      /* texts of an embeddings request, as OpenAI has it */
	LIMIT_TEXTS = 16384,	      /* texts of a search, pairs of a similarity request, texts of a fit */
	LIMIT_SCORES = 4 << 20,	      /* of a similarity matrix or of all search results together */
	LIMIT_JSON_DEPTH = 8,	      /* nested arrays and objects */
	LIMIT_JSON_MEMBERS = 64,      /* values of a request beside its texts */
	LIMIT_REPLY_FLOATS = 8 << 20, /* in one answer of vectors or matrix parts */
	LIMIT_REPLY_BYTES = 128 << 20,
	LIMIT_PARTS = 1 << 20,	       /* pairs of words in one explanation */
	LIMIT_ARENA_BYTES = 256 << 20, /* of working memory */
	LIMIT_WAIT_S = 60,	       /* ?wait= of a job */

	/* Corpora and jobs. */
	LIMIT_UPLOADS = 64,		    /* coming at a time */
	LIMIT_CORPORA = 1000,		    /* with a name */
	LIMIT_CORPUS_RATIO = 100,	    /* unpacked bytes for a packed one, */
	LIMIT_CORPUS_RATIO_FROM = 64 << 20, /* once there are so many of them */
	LIMIT_DEV_BYTES = 4 << 20,	    /* of a train job's dev sets: scored again and again */
	LIMIT_TRAIN_BYTES = 1 << 30,	    /* of pairs for a train job, unpacked: they stay in memory */
	LIMIT_JOB_ATTEMPTS = 2,		    /* a job that took the daemon down twice has failed */
	LIMIT_JOBS_KEPT = 10000,	    /* ended ones, with their results */
	LIMIT_JOBS_LISTED = 1000,

	/* All requests together. */
	LIMIT_CONNECTIONS = 4096,
	LIMIT_CONNECTION_MEMORY = 32 << 10, /* request line, headers and I/O of a connection */
	LIMIT_INFLIGHT_BYTES = 256 << 20,   /* bodies being received or worked on */
	LIMIT_QUEUE = 256,		    /* offloaded requests waiting for a worker */
	LIMIT_JOBS = 1000,		    /* jobs waiting */

	/* Clocks, in milliseconds; a body or a reply has its bytes at LIMIT_BYTES_PER_S on top. */
	LIMIT_HEADER_MS = 5000,
	LIMIT_BODY_MS = 5000,
	LIMIT_IDLE_MS = 15000,
	LIMIT_WRITE_MS = 30000,
	LIMIT_BYTES_PER_S = 64 << 10,
	LIMIT_DRAIN_MS = 30000,
};

/* A corpus upload, packed and unpacked; its own limit because it goes to disk, not to memory. */
#define LIMIT_CORPUS_BYTES (10LL << 30)

/* Of the rows that a train job with `dimensions` makes. */
#define LIMIT_ROWS_BYTES (4LL << 30)

#endif
