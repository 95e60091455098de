#include "base/file.h"

#include "base/buf.h"
#include "base/err.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
/* cmocka.h needs those before it */
#include <cmocka.h>

static char folder[] = "/tmp/test_file.XXXXXX";

/* Static; four at a time. */
static const char *path_of(const char *name)
{
	static char paths[4][300];
	static unsigned next;
	char *path = paths[next++ % 4];

	(void)snprintf(path, sizeof(paths[0]), "%s/%s", folder, name);
	return path;
}

static void put(const char *path, const char *text)
{
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

static void check_content(const char *path, const char *text)
{
	struct buf buf = { 0 };
	struct err err = { 0 };

	assert_int_equal(file_read(&buf, path, 1 << 20, &err), 0);
	assert_string_equal(buf_string(&buf), text);
	buf_free(&buf);
}

static size_t count_files(void)
{
	DIR *dir = opendir(folder);
	size_t n = 0;

	assert_non_null(dir);
	for (const struct dirent *entry = readdir(dir); entry; entry = readdir(dir))
		n += entry->d_name[0] != '.';
	(void)closedir(dir);
	return n;
}

static void a_file_is_mapped(void **state)
{
	struct file_map map = { 0 };
	struct err err = { 0 };

	(void)state;
	put(path_of("a"), "mapped");
	assert_int_equal(file_map(&map, path_of("a"), &err), 0);
	assert_int_equal(map.size, 6);
	assert_memory_equal(map.data, "mapped", 6);
	file_unmap(&map);
	assert_null(map.data);
	put(path_of("a"), "");
	assert_int_equal(file_map(&map, path_of("a"), &err), 0);
	assert_int_equal(map.size, 0);
	assert_null(map.data);
	file_unmap(&map);
	assert_int_equal(unlink(path_of("a")), 0);
}

static void only_regular_files_are_mapped_and_read(void **state)
{
	const char *fifo = path_of("fifo");
	const char *const others[] = { folder, fifo, "/dev/zero" };
	struct file_map map;
	struct buf buf = { 0 };
	struct err err = { 0 };

	(void)state;
	assert_int_equal(mkfifo(fifo, 0600), 0);
	(void)alarm(10); /* a FIFO must not be waited for */
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(file_map(&map, others[i], &err), -1);
		assert_int_equal(err.code, ERR_INPUT);
		assert_int_equal(file_read(&buf, others[i], 100, &err), -1);
		assert_int_equal(err.code, ERR_INPUT);
	}
	(void)alarm(0);
	assert_int_equal(file_map(&map, path_of("missing"), &err), -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);
	assert_int_equal(file_read(&buf, path_of("missing/too"), 100, &err), -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);
	assert_int_equal(unlink(fifo), 0);
}

static void reading_has_a_limit(void **state)
{
	struct buf buf = { 0 };
	struct err err = { 0 };

	(void)state;
	put(path_of("a"), "1234567890");
	buf_text(&buf, "x");
	assert_int_equal(file_read(&buf, path_of("a"), 10, &err), 0);
	assert_string_equal(buf_string(&buf), "x1234567890");
	assert_int_equal(file_read(&buf, path_of("a"), 9, &err), -1);
	assert_int_equal(err.code, ERR_TOO_LARGE);
	buf_free(&buf);
	assert_int_equal(unlink(path_of("a")), 0);
}

static void a_commit_replaces_at_once(void **state)
{
	struct err err = { 0 };
	struct output *out;
	struct stat info;
	mode_t mask = umask(027);

	(void)state;
	put(path_of("model"), "old");
	out = output_open(path_of("model"), &err);
	assert_non_null(out);
	assert_int_equal(output_write(out, "new ", 4, &err), 0);
	assert_int_equal(output_write(out, "", 0, &err), 0);
	assert_int_equal(output_write(out, "text", 4, &err), 0);
	assert_int_equal(output_size(out), 8);
	check_content(path_of("model"), "old");
	assert_int_equal(count_files(), 2);
	assert_int_equal(output_commit(out, &err), 0);
	check_content(path_of("model"), "new text");
	assert_int_equal(count_files(), 1);
	assert_int_equal(stat(path_of("model"), &info), 0);
	assert_int_equal(info.st_mode & 0777, 0640);
	(void)umask(mask);
	assert_int_equal(unlink(path_of("model")), 0);
}

static void large_writes_arrive_whole(void **state)
{
	size_t n = 3000000;
	unsigned char *bytes = malloc(n);
	struct err err = { 0 };
	struct file_map map;
	struct output *out = output_open(path_of("large"), &err);
	size_t at = 0;

	(void)state;
	assert_non_null(out);
	for (size_t i = 0; i < n; i++)
		bytes[i] = (unsigned char)(i * 2654435761U >> 13);
	for (size_t step = 1; at < n; step = step * 3 + 1) {
		size_t piece = step < n - at ? step : n - at;

		assert_int_equal(output_write(out, bytes + at, piece, &err), 0);
		at += piece;
	}
	assert_int_equal(output_size(out), n);
	assert_int_equal(output_commit(out, &err), 0);
	assert_int_equal(file_map(&map, path_of("large"), &err), 0);
	assert_int_equal(map.size, n);
	assert_memory_equal(map.data, bytes, n);
	file_unmap(&map);
	assert_int_equal(unlink(path_of("large")), 0);
	free(bytes);
}

static void an_abandoned_output_leaves_nothing(void **state)
{
	struct err err = { 0 };
	struct output *out = output_open(path_of("gone"), &err);

	(void)state;
	assert_non_null(out);
	assert_int_equal(output_write(out, "text", 4, &err), 0);
	output_abandon(out);
	output_abandon(NULL);
	assert_int_equal(count_files(), 0);
}

/* A file that may not grow, as on a full disk. */
static void a_failed_write_keeps_the_old_file(void **state)
{
	struct rlimit old;
	struct rlimit small;
	struct err err = { 0 };
	struct output *out;
	char bytes[100000] = { 0 };

	(void)state;
	put(path_of("model"), "old");
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small = old;
	small.rlim_cur = 150000;
	(void)signal(SIGXFSZ, SIG_IGN);
	out = output_open(path_of("model"), &err);
	assert_non_null(out);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(output_write(out, bytes, sizeof(bytes), &err), 0);
	assert_int_equal(output_commit(out, &err), -1); /* fails as it empties its buffer */
	assert_int_equal(err.code, ERR_IO);
	out = output_open(path_of("model"), &err);
	assert_non_null(out);
	for (int i = 0; i < 2; i++)
		assert_int_equal(output_write(out, bytes, sizeof(bytes), &err), 0);
	assert_int_equal(output_write(out, bytes, sizeof(bytes), &err), -1);
	assert_int_equal(output_write(out, bytes, 1, &err), -1); /* and does not recover */
	assert_int_equal(output_commit(out, &err), -1);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	(void)signal(SIGXFSZ, SIG_DFL);
	check_content(path_of("model"), "old");
	assert_int_equal(count_files(), 1);
	assert_int_equal(unlink(path_of("model")), 0);
}

/* Uses a FIFO in place of a device: a bug that replaced /dev/null would hurt. */
static void what_is_no_file_is_written_in_place(void **state)
{
	const char *fifo = path_of("fifo");
	struct err err = { 0 };
	struct output *out;
	struct stat info;
	char bytes[10] = "";
	int reader;

	(void)state;
	assert_int_equal(mkfifo(fifo, 0600), 0);
	reader = open(fifo, O_RDONLY | O_NONBLOCK);
	assert_true(reader >= 0);
	out = output_open(fifo, &err);
	assert_non_null(out);
	assert_int_equal(output_write(out, "text", 4, &err), 0);
	assert_int_equal(output_commit(out, &err), 0);
	assert_int_equal(read(reader, bytes, sizeof(bytes)), 4);
	assert_string_equal(bytes, "text");
	out = output_open(fifo, &err);
	assert_non_null(out);
	assert_int_equal(output_write(out, "text", 4, &err), 0);
	(void)close(reader);
	(void)signal(SIGPIPE, SIG_IGN);
	assert_int_equal(output_commit(out, &err), -1); /* nobody reads */
	(void)signal(SIGPIPE, SIG_DFL);
	assert_int_equal(err.code, ERR_IO);
	assert_int_equal(stat(fifo, &info), 0);
	assert_true(S_ISFIFO(info.st_mode));
	assert_int_equal(unlink(fifo), 0);
	assert_int_equal(count_files(), 0);
}

static void a_link_stays_a_link(void **state)
{
	struct err err = { 0 };
	struct output *out;
	struct stat info;

	(void)state;
	put(path_of("target"), "old");
	assert_int_equal(symlink("target", path_of("link")), 0);
	out = output_open(path_of("link"), &err);
	assert_non_null(out);
	assert_int_equal(output_write(out, "new", 3, &err), 0);
	assert_int_equal(output_commit(out, &err), 0);
	assert_int_equal(lstat(path_of("link"), &info), 0);
	assert_true(S_ISLNK(info.st_mode));
	check_content(path_of("target"), "new");
	assert_int_equal(unlink(path_of("link")), 0);
	assert_int_equal(unlink(path_of("target")), 0);
}

static void standard_output_is_written_by_its_sign(void **state)
{
	struct err err = { 0 };
	struct output *out;
	char bytes[10] = "";
	int old = dup(STDOUT_FILENO);
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(dup2(ends[1], STDOUT_FILENO), STDOUT_FILENO);
	out = output_open("-", &err);
	assert_int_equal(dup2(old, STDOUT_FILENO), STDOUT_FILENO);
	assert_non_null(out);
	assert_int_equal(output_write(out, "text", 4, &err), 0);
	assert_int_equal(output_commit(out, &err), 0);
	assert_int_equal(read(ends[0], bytes, sizeof(bytes)), 4);
	assert_string_equal(bytes, "text");
	(void)close(ends[0]);
	(void)close(ends[1]);
	(void)close(old);
}

static void what_cannot_be_written(void **state)
{
	struct err err = { 0 };

	(void)state;
	assert_null(output_open(path_of("missing/file"), &err));
	assert_int_equal(err.code, ERR_NOT_FOUND);
	assert_null(output_open(folder, &err));
	assert_int_equal(err.code, ERR_INPUT);
}

/* The id of a process that is gone. */
static pid_t dead_process(void)
{
	pid_t child = fork();

	if (child == 0)
		_exit(0);
	assert_true(child > 0);
	assert_int_equal(waitpid(child, NULL, 0), child);
	return child;
}

static void orphans_are_swept(void **state)
{
	struct err err = { 0 };
	struct output *living = output_open(path_of("model"), &err);
	char name[100];
	static const char *const kept[] = { "model.tmp.1.0", "model.tmp.12", "model.tmp.x.1", "model.tmp.",
					    "a.tmp.1.2x",    "model",	     "m.tmp.-5.1" };

	(void)state;
	assert_non_null(living);
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		put(path_of(kept[i]), "");
	(void)snprintf(name, sizeof(name), "model.tmp.%ld.7", (long)dead_process());
	put(path_of(name), "");
	(void)snprintf(name, sizeof(name), "other.tmp.3.tmp.%ld.0", (long)dead_process());
	put(path_of(name), "");
	/* An earlier life with our own id, as in a container. */
	(void)snprintf(name, sizeof(name), "model.tmp.%ld.999999", (long)getpid());
	put(path_of(name), "");
	assert_int_equal(file_sweep(folder), 3);
	assert_int_equal(count_files(), sizeof(kept) / sizeof(kept[0]) + 1);
	assert_int_equal(file_sweep(folder), 0);
	assert_int_equal(file_sweep(path_of("missing")), 0);
	assert_int_equal(output_commit(living, &err), 0);
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		assert_int_equal(unlink(path_of(kept[i])), 0);
	assert_int_equal(count_files(), 0);
}

static void a_leftover_of_the_same_name_is_stepped_over(void **state)
{
	struct err err = { 0 };
	struct output *out = output_open(path_of("a"), &err);
	unsigned long number = 0;
	char name[100];
	DIR *dir = opendir(folder);

	(void)state;
	assert_non_null(out);
	assert_non_null(dir);
	for (const struct dirent *entry = readdir(dir); entry; entry = readdir(dir))
		if (strrchr(entry->d_name, '.') && strncmp(entry->d_name, "a.tmp.", 6) == 0)
			number = strtoul(strrchr(entry->d_name, '.') + 1, NULL, 10);
	(void)closedir(dir);
	output_abandon(out);
	(void)snprintf(name, sizeof(name), "a.tmp.%ld.%lu", (long)getpid(), number + 1);
	put(path_of(name), "leftover");
	out = output_open(path_of("a"), &err);
	assert_non_null(out);
	assert_int_equal(output_commit(out, &err), 0);
	check_content(path_of(name), "leftover");
	assert_int_equal(unlink(path_of(name)) | unlink(path_of("a")), 0);
}

static void a_temporary_file_has_no_name(void **state)
{
	struct err err = { 0 };
	struct stat info;
	int fd;

	(void)state;
	assert_int_equal(setenv("TMPDIR", folder, 1), 0);
	fd = file_temporary(&err);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "text", 4), 4);
	assert_int_equal(fstat(fd, &info), 0);
	assert_int_equal(info.st_nlink, 0);
	assert_int_equal(info.st_mode & 0777, 0600);
	assert_int_equal(count_files(), 0);
	(void)close(fd);
	assert_int_equal(setenv("TMPDIR", path_of("missing"), 1), 0);
	assert_int_equal(file_temporary(&err), -1);
	assert_int_equal(err.code, ERR_NOT_FOUND);
	assert_int_equal(unsetenv("TMPDIR"), 0);
	fd = file_temporary(&err);
	assert_true(fd >= 0);
	(void)close(fd);
}

static void folders_are_made_with_their_parents(void **state)
{
	struct err err = { 0 };
	struct stat info;

	(void)state;
	assert_int_equal(file_make_folder(path_of("x/y//z/"), &err), 0);
	assert_int_equal(stat(path_of("x/y/z"), &info), 0);
	assert_true(S_ISDIR(info.st_mode));
	assert_int_equal(file_make_folder(path_of("x/y/z"), &err), 0);
	put(path_of("x/file"), "");
	assert_int_equal(file_make_folder(path_of("x/file"), &err), -1);
	assert_int_equal(err.code, ERR_INPUT);
	assert_int_equal(file_make_folder(path_of("x/file/y"), &err), -1);
	assert_int_equal(file_make_folder("/", &err), 0);
	assert_int_equal(file_make_folder("", &err), -1);
	assert_int_equal(unlink(path_of("x/file")), 0);
	assert_int_equal(rmdir(path_of("x/y/z")) | rmdir(path_of("x/y")) | rmdir(path_of("x")), 0);
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
		cmocka_unit_test(a_file_is_mapped),
		cmocka_unit_test(only_regular_files_are_mapped_and_read),
		cmocka_unit_test(reading_has_a_limit),
		cmocka_unit_test(a_commit_replaces_at_once),
		cmocka_unit_test(large_writes_arrive_whole),
		cmocka_unit_test(an_abandoned_output_leaves_nothing),
		cmocka_unit_test(a_failed_write_keeps_the_old_file),
		cmocka_unit_test(what_is_no_file_is_written_in_place),
		cmocka_unit_test(a_link_stays_a_link),
		cmocka_unit_test(standard_output_is_written_by_its_sign),
		cmocka_unit_test(what_cannot_be_written),
		cmocka_unit_test(orphans_are_swept),
		cmocka_unit_test(a_leftover_of_the_same_name_is_stepped_over),
		cmocka_unit_test(a_temporary_file_has_no_name),
		cmocka_unit_test(folders_are_made_with_their_parents),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
