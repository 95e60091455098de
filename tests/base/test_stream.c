#include "base/stream.h"

#include "base/buf.h"
#include "base/err.h"
#include "support/memory_file.h"

#include <fcntl.h>
#include <lzma.h>
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

enum { ROOM = 1 << 20 };

typedef size_t compressor(unsigned char *to, const char *text, size_t n);

static size_t gzip(unsigned char *to, const char *text, size_t n)
{
	z_stream z = { 0 };

	assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
	z.next_in = (Bytef *)(uintptr_t)text;
	z.avail_in = (uInt)n;
	z.next_out = to;
	z.avail_out = ROOM;
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	assert_int_equal(deflateEnd(&z), Z_OK);
	return z.total_out;
}

static size_t xz(unsigned char *to, const char *text, size_t n)
{
	size_t out = 0;

	assert_int_equal(
		lzma_easy_buffer_encode(1, LZMA_CHECK_CRC64, NULL, (const uint8_t *)text, n, to, &out, ROOM),
		LZMA_OK);
	return out;
}

static size_t zstd(unsigned char *to, const char *text, size_t n)
{
	ZSTD_CCtx *context = ZSTD_createCCtx();
	size_t out;

	assert_non_null(context);
	assert_false(ZSTD_isError(ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1)));
	out = ZSTD_compress2(context, to, ROOM, text, n);
	assert_false(ZSTD_isError(out));
	(void)ZSTD_freeCCtx(context);
	return out;
}

static compressor *const compressors[] = { gzip, xz, zstd };
enum { COMPRESSORS = 3 };

/* Reads all, `step` bytes at a time, into buf; 0 or -1. */
static int read_all(struct stream *s, size_t step, struct buf *buf, struct err *err)
{
	ssize_t got;

	while ((got = stream_read(s, buf_reserve(buf, step), step, err)) > 0)
		buf->len += (size_t)got;
	return (int)got;
}

static int read_memory(const void *bytes, size_t n, size_t step, struct buf *buf, struct err *err)
{
	struct stream *s = stream_open(memory_file(bytes, n), err);
	int result;

	assert_non_null(s);
	result = read_all(s, step, buf, err);
	stream_close(s);
	return result;
}

static void check_memory(const void *bytes, size_t n, size_t step, const char *text, size_t text_n)
{
	struct buf buf = { 0 };
	struct err err = { 0 };

	assert_int_equal(read_memory(bytes, n, step, &buf, &err), 0);
	assert_int_equal(buf.len, text_n);
	if (text_n > 0)
		assert_memory_equal(buf.data, text, text_n);
	buf_free(&buf);
}

static char *long_text(size_t n)
{
	char *text = malloc(n);
	uint32_t x = 1;

	for (size_t i = 0; i < n; i++) {
		x = x * 1664525U + 1013904223U;
		text[i] = "etaoin shrdlu\n.,"[x >> 28];
	}
	return text;
}

static void plain_bytes_pass(void **state)
{
	static const char *const texts[] = { "",	 "a",	  "(", "PK", "plain text\nof two lines",
					     "\x1E\x8B", "(\xB6/" };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		for (size_t step = 1; step < 40; step += 13)
			check_memory(texts[i], strlen(texts[i]), step, texts[i], strlen(texts[i]));
}

static void compressed_bytes_come_out(void **state)
{
	unsigned char *packed = malloc(3 * ROOM);
	char *text = long_text(300000);

	(void)state;
	for (size_t c = 0; c < COMPRESSORS; c++) {
		size_t n = compressors[c](packed, text, 300000);

		check_memory(packed, n, 1 << 20, text, 300000);
		check_memory(packed, n, 7, text, 300000);
		n = compressors[c](packed, "", 0);
		check_memory(packed, n, 100, "", 0);
	}
	free(packed);
	free(text);
}

static void several_members_are_one_text(void **state)
{
	unsigned char *packed = malloc(3 * ROOM);

	(void)state;
	for (size_t c = 0; c < COMPRESSORS; c++) {
		size_t n = compressors[c](packed, "first ", 6);

		n += compressors[c](packed + n, "", 0);
		n += compressors[c](packed + n, "second", 6);
		check_memory(packed, n, 100, "first second", 12);
		check_memory(packed, n, 1, "first second", 12);
	}
	free(packed);
}

/* As pzstd writes: a skippable frame first. */
static void a_skippable_frame_is_skipped(void **state)
{
	unsigned char *packed = malloc(2 * ROOM);
	size_t n;

	(void)state;
	memcpy(packed, "\x5A\x2A\x4D\x18\x03\0\0\0abc", 11);
	n = 11 + zstd(packed + 11, "text", 4);
	check_memory(packed, n, 100, "text", 4);
	free(packed);
}

static void zeros_behind_gzip_are_padding(void **state)
{
	unsigned char *packed = malloc(2 * ROOM);
	size_t n = gzip(packed, "text", 4);

	(void)state;
	memset(packed + n, 0, 512);
	check_memory(packed, n + 512, 100, "text", 4);
	n += 512;
	n += gzip(packed + n, " and more", 9);
	check_memory(packed, n, 100, "text and more", 13);
	free(packed);
}

static void anything_else_behind_is_an_error(void **state)
{
	unsigned char *packed = malloc(2 * ROOM);

	(void)state;
	for (size_t c = 0; c < COMPRESSORS; c++) {
		size_t n = compressors[c](packed, "text", 4);
		struct buf buf = { 0 };
		struct err err = { 0 };

		memcpy(packed + n, "garbage", 7);
		assert_int_equal(read_memory(packed, n + 7, 100, &buf, &err), -1);
		assert_int_equal(err.code, ERR_FORMAT);
		buf_free(&buf);
	}
	free(packed);
}

/* Nowhere may a cut file look like a shorter one. */
static void a_cut_is_an_error_at_every_byte(void **state)
{
	unsigned char *packed = malloc(2 * ROOM);
	char *text = long_text(2000);

	(void)state;
	for (size_t c = 0; c < COMPRESSORS; c++) {
		size_t first = compressors[c](packed, text, 1000);
		size_t n = first + compressors[c](packed + first, text + 1000, 1000);

		for (size_t cut = compressors[c] == zstd ? 2 : 1; cut < n; cut++) {
			struct buf buf = { 0 };
			struct err err = { 0 };
			int result = read_memory(packed, cut, 333, &buf, &err);

			assert_true(buf.len <= 2000);
			if (buf.len > 0)
				assert_memory_equal(buf.data, text, buf.len);
			if (cut == first) {
				assert_int_equal(result, 0);
				assert_int_equal(buf.len, 1000);
			} else {
				assert_int_equal(result, -1);
				assert_int_equal(err.code, ERR_FORMAT);
				assert_non_null(strstr(err.text, "/proc/self/fd/"));
			}
			buf_free(&buf);
		}
	}
	free(packed);
	free(text);
}

/* Each is found by a checksum, or lies where it changes nothing (gzip's time and system). */
static void damage_is_found_at_every_bit(void **state)
{
	unsigned char *packed = malloc(2 * ROOM);
	char *text = long_text(400);

	(void)state;
	for (size_t c = 0; c < COMPRESSORS; c++) {
		size_t n = compressors[c](packed, text, 400);

		for (size_t bit = 6 * 8; bit < n * 8; bit++) {
			struct buf buf = { 0 };
			struct err err = { 0 };
			int result;

			packed[bit / 8] ^= (unsigned char)(1U << bit % 8);
			result = read_memory(packed, n, 5000, &buf, &err);
			packed[bit / 8] ^= (unsigned char)(1U << bit % 8);
			if (result == 0) {
				assert_int_equal(buf.len, 400);
				assert_memory_equal(buf.data, text, 400);
			}
			buf_free(&buf);
		}
	}
	free(packed);
	free(text);
}

/* An xz file that asks for 4 GB of memory. */
static void a_huge_dictionary_is_refused(void **state)
{
	unsigned char *packed = malloc(ROOM);
	lzma_options_lzma options;
	lzma_filter filters[] = { { LZMA_FILTER_LZMA2, &options }, { LZMA_VLI_UNKNOWN, NULL } };
	unsigned char *filter;
	size_t header;
	uint32_t crc;
	size_t n = 0;
	struct buf buf = { 0 };
	struct err err = { 0 };

	(void)state;
	assert_false(lzma_lzma_preset(&options, 0));
	assert_int_equal(lzma_stream_buffer_encode(filters, LZMA_CHECK_CRC32, NULL, (const uint8_t *)"text",
						   4, packed, &n, ROOM),
			 LZMA_OK);
	/* The block header follows the stream's 12 bytes; the last of its filter's 3 bytes is the size. */
	header = (packed[12] + 1U) * 4;
	filter = memchr(packed + 12, 0x21, header);
	assert_non_null(filter);
	filter[2] = 40; /* 4 GiB - 1 */
	crc = lzma_crc32(packed + 12, header - 4, 0);
	memcpy(packed + 12 + header - 4, &crc, sizeof(crc));
	assert_int_equal(read_memory(packed, n, 100, &buf, &err), -1);
	assert_int_equal(err.code, ERR_TOO_LARGE);
	buf_free(&buf);
	free(packed);
}

static char folder[] = "/tmp/test_stream.XXXXXX";

static const char *path_of(const char *name)
{
	static char path[200];

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	return path;
}

static void write_file(const char *path, const void *bytes, size_t n)
{
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

static void files_are_read_and_counted(void **state)
{
	unsigned char *packed = malloc(2 * ROOM);
	char *text = long_text(500000);

	(void)state;
	for (size_t c = 0; c <= COMPRESSORS; c++) {
		size_t n = c < COMPRESSORS ? compressors[c](packed, text, 500000) : 500000;
		struct buf buf = { 0 };
		struct err err = { 0 };
		struct stream *s;

		write_file(path_of("file.txt"), c < COMPRESSORS ? (const char *)packed : text, n);
		s = stream_open(path_of("file.txt"), &err);
		assert_non_null(s);
		assert_string_equal(stream_name(s), path_of("file.txt"));
		assert_int_equal(stream_size(s), n);
		assert_int_equal(stream_taken(s), 0);
		assert_int_equal(read_all(s, 10000, &buf, &err), 0);
		assert_int_equal(buf.len, 500000);
		assert_memory_equal(buf.data, text, 500000);
		assert_int_equal(stream_taken(s), n);
		stream_close(s);
		buf_free(&buf);
	}
	assert_int_equal(unlink(path_of("file.txt")), 0);
	free(packed);
	free(text);
}

static void standard_input_is_a_stream(void **state)
{
	unsigned char *packed = malloc(ROOM);
	size_t n = gzip(packed, "from a pipe", 11);
	int old = dup(STDIN_FILENO);
	struct buf buf = { 0 };
	struct err err = { 0 };
	struct stream *s;
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], packed, n), n);
	assert_int_equal(close(ends[1]), 0);
	assert_int_equal(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
	s = stream_open("-", &err);
	assert_non_null(s);
	assert_string_equal(stream_name(s), "standard input");
	assert_int_equal(stream_size(s), 0);
	assert_int_equal(read_all(s, 4, &buf, &err), 0);
	assert_string_equal(buf_string(&buf), "from a pipe");
	assert_int_equal(stream_taken(s), n);
	stream_close(s);
	assert_int_equal(dup2(old, STDIN_FILENO), STDIN_FILENO);
	assert_int_equal(close(old) | close(ends[0]), 0);
	buf_free(&buf);
	free(packed);
}

static void what_cannot_be_opened(void **state)
{
	struct err err = { 0 };

	(void)state;
	assert_null(stream_open(path_of("missing"), &err));
	assert_int_equal(err.code, ERR_NOT_FOUND);
	assert_null(stream_open(folder, &err));
	assert_int_equal(err.code, ERR_INPUT);
	stream_close(NULL);
}

static int make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	(void)state;
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_bytes_pass),
		cmocka_unit_test(compressed_bytes_come_out),
		cmocka_unit_test(several_members_are_one_text),
		cmocka_unit_test(a_skippable_frame_is_skipped),
		cmocka_unit_test(zeros_behind_gzip_are_padding),
		cmocka_unit_test(anything_else_behind_is_an_error),
		cmocka_unit_test(a_cut_is_an_error_at_every_byte),
		cmocka_unit_test(damage_is_found_at_every_bit),
		cmocka_unit_test(a_huge_dictionary_is_refused),
		cmocka_unit_test(files_are_read_and_counted),
		cmocka_unit_test(standard_input_is_a_stream),
		cmocka_unit_test(what_cannot_be_opened),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
