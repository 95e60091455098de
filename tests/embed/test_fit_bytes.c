/* A fit gives the same bytes for any number of workers and any way that the text comes. */
#include "embed/fit.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"
#include "base/progress.h"
#include "embed/fit_private.h"
#include "math/mat.h"
#include "math/vec.h"
#include "model/model.h"
#include "support/fits.h"
#include "support/memory_file.h"
#include "support/toy.h"
#include "text/corpus.h"

#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

static char *folder;

static void path_of(char to[128], const char *name)
{
	(void)snprintf(to, 128, "%s/%s", folder, name);
}

static struct buf written(const struct model *m)
{
	struct err err = { 0 };
	struct buf bytes = { 0 };
	char path[128];

	path_of(path, "model.safetensors");
	assert_int_equal(model_write(m, path, false, "", &err), 0);
	assert_int_equal(file_read(&bytes, path, 1 << 28, &err), 0);
	return bytes;
}

static struct buf fit_file(struct model *m, const char *path, size_t workers, enum method method)
{
	struct err err = { 0 };
	struct corpus *corpus = corpus_open(&path, 1, false, &err);
	struct fit_options o = fit_options_default();
	struct model *fitted;
	struct buf bytes;

	assert_non_null(corpus);
	o.method = method;
	o.workers = workers;
	fitted = fit_model(m, corpus, &o, NULL, NULL, &err);
	if (!fitted)
		fail_msg("%s", err.text);
	bytes = written(fitted);
	model_release(fitted);
	corpus_close(corpus);
	return bytes;
}

static void assert_same(struct buf a, struct buf b)
{
	assert_int_equal(a.len, b.len);
	assert_memory_equal(a.data, b.data, a.len);
	buf_free(&b);
}

static struct buf corpus_text(size_t bytes, uint64_t seed)
{
	struct buf text = { 0 };

	while (text.len < bytes) {
		char *line = toy_text(&seed, WORDS, 1 + toy_random(&seed) % 30);

		buf_text(&text, line);
		buf_text(&text, toy_random(&seed) % 3 ? "? " : "\n");
		free(line);
	}
	assert_false(text.failed);
	return text;
}

static void save(const char *path, const struct buf *text)
{
	struct err err;
	struct output *out = output_open(path, &err);

	assert_non_null(out);
	assert_int_equal(output_write(out, text->data, text->len, &err), 0);
	assert_int_equal(output_commit(out, &err), 0);
}

static void any_number_of_workers_gives_the_same_bytes(void **state)
{
	static const enum method methods[] = { METHOD_WHITEN, METHOD_USIF };
	struct model *m = fits_toy(D, ROWS_I8);
	struct buf text = corpus_text(6500000, 8);
	char path[128];

	(void)state;
	path_of(path, "corpus.txt");
	save(path, &text);
	for (size_t i = 0; i < 2; i++) {
		struct buf one = fit_file(m, path, 1, methods[i]);

		assert_same(one, fit_file(m, path, 1, methods[i]));
		assert_same(one, fit_file(m, path, 2, methods[i]));
		assert_same(one, fit_file(m, path, 3, methods[i]));
		assert_same(one, fit_file(m, path, 8, methods[i]));
		buf_free(&one);
	}
	buf_free(&text);
	model_release(m);
}

/* A model too wide for sums of its own in each block. */
static void wide_models_too(void **state)
{
	struct model *m = fits_toy(1030, ROWS_F16);
	struct buf text = corpus_text(2200000, 9);
	char path[128];
	struct buf one;

	(void)state;
	path_of(path, "corpus.txt");
	text.len = 1100000; /* a second block, but little arithmetic */
	memset(text.data + 20000, ' ', 1040000);
	save(path, &text);
	one = fit_file(m, path, 1, METHOD_SIF);
	assert_same(one, fit_file(m, path, 3, METHOD_SIF));
	buf_free(&one);
	buf_free(&text);
	model_release(m);
}

/* A corpus too long to keep its words is read twice: the same sums, and the same counts. */
static void kept_words_are_the_corpus_again(void **state)
{
	struct model *m = fits_toy(D, ROWS_F32);
	struct buf text = corpus_text(2300000, 14);
	struct fit_report totals[3];
	uint64_t counts[2][WORDS] = { { 0 } };
	double sums[2][D * D] = { { 0 } };
	struct err err = { 0 };
	char path[128];

	(void)state;
	path_of(path, "corpus.txt");
	save(path, &text);
	for (size_t i = 0; i < 2; i++) {
		struct fit_kept kept = { 0 };
		const char *at = path;
		struct corpus *corpus = corpus_open(&at, 1, false, &err);
		struct fit_source source = {
			.m = m, .corpus = corpus, .kept = i ? &kept : NULL, .workers = 3
		};

		assert_non_null(corpus);
		assert_int_equal(fit_count(&source, counts[i], &totals[i], &err), 0);
		assert_int_equal(kept.whole, i);
		if (i == 0)
			assert_int_equal(corpus_rewind(corpus, &err), 0);
		else
			assert_true(kept.n > 2);
		assert_int_equal(fit_sum(&source, m->weights, sums[i], &totals[2], &err), 0);
		assert_memory_equal(&totals[2], &totals[0], sizeof(totals[0]));
		fit_kept_free(&kept);
		corpus_close(corpus);
	}
	assert_memory_equal(&totals[0], &totals[1], sizeof(totals[0]));
	assert_memory_equal(counts[0], counts[1], sizeof(counts[0]));
	assert_memory_equal(sums[0], sums[1], sizeof(sums[0]));
	buf_free(&text);
	model_release(m);
}

struct pipe_writer {
	const char *path;
	const struct buf *text;
};

static void *write_pipe(void *argument)
{
	const struct pipe_writer *w = argument;
	int fd = open(w->path, O_WRONLY);
	size_t done = 0;

	while (fd >= 0 && done < w->text->len) {
		ssize_t k = write(fd, w->text->data + done, w->text->len - done);

		if (k <= 0)
			break;
		done += (size_t)k;
	}
	(void)close(fd);
	return NULL;
}

static void compressed_and_piped_give_the_same_bytes(void **state)
{
	struct model *m = fits_toy(D, ROWS_F32);
	struct buf text = corpus_text(2300000, 10);
	char plain[128], gz[128], fifo[128];
	struct pipe_writer writer = { fifo, &text };
	struct buf want;
	pthread_t thread;
	gzFile out;

	(void)state;
	path_of(plain, "corpus.txt");
	path_of(gz, "corpus.txt.gz");
	path_of(fifo, "corpus.pipe");
	save(plain, &text);
	out = gzopen(gz, "wb1");
	assert_non_null(out);
	assert_int_equal(gzwrite(out, text.data, (unsigned)text.len), text.len);
	assert_int_equal(gzclose(out), Z_OK);
	want = fit_file(m, plain, 2, METHOD_SIF);
	assert_same(want, fit_file(m, gz, 2, METHOD_SIF));
	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_int_equal(pthread_create(&thread, NULL, write_pipe, &writer), 0);
	assert_same(want, fit_file(m, fifo, 2, METHOD_SIF));
	assert_int_equal(pthread_join(thread, NULL), 0);
	buf_free(&want);
	buf_free(&text);
	model_release(m);
}

static void fits_stand_on_the_vectors_file(void **state)
{
	struct model *m = fits_toy(D, ROWS_F32);
	struct fits_texts l = fits_make(50, WORDS, 13);
	struct fit_options o = fits_by_line(METHOD_SIF);
	struct model *first = fits_run(m, l, &o, NULL);
	struct model *second = fits_run(first, l, &o, NULL);

	(void)state;
	assert_ptr_equal(first->base, m);
	assert_ptr_equal(second->base, m);
	model_release(first);
	model_release(m);
	assert_int_equal(toy_alive(), 1);
	model_release(second);
	assert_int_equal(toy_alive(), 0);
	fits_free(l);
}

static void stops_when_asked(void **state)
{
	struct model *m = fits_toy(D, ROWS_F32);
	struct fit_options o = fits_by_line(METHOD_SIF);
	struct progress progress = { 0 };
	const char *text = "wa wb";
	size_t length = 5;
	struct err err = { 0 };
	struct corpus *corpus = corpus_of_texts(&text, &length, 1, &err);

	(void)state;
	atomic_store(&progress.cancel, true);
	assert_null(fit_model(m, corpus, &o, NULL, &progress, &err));
	assert_int_equal(err.code, ERR_CANCELLED);
	corpus_close(corpus);
	atomic_store(&progress.cancel, false);
	corpus = corpus_of_texts(&text, &length, 1, &err);
	o.components = 1;
	model_release(m);
	m = fits_toy(D, ROWS_F32);
	{
		struct model *fitted = fit_model(m, corpus, &o, NULL, &progress, &err);

		assert_non_null(fitted);
		assert_string_equal(atomic_load(&progress.phase), "finding components");
		model_release(fitted);
	}
	corpus_close(corpus);
	model_release(m);
}

static int make_folder(void **state)
{
	static char at[] = "/tmp/sifd-fit-XXXXXX";

	(void)state;
	folder = mkdtemp(at);
	return folder ? 0 : -1;
}

static int remove_folder(void **state)
{
	static const char *const names[] = { "model.safetensors", "corpus.txt", "corpus.txt.gz",
					     "corpus.pipe" };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char path[128];

		path_of(path, names[i]);
		(void)unlink(path);
	}
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_number_of_workers_gives_the_same_bytes),
		cmocka_unit_test(wide_models_too),
		cmocka_unit_test(kept_words_are_the_corpus_again),
		cmocka_unit_test(compressed_and_piped_give_the_same_bytes),
		cmocka_unit_test(fits_stand_on_the_vectors_file),
		cmocka_unit_test(stops_when_asked),
	};

	vec_init();
	mat_init();
	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
