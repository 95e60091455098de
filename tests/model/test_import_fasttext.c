/* fastText's .bin against the words of fastText itself, in its new and old form, damaged and cut. */
#include "base/err.h"
#include "embed/embedder.h"
#include "model/import.h"
#include "model/model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SIZE_MAX_HERE = 4096, D = 4, VERSION_AT = 4, WORDS_AT = 2 * 4 + 12 * 4 + 8 + 4 };

static char folder[] = "/tmp/sifd-test-XXXXXX";
static char path[64];

struct file {
	char bytes[SIZE_MAX_HERE];
	size_t n;
};

static struct file tiny(void)
{
	struct file f;
	FILE *from = fopen("tests/data/tiny-fasttext.bin", "rb");

	assert_non_null(from);
	f.n = fread(f.bytes, 1, sizeof(f.bytes), from);
	assert_in_range(f.n, 500, sizeof(f.bytes) - 1);
	assert_int_equal(fclose(from), 0);
	return f;
}

static void cut(struct file *f, size_t at, size_t n)
{
	memmove(f->bytes + at, f->bytes + at + n, f->n - at - n);
	f->n -= n;
}

/* Where the dictionary ends: behind size x { word, NUL, int64, int8 }. */
static size_t dictionary_end(const struct file *f)
{
	size_t at = WORDS_AT - 4 + 3 * 4 + 2 * 8;
	int32_t size;

	memcpy(&size, f->bytes + WORDS_AT - 4, sizeof(size));
	for (int32_t i = 0; i < size; i++)
		at += strlen(f->bytes + at) + 1 + 9;
	return at;
}

static struct model *import_bytes(const struct file *f, struct import_report *report, struct err *err)
{
	struct import_options options = { .path = path };
	FILE *to = fopen(path, "wb");

	assert_non_null(to);
	assert_int_equal(fwrite(f->bytes, 1, f->n, to), f->n);
	assert_int_equal(fclose(to), 0);
	return import_vectors(&options, report, NULL, err);
}

static void check_golden(const struct file *f)
{
	char line[256];
	struct import_report report;
	struct err err = { 0 };
	struct model *m = import_bytes(f, &report, &err);
	FILE *golden = fopen("tests/data/tiny-fasttext.txt", "r");
	size_t i = 0;

	assert_string_equal(err.text, "");
	assert_non_null(m);
	assert_non_null(golden);
	assert_int_equal(report.format, IMPORT_FASTTEXT);
	for (; fgets(line, sizeof(line), golden); i++) {
		const float *row = (const float *)m->rows.data + i * D;
		char ours[256];
		size_t n;
		const char *word = vocab_word(&m->vocab, (uint32_t)i, &n);

		(void)snprintf(ours, sizeof(ours), "%.*s %.5g %.5g %.5g %.5g\n", (int)n, word, (double)row[0],
			       (double)row[1], (double)row[2], (double)row[3]);
		assert_string_equal(ours, line);
	}
	assert_int_equal(i, m->rows.n);
	assert_int_equal(fclose(golden), 0);
	model_release(m);
}

static void check_refused(const struct file *f, const char *what)
{
	struct import_report report;
	struct err err = { 0 };

	assert_null(import_bytes(f, &report, &err));
	if (!strstr(err.text, what))
		fail_msg("'%s' does not say '%s'", err.text, what);
}

static void gives_what_fasttext_prints(void **state)
{
	struct file f = tiny();

	(void)state;
	check_golden(&f);
}

static void reads_the_form_without_a_magic_number(void **state)
{
	struct file f = tiny();

	(void)state;
	cut(&f, dictionary_end(&f), 1);	      /* quantized */
	cut(&f, WORDS_AT - 4 + 3 * 4 + 8, 8); /* pruned */
	cut(&f, 0, 8);			      /* magic, version */
	check_golden(&f);
}

static void refuses_what_it_cannot_read_exactly(void **state)
{
	struct file f = tiny();

	(void)state;
	f.bytes[dictionary_end(&f)] = 1;
	check_refused(&f, "quantized");
	f = tiny();
	f.bytes[VERSION_AT] = 13;
	check_refused(&f, "version 13");
	f = tiny();
	f.bytes[WORDS_AT + 3] = 0x7F;
	check_refused(&f, "dictionary sizes make no sense");
	f = tiny();
	f.bytes[dictionary_end(&f) + 1]++;
	check_refused(&f, "matrix of");
	f = tiny();
	memset(f.bytes + dictionary_end(&f) + 17, 0xFF, 4);
	check_refused(&f, "not finite");
}

/* The output layer behind the matrix is not needed: what is cut there is not missed. */
static void says_where_a_cut_file_ends(void **state)
{
	struct file whole = tiny();
	size_t needed;
	int64_t rows;

	(void)state;
	memcpy(&rows, whole.bytes + dictionary_end(&whole) + 1, sizeof(rows));
	needed = dictionary_end(&whole) + 17 + (size_t)rows * D * sizeof(float);
	for (size_t n = 4; n < needed; n++) {
		struct file f = whole;

		f.n = n;
		check_refused(&f, "fastText .bin");
	}
	whole.n = needed;
	check_golden(&whole);
}

static void survives_any_changed_byte(void **state)
{
	struct file whole = tiny();

	(void)state;
	for (size_t i = 0; i < whole.n; i++) {
		struct file f = whole;
		struct import_report report;
		struct err err = { 0 };
		struct model *m;

		f.bytes[i] = (char)~f.bytes[i];
		m = import_bytes(&f, &report, &err);
		if (m)
			model_release(m);
		else
			assert_true(err.text[0]);
	}
}

static int make_folder(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	(void)snprintf(path, sizeof(path), "%s/x.bin", folder);
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
		cmocka_unit_test(gives_what_fasttext_prints),
		cmocka_unit_test(reads_the_form_without_a_magic_number),
		cmocka_unit_test(refuses_what_it_cannot_read_exactly),
		cmocka_unit_test(says_where_a_cut_file_ends),
		cmocka_unit_test(survives_any_changed_byte),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
