#include "base/stream.h"

#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/stream_codec.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BUFFER_BYTES = 128 * 1024, MAGIC_BYTES = 6 };

struct stream {
	char *name;
	int fd;
	uint64_t size;
	uint64_t taken; /* bytes read into the window, those not yet used included */
	struct codec_window window;
	const struct codec *codec; /* NULL: plain */
	void *state;
	bool begun; /* the first bytes were looked at */
	bool whole; /* the codec may stop here */
	unsigned char buffer[BUFFER_BYTES];
};

static int open_input(const char *path, struct stat *info, struct err *err)
{
	int fd = strcmp(path, "-") == 0 ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)
					: open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (file_examine(fd, path, info, err))
		return -1;
	if (S_ISDIR(info->st_mode)) {
		(void)close(fd);
		return err_set(err, ERR_INPUT, "%s is a folder", path);
	}
	return fd;
}

struct stream *stream_open(const char *path, struct err *err)
{
	struct stat info;
	struct stream *s;
	int fd = open_input(path, &info, err);

	if (fd < 0)
		return NULL;
	s = mem_new(1, sizeof(*s));
	if (strcmp(path, "-") == 0)
		path = "standard input";
	s->name = mem_text(path, strlen(path));
	s->fd = fd;
	if (S_ISREG(info.st_mode)) {
		s->size = (uint64_t)info.st_size;
		(void)posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	}
	s->window.in = s->buffer;
	return s;
}

/* Up to n bytes of the file; 0 at its end. */
static ssize_t read_file(struct stream *s, void *to, size_t n, struct err *err)
{
	ssize_t got = TEMP_FAILURE_RETRY(read(s->fd, to, n));

	if (got < 0)
		return err_set(err, ERR_IO, "cannot read %s: %s", s->name, strerror(errno));
	if (got == 0)
		s->window.in_ended = true;
	s->taken += (uint64_t)got;
	return got;
}

/* Puts more bytes after those still in the window; the buffer has room when the window is short. */
static int refill(struct stream *s, struct err *err)
{
	ssize_t got;

	if (s->window.in_n > 0)
		memmove(s->buffer, s->window.in, s->window.in_n);
	s->window.in = s->buffer;
	got = read_file(s, s->buffer + s->window.in_n, BUFFER_BYTES - s->window.in_n, err);
	if (got < 0)
		return -1;
	s->window.in_n += (size_t)got;
	return 0;
}

/*
 * Whether the file begins with the magic, or ends within it: then it is truncated.  A match of `sure` bytes
 * is enough: no text begins so.
 */
static bool begins(const struct codec_window *w, const char *magic, size_t len, size_t sure)
{
	size_t n = w->in_n < len ? w->in_n : len;

	return n >= sure && memcmp(w->in, magic, n) == 0;
}

static const struct codec *codec_of(const struct codec_window *w)
{
	if (begins(w, "\x1F\x8B", 2, 1))
		return &codec_gzip;
	if (begins(w, "\xFD\x37zXZ", 6, 1)) /* the literal's own 0 is the sixth byte */
		return &codec_xz;
	if (begins(w, "\x28\xB5\x2F\xFD", 4, 2))
		return &codec_zstd;
	/* A skippable frame, 0x184D2A50 to 5F, as pzstd puts first. */
	if (w->in_n >= 4 && (w->in[0] & 0xF0) == 0x50 && memcmp(w->in + 1, "\x2A\x4D\x18", 3) == 0)
		return &codec_zstd;
	return NULL;
}

static int begin(struct stream *s, struct err *err)
{
	while (s->window.in_n < MAGIC_BYTES && !s->window.in_ended)
		if (refill(s, err))
			return -1;
	s->codec = codec_of(&s->window);
	if (s->codec) {
		s->state = s->codec->start(err);
		if (!s->state)
			return -1;
	}
	s->begun = true;
	return 0;
}

static ssize_t read_plain(struct stream *s, void *to, size_t n, struct err *err)
{
	size_t have = s->window.in_n < n ? s->window.in_n : n;

	if (have == 0)
		return s->window.in_ended ? 0 : read_file(s, to, n, err);
	memcpy(to, s->window.in, have);
	s->window.in += have;
	s->window.in_n -= have;
	return (ssize_t)have;
}

static ssize_t read_decoded(struct stream *s, void *to, size_t n, struct err *err)
{
	struct codec_window *w = &s->window;

	w->out = to;
	w->out_n = n;
	for (;;) {
		size_t in_n;
		int r;

		if (w->in_n == 0 && !w->in_ended && refill(s, err))
			return -1;
		in_n = w->in_n;
		r = s->codec->decode(s->state, w, err);
		if (r < 0)
			return err_prefix(err, "%s", s->name);
		s->whole = r;
		if (w->out_n < n)
			return (ssize_t)(n - w->out_n);
		if (!w->in_ended || w->in_n != in_n)
			continue;
		if (s->whole && w->in_n == 0)
			return 0;
		return err_set(err, ERR_FORMAT, "%s: the %s data is cut off", s->name, s->codec->name);
	}
}

ssize_t stream_read(struct stream *s, void *to, size_t n, struct err *err)
{
	if (!s->begun && begin(s, err))
		return -1;
	if (n == 0)
		return 0;
	return s->codec ? read_decoded(s, to, n, err) : read_plain(s, to, n, err);
}

uint64_t stream_taken(const struct stream *s)
{
	return s->taken - s->window.in_n;
}

uint64_t stream_size(const struct stream *s)
{
	return s->size;
}

const char *stream_name(const struct stream *s)
{
	return s->name;
}

void stream_close(struct stream *s)
{
	if (!s)
		return;
	if (s->state)
		s->codec->stop(s->state);
	(void)close(s->fd);
	free(s->name);
	free(s);
}
