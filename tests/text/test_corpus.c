#include "text/corpus.h"

#include "base/buf.h"
#include "base/err.h"
#include "support/memory_file.h"

#include <fcntl.h>
#include <lzma.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <setjmp.h>
#include <stdarg.h>
/* cmocka.h needs those before it */
#include <cmocka.h>

static char folder[] = "/tmp/sifd-corpus-XXXXXX";

static const char *in_folder(const char *name)
{
	static char paths[32][128];
	static unsigned next;
	char *path = paths[next++ % 32];

	(void)snprintf(path, 128, "%s/%s", folder, name);
	return path;
}

static const char *put(const char *name, const void *bytes, size_t n)
{
	const char *path = in_folder(name);
	FILE *file = fopen(path, "wb");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, n, file), n);
	assert_int_equal(fclose(file), 0);
	return path;
}

static const char *put_text(const char *name, const char *text)
{
	return put(name, text, strlen(text));
}

/* The result of a pass: the lines of all blocks joined, and the raw blocks' lengths and first lines. */
struct pass {
	struct buf text;
	struct buf cuts;
};

static int run(struct corpus *c, struct pass *pass, struct err *err)
{
	struct buf block = { 0 };
	struct buf scratch = { 0 };
	struct corpus_place where;
	int more;

	buf_reset(&pass->text);
	buf_reset(&pass->cuts);
	while ((more = corpus_next(c, &block, &where, err)) > 0) {
		const char *text;
		size_t n;

		buf_printf(&pass->cuts, "%zu@%llu ", block.len, (unsigned long long)where.first_line);
		if (corpus_lines(c, &where, &block, &scratch, &text, &n, err)) {
			more = -1;
			break;
		}
		buf_add(&pass->text, text, n);
	}
	buf_free(&block);
	buf_free(&scratch);
	return more;
}

static void pass_free(struct pass *pass)
{
	buf_free(&pass->text);
	buf_free(&pass->cuts);
}

static void check_text(const char *const *paths, size_t n, bool lossy, const char *expected)
{
	struct err err = { 0 };
	struct pass pass = { 0 };
	struct corpus *c = corpus_open(paths, n, lossy, &err);

	if (!c)
		fail_msg("%s", err.text);
	for (int i = 0; i < 3; i++) {
		if (run(c, &pass, &err))
			fail_msg("%s", err.text);
		assert_string_equal(buf_string(&pass.text), expected);
		assert_int_equal(corpus_rewind(c, &err), 0);
	}
	pass_free(&pass);
	corpus_close(c);
}

static void check_refused(const char *path, enum err_code code, const char *says)
{
	struct err err = { 0 };
	struct pass pass = { 0 };
	struct corpus *c = corpus_open(&path, 1, false, &err);

	if (c)
		assert_int_equal(run(c, &pass, &err), -1);
	assert_int_equal(err.code, code);
	if (!strstr(err.text, says))
		fail_msg("'%s' does not say '%s'", err.text, says);
	pass_free(&pass);
	corpus_close(c);
}

static void plain_text(void **state)
{
	const char *path = put_text("plain", "one\ntwo\r\n\nthree \xC3\xA9\nno end");

	(void)state;
	check_text(&path, 1, false, "one\ntwo\n\nthree \xC3\xA9\nno end");
	path = put_text("mark", "\xEF\xBB\xBFone\n\xEF\xBB\xBFtwo\r");
	check_text(&path, 1, false, "one\n\xEF\xBB\xBFtwo");
	path = put_text("empty", "");
	check_text(&path, 1, false, "");
	path = put_text("only-mark", "\xEF\xBB\xBF");
	check_text(&path, 1, false, "");
}

static void jsonl(void **state)
{
	const char *path = put_text("j", "\xEF\xBB\xBF {\"text\":\"a\\nb\",\"n\":[1,{}]}\r\n\n  \n"
					 "{\"text\":\"\\u00e9 \\ud83d\\ude00\"}\n{\"x\":1,\"text\":\"\"}");

	(void)state;
	check_text(&path, 1, false, "a\nb\n\xC3\xA9 \xF0\x9F\x98\x80\n\n");
	path = put_text("not-j", "{not json\n{\"text\":\"a\"}\n");
	check_text(&path, 1, false, "{not json\n{\"text\":\"a\"}\n");
	check_refused(put_text("j2", "{\"text\":\"a\"}\n\n{\"txt\":\"b\"}\n"), ERR_INPUT, "j2: line 3: ");
	check_refused(put_text("j3", "{\"text\":\"a\"}\n{\"text\":7}\n"), ERR_INPUT, "j3: line 2: ");
	check_refused(put_text("j4", "{\"text\":\"a\"}\n[\"text\"]\n"), ERR_INPUT, "j4: line 2: ");
	check_refused(put_text("j5", "{\"text\":\"a\"}\n{\"text\":\"b\"\n"), ERR_INPUT, "j5: line 2: ");
	check_refused(put_text("j6", "{\"text\":\"a\"}\n{\"text\":\"\\u0000\"}\n"), ERR_INPUT,
		      "j6: line 2: ");
}

static void not_text(void **state)
{
	const char *path = put_text("latin", "fine\nalso\ncaf\xE9 noir\n");

	(void)state;
	check_refused(path, ERR_INPUT, "latin: line 3, byte 4: not UTF-8");
	check_text(&path, 1, true, "fine\nalso\ncaf\xEF\xBF\xBD noir\n");
	path = put("nul", "ab\nc\0d\0", 7);
	check_refused(path, ERR_INPUT, "nul: line 2, byte 2: a NUL");
	check_text(&path, 1, true, "ab\nc d ");
	check_refused(put("utf16",
			  "\xFF\xFE"
			  "a\0\n\0",
			  6),
		      ERR_INPUT, "UTF-16");
	check_refused(put("one-byte", "\xFF", 1), ERR_INPUT, "line 1, byte 1: not UTF-8");
	path = put_text("lossy-j", "{\"text\":\"a\xFF\"}\n");
	check_text(&path, 1, true, "a\xEF\xBF\xBD\n");
}

static void folders(void **state)
{
	const char *path = in_folder("tree");

	(void)state;
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(mkdir(in_folder("tree/b"), 0700), 0);
	assert_int_equal(mkdir(in_folder("tree/none"), 0700), 0);
	(void)put_text("tree/a", "a\n");
	(void)put_text("tree/b/x", "x\n");
	(void)put_text("tree/b.txt", "bt\n");
	(void)put_text("tree/B", "B\n");
	(void)put_text("tree/.hidden", "hidden\n");
	(void)put_text("outside", "outside\n");
	assert_int_equal(symlink("../outside", in_folder("tree/link")), 0);
	assert_int_equal(symlink("..", in_folder("tree/loop")), 0);
	assert_int_equal(symlink("nowhere", in_folder("tree/dangling")), 0);
	assert_int_equal(mkfifo(in_folder("tree/fifo"), 0600), 0);
	check_text(&path, 1, false, "B\na\nx\nbt\noutside\n");
	path = in_folder("tree/");
	check_text(&path, 1, false, "B\na\nx\nbt\noutside\n");
	check_text((const char *[]){ in_folder("tree/b"), in_folder("outside") }, 2, false, "x\noutside\n");
	assert_int_equal(symlink("tree/b", in_folder("named")), 0);
	path = in_folder("named"); /* named itself, a link is followed */
	check_text(&path, 1, false, "x\n");
	check_refused(in_folder("tree/none"), ERR_INPUT, "holds no files");
	check_refused(in_folder("missing"), ERR_NOT_FOUND, "missing");
}

enum { BIG = 5 * CORPUS_BLOCK_BYTES / 2 };

/* Lines of many lengths, one of them longer than a block. */
static char *big_text(void)
{
	char *text = malloc(BIG);
	size_t at = 0;

	assert_non_null(text);
	srand(3);
	while (at < BIG) {
		size_t n = at > 300000 && at < 310000 ? CORPUS_BLOCK_BYTES + 70000 : (size_t)(rand() % 200);

		for (size_t i = 0; i < n && at < BIG; i++)
			text[at++] = (char)('a' + rand() % 26);
		if (at < BIG)
			text[at++] = '\n';
	}
	return text;
}

static size_t gzip(unsigned char *to, const char *text, size_t n, size_t room)
{
	z_stream z = { 0 };

	assert_int_equal(deflateInit2(&z, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
	z.next_in = (Bytef *)(uintptr_t)text;
	z.avail_in = (uInt)n;
	z.next_out = to;
	z.avail_out = (uInt)room;
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	assert_int_equal(deflateEnd(&z), Z_OK);
	return z.total_out;
}

struct feed {
	const char *path;
	const char *bytes;
	size_t n;
};

static void *feed_pipe(void *context)
{
	const struct feed *feed = context;
	int fd = open(feed->path, O_WRONLY);

	for (size_t at = 0; at < feed->n;) {
		ssize_t k = write(fd, feed->bytes + at, feed->n - at < 7777 ? feed->n - at : 7777);

		if (k <= 0)
			break;
		at += (size_t)k;
	}
	(void)close(fd);
	return NULL;
}

/* Two passes over `path` must give these bytes, cuts and digest. */
static void check_same(const char *path, const struct pass *expected, const char *hex)
{
	struct err err = { 0 };
	struct pass pass = { 0 };
	char digest[DIGEST_HEX + 1];
	struct corpus *c = corpus_open(&path, 1, false, &err);

	assert_non_null(c);
	for (int i = 0; i < 2; i++) {
		if (run(c, &pass, &err))
			fail_msg("%s", err.text);
		assert_int_equal(pass.text.len, expected->text.len);
		assert_memory_equal(pass.text.data, expected->text.data, pass.text.len);
		assert_string_equal(buf_string(&pass.cuts), expected->cuts.data);
		corpus_digest(c, digest);
		assert_string_equal(digest, hex);
		assert_int_equal(corpus_taken(c), corpus_size(c));
		assert_int_equal(corpus_rewind(c, &err), 0);
	}
	corpus_close(c);
	pass_free(&pass);
}

static void blocks_do_not_depend_on_the_container(void **state)
{
	char *text = big_text();
	size_t room = BIG + 100000;
	unsigned char *packed = malloc(room);
	size_t out = 0;
	char hex[DIGEST_HEX + 1];
	struct err err = { 0 };
	struct pass expected = { 0 };
	const char *path = put("big", text, BIG);
	struct corpus *c = corpus_open(&path, 1, false, &err);
	struct feed feed;
	pthread_t thread;

	(void)state;
	assert_non_null(packed);
	assert_int_equal(run(c, &expected, &err), 0);
	corpus_close(c);
	assert_int_equal(expected.text.len, BIG);
	assert_memory_equal(expected.text.data, text, BIG);
	(void)buf_string(&expected.cuts);
	digest_of(text, BIG, hex);
	check_same(path, &expected, hex);

	out = gzip(packed, text, BIG, room);
	feed = (struct feed){ in_folder("fifo"), (const char *)packed, out };
	check_same(put("big.gz", packed, out), &expected, hex);
	assert_int_equal(mkfifo(feed.path, 0600), 0);
	assert_int_equal(pthread_create(&thread, NULL, feed_pipe, &feed), 0);
	check_same(feed.path, &expected, hex);
	assert_int_equal(pthread_join(thread, NULL), 0);

	out = 0;
	assert_int_equal(lzma_easy_buffer_encode(0, LZMA_CHECK_CRC64, NULL, (const uint8_t *)text, BIG,
						 packed, &out, room),
			 LZMA_OK);
	check_same(put("big.xz", packed, out), &expected, hex);
	out = ZSTD_compress(packed, room, text, BIG, 1);
	check_same(put("big.zst", packed, out), &expected, hex);
	pass_free(&expected);
	free(packed);
	free(text);
}

/* Blocks reach to the end of the line that their last wanted byte is in, whatever is around it. */
static void cuts_at_every_offset(void **state)
{
	char *text = malloc(CORPUS_BLOCK_BYTES + 100);

	(void)state;
	assert_non_null(text);
	for (int at = -3; at <= 3; at++) {
		size_t lf = (size_t)(CORPUS_BLOCK_BYTES - 1 + at);
		size_t n = CORPUS_BLOCK_BYTES + 50;
		struct err err = { 0 };
		struct pass pass = { 0 };
		char expected[64];
		size_t one = lf >= CORPUS_BLOCK_BYTES - 1 ? lf + 1 : CORPUS_BLOCK_BYTES + 20;
		const char *texts = text;
		struct corpus *c;

		memset(text, 'x', n);
		text[lf] = '\n';
		text[CORPUS_BLOCK_BYTES + 19] = '\n';
		c = corpus_of_texts(&texts, &n, 1, &err);
		assert_non_null(c);
		(void)snprintf(expected, sizeof(expected), "%zu@1 %zu@%d ", one, n + 1 - one,
			       one == lf + 1 ? 2 : 3);
		assert_int_equal(run(c, &pass, &err), 0);
		assert_string_equal(buf_string(&pass.cuts), expected);
		pass_free(&pass);
		corpus_close(c);
	}
	free(text);
}

static void standard_input_is_kept(void **state)
{
	int ends[2];
	int saved = dup(STDIN_FILENO);
	const char *path = "-";

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], "one\ntwo\n", 8), 8);
	(void)close(ends[1]);
	assert_int_equal(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
	(void)close(ends[0]);
	check_text(&path, 1, false, "one\ntwo\n");
	assert_int_equal(dup2(saved, STDIN_FILENO), STDIN_FILENO);
	(void)close(saved);
}

/* A pass left early, then from the start: all of it. */
static void rewound_early(void **state)
{
	char *text = big_text();
	const char *path = put("early", text, BIG);
	struct err err = { 0 };
	struct buf block = { 0 };
	struct corpus_place where;
	struct pass pass = { 0 };
	struct corpus *c = corpus_open(&path, 1, false, &err);

	(void)state;
	assert_int_equal(corpus_next(c, &block, &where, &err), 1);
	assert_int_equal(corpus_rewind(c, &err), 0);
	assert_int_equal(run(c, &pass, &err), 0);
	assert_int_equal(pass.text.len, BIG);
	assert_memory_equal(pass.text.data, text, BIG);
	corpus_close(c);
	buf_free(&block);
	pass_free(&pass);
	free(text);
}

static void files_that_change(void **state)
{
	const char *path = put_text("change", "one\ntwo\n");
	struct err err = { 0 };
	struct pass pass = { 0 };
	struct corpus *c = corpus_open(&path, 1, false, &err);

	(void)state;
	assert_int_equal(run(c, &pass, &err), 0);
	assert_int_equal(corpus_rewind(c, &err), 0);
	(void)put_text("change", "one\ntwo\nthree\n"); /* grown: the same bytes again */
	assert_int_equal(run(c, &pass, &err), 0);
	assert_string_equal(buf_string(&pass.text), "one\ntwo\n");
	assert_int_equal(corpus_rewind(c, &err), 0);
	(void)put_text("change", "one\n");
	assert_int_equal(run(c, &pass, &err), -1);
	assert_non_null(strstr(err.text, "became shorter"));
	pass_free(&pass);
	corpus_close(c);
}

static void a_line_without_end(void **state)
{
	size_t n = CORPUS_LINE_BYTES + (4 << 20);
	char *text = malloc(n);
	const char *path;

	(void)state;
	assert_non_null(text);
	memset(text, 'x', n);
	memcpy(text + 10, "\n\n", 2);
	path = put("endless", text, n);
	free(text);
	check_refused(path, ERR_TOO_LARGE, "endless: line 3 is longer than");
	(void)unlink(path);
	check_refused(put_text("cut.gz", "\x1F\x8B\x08"), ERR_FORMAT, "cut.gz");
}

static int setup(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int teardown(void **state)
{
	char command[64];

	(void)state;
	(void)snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_text),
		cmocka_unit_test(jsonl),
		cmocka_unit_test(not_text),
		cmocka_unit_test(folders),
		cmocka_unit_test(blocks_do_not_depend_on_the_container),
		cmocka_unit_test(cuts_at_every_offset),
		cmocka_unit_test(standard_input_is_kept),
		cmocka_unit_test(rewound_early),
		cmocka_unit_test(files_that_change),
		cmocka_unit_test(a_line_without_end),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
