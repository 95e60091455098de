/* gzip for stream.c, by zlib. */
#define ZLIB_CONST /* next_in points to const */

#include "base/err.h"
#include "base/mem.h"
#include "base/stream_codec.h"

#include <limits.h>
#include <stdlib.h>
#include <zlib.h>

struct gzip {
	z_stream z;
	bool between; /* a member is complete, the next not begun */
};

static void *start(struct err *err)
{
	struct gzip *g = mem_new(1, sizeof(*g));

	if (inflateInit2(&g->z, 15 + 16) != Z_OK) { /* 32 kB window, gzip header and CRC only */
		(void)err_set(err, ERR_MEMORY, "not enough memory for gzip");
		free(g);
		return NULL;
	}
	return g;
}

/* Another member may follow; zeros are the padding of tapes. */
static int begin_member(struct gzip *g, struct codec_window *w, struct err *err)
{
	while (w->in_n > 0 && *w->in == 0) {
		w->in++;
		w->in_n--;
	}
	if (w->in_n == 0)
		return 1;
	if (inflateReset(&g->z) != Z_OK)
		return err_set(err, ERR_FORMAT, "gzip cannot start again");
	return 0;
}

static uInt at_most(size_t n)
{
	return n < UINT_MAX ? (uInt)n : UINT_MAX;
}

static int decode(void *state, struct codec_window *w, struct err *err)
{
	struct gzip *g = state;
	uInt in_n;
	uInt out_n;
	int r;

	if (g->between) {
		r = begin_member(g, w, err);
		if (r != 0)
			return r;
	}
	in_n = at_most(w->in_n);
	out_n = at_most(w->out_n);
	g->z.next_in = w->in;
	g->z.avail_in = in_n;
	g->z.next_out = w->out;
	g->z.avail_out = out_n;
	r = inflate(&g->z, Z_NO_FLUSH);
	w->in += in_n - g->z.avail_in;
	w->in_n -= in_n - g->z.avail_in;
	w->out += out_n - g->z.avail_out;
	w->out_n -= out_n - g->z.avail_out;
	if (r == Z_MEM_ERROR)
		return err_set(err, ERR_MEMORY, "not enough memory for gzip");
	if (r != Z_OK && r != Z_STREAM_END && r != Z_BUF_ERROR)
		return err_set(err, ERR_FORMAT, "damaged gzip data: %s",
			       g->z.msg ? g->z.msg : "unknown reason");
	g->between = r == Z_STREAM_END;
	return g->between;
}

static void stop(void *state)
{
	struct gzip *g = state;

	(void)inflateEnd(&g->z);
	free(g);
}

const struct codec codec_gzip = { "gzip", start, decode, stop };
