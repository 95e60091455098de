#include "base/file.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BUFFER_BYTES = 256 * 1024, READ_BYTES = 64 * 1024 };

int file_refused(const char *doing, const char *path, struct err *err)
{
	int why = errno;

	return err_set(err, why == ENOENT || why == ENOTDIR ? ERR_NOT_FOUND : ERR_IO, "cannot %s %s: %s",
		       doing, path, strerror(why));
}

int file_examine(int fd, const char *path, struct stat *info, struct err *err)
{
	if (fd >= 0 && fstat(fd, info) == 0)
		return 0;
	(void)file_refused(fd < 0 ? "open" : "examine", path, err);
	if (fd >= 0)
		(void)close(fd);
	return -1;
}

int file_write(int fd, const char *bytes, size_t n)
{
	while (n > 0) {
		ssize_t wrote = TEMP_FAILURE_RETRY(write(fd, bytes, n));

		if (wrote == 0)
			errno = EIO; /* it must not be tried for ever */
		if (wrote <= 0)
			return -1;
		bytes += wrote;
		n -= (size_t)wrote;
	}
	return 0;
}

/* Opens for reading without ever waiting for a FIFO's writer. */
static int open_regular(const char *path, struct stat *info, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (file_examine(fd, path, info, err))
		return -1;
	if (!S_ISREG(info->st_mode)) {
		(void)close(fd);
		return err_set(err, ERR_INPUT, "%s is not a regular file", path);
	}
	return fd;
}

int file_map(struct file_map *map, const char *path, struct err *err)
{
	struct stat info;
	int fd = open_regular(path, &info, err);
	void *data = NULL;

	if (fd < 0)
		return -1;
	if (info.st_size > 0)
		data = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (data == MAP_FAILED) {
		(void)file_refused("map", path, err);
		(void)close(fd);
		return -1;
	}
	(void)close(fd);
	*map = (struct file_map){ .data = data, .size = (size_t)info.st_size };
	return 0;
}

void file_unmap(struct file_map *map)
{
	union {
		const unsigned char *borrowed;
		void *mapped;
	} data = { .borrowed = map->data };

	if (data.mapped)
		(void)munmap(data.mapped, map->size);
	*map = (struct file_map){ 0 };
}

/* Appends all that fd has, at most `limit` bytes. */
static int read_all(struct buf *buf, int fd, const char *path, size_t limit, struct err *err)
{
	size_t total = 0;

	for (;;) {
		char *at = buf_reserve(buf, READ_BYTES);
		ssize_t got;

		if (!at)
			return err_set(err, ERR_MEMORY, "not enough memory to read %s", path);
		got = TEMP_FAILURE_RETRY(read(fd, at, READ_BYTES));
		if (got < 0)
			return file_refused("read", path, err);
		if (got == 0)
			return 0;
		if ((size_t)got > limit - total)
			return err_set(err, ERR_TOO_LARGE, "%s is larger than %zu bytes", path, limit);
		total += (size_t)got;
		buf->len += (size_t)got;
	}
}

bool file_stamp(struct file_stamp *stamp, const char *path)
{
	struct stat st;

	*stamp = (struct file_stamp){ 0 };
	if (stat(path, &st) != 0)
		return false;
	*stamp = (struct file_stamp){
		.device = st.st_dev, .inode = st.st_ino, .size = st.st_size, .modified = st.st_mtim
	};
	return true;
}

bool file_same(const struct file_stamp *a, const struct file_stamp *b)
{
	return a->device == b->device && a->inode == b->inode && a->size == b->size &&
	       a->modified.tv_sec == b->modified.tv_sec && a->modified.tv_nsec == b->modified.tv_nsec;
}

int file_read(struct buf *buf, const char *path, size_t limit, struct err *err)
{
	struct stat info;
	int fd = open_regular(path, &info, err);
	int result;

	if (fd < 0)
		return -1;
	result = read_all(buf, fd, path, limit, err);
	(void)close(fd);
	return result;
}

struct output {
	char *path;
	char *temporary; /* NULL: written in place (standard output, a FIFO, a device) */
	char *bytes;
	size_t len; /* bytes waiting in the buffer */
	uint64_t size;
	int fd;
	bool failed;
};

/* Numbers the temporaries of this process; those with its id and a number not yet given are of the dead. */
static atomic_ulong next_number;

static void output_free(struct output *out)
{
	free(out->path);
	free(out->temporary);
	free(out->bytes);
	free(out);
}

static int open_in_place(struct output *out, struct err *err)
{
	bool standard = strcmp(out->path, "-") == 0;

	out->fd = standard ? fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3) : open(out->path, O_WRONLY | O_CLOEXEC);
	if (out->fd < 0)
		return file_refused("write", standard ? "standard output" : out->path, err);
	return 0;
}

static int open_temporary(struct output *out, struct err *err)
{
	size_t room = strlen(out->path) + 64;

	out->temporary = mem_new(room, 1);
	do {
		(void)snprintf(out->temporary, room, "%s.tmp.%ld.%lu", out->path, (long)getpid(),
			       atomic_fetch_add(&next_number, 1));
		out->fd = open(out->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
	} while (out->fd < 0 && errno == EEXIST);
	if (out->fd < 0)
		return file_refused("create", out->path, err);
	return 0;
}

struct output *output_open(const char *path, struct err *err)
{
	struct output *out = mem_new(1, sizeof(*out));
	struct stat info = { 0 };
	char *real = strcmp(path, "-") == 0 ? NULL : realpath(path, NULL);
	int result;

	/* A link is followed, so that what it points to is replaced and not the link. */
	out->path = real ? real : mem_text(path, strlen(path));
	out->bytes = mem_new(BUFFER_BYTES, 1);
	if (real && stat(real, &info) == 0 && S_ISDIR(info.st_mode))
		result = err_set(err, ERR_INPUT, "%s is a folder", path);
	else if (strcmp(path, "-") == 0 || (real && info.st_mode != 0 && !S_ISREG(info.st_mode)))
		result = open_in_place(out, err);
	else
		result = open_temporary(out, err);
	if (result != 0) {
		output_free(out);
		return NULL;
	}
	return out;
}

static int write_all(struct output *out, const char *bytes, size_t n, struct err *err)
{
	if (file_write(out->fd, bytes, n) == 0)
		return 0;
	out->failed = true;
	return file_refused("write", out->path, err);
}

static int flush(struct output *out, struct err *err)
{
	size_t n = out->len;

	out->len = 0;
	return write_all(out, out->bytes, n, err);
}

int output_write(struct output *out, const void *bytes, size_t n, struct err *err)
{
	if (out->failed)
		return err_set(err, ERR_IO, "an earlier write to %s failed", out->path);
	out->size += n;
	if (n > BUFFER_BYTES - out->len && flush(out, err))
		return -1;
	if (n >= BUFFER_BYTES)
		return write_all(out, bytes, n, err);
	if (n > 0)
		memcpy(out->bytes + out->len, bytes, n);
	out->len += n;
	return 0;
}

uint64_t output_size(const struct output *out)
{
	return out->size;
}

/* Makes the rename itself survive a crash.  Some file systems cannot: EINVAL. */
static int sync_folder_of(const char *path, struct err *err)
{
	const char *slash = strrchr(path, '/');
	char *folder = !slash ? mem_text(".", 1) : mem_text(path, slash == path ? 1 : (size_t)(slash - path));
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int result = 0;

	if (fd < 0 || (fsync(fd) != 0 && errno != EINVAL))
		result = file_refused("sync", folder, err);
	if (fd >= 0)
		(void)close(fd);
	free(folder);
	return result;
}

/* Closes in any case.  A failed fsync or close is never retried: the pages may be gone. */
static int finish_file(struct output *out, struct err *err)
{
	int result = out->failed ? err_set(err, ERR_IO, "an earlier write to %s failed", out->path)
				 : flush(out, err);

	if (result == 0 && out->temporary && fsync(out->fd) != 0)
		result = file_refused("sync", out->path, err);
	if (close(out->fd) != 0 && result == 0)
		result = file_refused("close", out->path, err);
	return result;
}

int output_commit(struct output *out, struct err *err)
{
	int result = finish_file(out, err);

	if (out->temporary && result == 0 && rename(out->temporary, out->path) != 0)
		result = file_refused("rename to", out->path, err);
	if (out->temporary && result != 0)
		(void)unlink(out->temporary);
	else if (out->temporary)
		result = sync_folder_of(out->path, err);
	output_free(out);
	return result;
}

void output_abandon(struct output *out)
{
	if (!out)
		return;
	(void)close(out->fd);
	if (out->temporary)
		(void)unlink(out->temporary);
	output_free(out);
}

/* Whether the name ends in .tmp.PID.N; reads both numbers. */
static bool temporary_name(const char *name, long *pid, unsigned long *number)
{
	const char *at = NULL;
	char *end;

	for (const char *next = strstr(name, ".tmp."); next; next = strstr(next + 1, ".tmp."))
		at = next + 5;
	if (!at || *at < '0' || *at > '9')
		return false;
	*pid = strtol(at, &end, 10);
	if (*end != '.' || end[1] < '0' || end[1] > '9')
		return false;
	*number = strtoul(end + 1, &end, 10);
	return *end == '\0' && *pid > 0 && *pid <= INT_MAX;
}

/* In a container every run of the program may have the same process id: then the number decides. */
static bool orphan(const char *name)
{
	unsigned long number;
	long pid;

	if (!temporary_name(name, &pid, &number))
		return false;
	if (pid == getpid())
		return number >= atomic_load(&next_number);
	return kill((pid_t)pid, 0) != 0 && errno == ESRCH;
}

size_t file_sweep(const char *folder)
{
	DIR *dir = opendir(folder);
	const struct dirent *entry;
	size_t n = 0;

	if (!dir)
		return 0;
	while ((entry = readdir(dir)) != NULL)
		if (orphan(entry->d_name) && unlinkat(dirfd(dir), entry->d_name, 0) == 0)
			n++;
	(void)closedir(dir);
	return n;
}

int file_temporary(struct err *err)
{
	const char *folder = getenv("TMPDIR");
	char path[PATH_MAX];
	int fd;

	if (!folder || !*folder)
		folder = "/tmp";
	fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd >= 0)
		return fd;
	/* A file system without O_TMPFILE. */
	if (snprintf(path, sizeof(path), "%s/sifd.XXXXXX", folder) >= (int)sizeof(path))
		return err_set(err, ERR_INPUT, "TMPDIR is too long");
	fd = mkostemp(path, O_CLOEXEC);
	if (fd < 0)
		return file_refused("create a temporary file in", folder, err);
	(void)unlink(path);
	return fd;
}

int file_make_folder(const char *path, struct err *err)
{
	char *part = mem_text(path, strlen(path));
	struct stat info;
	int result = 0;

	/* Every prefix that ends before a slash, then the whole. */
	for (size_t i = 0; part[i] && result == 0; i++) {
		if (i == 0 || part[i] != '/')
			continue;
		part[i] = '\0';
		if (mkdir(part, 0777) != 0 && errno != EEXIST)
			result = file_refused("make the folder", part, err);
		part[i] = '/';
	}
	if (result == 0 && mkdir(part, 0777) != 0 && errno != EEXIST)
		result = file_refused("make the folder", part, err);
	if (result == 0 && (stat(part, &info) != 0 || !S_ISDIR(info.st_mode)))
		result = err_set(err, ERR_INPUT, "%s is not a folder", path);
	free(part);
	return result;
}
