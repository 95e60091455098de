/*
 * corpus_private.h - what corpus.c, corpus_files.c and corpus_lines.c share.
 */
#ifndef SIFD_TEXT_CORPUS_PRIVATE_H
#define SIFD_TEXT_CORPUS_PRIVATE_H

#include "base/buf.h"
#include "base/digest.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct stream;

struct corpus_file {
	char *path;	/* "-" for standard input */
	bool regular;	/* can be opened again */
	uint64_t size;	/* as stored; of regular files */
	int spool;	/* what was read of a file that is not regular, or -1 */
	bool read;	/* to its end, once */
	uint64_t bytes; /* decompressed, once read */
	bool jsonl;
};

struct corpus_files {
	struct corpus_file *at;
	size_t n;
	size_t room;
};

/*
 * Appends the file, or the files of the folder.  What was named itself may be a pipe or a device; within
 * folders only regular files and links to them count, and links to folders are not followed.
 */
int corpus_files_add(struct corpus_files *files, const char *path, struct err *err);

void corpus_files_free(struct corpus_files *files);

struct corpus {
	struct corpus_files files;
	bool lossy;

	bool again;	       /* a later pass: the files' bytes are known */
	size_t at;	       /* the file being read; files.n at the end */
	struct stream *stream; /* of it; NULL when not opened, or read from elsewhere */
	uint64_t bytes;	       /* of it so far, decompressed */
	uint64_t line;	       /* number of its next line, from 1 */
	bool ended;	       /* it has no more bytes than those in `rest` */
	struct buf rest;       /* read beyond the last block's end */
	uint64_t taken;	       /* of the files before it, as stored */
	struct digest digest;
	char hex[DIGEST_HEX + 1];
};

/* The number of LFs in text[0..n). */
uint64_t corpus_count_lines(const char *text, size_t n);

/* Does a file that begins with these whole lines hold JSON objects? */
bool corpus_is_jsonl(const char *text, size_t n);

#endif
