/*
 * Files that lie.  Every flipped bit and every length of a small model: verify refuses it, and what opens
 * all the same embeds without harm.
 */
#include "model/model.h"

#include "base/err.h"
#include "base/mem.h"
#include "embed/embedder.h"
#include "support/toy.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { MARGIN = 64 }; /* of the header's padding: every bit of it this near its ends, else one of each byte */

static char folder[] = "/tmp/sifd-hostile-XXXXXX";
static char path[64];

static char *read_file(size_t *n)
{
	FILE *f = fopen(path, "rb");
	struct stat status;
	char *bytes;

	assert_non_null(f);
	assert_int_equal(fstat(fileno(f), &status), 0);
	*n = (size_t)status.st_size;
	bytes = mem_new(*n + 1, 1);
	assert_int_equal(fread(bytes, 1, *n, f), *n);
	assert_int_equal(fclose(f), 0);
	return bytes;
}

static void write_file(const char *bytes, size_t n)
{
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

static void write_toy(struct toy toy)
{
	struct model *m = toy_model(toy);
	char canaries[DIGEST_HEX + 1];
	struct err err;

	(void)memset(canaries, 'c', DIGEST_HEX);
	canaries[DIGEST_HEX] = '\0';
	assert_int_equal(model_write(m, path, false, canaries, &err), 0);
	model_release(m);
	assert_int_equal(model_verify(path, NULL, &err), 0);
}

static void embed_some(struct model *m)
{
	static const char *const texts[] = { "", "wa wb", "wd zzz we wa", "wc" };
	struct err err;
	struct embedder *s = embedder_new(m, m->facts.method, &err);
	float *vector;

	if (!s)
		return;
	vector = mem_new(embedder_dimension(s), sizeof(*vector));
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		(void)embedder_embed(s, texts[i], strlen(texts[i]), true, vector, NULL, &err);
	free(vector);
	embedder_free(s);
}

/* The file is damaged: verify must say so, and opening it must do no harm. */
static void check_damaged(size_t at, int bit)
{
	struct err err = { 0 };
	struct model *m;

	if (model_verify(path, NULL, &err) == 0)
		fail_msg("byte %zu, bit %d: verify found nothing", at, bit);
	if (err.code == ERR_NONE || !err.text[0])
		fail_msg("byte %zu, bit %d: no message", at, bit);
	m = model_open(path, NULL, &err);
	if (!m)
		return;
	embed_some(m);
	model_release(m);
}

static size_t padding_at(const char *bytes)
{
	return (size_t)(strstr(bytes + 8, "    ") - bytes);
}

/* In a second model with other tensors one bit of each byte of the header will do. */
static void flip_every_bit(bool header_too)
{
	size_t n;
	char *bytes = read_file(&n);
	size_t padding = padding_at(bytes);
	size_t data = 8;
	int fd = open(path, O_RDWR | O_CLOEXEC);

	for (int i = 0; i < 8; i++)
		data += (size_t)(unsigned char)bytes[i] << (8 * i);
	assert_true(fd >= 0 && data < n);
	for (size_t at = 0; at < n; at++) {
		bool sparse = at + MARGIN < data && at > (header_too ? padding + MARGIN : 8);

		for (int bit = 0; bit < 8; bit++) {
			char flipped = (char)(bytes[at] ^ 1 << bit);

			if (sparse && (size_t)bit != at % 8)
				continue;
			assert_int_equal(pwrite(fd, &flipped, 1, (off_t)at), 1);
			check_damaged(at, bit);
		}
		assert_int_equal(pwrite(fd, &bytes[at], 1, (off_t)at), 1);
	}
	assert_int_equal(close(fd), 0);
	free(bytes);
}

static void every_flipped_bit_is_found(void **state)
{
	struct err err;

	(void)state;
	write_toy((struct toy){ .n = 5, .d = 4, .k = 1, .type = ROWS_F16, .method = METHOD_SIF, .seed = 3 });
	flip_every_bit(true);
	assert_int_equal(model_verify(path, NULL, &err), 0);
	write_toy((struct toy){
		.n = 3, .d = 3, .d_out = 2, .type = ROWS_I8, .method = METHOD_WHITEN, .seed = 4 });
	flip_every_bit(false);
	assert_int_equal(model_verify(path, NULL, &err), 0);
}

static void every_length_is_found(void **state)
{
	size_t n;
	char *bytes;
	struct err err;

	(void)state;
	write_toy((struct toy){ .n = 5, .d = 4, .k = 1, .type = ROWS_F32, .method = METHOD_USIF, .seed = 3 });
	bytes = read_file(&n);
	for (size_t length = n; length-- > 0;) {
		assert_int_equal(truncate(path, (off_t)length), 0);
		assert_null(model_open(path, NULL, &err));
		assert_true(err.code == ERR_FORMAT || err.code == ERR_INPUT);
	}
	for (size_t more = 1; more < 20; more++) {
		write_file(bytes, n + (more == 1)); /* read_file() left a 0 behind it */
		assert_int_equal(truncate(path, (off_t)(n + more)), 0);
		assert_null(model_open(path, NULL, &err));
	}
	free(bytes);
}

/* The file with `from` replaced by `to` of the same length in its header; put back after. */
static void check_said(const char *from, const char *to, const char *says)
{
	size_t n;
	char *bytes = read_file(&n);
	char *copy = mem_new(n + 1, 1);
	char *at;
	struct err err = { 0 };

	memcpy(copy, bytes, n);
	at = strstr(copy + 8, from);
	assert_non_null(at);
	assert_int_equal(strlen(from), strlen(to));
	memcpy(at, to, strlen(to));
	/* Without its digest, so that the checks behind that one are reached. */
	at = strstr(copy + 8, "sha256.header");
	memcpy(at, "sha256.xeader", strlen("sha256.xeader"));
	write_file(copy, n);
	assert_null(model_open(path, NULL, &err));
	if (!strstr(err.text, says))
		fail_msg("'%s': '%s' does not say '%s'", to, err.text, says);
	assert_int_equal(err.code, ERR_FORMAT);
	write_file(bytes, n);
	free(copy);
	free(bytes);
}

static void lying_headers_are_refused(void **state)
{
	(void)state;
	/* vectors 5 x 4 F16: 40 bytes; index 16 x 8 from 40 on */
	write_toy((struct toy){ .n = 5, .d = 4, .k = 1, .type = ROWS_F16, .method = METHOD_SIF, .seed = 3 });
	check_said("\"shape\":[5,4]", "\"shape\":[4,5]", "is not U64 of shape");
	check_said("\"shape\":[5,4]", "\"shape\":[5,5]", "40 bytes do not fit its shape");
	check_said("\"shape\":[5,4]", "\"shape\":[0,4]", "40 bytes do not fit its shape");
	check_said("\"shape\":[5,4]", "\"shape\":  20 ", "shape is no list");
	check_said("\"shape\":[5,4]", "\"shape\":[-5,4", "the header");
	check_said("\"shape\":[5,4]", "\"shape\":[5.4]", "no whole number");
	check_said("\"dtype\":\"F16\"", "\"dtype\":\"I16\"", "expected F32, F16");
	check_said("\"dtype\":\"F16\"", "\"dtype\":\"Q16\"", "expected F32, F16");
	check_said("\"dtype\":\"F16\"", "\"dtype\":\"F64\"", "do not fit its shape");
	check_said("[0,40]", "[0,41]", "do not fit its shape");
	check_said("[0,40]", "[8,48]", "overlaps another or leaves a hole");
	check_said("[0,40]", "[40,0]", "offsets lie outside");
	check_said("[0,40]", "[0,1e]", "the header");
	check_said("\"vectors\":{", "\"vektors\":{", "does not belong in a model");
	check_said("\"words\":{", "\"index\":{", "the header");
	check_said("\"format_version\":\"1\"", "\"format_version\":\"2\"", "newer sifd");
	check_said("\"format\":\"sifd\"", "\"format\":\"gguf\"", "no sifd model");
	check_said("\"method\":\"sif\"", "\"method\":\"sid\"", "unknown method");
	check_said("\"prior\":\"0\"", "\"prior\":\"x\"", "'prior' is no number");
	check_said("\"power\":\"0\"", "\"prior\":\"0\"", "the header");
	check_said("\"tokens\":\"0\"", "\"tokens\":\"-\"", "'tokens' is no whole number");
	check_said("\"vocab_seed\":\"1\"", "\"vocab_seed\":\" \"", "'vocab_seed' is no whole number");
	check_said("\"split\":\"words\"", "\"split\":\"wordz\"", "split");
	check_said("\"weights\":{", "\"scales\" :{", "'sha256.scales' is no SHA-256");
	check_said("\"components\":{", "\"projection\":{", "'sha256.projection' is no SHA-256");
	write_toy((struct toy){ .n = 5, .d = 4, .window = 3, .method = METHOD_WEIGHTED, .seed = 3 });
	check_said("\"shape\":[4,4]", "\"shape\":[2,8]", "'alacarte' is not F32 of shape (4, 4)");
	check_said("\"alacarte_window\":\"3\"", "\"alacarte_window\":\"x\"", "is no whole number");
	check_said("\"alacarte_window\":\"3\"", "\"alacarte_vindow\":\"3\"", "is no whole number");
	check_said("\"method\":\"weighted\"", "\"method\":\"alacarte\"", "unknown method 'alacarte'");
}

/* The first `n` bytes of tensor `name` become `to`; verify must say so, opening as `opens` says. */
static void check_data(const char *name, size_t skip, const void *to, size_t n, const char *says, bool opens)
{
	size_t size;
	char *bytes = read_file(&size);
	char *copy = mem_new(size + 1, 1);
	char key[64];
	size_t data = 8;
	size_t from;
	const char *at;
	struct err err = { 0 };
	struct model *m;

	memcpy(copy, bytes, size);
	for (int i = 0; i < 8; i++)
		data += (size_t)(unsigned char)bytes[i] << (8 * i);
	(void)snprintf(key, sizeof(key), "\"%s\":{", name);
	at = strstr(strstr(copy + 8, key), "data_offsets\":[");
	from = data + strtoull(at + strlen("data_offsets\":["), NULL, 10) + skip;
	memcpy(copy + from, to, n);
	write_file(copy, size);
	assert_int_not_equal(model_verify(path, NULL, &err), 0);
	m = model_open(path, NULL, &err);
	if ((m != NULL) != opens || (!m && !strstr(err.text, says)))
		fail_msg("%s: %s", name, m ? "it opens" : err.text);
	if (m) {
		embed_some(m);
		model_release(m);
	}
	write_file(bytes, size);
	free(copy);
	free(bytes);
}

static void lying_data_is_refused(void **state)
{
	const float nan = (float)__builtin_nan("");
	const float inf = (float)__builtin_inf();
	const uint64_t high = 6;
	const uint64_t word_of_none = (uint64_t)77 << 32 | 6;
	const uint64_t none = (uint64_t)77 << 32;
	const uint64_t huge = UINT64_MAX;

	(void)state;
	write_toy((struct toy){ .n = 5, .d = 4, .k = 2, .type = ROWS_F32, .method = METHOD_USIF, .seed = 3 });
	check_data("weights", 8, &nan, 4, "not finite, at 2", false);
	check_data("components", 4, &inf, 4, "not finite, at 1", false);
	check_data("component_scales", 0, &nan, 4, "not finite, at 0", false);
	check_data("vectors", 0, &nan, 4, "", true);
	check_data("vectors", 4, &inf, 4, "", true);
	check_data("words", 0, "\xff", 1, "", true);
	check_data("word_offsets", 8, &high, 8, "word", false); /* above the next one */
	check_data("word_offsets", 0, &high, 8, "word", false);
	check_data("word_offsets", 40, &huge, 8, "word", false);
	check_data("index", 0, &word_of_none, 8, "names word 6 of 5", false);
	check_data("index", 0, &none, 8, "names word 0 of 5", false);
	write_toy((struct toy){ .n = 5, .d = 4, .window = 3, .method = METHOD_WEIGHTED, .seed = 3 });
	check_data("alacarte", 8, &nan, 4, "", true);
}

static int make_folder(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	(void)snprintf(path, sizeof(path), "%s/m.safetensors", folder);
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	(void)unlink(path);
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_flipped_bit_is_found),
		cmocka_unit_test(every_length_is_found),
		cmocka_unit_test(lying_headers_are_refused),
		cmocka_unit_test(lying_data_is_refused),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
