/*
 * labelled.h - texts with labels: the sets for linear probes (eval/classify.h).
 *
 *	label TAB text			classification (MR, CR, SST, any of one's own)
 *	label text			the same, separated by a blank
 *	label TAB text TAB text		entailment (SNLI); also text TAB text TAB label (SICK)
 *
 * Of the outer columns, the one with fewer different values holds the labels.  In the form with a blank a
 *label is a whole number or fastText's __label__NAME; a line that begins otherwise continues the text before
 *it (as in the usual copy of MR).  A line that is not UTF-8 is read as Latin-1, the encoding of the classic
 *sets.
 */
#ifndef SIFD_EVAL_LABELLED_H
#define SIFD_EVAL_LABELLED_H

#include <stddef.h>
#include <stdint.h>

struct err;

enum { LABELLED_CLASSES_MAX = 1000 };

enum set_kind {
	SET_SIMILARITY, /* text TAB text TAB number: eval/evaluate.h */
	SET_CLASSES,
	SET_ENTAILMENT,
};

/* "similarity", "classification", "entailment" */
const char *set_kind_name(enum set_kind kind);

/*
 * The kind of set that a file (compressed too) holds, by the columns of its first line that is not empty.
 * Standard input ("-") is a similarity set, as it can be read only once.
 */
int set_kind(enum set_kind *kind, const char *path, struct err *err);

struct labelled_set {
	enum set_kind kind;
	char *name;	    /* the files' names without folder and ending, "train:test" for two */
	const char **left;  /* (n) texts, 0-terminated UTF-8 */
	const char **right; /* (n); NULL for classification */
	uint32_t *label;    /* (n) numbers of classes */
	size_t n;
	size_t train; /* the first ones are for training, the rest for the test; 0: cross-validation */
	const char **classes; /* (classes_n) names, sorted */
	size_t classes_n;

	char **lines; /* private: what the texts and names point into */
	size_t lines_n;
};

/*
 * Reads one file, or two: for training and for the test.  ERR_INPUT with file and line where a line
 * has other columns than the first; also when no text is left, there is one class only, or too many.  A set
 * that could not be read holds nothing and needs no freeing.
 */
int labelled_set_read(struct labelled_set *set, const char *path, const char *test, struct err *err);
void labelled_set_free(struct labelled_set *set);

#endif
