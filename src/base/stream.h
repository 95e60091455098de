/*
 * stream.h - bytes from a file or a pipe, decompressed on the way.
 *
 * The first bytes say how it is compressed, not the name: gzip (with
 * several members), xz, zstd (with several frames), or plain.  A stream
 * reads on from where it is: no seeking.  One thread at a time.
 */
#ifndef SIFD_BASE_STREAM_H
#define SIFD_BASE_STREAM_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct err;
struct stream;

/* "-" is standard input.  A folder is ERR_INPUT; what does not exist, ERR_NOT_FOUND. */
struct stream *stream_open(const char *path, struct err *err);

/*
 * Up to n decompressed bytes; 0 at the end; -1 on failure.  A truncated or damaged
 * compressed stream is ERR_FORMAT naming the path, never a silent end.
 */
ssize_t stream_read(struct stream *stream, void *to, size_t n, struct err *err);

/* Bytes of the underlying (compressed) file taken so far, and its size: 0 for a pipe.  For progress. */
uint64_t stream_taken(const struct stream *stream);
uint64_t stream_size(const struct stream *stream);

/* The name for messages: the path, or "standard input". */
const char *stream_name(const struct stream *stream);

void stream_close(struct stream *stream);

#endif
