#include "model/safetensors.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "support/guard.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* A file of this header and `data` bytes, which ends where memory ends. */
static char *make_file(const char *header, size_t header_n, uint64_t length, size_t data, size_t *n)
{
	char *bytes = calloc(8 + header_n + data, 1);
	char *guarded;

	assert_non_null(bytes);
	for (int i = 0; i < 8; i++)
		bytes[i] = (char)(length >> (8 * i));
	memcpy(bytes + 8, header, header_n);
	*n = 8 + header_n + data;
	guarded = guard_copy(bytes, *n);
	free(bytes);
	return guarded;
}

static int read_header(const char *header, size_t data, struct err *err)
{
	size_t n;
	char *bytes = make_file(header, strlen(header), strlen(header), data, &n);
	struct safetensors s;
	int failed = safetensors_read(&s, bytes, n, err);

	if (!failed)
		safetensors_free(&s);
	guard_free(bytes, n);
	return failed;
}

static void check_good(const char *header, size_t data)
{
	struct err err;

	if (read_header(header, data, &err))
		fail_msg("%s: %s", header, err.text);
}

static void check_refused(const char *header, size_t data, const char *says)
{
	struct err err = { 0 };

	if (read_header(header, data, &err) == 0)
		fail_msg("%s: not refused", header);
	if (!strstr(err.text, says))
		fail_msg("%s: '%s' does not say '%s'", header, err.text, says);
	assert_int_equal(err.code, ERR_FORMAT);
}

static void good_headers(void **state)
{
	(void)state;
	check_good("{}", 0);
	check_good("{}    ", 0);
	check_good("{\"__metadata__\":{}}", 0);
	check_good("{\"a\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[0,3]}}", 3);
	check_good("{\"a\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]}}", 4); /* a scalar */
	check_good("{\"a\":{\"dtype\":\"F32\",\"shape\":[0,7],\"data_offsets\":[0,0]}}", 0);
	/* Any order in the header; an empty one between two; a type of later days is placed, not measured. */
	check_good("{\"b\":{\"dtype\":\"F16\",\"shape\":[2],\"data_offsets\":[3,7]},"
		   "\"e\":{\"dtype\":\"I64\",\"shape\":[0],\"data_offsets\":[3,3]},"
		   "\"a\":{\"dtype\":\"F8_E4M3\",\"shape\":[3],\"data_offsets\":[0,3]}}",
		   7);
}

static void bad_headers_are_refused(void **state)
{
	(void)state;
	check_refused("", 0, "does not begin");
	check_refused("[]", 0, "does not begin");
	check_refused(" {}", 0, "does not begin");
	check_refused("{", 0, "the header");
	check_refused("{}x", 0, "the header");
	check_refused("{}", 1, "1 bytes behind the last tensor");
	check_refused("{\"a\":1}", 0, "lacks dtype");
	check_refused("{\"a\":{}}", 0, "lacks dtype");
	check_refused("{\"a\":[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]}", 0, "the header");
	check_refused("{\"__metadata__\":[]}", 0, "__metadata__ is no object");
	check_refused("{\"__metadata__\":{\"a\":1}}", 0, "'a' is no string");
	check_refused("{\"__metadata__\":{\"a\":\"\\u0000\"}}", 0, "the header");
	check_refused("{\"__metadata__\":{\"a\":\"\xff\"}}", 0, "the header");
	check_refused("{\"__metadata__\":{\"a\":\"1\",\"a\":\"2\"}}", 0, "the header");
}

/* One tensor with these members and four bytes of data. */
static void check_tensor(const char *dtype, const char *shape, const char *offsets, const char *says)
{
	char header[256];

	(void)snprintf(header, sizeof(header), "{\"a\":{\"dtype\":%s,\"shape\":%s,\"data_offsets\":%s}}",
		       dtype, shape, offsets);
	if (says)
		check_refused(header, 4, says);
	else
		check_good(header, 4);
}

static void bad_tensors_are_refused(void **state)
{
	(void)state;
	check_tensor("\"F32\"", "[1]", "[0,4]", NULL);
	check_tensor("\"F32\"", "[1,1,1,1,1,1,1,1]", "[0,4]", NULL);
	check_tensor("\"F32\"", "[1,1,1,1,1,1,1,1,1]", "[0,4]", "at most 8 sizes");
	check_tensor("32", "[1]", "[0,4]", "lacks dtype");
	check_tensor("\"F32\"", "1", "[0,4]", "no list");
	check_tensor("\"F32\"", "[-1]", "[0,4]", "no whole number");
	check_tensor("\"F32\"", "[1.0]", "[0,4]", "no whole number");
	check_tensor("\"F32\"", "[\"1\"]", "[0,4]", "no whole number");
	check_tensor("\"F32\"", "[2]", "[0,4]", "4 bytes do not fit its shape");
	check_tensor("\"F16\"", "[1]", "[0,4]", "4 bytes do not fit its shape");
	/* 2^63, 2^64 and 2^64 + 4 bytes */
	check_tensor("\"F32\"", "[4611686018427387905]", "[0,4]", "do not fit");
	check_tensor("\"F32\"", "[4294967296,4294967296]", "[0,4]", "shape is too large");
	check_tensor("\"U8\"", "[4294967296,4294967296,4]", "[0,4]", "shape is too large");
	check_tensor("\"F32\"", "[9223372036854775808]", "[0,4]", "the header");
	check_tensor("\"F32\"", "[1]", "[0]", "lacks dtype or data_offsets");
	check_tensor("\"F32\"", "[1]", "[0,4,4]", "lacks dtype or data_offsets");
	check_tensor("\"F32\"", "[1]", "[0,4.0]", "lacks dtype or data_offsets");
	check_tensor("\"F32\"", "[1]", "[-4,0]", "outside");
	check_tensor("\"F32\"", "[1]", "[4,0]", "outside");
	check_tensor("\"F32\"", "[1]", "[4,8]", "outside");
	check_tensor("\"F32\"", "[1]", "[9223372036854775800,9223372036854775804]", "outside");
	check_tensor("\"U8\"", "[3]", "[0,3]", "1 bytes behind");
	check_tensor("\"U8\"", "[3]", "[1,4]", "hole");
}

static void overlaps_are_refused(void **state)
{
	(void)state;
	check_refused("{\"a\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]},"
		      "\"b\":{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]}}",
		      4, "overlaps");
	check_refused("{\"a\":{\"dtype\":\"U8\",\"shape\":[3],\"data_offsets\":[0,3]},"
		      "\"b\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[2,4]}}",
		      4, "overlaps");
	check_refused("{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},"
		      "\"b\":{\"dtype\":\"U8\",\"shape\":[2],\"data_offsets\":[2,4]}}",
		      4, "hole");
}

static void header_lengths_are_not_believed(void **state)
{
	static const uint64_t lengths[] = {
		1, 3, 4, 1 << 20, SAFETENSORS_HEADER_MAX + 1, UINT64_MAX, UINT64_MAX - 7, (uint64_t)1 << 63
	};
	struct safetensors s;
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		size_t n;
		char *bytes = make_file("{}", 2, lengths[i], 0, &n);

		assert_int_equal(safetensors_read(&s, bytes, n, &err), -1);
		assert_int_equal(err.code, ERR_FORMAT);
		guard_free(bytes, n);
	}
	for (size_t n = 0; n < 8; n++) {
		char *bytes = guard_copy("\2\0\0\0\0\0\0", n);

		assert_int_equal(safetensors_read(&s, bytes, n, &err), -1);
		assert_non_null(strstr(err.text, "too few"));
		guard_free(bytes, n);
	}
}

/* As a header of many nested objects and of many tensors: refused, not a deep stack or a long wait. */
static void big_headers_are_refused(void **state)
{
	size_t n = 1 << 20;
	char *header = calloc(n + 1, 1);
	struct err err;

	(void)state;
	assert_non_null(header);
	for (size_t i = 0; i < n; i += 5)
		memcpy(header + i, "{\"a\":", n - i < 5 ? n - i : 5);
	assert_int_equal(read_header(header, 0, &err), -1);
	memset(header, '[', n);
	header[0] = '{';
	assert_int_equal(read_header(header, 0, &err), -1);
	free(header);
}

static void what_is_written_is_read(void **state)
{
	static const uint64_t numbers[] = { 1, 2, UINT64_MAX };
	char names[7][16] = { "numbers", "none", "a \"name\"\n\xc3\xa9", "key", "", "\\", "\t\xe2\x82\xac" };
	struct tensor tensors[] = {
		{ names[0], TENSOR_U64, 1, { 3 }, numbers, sizeof(numbers) },
		{ names[1], TENSOR_F32, 2, { 0, 4 }, numbers, 0 },
		{ names[2], TENSOR_U8, 2, { 1, 5 }, "bytes", 5 },
	};
	struct metadata metadata[] = { { names[3], names[4] }, { names[5], names[6] } };
	struct safetensors s = { tensors, 3, metadata, 2 };
	struct safetensors read;
	char path[] = "/tmp/sifd-safetensors-XXXXXX";
	int fd = mkstemp(path);
	struct output *out;
	struct file_map map;
	struct err err;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(close(fd), 0);
	out = output_open(path, &err);
	assert_non_null(out);
	assert_int_equal(safetensors_write(out, &s, &err), 0);
	assert_int_equal(output_commit(out, &err), 0);
	assert_int_equal(file_map(&map, path, &err), 0);
	assert_int_equal(map.size, SAFETENSORS_ALIGN + sizeof(numbers) + 5);
	assert_int_equal(safetensors_read(&read, map.data, map.size, &err), 0);
	assert_int_equal(read.n, 3);
	assert_int_equal(read.metadata_n, 2);
	for (size_t i = 0; i < 3; i++) {
		const struct tensor *t = safetensors_find(&read, tensors[i].name);

		assert_non_null(t);
		assert_int_equal(t->type, tensors[i].type);
		assert_int_equal(t->rank, tensors[i].rank);
		assert_memory_equal(t->shape, tensors[i].shape, t->rank * sizeof(t->shape[0]));
		assert_int_equal(t->bytes, tensors[i].bytes);
		assert_memory_equal(t->data, tensors[i].data, t->bytes);
	}
	assert_string_equal(safetensors_metadata(&read, "key"), "");
	assert_string_equal(safetensors_metadata(&read, "\\"), "\t\xe2\x82\xac");
	assert_null(safetensors_metadata(&read, "other"));
	assert_null(safetensors_find(&read, "other"));
	safetensors_free(&read);
	file_unmap(&map);
	assert_int_equal(unlink(path), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_headers),
		cmocka_unit_test(bad_headers_are_refused),
		cmocka_unit_test(bad_tensors_are_refused),
		cmocka_unit_test(overlaps_are_refused),
		cmocka_unit_test(header_lengths_are_not_believed),
		cmocka_unit_test(big_headers_are_refused),
		cmocka_unit_test(what_is_written_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
