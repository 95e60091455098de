/*
 * file.h - whole files: mapped, read, and replaced so that a crash leaves the
 * old one or the new one, never half.
 */
#ifndef SIFD_BASE_FILE_H
#define SIFD_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

struct buf;
struct err;
struct output;
struct stat;

/* ERR_IO "cannot DOING PATH: ..." from errno; a missing file is ERR_NOT_FOUND. */
int file_refused(const char *doing, const char *path, struct err *err);

/* Fills *info about fd, what open() returned for the path; when either failed, fd is closed. */
int file_examine(int fd, const char *path, struct stat *info, struct err *err);

/* Writes all n bytes; 0, or -1 with errno set. */
int file_write(int fd, const char *bytes, size_t n);

struct file_map {
	const unsigned char *data; /* NULL when size == 0 */
	size_t size;
};

/* Maps a regular file read-only and shared; anything else is ERR_INPUT, a missing one ERR_NOT_FOUND. */
int file_map(struct file_map *map, const char *path, struct err *err);
void file_unmap(struct file_map *map);

/* Two versions of a file have different stamps, unless one was changed in place. */
struct file_stamp {
	dev_t device;
	ino_t inode;
	off_t size;
	struct timespec modified;
};

/* The stamp of the file that is at path now; false, and all 0, when there is none. */
bool file_stamp(struct file_stamp *stamp, const char *path);
bool file_same(const struct file_stamp *a, const struct file_stamp *b);

/* Appends the file's bytes to buf; more than limit bytes is ERR_TOO_LARGE. */
int file_read(struct buf *buf, const char *path, size_t limit, struct err *err);

/*
 * A file being written: bytes go to PATH.tmp.PID.N beside it.  Nothing appears
 * under PATH until output_commit(), which flushes, fsyncs, renames and fsyncs
 * the folder.  A failed write or fsync makes commit fail; the temporary is then
 * removed.  "-" writes standard output (commit only flushes).
 */
struct output *output_open(const char *path, struct err *err);
int output_write(struct output *out, const void *bytes, size_t n, struct err *err);
uint64_t output_size(const struct output *out);

/* Both end the output; commit returns 0 once the file is safely in place. */
int output_commit(struct output *out, struct err *err);
void output_abandon(struct output *out);

/* Removes *.tmp.PID.N files of processes that are gone, left by a crash; returns how many. */
size_t file_sweep(const char *folder);

/* An anonymous temporary file (already unlinked) in $TMPDIR or /tmp; the fd, or -1. */
int file_temporary(struct err *err);

/* mkdir -p with mode 0777 & ~umask; 0 when it is there. */
int file_make_folder(const char *path, struct err *err);

#endif
