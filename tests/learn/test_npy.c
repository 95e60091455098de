/* NumPy's matrices, whole and hostile. */
#include "base/err.h"
#include "learn/npy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char path[] = "/tmp/sifd-npy-XXXXXX";

static const char good[] = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }\n";
static const float numbers[] = { 1, 2, 3, -4, 5.5f, 6 };

static void put(const char *header, const void *data, size_t n)
{
	size_t length = strlen(header);
	unsigned char start[10] = {
		0x93, 'N', 'U', 'M', 'P', 'Y', 1, 0, (unsigned char)length, (unsigned char)(length >> 8)
	};
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(start, 1, sizeof(start), f), sizeof(start));
	assert_int_equal(fwrite(header, 1, length, f), length);
	assert_int_equal(fwrite(data, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

static void refused(const char *says)
{
	struct npy npy;
	struct err err = { 0 };

	assert_int_equal(npy_open(&npy, path, &err), -1);
	if (!strstr(err.text, says))
		fail_msg("'%s' does not say '%s'", err.text, says);
}

static void reads_rows(void **state)
{
	static const uint16_t halves[] = { 0x3C00, 0xC000, 0x3800, 0x0000 }; /* 1 -2 0.5 0 */
	struct npy npy;
	struct err err;
	float row[3];

	(void)state;
	put(good, numbers, sizeof(numbers));
	assert_int_equal(npy_open(&npy, path, &err), 0);
	assert_int_equal(npy.rows.n, 2);
	assert_int_equal(npy.rows.d, 3);
	rows_get(row, &npy.rows, 1);
	assert_memory_equal(row, numbers + 3, sizeof(row));
	npy_close(&npy);
	put("{'descr': '<f2', 'fortran_order': False, 'shape': (2, 2), }", halves, sizeof(halves));
	assert_int_equal(npy_open(&npy, path, &err), 0);
	rows_get(row, &npy.rows, 0);
	assert_true(row[0] == 1.0f && row[1] == -2.0f);
	npy_close(&npy);
}

static void refuses_what_it_cannot_read(void **state)
{
	(void)state;
	put("{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3), }", numbers, sizeof(numbers));
	refused("neither float16 nor float32");
	put("{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }", numbers, sizeof(numbers));
	refused("Fortran");
	put("{'descr': '<f4', 'fortran_order': False, 'shape': (6,), }", numbers, sizeof(numbers));
	refused("two dimensions");
	put("{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2, 3), }", numbers, sizeof(numbers));
	refused("two dimensions");
	put(good, numbers, sizeof(numbers) - 1);
	refused("do not fill");
	put("{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 6), }", numbers,
	    sizeof(numbers));
	refused("do not fill");
	put("", numbers, 0);
	refused("no .npy");
}

static void survives_any_cut_or_changed_byte(void **state)
{
	char bytes[10 + sizeof(good) - 1 + sizeof(numbers)];
	FILE *f;

	(void)state;
	put(good, numbers, sizeof(numbers));
	f = fopen(path, "rb");
	assert_non_null(f);
	assert_int_equal(fread(bytes, 1, sizeof(bytes), f), sizeof(bytes));
	assert_int_equal(fclose(f), 0);
	for (size_t i = 0; i < 2 * sizeof(bytes); i++) {
		size_t n = i < sizeof(bytes) ? i : sizeof(bytes);
		struct npy npy;
		struct err err = { 0 };

		f = fopen(path, "wb");
		assert_non_null(f);
		bytes[i % sizeof(bytes)] ^= i < sizeof(bytes) ? 0 : 0x41;
		assert_int_equal(fwrite(bytes, 1, n, f), n);
		bytes[i % sizeof(bytes)] ^= i < sizeof(bytes) ? 0 : 0x41;
		assert_int_equal(fclose(f), 0);
		if (npy_open(&npy, path, &err) == 0)
			npy_close(&npy);
		else
			assert_true(err.text[0]);
	}
}

static int make_file(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
	(void)state;
	return unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_rows),
		cmocka_unit_test(refuses_what_it_cannot_read),
		cmocka_unit_test(survives_any_cut_or_changed_byte),
	};

	return cmocka_run_group_tests(tests, make_file, remove_file);
}
