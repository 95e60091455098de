/* zstd for stream.c, by libzstd. */
#include "base/err.h"
#include "base/mem.h"
#include "base/stream_codec.h"

#include <stdlib.h>
#include <zstd.h>
#include <zstd_errors.h>

struct zstd {
	ZSTD_DStream *stream;
	bool between; /* a frame is complete, the next not begun */
};

static void *start(struct err *err)
{
	struct zstd *z = mem_new(1, sizeof(*z));

	z->stream = ZSTD_createDStream();
	if (!z->stream) {
		(void)err_set(err, ERR_MEMORY, "not enough memory for zstd");
		free(z);
		return NULL;
	}
	return z;
}

static int failed(size_t why, struct err *err)
{
	ZSTD_ErrorCode code = ZSTD_getErrorCode(why);

	if (code == ZSTD_error_memory_allocation)
		return err_set(err, ERR_MEMORY, "not enough memory for zstd");
	if (code == ZSTD_error_frameParameter_windowTooLarge)
		return err_set(err, ERR_TOO_LARGE, "the zstd data needs a window of more than 128 MiB");
	return err_set(err, ERR_FORMAT, "damaged zstd data: %s", ZSTD_getErrorString(code));
}

static int decode(void *state, struct codec_window *w, struct err *err)
{
	struct zstd *z = state;
	ZSTD_inBuffer in = { w->in, w->in_n, 0 };
	ZSTD_outBuffer out = { w->out, w->out_n, 0 };
	size_t r;

	if (z->between && w->in_n == 0)
		return 1;
	r = ZSTD_decompressStream(z->stream, &out, &in);
	w->in += in.pos;
	w->in_n -= in.pos;
	w->out += out.pos;
	w->out_n -= out.pos;
	if (ZSTD_isError(r))
		return failed(r, err);
	z->between = r == 0;
	return z->between;
}

static void stop(void *state)
{
	struct zstd *z = state;

	(void)ZSTD_freeDStream(z->stream);
	free(z);
}

const struct codec codec_zstd = { "zstd", start, decode, stop };
