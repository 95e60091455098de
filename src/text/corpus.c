#include "text/corpus.h"

#include "base/err.h"
#include "base/file.h"
#include "base/mem.h"
#include "base/stream.h"
#include "text/corpus_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *const corpus_units[2] = { "sentence", "line" };

enum { READ_BYTES = 64 * 1024 }; /* a step towards the end of a block's last line */

static void start_pass(struct corpus *c)
{
	stream_close(c->stream);
	c->stream = NULL;
	c->at = 0;
	c->bytes = c->taken = 0;
	c->line = 1;
	c->ended = false;
	buf_reset(&c->rest);
}

struct corpus *corpus_open(const char *const *paths, size_t n, bool lossy, struct err *err)
{
	struct corpus *c = mem_new(1, sizeof(*c));
	int failed;

	c->lossy = lossy;
	digest_start(&c->digest);
	start_pass(c);
	failed = n == 0 ? err_set(err, ERR_INPUT, "no corpus was named") : 0;
	for (size_t i = 0; i < n && !failed; i++)
		failed = corpus_files_add(&c->files, paths[i], err);
	if (!failed)
		return c;
	corpus_close(c);
	return NULL;
}

void corpus_close(struct corpus *c)
{
	if (!c)
		return;
	stream_close(c->stream);
	corpus_files_free(&c->files);
	buf_free(&c->rest);
	free(c);
}

static int spool(struct corpus_file *file, const char *bytes, size_t n, struct err *err)
{
	if (file->spool < 0) {
		file->spool = file_temporary(err);
		if (file->spool < 0)
			return -1;
	}
	if (file_write(file->spool, bytes, n))
		return err_set(err, ERR_IO, "cannot keep %s in a temporary file: %s", file->path,
			       strerror(errno));
	return 0;
}

static ssize_t read_spool(const struct corpus_file *file, uint64_t at, char *to, size_t n, struct err *err)
{
	ssize_t k = TEMP_FAILURE_RETRY(pread(file->spool, to, n, (off_t)at));

	if (k < 0)
		return err_set(err, ERR_IO, "cannot read what was kept of %s: %s", file->path,
			       strerror(errno));
	return k;
}

static ssize_t read_stream(struct corpus *c, struct corpus_file *file, char *to, size_t n, struct err *err)
{
	ssize_t k;

	if (!c->stream) {
		c->stream = stream_open(file->path, err);
		if (!c->stream)
			return -1;
	}
	k = stream_read(c->stream, to, n, err);
	if (k > 0 && !file->regular && !file->read && spool(file, to, (size_t)k, err))
		return -1;
	return k;
}

/* Up to n bytes of the current file; 0 at its end.  A later pass reads the bytes that the first one saw. */
static ssize_t read_bytes(struct corpus *c, char *to, size_t n, struct err *err)
{
	struct corpus_file *file = &c->files.at[c->at];
	ssize_t k;

	if (file->read && n > file->bytes - c->bytes)
		n = (size_t)(file->bytes - c->bytes);
	if (n == 0)
		return 0;
	if (file->read && !file->regular)
		k = read_spool(file, c->bytes, to, n, err);
	else
		k = read_stream(c, file, to, n, err);
	if (k < 0)
		return -1;
	if (k == 0 && file->read)
		return err_set(err, ERR_INPUT, "%s became shorter while it was read", file->path);
	if (!c->again)
		digest_add(&c->digest, to, (size_t)k);
	c->bytes += (uint64_t)k;
	return k;
}

/* Reads on until the block has n bytes or the file ends. */
static int fill(struct corpus *c, struct buf *block, size_t n, struct err *err)
{
	while (block->len < n && !c->ended) {
		char *to = buf_reserve(block, n - block->len);
		ssize_t k;

		if (!to)
			return err_set(err, ERR_MEMORY, "not enough memory for a block of %zu bytes", n);
		k = read_bytes(c, to, n - block->len, err);
		if (k < 0)
			return -1;
		block->len += (size_t)k;
		c->ended = k == 0;
	}
	return 0;
}

static int too_long(const struct corpus *c, uint64_t line, struct err *err)
{
	return err_set(err, ERR_TOO_LARGE, "%s: line %llu is longer than %d bytes", c->files.at[c->at].path,
		       (unsigned long long)line, CORPUS_LINE_BYTES);
}

/* Reads on to the end of the line that the block's last wanted byte is in. */
static int finish_line(struct corpus *c, struct buf *block, struct err *err)
{
	size_t seen = CORPUS_BLOCK_BYTES - 1;
	const char *before = block->len > seen ? memrchr(block->data, '\n', seen) : NULL;
	size_t start = before ? (size_t)(before - block->data) + 1 : 0;

	for (;;) {
		const char *lf =
			block->len > seen ? memchr(block->data + seen, '\n', block->len - seen) : NULL;

		if (lf) {
			size_t n = (size_t)(lf - block->data) + 1;

			buf_add(&c->rest, block->data + n, block->len - n);
			block->len = n;
			break;
		}
		seen = block->len > seen ? block->len : seen;
		if (c->ended)
			break;
		if (block->len - start > CORPUS_LINE_BYTES)
			return too_long(c, c->line + corpus_count_lines(block->data, start), err);
		if (fill(c, block, block->len + READ_BYTES, err))
			return -1;
	}
	if (c->rest.failed)
		return err_set(err, ERR_MEMORY, "not enough memory for a block");
	return 0;
}

static void end_file(struct corpus *c)
{
	struct corpus_file *file = &c->files.at[c->at];

	file->read = true;
	file->bytes = c->bytes;
	c->taken += file->regular ? file->size : c->bytes;
	stream_close(c->stream);
	c->stream = NULL;
	c->bytes = 0;
	c->line = 1;
	c->ended = false;
	if (++c->at == c->files.n && !c->again) {
		digest_hex(&c->digest, c->hex);
		c->again = true;
	}
}

int corpus_next(struct corpus *c, struct buf *block, struct corpus_place *where, struct err *err)
{
	while (c->at < c->files.n) {
		struct corpus_file *file = &c->files.at[c->at];

		buf_reset(block);
		buf_add(block, c->rest.data, c->rest.len);
		buf_reset(&c->rest);
		if (block->failed)
			return err_set(err, ERR_MEMORY, "not enough memory for a block");
		if (fill(c, block, CORPUS_BLOCK_BYTES, err) || finish_line(c, block, err))
			return -1;
		if (block->len == 0) {
			end_file(c);
			continue;
		}
		if (c->line == 1)
			file->jsonl = corpus_is_jsonl(block->data, block->len);
		*where = (struct corpus_place){ strcmp(file->path, "-") == 0 ? "standard input" : file->path,
						c->line, file->jsonl };
		c->line += corpus_count_lines(block->data, block->len);
		return 1;
	}
	return 0;
}

int corpus_rewind(struct corpus *c, struct err *err)
{
	struct buf block = { 0 };
	struct corpus_place where;
	int more = 1;

	/* After a first pass that ended early: keeps what cannot be read again. */
	while (!c->again && more > 0)
		more = corpus_next(c, &block, &where, err);
	buf_free(&block);
	if (more < 0)
		return -1;
	start_pass(c);
	return 0;
}

uint64_t corpus_taken(const struct corpus *c)
{
	if (c->at < c->files.n && c->files.at[c->at].read && !c->files.at[c->at].regular)
		return c->taken + c->bytes;
	return c->taken + (c->stream ? stream_taken(c->stream) : 0);
}

uint64_t corpus_size(const struct corpus *c)
{
	uint64_t size = 0;

	for (size_t i = 0; i < c->files.n; i++) {
		const struct corpus_file *file = &c->files.at[i];

		if (!file->regular && !file->read)
			return 0;
		size += file->regular ? file->size : file->bytes;
	}
	return size;
}

void corpus_digest(const struct corpus *c, char hex[DIGEST_HEX + 1])
{
	memcpy(hex, c->hex, DIGEST_HEX + 1);
}
