/*
 * pairs.h - reads files of text pairs (same meaning, or scored) and draws batches from them.
 *
 *	a TAB b                two texts that mean the same
 *	group TAB text         texts of a group (a number or a short name, its lines anywhere) mean the same
 *	label TAB a TAB b      entailment, 1, true, yes, paraphrase, duplicate: the same;
 *	                       neutral, contradiction, 0, false, no, ...: not
 *	a TAB b TAB score      how alike, in any range
 *
 * The kind is given, or found from the columns of the first line.  With two columns: groups when the first is
 *a whole number, else pairs.  With three: labelled when the first is a label of the list above, scored when
 *the last is a number.  Empty lines are skipped.  Files may be compressed.  Texts without a known word are
 *left out.
 *
 * Each file is a source.  A batch comes from one source, because texts of one kind make harder negatives.
 */
#ifndef SIFD_LEARN_PAIRS_H
#define SIFD_LEARN_PAIRS_H

#include "learn/texts.h"

#include <stdbool.h>

struct progress;

enum pairs_kind { PAIRS_AUTO, PAIRS_PAIRS, PAIRS_GROUPS, PAIRS_LABELLED, PAIRS_SCORED, PAIRS_KINDS };

struct pair {
	uint32_t a, b;	       /* texts */
	uint32_t a_key, b_key; /* equal keys: the same text or group, no negatives of each other */
	float gold; /* scored: 0..1 over the source's range; labelled: 1, 0.5 (neutral) or 0; else 1 */
};

/* One file, read. */
struct pair_source {
	char *name; /* for messages: the path */
	enum pairs_kind kind;
	struct pair *pairs; /* (n) of pairs, labelled and scored files */
	size_t n;
	uint32_t *members;    /* of groups: texts, group after group */
	size_t *group_starts; /* (groups + 1) into members */
	size_t groups;
	uint64_t lines, skipped; /* skipped: a text without a known word, a group of one */
};

struct pairs {
	struct texts *texts;
	struct pair_source *sources;
	size_t n;
	char *digest; /* SHA-256 over all that was read, hex; part of a checkpoint's identity */
};

extern const char *const pairs_kind_names[PAIRS_KINDS]; /* "auto", "pairs", "groups", "labelled", "scored" */

/*
 * Reads the files.  scored: for objectives on scores, which take scored and labelled files; else
 * those that take pairs, groups and the positive lines of labelled files (of scored ones those in the top
 * fifth of the range).  ERR_INPUT with file and line for a line of other columns, text that is not UTF-8, a
 * score that is no number, an unknown label; when a file gives no pair.  ERR_CANCELLED.
 */
int pairs_read(struct pairs *pairs, struct model *m, const char *const *paths, size_t n, enum pairs_kind kind,
	       bool scored, struct progress *progress, struct err *err);
void pairs_free(struct pairs *pairs);

/* What an epoch trains on, in order. */
struct pair_batch {
	size_t start, n; /* of the epoch's pairs */
	size_t source;
};
struct pair_epoch {
	struct pair *pairs;
	size_t n;
	struct pair_batch *batches;
	size_t batches_n;
};

/*
 * Draws epoch number `epoch` (0...): each source's pairs shuffled and cut into batches of `batch` (a rest
 * of less than half a batch is left out, unless it is all there is), batches of all sources shuffled.
 * From a group of g texts each is drawn with the next in a shuffled circle: g pairs (one, of two).
 * The same for the same (pairs, batch, seed, epoch); and the same number of batches in every epoch.
 */
int pair_epoch_draw(struct pair_epoch *epoch, const struct pairs *pairs, size_t batch, uint64_t seed,
		    uint64_t number, struct err *err);
void pair_epoch_free(struct pair_epoch *epoch);

/* Batches in every epoch, and pairs. */
size_t pair_epoch_batches(const struct pairs *pairs, size_t batch);

#endif
