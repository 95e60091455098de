/*
 * stream_codec.h - the interface of a decompressor, for stream.c.
 */
#ifndef SIFD_BASE_STREAM_CODEC_H
#define SIFD_BASE_STREAM_CODEC_H

#include <stdbool.h>
#include <stddef.h>

struct err;

/* Bytes to take from, and room to write to; decode() moves both on. */
struct codec_window {
	const unsigned char *in;
	size_t in_n;
	bool in_ended; /* nothing comes after these */
	unsigned char *out;
	size_t out_n;
};

struct codec {
	const char *name;

	/* NULL with ERR_MEMORY. */
	void *(*start)(struct err *err);

	/*
	 * Takes and writes what it can.  1 when the bytes taken so far may be a whole file, so that the
	 * input may end here; 0 when more must come; -1 with ERR_FORMAT (damaged), ERR_TOO_LARGE, ERR_MEMORY.
	 */
	int (*decode)(void *state, struct codec_window *window, struct err *err);

	void (*stop)(void *state);
};

extern const struct codec codec_gzip;
extern const struct codec codec_xz;
extern const struct codec codec_zstd;

#endif
