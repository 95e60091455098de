/*
 * limits.h - every bound on what clients may send, ask for and keep, by name.
 *
 * Those that an operator may change are the defaults of struct serve_limits (routes/serve_options.h).
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
	LIMIT_SCORES = 4 << 20,	      /* in a similarity matrix, or in all search results together */
	LIMIT_JSON_DEPTH = 8,	      /* nested arrays and objects */
	LIMIT_JSON_MEMBERS = 64,      /* values of a request beside its texts */
	LIMIT_REPLY_FLOATS = 8 << 20, /* in one answer of vectors or matrix parts */
	LIMIT_REPLY_BYTES = 128 << 20,
	LIMIT_EXPLAIN_WORDS = 4096,    /* in a text to explain */
	LIMIT_PARTS = 1 << 20,	       /* pairs of words in one explanation */
	LIMIT_LSTM_WORDS = 4096,       /* known words of a text that an LSTM reads; the rest is ignored */
	LIMIT_ARENA_BYTES = 256 << 20, /* of working memory */
	LIMIT_WAIT_S = 60,	       /* ?wait= of a job */

	/* Models, corpora and jobs. */
	LIMIT_NAME_BYTES = 128, /* in the name of a model or a corpus */
	LIMIT_MODELS = 1024,
	LIMIT_UPLOADS = 64,		    /* under way at a time */
	LIMIT_CORPORA = 1000,		    /* with a name */
	LIMIT_CORPUS_RATIO = 100,	    /* unpacked bytes per packed byte, */
	LIMIT_CORPUS_RATIO_FROM = 64 << 20, /* once there are so many of them */
	LIMIT_JOB_CORPORA = 16,		    /* in one job */
	LIMIT_JOB_METHODS = 8,		    /* in one eval job */
	LIMIT_DEV_BYTES = 4 << 20,	    /* of a train job's dev sets, which are scored again and again */
	LIMIT_TRAIN_BYTES = 1 << 30,	    /* of pairs for a train job, unpacked: they stay in memory */
	LIMIT_JOB_ATTEMPTS = 2,		    /* a job that took the daemon down twice has failed */
	LIMIT_JOBS_KEPT = 10000,	    /* ended ones, with their results */
	LIMIT_JOBS_LISTED = 1000,

	/* All requests together. */
	LIMIT_CONNECTIONS = 4096,
	LIMIT_CONNECTION_MEMORY = 32 << 10, /* for request line, headers and I/O of a connection */
	LIMIT_INFLIGHT_BYTES = 256 << 20,   /* of bodies being received or worked on: */
	LIMIT_AHEAD_BYTES = 64 << 10,	    /* so much of a body is counted before it comes, */
	LIMIT_JSON_RATIO = 32,		    /* and so much more per byte whose JSON waits for a worker */
	LIMIT_QUEUE = 256,		    /* offloaded requests waiting for a worker */
	LIMIT_JOBS = 1000,		    /* jobs waiting */

	/* Times in milliseconds; a body or a reply has its bytes at LIMIT_BYTES_PER_S on top. */
	LIMIT_HEADER_MS = 5000,
	LIMIT_BODY_MS = 5000,
	LIMIT_IDLE_MS = 15000,
	LIMIT_WRITE_MS = 30000,
	LIMIT_BYTES_PER_S = 64 << 10,
	LIMIT_DRAIN_MS = 30000,
};

/* Of a corpus upload, packed and unpacked; more than LIMIT_BODY_BYTES because it goes to disk, not to memory.
 */
#define LIMIT_CORPUS_BYTES (10LL << 30)

/* Of the rows that a train job with `dimensions` makes. */
#define LIMIT_ROWS_BYTES (4LL << 30)

#endif
