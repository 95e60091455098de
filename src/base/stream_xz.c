/* xz for stream.c, by liblzma. */
#include "base/err.h"
#include "base/mem.h"
#include "base/stream_codec.h"

#include <lzma.h>
#include <stdlib.h>

/* xz -9 needs 65 MiB to decompress; a file that asks for much more is not a corpus. */
static const uint64_t memory_bytes = 512U << 20;

struct xz {
	lzma_stream lzma;
	bool ended; /* lzma may not be called again */
};

static void *start(struct err *err)
{
	struct xz *x = mem_new(1, sizeof(*x));

	x->lzma = (lzma_stream)LZMA_STREAM_INIT;
	if (lzma_stream_decoder(&x->lzma, memory_bytes, LZMA_CONCATENATED) != LZMA_OK) {
		(void)err_set(err, ERR_MEMORY, "not enough memory for xz");
		free(x);
		return NULL;
	}
	return x;
}

static int failed(lzma_ret why, struct err *err)
{
	if (why == LZMA_MEM_ERROR)
		return err_set(err, ERR_MEMORY, "not enough memory for xz");
	if (why == LZMA_MEMLIMIT_ERROR)
		return err_set(err, ERR_TOO_LARGE, "the xz data needs more than %llu bytes of memory",
			       (unsigned long long)memory_bytes);
	if (why == LZMA_OPTIONS_ERROR)
		return err_set(err, ERR_FORMAT, "the xz data uses options that liblzma does not know");
	return err_set(err, ERR_FORMAT, "damaged xz data");
}

static int decode(void *state, struct codec_window *w, struct err *err)
{
	struct xz *x = state;
	lzma_ret r;

	if (x->ended)
		return 1;
	x->lzma.next_in = w->in;
	x->lzma.avail_in = w->in_n;
	x->lzma.next_out = w->out;
	x->lzma.avail_out = w->out_n;
	r = lzma_code(&x->lzma, w->in_ended ? LZMA_FINISH : LZMA_RUN);
	w->in = x->lzma.next_in;
	w->in_n = x->lzma.avail_in;
	w->out = x->lzma.next_out;
	w->out_n = x->lzma.avail_out;
	if (r == LZMA_STREAM_END) {
		x->ended = true;
		return 1;
	}
	if (r != LZMA_OK && r != LZMA_BUF_ERROR)
		return failed(r, err);
	return 0;
}

static void stop(void *state)
{
	struct xz *x = state;

	lzma_end(&x->lzma);
	free(x);
}

const struct codec codec_xz = { "xz", start, decode, stop };
