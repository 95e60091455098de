/*
 * corpus.h - a corpus as blocks of whole lines, whatever its files are.
 *
 * A corpus is a list of plain text or JSONL files (.gz, .xz, .zst of either), folders
 * (their regular files and links to such in byte order of the names, recursively, hidden ones left out; links
 * to folders are not followed) and "-".
 * A file is cut into blocks of CORPUS_BLOCK_BYTES of its decompressed bytes,
 * each extended to the end of its line, so the cuts do not depend on compression,
 * on pipes, or on how many threads work on them.
 *
 * A file whose first non-blank byte is '{' and whose first line is a JSON object
 * is JSONL; the string in its field "text" is a line of the corpus (an inner newline ends a line).
 *
 * It is read twice (a fit takes two passes).  What cannot be read twice (a pipe) is
 * kept in an unlinked temporary file during the first pass.  Later passes see the first one's bytes: what a
 * file grew by is left out, one that became shorter is ERR_INPUT.
 *
 * Bytes that are not UTF-8, and NUL (a sign of UTF-16), are ERR_INPUT naming file, line and byte; when lossy,
 * the former are mended and the latter become blanks.  A byte order mark at the start of a file is dropped.
 */
#ifndef SIFD_TEXT_CORPUS_H
#define SIFD_TEXT_CORPUS_H

#include "base/digest.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct corpus;

/* What a unit of a corpus may be: "sentence", "line". */
extern const char *const corpus_units[2];
struct err;

enum { CORPUS_BLOCK_BYTES = 1 << 20, CORPUS_LINE_BYTES = 64 << 20 };

struct corpus *corpus_open(const char *const *paths, size_t n, bool lossy, struct err *err);
void corpus_close(struct corpus *c);

/*
 * Fills `block` with the next raw block (whole lines, each ended by LF but perhaps the last), and *where
 * with what corpus_lines() needs.  In order, one thread at a time.  1, 0 at the end, -1.
 */
struct corpus_place {
	const char *name;    /* the file, for messages; lives as long as the corpus */
	uint64_t first_line; /* number of the block's first line in it, from 1 */
	bool jsonl;
};
int corpus_next(struct corpus *c, struct buf *block, struct corpus_place *where, struct err *err);

/*
 * Turns a raw block into valid UTF-8 lines of text separated by LF, in place or through `scratch`:
 * takes the "text" fields of JSONL, checks or mends UTF-8, drops CRs at line ends.  *text and *n then say
 * where they are.  Any thread.
 */
int corpus_lines(const struct corpus *c, const struct corpus_place *where, struct buf *block,
		 struct buf *scratch, const char **text, size_t *n, struct err *err);

/* Starts the second pass. */
int corpus_rewind(struct corpus *c, struct err *err);

/* Bytes of the underlying files taken in this pass, and in all: 0 when not known.  For progress. */
uint64_t corpus_taken(const struct corpus *c);
uint64_t corpus_size(const struct corpus *c);

/* SHA-256 over the decompressed bytes of every file in order, after a complete pass. */
void corpus_digest(const struct corpus *c, char hex[DIGEST_HEX + 1]);

#endif
